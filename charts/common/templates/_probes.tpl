{{/*
Probes of a container from .Values.probes. Those that are set to null are left out.
Takes a dict: context, and names, the probes that the container has.
*/}}
{{- define "common.probes" -}}
{{- range $name := .names }}
{{- with index $.context.Values.probes $name }}
{{ $name }}Probe:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end -}}
