# Java. Logback and Log4j, with the tracer's ids or without, also where no trace is (`-   - `); a stack trace stays with its message:
# %d{yyyy-MM-dd HH:mm:ss.SSS} [%thread] %-5level %logger - %X{dd.trace_id} %X{dd.span_id} - %m%n
# %d{yyyy-MM-dd HH:mm:ss} %-5p %c{1}:%L - %X{dd.trace_id} %X{dd.span_id} - %m%n, Datadog's documented raw pattern
# %d{HH:mm:ss.SSS} [%thread] %-5level %logger - %m%n, their defaults, whose times have no date
# Spring Boot: 2023-06-18 10:07:08.786  INFO 4242 --- [main] c.e.App : hello; with [app,trace,span] of Sleuth before the pid; since 3.2 with
# [application] before [thread] and [trace-span] behind it, which is blank where no trace is.
add_pattern("ID", "[0-9a-f]{0,39}")
add_pattern("IN_BRACKETS", "[^\\]]*")
if grok(_, "^%{TIMESTAMP_ISO8601:time} +\\[%{DATA:thread}\\] +%{LOGLEVEL:status} +%{NOTSPACE:logger} --? (?:%{ID:trace_id} %{ID:span_id} - )?%{GREEDYLINES:msg}") {
  default_time(time)
} elif grok(_, "^%{TIMESTAMP_ISO8601:time} +%{LOGLEVEL:status} +(?:\\[%{DATA:app},%{ID:trace_id},%{ID:span_id}[^\\]]*\\] )?%{INT:pid:int} --- (?:\\[ *%{IN_BRACKETS:application}\\] )??\\[ *%{IN_BRACKETS:thread}\\] (?:\\[ *(?:(?P<correlation_trace>[0-9a-f]{16,32})-(?P<correlation_span>[0-9a-f]{16}))? *\\] *)?(?P<logger>[^ \\[]\\S*) *: ?%{GREEDYLINES:msg}") {
  if get_key(application) != "" { rename(app, application) }
  if get_key(correlation_trace) != "" {
    rename(trace_id, correlation_trace)
    rename(span_id, correlation_span)
  }
  nullif(application, "")
  nullif(correlation_trace, "")
  nullif(correlation_span, "")
  nullif(app, "")
  # a Z behind a fraction would not be read as UTC
  replace(time, "^(.*)\\.(\\d+)Z$", "$1.$2+00:00")
  default_time(time)
} elif grok(_, "^%{TIMESTAMP_ISO8601:time} +%{LOGLEVEL:status} +(?P<logger>[\\w.$]+):(?P<line>\\d+|\\?) - (?:%{ID:trace_id} %{ID:span_id} - )?%{GREEDYLINES:msg}") {
  cast(line, "int")
  nullif(line, 0)
  default_time(time)
} elif grok(_, "^(?P<clock>%{TIME}) +\\[%{DATA:thread}\\] +%{LOGLEVEL:status} +%{NOTSPACE:logger} --? (?:%{ID:trace_id} %{ID:span_id} - )?%{GREEDYLINES:msg}") {
}
nullif(trace_id, "")
nullif(span_id, "")
