{{- define "ddgate.name" -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "ddgate.selector" -}}
app.kubernetes.io/name: ddgate
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "ddgate.labels" -}}
{{ include "ddgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "ddgate.node" -}}
{{- if eq .Values.workload "DaemonSet" }}yes{{ else if ne .Values.workload "StatefulSet" }}{{ fail "workload is DaemonSet or StatefulSet" }}{{ end }}
{{- end }}

{{- define "ddgate.logs" -}}
{{- if and .Values.logs.enabled (include "ddgate.node" .) }}yes{{ end }}
{{- end }}

{{- define "ddgate.socket" -}}
{{- if and .Values.socket (include "ddgate.node" .) }}yes{{ end }}
{{- end }}

{{- /* The user: root, without any capability, where logs that only root reads are wanted. */ -}}
{{- define "ddgate.user" -}}
{{ if include "ddgate.logs" . }}0{{ else }}8126{{ end }}
{{- end }}

{{- define "ddgate.list" -}}
[ {{ range $i, $item := . }}{{ if $i }}, {{ end }}{{ $item | quote }}{{ end }} ]
{{- end }}

{{- define "ddgate.conf" -}}
{{- if .Values.config -}}
{{ .Values.config }}
{{- else -}}
receivers = (
  { type = "ddtrace"; listen = [ ":8126", ":9529" ]; peer = { connections = 0; };
{{- if include "ddgate.socket" . }} socket = "/var/run/datadog/apm.socket";{{ else }} socket = "";{{ end }}
{{- if include "ddgate.node" . }}
    same_host = true; cgroup_root = "/host/sys/fs/cgroup";{{ end }} },
  { type = "http"; listen = [ ":9529" ]; peer = { connections = 0; }; },
  { type = "dogstatsd"; listen = [ ":8125" ];{{ if include "ddgate.socket" . }} socket = "/var/run/datadog/dsd.socket";{{ else }} socket = "";{{ end }} },
  { type = "otlp"; http = [ ":4318" ]; grpc = [ ":4317" ]; peer = { connections = 0; }; }
{{- if include "ddgate.logs" . }},
  { type = "file"; path = {{ include "ddgate.list" .Values.logs.paths }};
    exclude = {{ include "ddgate.list" (append .Values.logs.exclude (printf "/var/log/pods/%s_%s-*/*/*.log" .Release.Namespace (include "ddgate.name" .))) }};
    {{- if ne .Values.storage.type "none" }}
    offsets = "/var/lib/ddgate/";
    {{- end }} }
{{- end }}
{{- range .Values.receivers }},
  {{ . }}
{{- end }}
);
exporters = (
  { type = {{ .Values.exporter.type | quote }}; name = "backend"; endpoint = {{ .Values.exporter.endpoint | quote }};
{{- with .Values.exporter.headers }}
    headers = [ {{ range $i, $name := keys . | sortAlpha }}{{ if $i }}, {{ end }}{{ printf "%s=%s" $name (get $.Values.exporter.headers $name) | quote }}{{ end }} ];
{{- end }}
{{- if eq .Values.exporter.type "sls" }}
    project = {{ required "exporter.sls.project is missing" .Values.exporter.sls.project | quote }}; instance = {{ required "exporter.sls.instance is missing" .Values.exporter.sls.instance | quote }};
    access_key_id = "${env:SLS_AK_ID}"; access_key_secret = "${env:SLS_AK_SECRET}";
{{- end }}
    {{ .Values.exporter.options }} }
);
admin = { listen = ":8127"; };
{{- if include "ddgate.node" . }}
host_name = "${env:NODE_NAME}";
{{- end }}
{{- if ne .Values.storage.type "none" }}
storage = { directory = "/var/lib/ddgate"; max_size = {{ .Values.storage.size | quote }}; };
{{- end }}
max_memory = {{ .Values.maxMemory | quote }};
shutdown_timeout = {{ .Values.shutdownTimeout | quote }};
log = { format = "json"; };
{{- end }}
{{- end }}

{{- define "ddgate.claim" -}}
accessModes: [ReadWriteOnce]
{{- with .Values.storage.claim.storageClassName }}
storageClassName: {{ . }}
{{- end }}
resources:
  requests: { storage: {{ .Values.storage.claim.size }} }
{{- end }}
