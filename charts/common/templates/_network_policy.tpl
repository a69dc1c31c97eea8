{{/*
NetworkPolicy that closes the pods of a release to all but what it names, in both directions.
Takes a dict: context, labels (YAML of what selects the pods), and ingress and egress (YAML lists of rules).
.Values.networkPolicy.extraIngress and extraEgress are added.
*/}}
{{- define "common.networkPolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "common.fullname" .context }}
  labels:
    {{- include "common.labels" .context | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- .labels | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- with concat (fromYamlArray .ingress) .context.Values.networkPolicy.extraIngress }}
  ingress:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with concat (fromYamlArray .egress) .context.Values.networkPolicy.extraEgress }}
  egress:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Rule: from peers (none: from anywhere) to ports. Takes a dict: from, ports. */}}
{{- define "common.ingressRule" -}}
- ports:
    {{- range .ports }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
  {{- with .from }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Rule: to peers (none: to anywhere) at ports. Takes a dict: to, ports. */}}
{{- define "common.egressRule" -}}
- ports:
    {{- range .ports }}
    - port: {{ . }}
      protocol: TCP
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* Rules: to the cluster's name servers and to Kafka. */}}
{{- define "common.kafkaEgress" -}}
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
  to:
    - namespaceSelector: {}
{{ include "common.egressRule" (dict "to" .Values.networkPolicy.kafkaTo "ports" (include "common.kafkaPorts" . | fromYamlArray)) }}
{{- end -}}

{{/* Rule: to MLflow. */}}
{{- define "common.mlflowEgress" -}}
{{ include "common.egressRule" (dict "to" .Values.networkPolicy.mlflowTo "ports" (list (include "common.mlflowPort" .))) }}
{{- end -}}
