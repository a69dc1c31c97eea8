{{/* Headless Service of the pods' metrics: each pod is a target. Takes a dict: context, name, labels, ports (YAML). */}}
{{- define "common.metricsService" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  labels:
    {{- include "common.labels" .context | nindent 4 }}
    app.kubernetes.io/component: metrics
spec:
  clusterIP: None
  ports:
    {{- .ports | nindent 4 }}
  selector:
    {{- .labels | nindent 4 }}
{{- end -}}

{{/* ServiceMonitor of that Service. Takes a dict: context, name, and ports, the names of its ports. */}}
{{- define "common.serviceMonitor" -}}
{{- $monitor := .context.Values.monitoring.serviceMonitor -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .name }}
  labels:
    {{- include "common.labels" .context | nindent 4 }}
    {{- with $monitor.additionalLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  endpoints:
    {{- range .ports }}
    - port: {{ . }}
      interval: {{ $monitor.interval }}
      scrapeTimeout: {{ $monitor.scrapeTimeout }}
      {{- with $monitor.metricRelabelings }}
      metricRelabelings:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- end }}
  namespaceSelector:
    matchNames: [{{ .context.Release.Namespace }}]
  selector:
    matchLabels:
      {{- include "common.selectorLabels" .context | nindent 6 }}
      app.kubernetes.io/component: metrics
{{- end -}}

{{/* PrometheusRule of a chart's files/rules.yaml, if wanted; runbookUrl gives each alert the address of its section. */}}
{{- define "common.prometheusRule" -}}
{{- if .Values.monitoring.rules.enabled -}}
{{- $rules := .Files.Get "files/rules.yaml" | fromYaml -}}
{{- with .Values.monitoring.rules.runbookUrl -}}
{{- $address := . -}}
{{- range $group := $rules.groups -}}
{{- range $rule := $group.rules -}}
{{- with $rule.alert -}}
{{- $_ := set $rule.annotations "runbook_url" (printf "%s#%s" $address (lower .)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ include "common.fullname" . }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
    {{- with .Values.monitoring.rules.additionalLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- toYaml $rules | nindent 2 }}
{{- end -}}
{{- end -}}
