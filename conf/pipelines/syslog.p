# syslog as it stands in files: RFC 3164 with or without its priority, and RFC 5424.
if grok(_, "^<%{INT:priority:int}>1 %{TIMESTAMP_ISO8601:time} %{NOTSPACE:hostname} %{NOTSPACE:program} %{NOTSPACE:pid} %{NOTSPACE:msgid} (?:-|\\[%{DATA:data}\\]) ?%{GREEDYDATA:msg}") {
  nullif(pid, "-")
  nullif(msgid, "-")
  nullif(data, "")
  # a Z behind a fraction would not be read as UTC
  replace(time, "^(.*)\\.(\\d+)Z$", "$1.$2+00:00")
  default_time(time)
} elif grok(_, "^(?:<%{INT:priority:int}>)?%{MONTH:mon} +%{MONTHDAY:day} %{HOUR:h}:%{MINUTE:mi}:%{SECOND:s} %{SYSLOGHOST:hostname} %{DATA:program}(?:\\[%{POSINT:pid}\\])?: %{GREEDYDATA:msg}") {
  # no year: this one, or the last where that would lie ahead
  parse_date(key=time, MM=mon, dd=day, hh=h, mm=mi, ss=s, zone="Local")
  if time > timestamp() + 86400000000000 { add_key(time, time - 31536000000000000) }
  drop_key(mon)
  drop_key(day)
  drop_key(h)
  drop_key(mi)
  drop_key(s)
  nullif(pid, "")
  if match("^[^<]", _) { drop_key(priority) }
}
if value_type(get_key(priority)) == "int" {
  severity = priority % 8
  for level in ["emerg", "alert", "critical", "error", "warning", "notice", "info", "debug"] {
    if severity == 0 { add_key(status, level) }
    severity -= 1
  }
}
