# Java's logback: %d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger - %X{dd.trace_id} %X{dd.span_id} - %m%n, with or without the ids
if grok(_, "^%{TIMESTAMP_ISO8601:time}%{SPACE}\\[%{DATA:thread}\\]%{SPACE}%{LOGLEVEL:status}%{SPACE}%{NOTSPACE:logger} - (?:%{NOTSPACE:trace_id} %{NOTSPACE:span_id} - )?%{GREEDYLINES:msg}") {
  default_time(time)
  nullif(trace_id, "")
  nullif(span_id, "")
}
