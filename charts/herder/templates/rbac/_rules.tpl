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
