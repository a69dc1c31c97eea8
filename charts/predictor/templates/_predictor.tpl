{{/*
The environment that Ray has to start with: `closecast_predictor.ray_runtime.serve_environment()`, which a test compares,
and where the processes of a pod count together.
*/}}
{{- define "predictor.rayEnvironment" -}}
FORWARDED_ALLOW_IPS: ""
PROMETHEUS_MULTIPROC_DIR: /var/lib/closecast/metrics
RAY_SERVE_ENABLE_HA_PROXY: "1"
RAY_SERVE_HAPROXY_LOG_TARGET: 127.0.0.1:514 sample 1:1000000
RAY_SERVE_HAPROXY_METRICS_ENABLED: "0"
RAY_SERVE_HAPROXY_RETRY_ON: "conn-failure empty-response\noption http-buffer-request"
RAY_SERVE_HAPROXY_TCP_NODELAY: "1"
RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH: closecast_predictor.api.edge.middlewares
RAY_SERVE_METRICS_EXPORT_INTERVAL_MS: "5000"
RAY_SERVE_THROUGHPUT_OPTIMIZED: "1"
RAY_SERVE_USE_GRPC_BY_DEFAULT: "0"
RAY_USAGE_STATS_ENABLED: "0"
{{- end -}}

{{/* Replicas log to the container's output, where Ray would keep it in files of the pod; Ray itself tells of trouble only. */}}
{{- define "predictor.rayLogs" -}}
RAY_BACKEND_LOG_LEVEL: warning
RAY_LOGGER_LEVEL: warning
RAY_LOG_TO_STDERR: "1"
{{- end -}}

{{/* Settings of the predictor that are no secrets. */}}
{{- define "predictor.settings" -}}
{{ include "common.kafkaSettings" . }}
{{ include "common.mlflowSettings" . }}
{{ include "predictor.rayEnvironment" . }}
CLOSECAST_LOG_FORMAT: json
{{ include "predictor.rayLogs" . }}
CLOSECAST_PREDICTOR_MIN_REPLICAS: {{ .Values.serve.minReplicas | quote }}
CLOSECAST_PREDICTOR_MAX_REPLICAS: {{ .Values.serve.maxReplicas | quote }}
CLOSECAST_PREDICTOR_TARGET_BUSY: {{ .Values.serve.targetBusy | quote }}
CLOSECAST_PREDICTOR_REPLICA_CPUS: {{ .Values.serve.replicaCpus | quote }}
CLOSECAST_PREDICTOR_FORECASTER_CPUS: {{ .Values.serve.forecasterCpus | quote }}
CLOSECAST_PREDICTOR_DRAIN_S: {{ .Values.serve.drainSeconds | quote }}
{{- if .Values.ingress.enabled }}
# The ingress controller adds to X-Forwarded-For.
CLOSECAST_PREDICTOR_PROXIES: "1"
{{- end }}
{{- with .Values.auth }}
{{- if .keys.existingSecret }}
CLOSECAST_AUTH_KEYS_FILE: /etc/closecast/auth/keys/{{ .keys.key }}
{{- end }}
{{- if .users.existingSecret }}
CLOSECAST_AUTH_USERS_FILE: /etc/closecast/auth/users/{{ .users.key }}
{{- end }}
{{- if .jwks.url }}
CLOSECAST_AUTH_JWKS: {{ .jwks.url | quote }}
CLOSECAST_AUTH_ISSUER: {{ .jwks.issuer | quote }}
CLOSECAST_AUTH_AUDIENCE: {{ .jwks.audience | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Whether callers must show who they are. */}}
{{- define "predictor.guarded" -}}
{{- if or .Values.auth.keys.existingSecret .Values.auth.users.existingSecret .Values.auth.jwks.url -}}
true
{{- end -}}
{{- end -}}

