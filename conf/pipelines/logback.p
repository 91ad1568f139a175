# Java's logback: %d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger - %X{dd.trace_id} %X{dd.span_id} - %m%n, with or without the ids, and
# Spring Boot's own form: 2023-06-18 10:07:08.786  INFO 4242 --- [main] c.e.App : hello. A stack trace stays with its message.
add_pattern("ID", "[0-9a-f]{0,39}")
if grok(_, "^%{TIMESTAMP_ISO8601:time} +\\[%{DATA:thread}\\] +%{LOGLEVEL:status} +%{NOTSPACE:logger} - (?:%{ID:trace_id} %{ID:span_id} - )?%{GREEDYLINES:msg}") {
  default_time(time)
} elif grok(_, "^%{TIMESTAMP_ISO8601:time} +%{LOGLEVEL:status} +(?:\\[%{DATA:app},%{ID:trace_id},%{ID:span_id}[^\\]]*\\] )?%{INT:pid:int} --- \\[ *%{DATA:thread}\\] %{NOTSPACE:logger} *: %{GREEDYLINES:msg}") {
  nullif(app, "")
  default_time(time)
}
nullif(trace_id, "")
nullif(span_id, "")
