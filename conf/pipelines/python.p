# Python's logging with DD_LOGS_INJECTION, in ddtrace's documented forms:
# %(asctime)s %(levelname)s [%(name)s] [%(filename)s:%(lineno)d] [dd.service=… dd.env=… dd.version=… dd.trace_id=… dd.span_id=…] - %(message)s
# %(asctime)s %(levelname)s %(filename)s %(dd.service)s %(dd.trace_id)s %(funcName)s:%(lineno)s %(message)s
# Ids are decimal or 32 hex digits, by the tracer's version; a traceback stays with its message.
add_pattern("ID", "[0-9a-f]{1,39}")
if grok(_, "^%{TIMESTAMP_ISO8601:time} +%{LOGLEVEL:status} +\\[%{NOTSPACE:logger}\\] +\\[%{DATA:filename}:%{INT:lineno:int}\\] +\\[%{DATA:ids}\\](?: -)? ?%{GREEDYLINES:msg}") {
  kv_split(ids, include_keys=["dd.service", "dd.service.name", "dd.env", "dd.version", "dd.trace_id", "dd.span_id"])
  rename(service, `dd.service.name`)
  rename(service, `dd.service`)
  rename(env, `dd.env`)
  rename(version, `dd.version`)
  rename(trace_id, `dd.trace_id`)
  rename(span_id, `dd.span_id`)
  drop_key(ids)
  default_time(time)
} elif grok(_, "^%{TIMESTAMP_ISO8601:time} +%{LOGLEVEL:status} +%{NOTSPACE:filename} %{NOTSPACE:service}? %{ID:trace_id} %{NOTSPACE:funcname}:%{INT:lineno:int} %{GREEDYLINES:msg}") {
  default_time(time)
}
