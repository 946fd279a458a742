{{/* The name of everything in the release's namespace. */}}
{{- define "herder.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The name of what is not in a namespace, or in another one: two releases must not meet there. */}}
{{- define "herder.clusterName" -}}
{{- printf "%s:%s" .Release.Namespace (include "herder.fullname" .) -}}
{{- end -}}

{{- define "herder.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (include "herder.fullname" .) -}}
{{- end -}}

{{- define "herder.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- define "herder.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "herder.labels" -}}
{{ include "herder.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "herder.subject" -}}
- kind: ServiceAccount
  name: {{ include "herder.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* What herder does in each namespace that it serves. Secrets are got by name, never listed or watched. */}}
{{- define "herder.servingRules" -}}
- apiGroups: [herder.dev]
  resources: [modelgateways]
  verbs: [get, list, watch]
- apiGroups: [herder.dev]
  resources: [workerregistrations, wasmmodules, tokenizers, mcpservers]
  verbs: [get, list, watch, patch]
- apiGroups: [herder.dev]
  resources:
    - modelgateways/status
    - workerregistrations/status
    - wasmmodules/status
    - tokenizers/status
    - mcpservers/status
  verbs: [patch]
- apiGroups: [""]
  resources: [secrets]
  {{- with .Values.secretNames }}
  resourceNames: {{ toJson . }}
  {{- end }}
  verbs: [get]
# The replicas behind a gateway's Service.
- apiGroups: [""]
  resources: [services]
  verbs: [get]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
# The file of a gateway's MCP servers, applied by herder alone, and the Deployment that is rolled when it changes.
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, create, patch]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [get, patch]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}
