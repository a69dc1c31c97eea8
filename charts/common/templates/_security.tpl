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

{{/* Security context of a container: the same standard, and a root file system that cannot be written. */}}
{{- define "common.securityContext" -}}
{{- $restricted := dict
  "allowPrivilegeEscalation" false
  "readOnlyRootFilesystem" true
  "capabilities" (dict "drop" (list "ALL")) -}}
{{- toYaml (mergeOverwrite $restricted (deepCopy .Values.securityContext)) -}}
{{- end -}}
