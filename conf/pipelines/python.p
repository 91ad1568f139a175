# Python's logging with DD_LOGS_INJECTION, in ddtrace's documented format:
# %(asctime)s %(levelname)s [%(name)s] [%(filename)s:%(lineno)d] [dd.service=… dd.env=… dd.version=… dd.trace_id=… dd.span_id=…] - %(message)s
add_pattern("TAIL", "\\[%{DATA:ids}\\](?: -)? %{GREEDYDATA:msg}")
if grok(_, "%{TIMESTAMP_ISO8601:time}%{SPACE}%{LOGLEVEL:status}%{SPACE}\\[%{NOTSPACE:logger}\\]%{SPACE}\\[%{NOTSPACE:filename}:%{INT:lineno:int}\\]%{SPACE}%{TAIL}") {
  kv_split(ids, include_keys=["dd.service", "dd.env", "dd.version", "dd.trace_id", "dd.span_id"])
  rename(service, `dd.service`)
  rename(env, `dd.env`)
  rename(version, `dd.version`)
  rename(trace_id, `dd.trace_id`)
  rename(span_id, `dd.span_id`)
  drop_key(ids)
  default_time(time)
} elif grok(_, "%{TIMESTAMP_ISO8601:time} %{LOGLEVEL:status} %{NOTSPACE:filename} %{NOTSPACE:service} %{INT:trace_id} %{DATA:funcname}:%{INT:lineno:int} %{GREEDYDATA:msg}") {
  # %(asctime)s %(levelname)s %(filename)s %(dd.service)s %(dd.trace_id)s %(funcName)s:%(lineno)s %(message)s
  default_time(time)
}
