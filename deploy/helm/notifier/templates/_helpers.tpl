{{- define "notifier.name" -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "notifier.labels" -}}
app.kubernetes.io/name: notifier
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "notifier.selector" -}}
app.kubernetes.io/name: notifier
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .process.name }}
{{- end }}

{{/* The processes that run, each with what the values say of it, as YAML under `items`. */}}
{{- define "notifier.processes" -}}
{{- $all := .Files.Get "files/processes.yaml" | fromYamlArray }}
{{- $names := list }}
{{- range $all }}{{ $names = append $names .name }}{{ end }}
{{- range $name, $_ := .Values.processes }}
{{- if not (has $name $names) }}
{{- fail (printf "processes.%s: there is no such process, only %s" $name (join ", " $names)) }}
{{- end }}
{{- end }}
items:
{{- range $process := $all }}
{{- $own := index $.Values.processes $process.name | default dict }}
{{- if ne (toString (dig "enabled" true $own)) "false" }}
{{- $defaults := deepCopy $.Values.defaults }}
{{- if $process.bulk }}
{{- $_ := set $defaults "resources" (mergeOverwrite (deepCopy $defaults.resources) (dict "requests" (dict "cpu" $.Values.bulkCpu))) }}
{{- end }}
{{- $_ := set $process "values" (mergeOverwrite $defaults (deepCopy $own)) }}
- {{ toYaml $process | nindent 2 | trim }}
{{- end }}
{{- end }}
{{- end }}

{{- define "notifier.image" -}}
{{ required "image.repository: where your image of the Containerfile is" .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "notifier.host" -}}
{{ get (urlParse (required "publicUrl: the URL at which clients and providers reach the service" .Values.publicUrl)) "host" }}
{{- end }}

{{/* The environment of every container. */}}
{{- define "notifier.env" -}}
- {name: NOTIFIER_PUBLIC_URL, value: {{ .Values.publicUrl | quote }}}
# Probes and Prometheus call a pod by its address, and `kubectl port-forward` by localhost.
- {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
- {name: NOTIFIER_ALLOWED_HOSTS, value: {{ concat (list (include "notifier.host" . | splitList ":" | first) "localhost" "$(POD_IP)") .Values.allowedHosts | join "," | quote }}}
- {name: NOTIFIER_TRUSTED_PROXIES, value: {{ join "," .Values.trustedProxies | quote }}}
{{- range $name, $value := .Values.settings }}
- {name: {{ $name }}, value: {{ $value | toString | quote }}}
{{- end }}
{{- end }}

{{- define "notifier.envFrom" -}}
{{- range .Values.existingSecrets }}
- secretRef: {name: {{ . }}}
{{- end }}
{{- end }}

{{/* What every pod has: no privileges, no writable files but in memory. */}}
{{- define "notifier.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
volumes:
  - {name: tmp, emptyDir: {medium: Memory, sizeLimit: 64Mi}}
  - {name: run, emptyDir: {medium: Memory, sizeLimit: 256Mi}}
  {{- range .Values.existingFiles }}
  - {name: files-{{ . }}, secret: {secretName: {{ . }}, defaultMode: 0440}}
  {{- end }}
{{- end }}

{{- define "notifier.container" -}}
image: {{ include "notifier.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: tmp, mountPath: /tmp}
  - {name: run, mountPath: /run/notifier}
  {{- range .Values.existingFiles }}
  - {name: files-{{ . }}, mountPath: /etc/notifier/{{ . }}, readOnly: true}
  {{- end }}
{{- end }}

{{/* How a probe asks: `path` of the API or the stream, or /healthz of a worker. */}}
{{- define "notifier.probe" -}}
{{- if eq .process.probe "http" }}
httpGet: {path: {{ .path }}, port: http}
{{- else if eq .process.probe "progress" }}
httpGet: {path: /healthz, port: probe}
{{- else }}
tcpSocket: {port: http}
{{- end }}
{{- end }}
