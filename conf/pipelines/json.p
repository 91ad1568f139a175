# One JSON object a line, by the names most loggers use. Ids keep all their digits.
d = load_json(_)
if value_type(d) == "map" {
  for k in ["level", "severity", "status"] { if k in d { add_key(status, d[k]) } }
  for k in ["message", "msg", "event"] { if k in d { add_key(msg, d[k]) } }
  for k in ["timestamp", "ts", "@timestamp", "time"] { if k in d { add_key(time, d[k]) } }
  for k in ["dd.trace_id", "dd_trace_id", "trace_id"] { if k in d { add_key(trace_id, d[k]) } }
  for k in ["dd.span_id", "dd_span_id", "span_id"] { if k in d { add_key(span_id, d[k]) } }
  for k in ["dd.service", "service"] { if k in d { add_key(service, d[k]) } }
  if "dd" in d && value_type(d["dd"]) == "map" {
    if "trace_id" in d["dd"] { add_key(trace_id, d["dd"]["trace_id"]) }
    if "span_id" in d["dd"] { add_key(span_id, d["dd"]["span_id"]) }
    if "service" in d["dd"] { add_key(service, d["dd"]["service"]) }
  }
  default_time(time)
}
