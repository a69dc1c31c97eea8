{{/*
ConfigMap with the settings that are no secrets.
Takes a dict: context, and settings, a YAML map; .Values.config has the last word.
*/}}
{{- define "common.configMap" -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "common.fullname" .context }}
  labels:
    {{- include "common.labels" .context | nindent 4 }}
data:
  {{- range $key, $value := mergeOverwrite (fromYaml .settings) .context.Values.config }}
  {{ $key }}: {{ $value | toString | quote }}
  {{- end }}
{{- end -}}

{{/* Where a container's environment comes from: the ConfigMap and extraEnvFrom. */}}
{{- define "common.envFrom" -}}
- configMapRef:
    name: {{ include "common.fullname" . }}
{{- with .Values.extraEnvFrom }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Variables of every container: credentials of Kafka, and of MLflow for charts that have values of it, and extraEnv. */}}
{{- define "common.env" -}}
{{- $parts := list (include "common.kafkaSecrets" .) -}}
{{- if hasKey .Values "mlflow" -}}
{{- $parts = append $parts (include "common.mlflowSecrets" .) -}}
{{- end -}}
{{- with .Values.extraEnv -}}
{{- $parts = append $parts (toYaml .) -}}
{{- end -}}
{{- join "\n" (compact $parts) -}}
{{- end -}}

{{/* Annotations of pods: podAnnotations, and a checksum of the settings, so that a change of them makes new pods. */}}
{{- define "common.podAnnotations" -}}
checksum/config: {{ .settings | sha256sum }}
{{- with .context.Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}
