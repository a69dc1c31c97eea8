{{/*
Where the pods run. Takes a dict: context, scheduling (nodeSelector, affinity, tolerations, topologySpreadConstraints,
priorityClassName, runtimeClassName), and labels, the YAML of what selects the pods; a spread without a selector gets it.
*/}}
{{- define "common.scheduling" -}}
{{- with .scheduling.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .scheduling.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .scheduling.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .scheduling.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .scheduling.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{- toYaml (merge (deepCopy .) (dict "labelSelector" (dict "matchLabels" (fromYaml $.labels)))) | nindent 4 }}
  {{- end }}
{{- end }}
{{- end -}}
