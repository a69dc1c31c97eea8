{{/* Values that do not fit together end the rendering. */}}
{{- define "ingestor.validate" -}}
{{- if and (eq .Values.source "yahoo") (not (include "ingestor.universe" .)) -}}
{{- fail "ingestor: universe is missing: with source yahoo, universe.symbols or universe.existingConfigMap says what to publish" -}}
{{- end -}}
{{- end -}}
