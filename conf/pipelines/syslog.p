# syslog as it stands in files: RFC 3164 with or without its priority, and RFC 5424.
if grok(_, "^<%{INT:priority:int}>1 %{TIMESTAMP_ISO8601:time} %{NOTSPACE:hostname} %{NOTSPACE:program} %{NOTSPACE:pid} %{NOTSPACE:msgid} (?:-|\\[%{DATA:data}\\]) ?%{GREEDYDATA:msg}") {
  default_time(time)
} elif grok(_, "^(?:<%{INT:priority:int}>)?%{SYSLOGTIMESTAMP:when} %{SYSLOGHOST:hostname} %{DATA:program}(?:\\[%{POSINT:pid}\\])?: %{GREEDYDATA:msg}") {
  rename(time_text, when)
}
