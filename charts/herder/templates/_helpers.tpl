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

{{- define "herder.leaseName" -}}
{{- .Values.leaderElection.leaseName | default (include "herder.fullname" .) -}}
{{- end -}}

{{/* Empty where herder reads it itself. */}}
{{- define "herder.installation" -}}
{{- if or .Values.installation (not .Values.watchNamespaces) -}}
{{- .Values.installation -}}
{{- else -}}
{{- with lookup "v1" "Namespace" "" "kube-system" -}}
{{- .metadata.uid -}}
{{- else -}}
{{- fail "installation: with watchNamespaces it must be written where helm can't ask the cluster, best what `kubectl get namespace kube-system -o jsonpath={.metadata.uid}` says" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What herder would refuse when it starts is refused before it is installed. */}}
{{- define "herder.checkLease" -}}
{{- with .Values.leaderElection -}}
{{- if le (float64 .leaseDurationSeconds) (float64 .renewDeadlineSeconds) -}}
{{- fail "leaderElection.leaseDurationSeconds must be more than renewDeadlineSeconds, or two pods could act at once" -}}
{{- end -}}
{{- if le (float64 .renewDeadlineSeconds) (mulf 1.2 .retryPeriodSeconds) -}}
{{- fail "leaderElection.renewDeadlineSeconds must be more than 1.2 times retryPeriodSeconds, or a renewal could not be tried again" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What scrapes needs something to scrape. The schema could only say that one of the two is wrong. */}}
{{- define "herder.checkMonitors" -}}
{{- range $name, $monitor := dict "serviceMonitor" .Values.metrics.serviceMonitor "podMonitor" .Values.metrics.podMonitor -}}
{{- if and $monitor.enabled (not $.Values.metrics.enabled) -}}
{{- fail (printf "metrics.%s.enabled is true and metrics.enabled is not, so there would be nothing to scrape: set metrics.enabled to true, or metrics.%s.enabled to false" $name $name) -}}
{{- end -}}
{{- end -}}
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

{{/* Both as the restricted profile of pod security demands. */}}
{{- define "herder.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "herder.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
