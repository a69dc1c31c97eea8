{{/*
Reference of an image: REGISTRY/REPOSITORY:TAG, or @DIGEST where one is given.
Takes a dict: context, image (registry, repository, tag, digest), and tag, which counts where the image names none.
*/}}
{{- define "common.imageReference" -}}
{{- $registry := .image.registry | default (.context.Values.global).imageRegistry -}}
{{- $repository := ternary (printf "%s/%s" $registry .image.repository) .image.repository (not (empty $registry)) -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $repository (.image.tag | default .tag) -}}
{{- end -}}
{{- end -}}

{{/* Image of the service: of the chart's appVersion unless image.tag or image.digest says otherwise. */}}
{{- define "common.image" -}}
{{- include "common.imageReference" (dict "context" . "image" .Values.image "tag" .Chart.AppVersion) -}}
{{- end -}}

{{/* Pull secrets of a pod, those of global.imagePullSecrets and of image.pullSecrets. */}}
{{- define "common.imagePullSecrets" -}}
{{- $names := concat ((.Values.global).imagePullSecrets | default list) (.Values.image.pullSecrets | default list) | uniq -}}
{{- if $names -}}
imagePullSecrets:
{{- range $names }}
  - name: {{ . }}
{{- end }}
{{- end -}}
{{- end -}}
