{{/* Settings of the trainer that are no secrets. */}}
{{- define "trainer.settings" -}}
{{ include "common.kafkaSettings" . }}
{{ include "common.mlflowSettings" . }}
CLOSECAST_TRAINER_GROUP_ID: {{ .Values.group | quote }}
CLOSECAST_TRAINER_STATE_DIR: /var/lib/closecast
{{- if .Values.gpu.enabled }}
CLOSECAST_TRAINER_DEVICE: cuda
{{- end }}
{{- with .Values.ray.address }}
RAY_ADDRESS: {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Requests and limits, GPUs among them. */}}
{{- define "trainer.resources" -}}
{{- $resources := deepCopy .Values.resources -}}
{{- if .Values.gpu.enabled -}}
{{- $resources = mergeOverwrite $resources (dict "limits" (dict .Values.gpu.resource .Values.gpu.count)) -}}
{{- end -}}
{{- toYaml $resources -}}
{{- end -}}

{{/* Rule: to the Ray cluster, if there is one. */}}
{{- define "trainer.rayEgress" -}}
{{- with .Values.ray.address -}}
{{ include "common.egressRule" (dict "to" $.Values.networkPolicy.rayTo "ports" (list (regexFind "[0-9]+$" .))) }}
{{- end -}}
{{- end -}}

{{/* Claim of the history's volume; empty where it is not kept. */}}
{{- define "trainer.claim" -}}
{{- if .Values.history.persistence.enabled -}}
{{- .Values.history.persistence.existingClaim | default (printf "%s-history" (include "common.fullname" .)) -}}
{{- end -}}
{{- end -}}

{{/* One of KEDA's Kafka triggers. Takes a dict: context, topic (without its prefix), options (YAML). */}}
{{- define "trainer.trigger" -}}
{{- $kafka := include "common.kafka" .context | fromYaml -}}
- type: kafka
  metadata:
    bootstrapServers: {{ $kafka.bootstrapServers | quote }}
    consumerGroup: {{ .context.Values.group | quote }}
    topic: {{ printf "%s%s" ($kafka.topicPrefix | default "closecast.") .topic | quote }}
    # There is one trainer at most, so that any lag is reason enough for it.
    lagThreshold: "1"
    # A group that never committed has everything to read.
    offsetResetPolicy: earliest
    allowIdleConsumers: "true"
    {{- .options | nindent 4 }}
    {{- if hasPrefix "SASL" $kafka.securityProtocol }}
    sasl: {{ get (dict "PLAIN" "plaintext" "SCRAM-SHA-256" "scram_sha256" "SCRAM-SHA-512" "scram_sha512") ($kafka.sasl.mechanism | default "SCRAM-SHA-512") }}
    {{- end }}
    {{- if hasSuffix "SSL" $kafka.securityProtocol }}
    tls: enable
    {{- end }}
  {{- if ne $kafka.securityProtocol "PLAINTEXT" }}
  authenticationRef:
    name: {{ include "common.fullname" .context }}
  {{- end }}
{{- end -}}
