{{/*
Connection to Kafka, as YAML: what .Values.kafka leaves empty comes from .Values.global.kafka.
The address may be a template (see charts/closecast).
*/}}
{{- define "common.kafka" -}}
{{- $kafka := merge (dict) (include "common.filled" .Values.kafka | fromYaml) (include "common.filled" (dig "kafka" dict (.Values.global | default dict)) | fromYaml) -}}
{{- $address := tpl ($kafka.bootstrapServers | default "") . -}}
{{- if not $address -}}
{{- fail (printf "%s: kafka.bootstrapServers is missing: set it, or global.kafka.bootstrapServers, to HOST:PORT of Kafka" .Chart.Name) -}}
{{- end -}}
{{- $_ := set $kafka "bootstrapServers" $address -}}
{{- $protocol := $kafka.securityProtocol | default "PLAINTEXT" -}}
{{- $_ := set $kafka "securityProtocol" $protocol -}}
{{- if and (hasPrefix "SASL" $protocol) (not (dig "sasl" "existingSecret" "" $kafka)) -}}
{{- fail (printf "%s: kafka.securityProtocol is %s: kafka.sasl.existingSecret has to name the Secret with user name and password" .Chart.Name $protocol) -}}
{{- end -}}
{{- toYaml $kafka -}}
{{- end -}}

{{/* A map without its empty values, at every depth. */}}
{{- define "common.filled" -}}
{{- $filled := dict -}}
{{- range $key, $value := . -}}
{{- if kindIs "map" $value -}}
{{- $value = include "common.filled" $value | fromYaml -}}
{{- end -}}
{{- if $value -}}
{{- $_ := set $filled $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $filled -}}
{{- end -}}

{{/* Settings of the connection that are no secrets. */}}
{{- define "common.kafkaSettings" -}}
{{- $kafka := include "common.kafka" . | fromYaml -}}
CLOSECAST_KAFKA_BOOTSTRAP_SERVERS: {{ $kafka.bootstrapServers | quote }}
CLOSECAST_KAFKA_SECURITY_PROTOCOL: {{ $kafka.securityProtocol | quote }}
{{- with $kafka.topicPrefix }}
CLOSECAST_KAFKA_TOPIC_PREFIX: {{ . | quote }}
{{- end }}
{{- with $kafka.partitions }}
CLOSECAST_KAFKA_PARTITIONS: {{ int . | quote }}
{{- end }}
{{- with $kafka.replicationFactor }}
CLOSECAST_KAFKA_REPLICATION_FACTOR: {{ int . | quote }}
{{- end }}
{{- if hasPrefix "SASL" $kafka.securityProtocol }}
CLOSECAST_KAFKA_SASL_MECHANISM: {{ $kafka.sasl.mechanism | default "SCRAM-SHA-512" | quote }}
{{- end }}
{{- if and (hasSuffix "SSL" $kafka.securityProtocol) $kafka.tls }}
{{- with $kafka.tls.caKey }}
CLOSECAST_KAFKA_SSL_CAFILE: /etc/closecast/kafka/{{ . }}
{{- end }}
{{- with $kafka.tls.certKey }}
CLOSECAST_KAFKA_SSL_CERTFILE: /etc/closecast/kafka/{{ . }}
{{- end }}
{{- with $kafka.tls.keyKey }}
CLOSECAST_KAFKA_SSL_KEYFILE: /etc/closecast/kafka/{{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Credentials of the connection, as entries of env. */}}
{{- define "common.kafkaSecrets" -}}
{{- $kafka := include "common.kafka" . | fromYaml -}}
{{- if hasPrefix "SASL" $kafka.securityProtocol -}}
- name: CLOSECAST_KAFKA_SASL_USERNAME
  {{- if $kafka.sasl.username }}
  value: {{ $kafka.sasl.username | quote }}
  {{- else }}
  valueFrom:
    secretKeyRef:
      name: {{ $kafka.sasl.existingSecret }}
      key: {{ $kafka.sasl.usernameKey | default "username" }}
  {{- end }}
- name: CLOSECAST_KAFKA_SASL_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $kafka.sasl.existingSecret }}
      key: {{ $kafka.sasl.passwordKey | default "password" }}
{{- end -}}
{{- end -}}

{{/* Name of the Secret with Kafka's certificates; empty where none are needed. */}}
{{- define "common.kafkaTlsSecret" -}}
{{- $kafka := include "common.kafka" . | fromYaml -}}
{{- if hasSuffix "SSL" $kafka.securityProtocol -}}
{{- dig "tls" "existingSecret" "" $kafka -}}
{{- end -}}
{{- end -}}

{{/* Ports of the brokers, as a YAML list, for NetworkPolicies. */}}
{{- define "common.kafkaPorts" -}}
{{- $ports := list -}}
{{- range splitList "," (include "common.kafka" . | fromYaml).bootstrapServers -}}
{{- $ports = append $ports (regexFind "[0-9]+$" . | default "9092" | int) -}}
{{- end -}}
{{- toYaml (uniq $ports) -}}
{{- end -}}