{{/* Values that do not fit together end the rendering. */}}
{{- define "predictor.validate" -}}
{{- if gt (len (include "common.fullname" .)) 47 -}}
{{- fail (printf "predictor: %s is longer than the 47 characters that KubeRay takes: set fullnameOverride" (include "common.fullname" .)) -}}
{{- end -}}
{{- with .Values.serve -}}
{{- if gt (int .minReplicas) (int .maxReplicas) -}}
{{- fail (printf "predictor: serve.minReplicas %d is more than serve.maxReplicas %d" (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- if le (int .drainSeconds) (int .requestTimeoutSeconds) -}}
{{- fail (printf "predictor: serve.drainSeconds %d must be more than serve.requestTimeoutSeconds %d, else requests are cut off" (int .drainSeconds) (int .requestTimeoutSeconds)) -}}
{{- end -}}
{{- if gt (maxf .replicaCpus .forecasterCpus) (float64 $.Values.worker.cpus) -}}
{{- fail (printf "predictor: serve.replicaCpus and serve.forecasterCpus must fit into worker.cpus %v" $.Values.worker.cpus) -}}
{{- end -}}
{{- end -}}
{{- if gt (int .Values.worker.minReplicas) (int .Values.worker.maxReplicas) -}}
{{- fail (printf "predictor: worker.minReplicas %d is more than worker.maxReplicas %d" (int .Values.worker.minReplicas) (int .Values.worker.maxReplicas)) -}}
{{- end -}}
{{- if le (include "predictor.emptyingSeconds" . | int) (int .Values.serve.drainSeconds) -}}
{{- fail (printf "predictor: terminationGracePeriodSeconds %d must be more than serve.drainSeconds %d and the 15 that Ray needs to end" (int .Values.terminationGracePeriodSeconds) (int .Values.serve.drainSeconds)) -}}
{{- end -}}
{{- if le (int .Values.ray.oldClusterSeconds) (int .Values.serve.drainSeconds) -}}
{{- fail (printf "predictor: ray.oldClusterSeconds %d must be more than serve.drainSeconds %d" (int .Values.ray.oldClusterSeconds) (int .Values.serve.drainSeconds)) -}}
{{- end -}}
{{- if and .Values.ingress.enabled .Values.ingress.tls.enabled (not .Values.ingress.host) -}}
{{- fail "predictor: ingress.host is missing: TLS needs the name that the certificate is for" -}}
{{- end -}}
{{- if and .Values.auth.users.existingSecret (not .Values.auth.signingKey.existingSecret) -}}
{{- fail "predictor: auth.signingKey.existingSecret is missing: users' tokens need a key that outlives an upgrade" -}}
{{- end -}}
{{- with .Values.auth.jwks -}}
{{- if and .url (not (and .issuer .audience)) -}}
{{- fail "predictor: auth.jwks.issuer and auth.jwks.audience are needed with auth.jwks.url" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of Ray: all of them, of both clusters during an upgrade. */}}
{{- define "predictor.rayLabels" -}}
{{ include "common.selectorLabels" . }}
app.kubernetes.io/component: ray
{{- end -}}

{{/* What Ray Serve is to run. */}}
{{- define "predictor.serveConfig" -}}
proxy_location: EveryNode
http_options:
  host: 0.0.0.0
  port: 8000
  request_timeout_s: {{ .Values.serve.requestTimeoutSeconds }}
logging_config:
  log_level: WARNING
  encoding: JSON
  enable_access_log: false
applications:
  - name: closecast
    route_prefix: /
    import_path: closecast_predictor.app:build
{{- end -}}

{{/* Variables of a Ray container. */}}
{{- define "predictor.env" -}}
{{- include "common.env" . }}
{{- with .Values.auth.signingKey }}
{{- if .existingSecret }}
- name: CLOSECAST_AUTH_SIGNING_KEY
  valueFrom:
    secretKeyRef:
      name: {{ .existingSecret }}
      key: {{ .key }}
{{- end }}
{{- end }}
{{- end -}}

{{/* How long a worker that is to go waits for its replicas: what it has to end, less what Ray needs for itself. */}}
{{- define "predictor.emptyingSeconds" -}}
{{ sub (int .Values.terminationGracePeriodSeconds) 15 }}
{{- end -}}

{{/* Volumes of a Ray pod. */}}
{{- define "predictor.volumes" -}}
{{ include "common.volumes" . }}
- name: metrics
  emptyDir: {}
{{- range $name := list "keys" "users" }}
{{- with (index $.Values.auth $name).existingSecret }}
- name: auth-{{ $name }}
  secret:
    secretName: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where a Ray container has them. */}}
{{- define "predictor.volumeMounts" -}}
{{ include "common.volumeMounts" . }}
- name: metrics
  mountPath: /var/lib/closecast/metrics
{{- range $name := list "keys" "users" }}
{{- if (index $.Values.auth $name).existingSecret }}
- name: auth-{{ $name }}
  mountPath: /etc/closecast/auth/{{ $name }}
  readOnly: true
{{- end }}
{{- end }}
{{- end -}}

