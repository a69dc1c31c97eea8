{{/* Values that do not fit together end the rendering. */}}
{{- define "closecast.validate" -}}
{{- $services := or .Values.ingestor.enabled .Values.trainer.enabled .Values.predictor.enabled -}}
{{- $kafka := tpl .Values.global.kafka.bootstrapServers . -}}
{{- if and $services (not .Values.kafka.enabled) (hasPrefix (printf "%s-kafka." .Release.Name) $kafka) -}}
{{- fail (printf "closecast: there is no Kafka at %s: set global.kafka.bootstrapServers to yours, or kafka.enabled=true for a first try" $kafka) -}}
{{- end -}}
{{- if and .Values.kafka.enabled (not (has (.Values.global.kafka.securityProtocol | default "PLAINTEXT") (list "PLAINTEXT"))) -}}
{{- fail "closecast: the Kafka of kafka.enabled speaks PLAINTEXT only: leave global.kafka.securityProtocol empty" -}}
{{- end -}}
{{- $mlflow := tpl .Values.global.mlflow.trackingUri . -}}
{{- if and (or .Values.trainer.enabled .Values.predictor.enabled) (not .Values.mlflow.enabled) (hasPrefix (printf "http://%s-mlflow." .Release.Name) $mlflow) -}}
{{- fail (printf "closecast: there is no MLflow at %s: set global.mlflow.trackingUri to yours, or mlflow.enabled=true for a first try" $mlflow) -}}
{{- end -}}
{{- end -}}

{{/* What selects a component's pods. Takes a dict: context, component. */}}
{{- define "closecast.componentLabels" -}}
{{ include "common.selectorLabels" .context }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* What a component's pod spec begins with. Takes a dict: context, user (its number in the image). */}}
{{- define "closecast.podSpec" -}}
automountServiceAccountToken: false
enableServiceLinks: false
serviceAccountName: {{ include "common.serviceAccountName" .context }}
{{- with .context.Values.global.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
{{- end -}}

{{/* NetworkPolicy of a component. Takes a dict: context, component, port, from (further peers), egress (rules). */}}
{{- define "closecast.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .context.Release.Name }}-{{ .component }}
  labels:
    {{- include "common.labels" .context | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "closecast.componentLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    - ports:
        - port: {{ .port }}
          protocol: TCP
      from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/instance: {{ .context.Release.Name }}
              app.kubernetes.io/part-of: closecast
        {{- with .from }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  {{- with .egress }}
  egress:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
