{{/* Settings of the ingestor that are no secrets. */}}
{{- define "ingestor.settings" -}}
{{- $sample := eq .Values.source "sample" -}}
{{ include "common.kafkaSettings" . }}
CLOSECAST_INGESTOR_SOURCE: {{ .Values.source }}
{{- if include "ingestor.universe" . }}
CLOSECAST_INGESTOR_SYMBOLS_FILE: /etc/closecast/universe/{{ .Values.universe.key }}
{{- end }}
{{- if eq .Values.source "csv" }}
CLOSECAST_INGESTOR_CSV_FOLDER: /var/lib/closecast/quotes
{{- end }}
CLOSECAST_INGESTOR_SETTLE_DELAY_MIN: {{ .Values.schedule.settleDelayMinutes | quote }}
CLOSECAST_INGESTOR_LOOKBACK_DAYS: {{ .Values.schedule.lookbackDays | quote }}
{{- with .Values.schedule.start | default (ternary "2000-01-03" "" $sample) }}
CLOSECAST_INGESTOR_START: {{ . | quote }}
{{- end }}
{{- with .Values.schedule.end | default (ternary "2013-03-01" "" $sample) }}
CLOSECAST_INGESTOR_END: {{ . | quote }}
{{- end }}
CLOSECAST_INGESTOR_BACKFILLS: {{ .Values.schedule.backfills | quote }}
{{- end -}}

{{/* ConfigMap with the universe; empty where the source's own symbols are meant. */}}
{{- define "ingestor.universe" -}}
{{- if .Values.universe.existingConfigMap -}}
{{- .Values.universe.existingConfigMap -}}
{{- else if .Values.universe.symbols -}}
{{- printf "%s-universe" (include "common.fullname" .) -}}
{{- end -}}
{{- end -}}

{{/* The file of the universe. */}}
{{- define "ingestor.symbols" -}}
{{- join "\n" .Values.universe.symbols -}}
{{- end -}}

{{/* Volumes of a pod. */}}
{{- define "ingestor.volumes" -}}
{{ include "common.volumes" . }}
{{- with include "ingestor.universe" . }}
- name: universe
  configMap:
    name: {{ . }}
{{- end }}
{{- if eq .Values.source "csv" }}
- name: quotes
  {{- toYaml .Values.csv.volume | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Where the container has them. */}}
{{- define "ingestor.volumeMounts" -}}
{{ include "common.volumeMounts" . }}
{{- if include "ingestor.universe" . }}
- name: universe
  mountPath: /etc/closecast/universe
  readOnly: true
{{- end }}
{{- if eq .Values.source "csv" }}
- name: quotes
  mountPath: /var/lib/closecast/quotes
  readOnly: true
{{- end }}
{{- end -}}

{{/* What the Job of a backfill does. */}}
{{- define "ingestor.backfillSpec" -}}
backoffLimit: {{ .Values.backfill.backoffLimit }}
template:
  metadata:
    {{- with .Values.podAnnotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    labels:
      {{- include "common.podLabels" . | nindent 6 }}
      app.kubernetes.io/component: backfill
  spec:
    {{- include "common.podSpec" (dict "context" . "scheduling" .Values.scheduling "labels" (include "common.selectorLabels" .)) | nindent 4 }}
    restartPolicy: OnFailure
    containers:
      - name: backfill
        args: [backfill]
        {{- include "common.container" . | nindent 8 }}
        env:
          - name: CLOSECAST_INGESTOR_START
            value: {{ required "ingestor: backfill.start is missing: the first session to publish" .Values.backfill.start | quote }}
          {{- with .Values.backfill.end }}
          - name: CLOSECAST_INGESTOR_END
            value: {{ . | quote }}
          {{- end }}
          # With the schedule's identity it would stop the schedule.
          - name: CLOSECAST_INGESTOR_TRANSACTIONAL_ID
            value: {{ printf "%singestor-backfill" ((include "common.kafka" . | fromYaml).topicPrefix | default "closecast.") }}
          {{- with include "common.env" . }}
          {{- . | nindent 10 }}
          {{- end }}
        resources:
          {{- toYaml .Values.resources | nindent 10 }}
        volumeMounts:
          {{- include "ingestor.volumeMounts" . | nindent 10 }}
    volumes:
      {{- include "ingestor.volumes" . | nindent 6 }}
{{- end -}}
