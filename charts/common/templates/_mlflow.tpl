{{/* Connection to MLflow, as YAML: what .Values.mlflow leaves empty comes from .Values.global.mlflow. */}}
{{- define "common.mlflow" -}}
{{- $mlflow := merge (dict) (include "common.filled" .Values.mlflow | fromYaml) (include "common.filled" (dig "mlflow" dict (.Values.global | default dict)) | fromYaml) -}}
{{- $address := tpl ($mlflow.trackingUri | default "") . -}}
{{- if not $address -}}
{{- fail (printf "%s: mlflow.trackingUri is missing: set it, or global.mlflow.trackingUri, to the address of MLflow" .Chart.Name) -}}
{{- end -}}
{{- $_ := set $mlflow "trackingUri" $address -}}
{{- toYaml $mlflow -}}
{{- end -}}

{{/* Settings of the connection that are no secrets. */}}
{{- define "common.mlflowSettings" -}}
{{- $mlflow := include "common.mlflow" . | fromYaml -}}
CLOSECAST_MLFLOW_TRACKING_URI: {{ $mlflow.trackingUri | quote }}
{{- with $mlflow.experiment }}
CLOSECAST_MLFLOW_EXPERIMENT: {{ . | quote }}
{{- end }}
{{- with $mlflow.model }}
CLOSECAST_MLFLOW_MODEL: {{ . | quote }}
{{- end }}
MLFLOW_ALLOW_PICKLE_DESERIALIZATION: "false"
{{- end -}}

{{/* Credentials of the connection, as entries of env: a user with a password, or a token. */}}
{{- define "common.mlflowSecrets" -}}
{{- $auth := (include "common.mlflow" . | fromYaml).auth | default dict -}}
{{- if $auth.existingSecret -}}
{{- if $auth.tokenKey -}}
- name: MLFLOW_TRACKING_TOKEN
  valueFrom:
    secretKeyRef:
      name: {{ $auth.existingSecret }}
      key: {{ $auth.tokenKey }}
{{- else -}}
- name: MLFLOW_TRACKING_USERNAME
  valueFrom:
    secretKeyRef:
      name: {{ $auth.existingSecret }}
      key: {{ $auth.usernameKey | default "username" }}
- name: MLFLOW_TRACKING_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ $auth.existingSecret }}
      key: {{ $auth.passwordKey | default "password" }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Port of MLflow, for NetworkPolicies. */}}
{{- define "common.mlflowPort" -}}
{{- $url := urlParse (include "common.mlflow" . | fromYaml).trackingUri -}}
{{- regexFind "[0-9]+$" (regexFind ":[0-9]+$" $url.host) | default (ternary "443" "80" (eq $url.scheme "https")) -}}
{{- end -}}
