# One JSON object a line, by the names most loggers use (logstash, zap, pino, bunyan, winston, structlog). Ids keep all their digits.
d = load_json(_)
if value_type(d) == "map" {
  for k in ["status", "severity", "level"] { if k in d { add_key(status, d[k]) } }
  for k in ["event", "msg", "message"] { if k in d { add_key(msg, d[k]) } }
  for k in ["time", "ts", "@timestamp", "timestamp"] { if k in d { add_key(time, d[k]) } }
  for k in ["trace_id", "dd_trace_id", "dd.trace_id"] { if k in d { add_key(trace_id, d[k]) } }
  for k in ["span_id", "dd_span_id", "dd.span_id"] { if k in d { add_key(span_id, d[k]) } }
  for k in ["service", "dd.service"] { if k in d { add_key(service, d[k]) } }
  if "dd" in d && value_type(d["dd"]) == "map" {
    for k in ["trace_id", "span_id", "service", "env", "version"] { if k in d["dd"] { pt_kvs_set(k, d["dd"][k]) } }
  }
  if value_type(get_key(status)) == "float" {
    # pino and bunyan count levels in tens
    level = get_key(status)
    if level >= 60 { add_key(status, "critical") } elif level >= 50 { add_key(status, "error") } elif level >= 40 { add_key(status, "warning") } elif level >= 30 { add_key(status, "info") } else { add_key(status, "debug") }
  }
  if value_type(get_key(time)) == "float" && get_key(time) < 100000000000.0 {
    # seconds, perhaps with a fraction
    add_key(time, get_key(time) * 1000000000)
    cast(time, "int")
  } else {
    # a Z behind a fraction would not be read as UTC
    replace(time, "^(\\d{4}-.*)\\.(\\d+)Z$", "$1.$2+00:00")
    default_time(time)
  }
}
