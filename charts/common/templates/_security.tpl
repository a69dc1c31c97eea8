{{/* Security context of a pod: the restricted pod security standard, under which podSecurityContext may add. */}}
{{- define "common.podSecurityContext" -}}
{{- $restricted := dict
  "runAsNonRoot" true
  "runAsUser" 10001
  "runAsGroup" 10001
  "fsGroup" 10001
  "fsGroupChangePolicy" "OnRootMismatch"
  "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- toYaml (mergeOverwrite $restricted (deepCopy .Values.podSecurityContext)) -}}
{{- end -}}

{{/* What every container is restricted to: the same standard, and a root file system that cannot be written. */}}
{{- define "common.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Security context of a service's container: that, and securityContext may add. */}}
{{- define "common.securityContext" -}}
{{- toYaml (mergeOverwrite (include "common.restricted" . | fromYaml) (deepCopy .Values.securityContext)) -}}
{{- end -}}
