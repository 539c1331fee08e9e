{{- define "openprequal.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "openprequal.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "openprequal.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "openprequal.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "openprequal.tokenSecret" -}}
{{- .Values.token.existingSecret | default (printf "%s-token" (include "openprequal.fullname" .)) -}}
{{- end -}}

{{- define "openprequal.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "openprequal.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* The settings file: what the chart knows, the user's text, and the registry's table, which must come last. */}}
{{- define "openprequal.config" -}}
registry_class = {{ .Values.registry.class | quote }}
{{ with .Values.config }}{{ . | trim }}
{{ end }}
{{- $kubernetes := eq .Values.registry.class "kubernetes" -}}
{{- $redis := eq .Values.registry.class "redis" -}}
{{- if or $kubernetes $redis .Values.registry.parameters }}
[registry_parameters]
{{- if $redis }}
url = "${REGISTRY_URL}"
{{- end }}
{{- if .Values.registry.parameters }}
{{ .Values.registry.parameters | trim }}
{{- end }}
{{- if and $kubernetes .Values.registry.kubernetes.services }}

[registry_parameters.services]
{{- range $service, $of := .Values.registry.kubernetes.services }}
{{ $service | quote }} = {{ $of | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
