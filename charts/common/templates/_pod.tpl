{{/*
What the spec of every pod begins with. Takes a dict: context, scheduling, and labels (see common.scheduling).
Services that are named after the release would become variables that look like settings: enableServiceLinks is false.
*/}}
{{- define "common.podSpec" -}}
automountServiceAccountToken: false
enableServiceLinks: false
serviceAccountName: {{ include "common.serviceAccountName" .context }}
{{- with include "common.imagePullSecrets" .context }}
{{ . }}
{{- end }}
securityContext:
  {{- include "common.podSecurityContext" .context | nindent 2 }}
terminationGracePeriodSeconds: {{ .context.Values.terminationGracePeriodSeconds }}
{{- include "common.scheduling" . }}
{{- end -}}

{{/* What every container of a service has beside its name, command and ports. */}}
{{- define "common.container" -}}
image: {{ include "common.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- include "common.securityContext" . | nindent 2 }}
envFrom:
  {{- include "common.envFrom" . | nindent 2 }}
{{- end -}}

{{/* Volumes of every pod: /tmp, Kafka's certificates where there are some, and extraVolumes. */}}
{{- define "common.volumes" -}}
- name: tmp
  emptyDir: {}
{{- with include "common.kafkaTlsSecret" . }}
- name: kafka-tls
  secret:
    secretName: {{ . }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where a container has them. */}}
{{- define "common.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if include "common.kafkaTlsSecret" . }}
- name: kafka-tls
  mountPath: /etc/closecast/kafka
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}