{{/*
Template of a group's pods; probes, /dev/shm and what waits for the head come from KubeRay.
Takes a dict: context, name (head or worker), and group, its values.
*/}}
{{- define "predictor.podTemplate" -}}
{{- $labels := print (include "predictor.rayLabels" .context) "\nray.io/node-type: " .name -}}
{{- /* By themselves other bounds of the workers are no reason for KubeRay to do anything, nor HTTP options for a Serve that runs. */ -}}
{{- $bounds := pick .context.Values.worker "minReplicas" "maxReplicas" | toYaml -}}
{{- $settings := print (include "predictor.settings" .context) (toYaml .context.Values.config) $bounds (include "predictor.serveConfig" .context) -}}
{{- $spec := include "common.podSpec" (dict "context" .context "scheduling" .group.scheduling "labels" $labels) | fromYaml -}}
{{- if eq .name "head" -}}
{{- /* KubeRay makes an account with the rights of Ray's autoscaler for the head. */ -}}
{{- $spec = omit $spec "automountServiceAccountToken" "serviceAccountName" -}}
{{- /* It holds no replica, and Ray's autoscaler beside it does not look at SIGTERM: longer would only keep the next head waiting. */ -}}
{{- $_ := set $spec "terminationGracePeriodSeconds" 30 -}}
{{- end -}}
{{- $container := include "common.container" .context | fromYaml -}}
{{- if and (eq .name "head") .context.Values.ray.gcsFaultTolerance.redisAddress -}}
{{- /* KubeRay clears the Redis with a pod of this template, when an uninstall has taken the ConfigMap away already. */ -}}
{{- $_ := set (index $container.envFrom 0).configMapRef "optional" true -}}
{{- end -}}
metadata:
  annotations:
    {{- include "common.podAnnotations" (dict "context" .context "settings" $settings) | nindent 4 }}
  labels:
    {{- include "common.podLabels" .context | nindent 4 }}
    app.kubernetes.io/component: ray
spec:
  {{- toYaml $spec | nindent 2 }}
  containers:
    - name: ray-{{ .name }}
      {{- toYaml $container | nindent 6 }}
      {{- with include "predictor.env" .context }}
      env:
        {{- . | nindent 8 }}
      {{- end }}
      ports:
        {{- if eq .name "head" }}
        - name: gcs-server
          containerPort: 6379
        - name: dashboard
          containerPort: 8265
        {{- else }}
        - name: forecasts
          containerPort: 9203
        {{- end }}
        - name: serve
          containerPort: 8000
        - name: metrics
          containerPort: 8080
      lifecycle:
        preStop:
          exec:
            {{- if eq .name "head" }}
            # Its proxy answers until nobody sends it requests any more.
            command: [sleep, "5"]
            {{- else }}
            # Replicas move to other workers before this one goes.
            command: [python, -m, closecast_predictor.drain, {{ include "predictor.emptyingSeconds" .context | quote }}]
            {{- end }}
      resources:
        {{- toYaml .group.resources | nindent 8 }}
      volumeMounts:
        {{- include "predictor.volumeMounts" .context | nindent 8 }}
  volumes:
    {{- include "predictor.volumes" .context | nindent 4 }}
{{- end -}}
