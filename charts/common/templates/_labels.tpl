{{/* What selects the pods of a release; it never changes. */}}
{{- define "common.selectorLabels" -}}
app.kubernetes.io/name: {{ include "common.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "common.labels" -}}
{{ include "common.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: closecast
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ include "common.chart" . }}
{{- end -}}

{{/* Labels of the pods: those that select them, and podLabels. */}}
{{- define "common.podLabels" -}}
{{ include "common.selectorLabels" . }}
app.kubernetes.io/part-of: closecast
{{- with .Values.podLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}
