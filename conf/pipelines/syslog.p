# syslog as it stands in files, with its priority or without: RFC 5424; RFC 3339 times, as rsyslog writes them today (RSYSLOG_FileFormat); RFC 3164, with
# a fraction or a year too.
add_pattern("ELEMENT", "(?:[^\"\\]]|\"(?:[^\"\\\\]|\\\\.)*\")*")
if grok(_, "^<%{INT:priority:int}>1 (?:-|%{TIMESTAMP_ISO8601:time}) %{NOTSPACE:hostname} %{NOTSPACE:program} %{NOTSPACE:pid} %{NOTSPACE:msgid} (?:-|\\[(?P<data>%{ELEMENT}(?:\\]\\[%{ELEMENT})*)\\])(?: \\x{FEFF}?%{GREEDYLINES:msg})?$") {
  nullif(hostname, "-")
  nullif(program, "-")
  nullif(pid, "-")
  nullif(msgid, "-")
  nullif(data, "")
} elif grok(_, "^(?:<%{INT:priority:int}> ?)?%{TIMESTAMP_ISO8601:time} %{NOTSPACE:hostname} %{DATA:program}(?:\\[(?P<pid>[^\\]]+)\\])?: ?%{GREEDYLINES:msg}") {
  nullif(pid, "")
} elif grok(_, "^(?:<%{INT:priority:int}> ?)?%{MONTH:mon} +%{MONTHDAY:day}(?: %{YEAR:year})? %{HOUR:h}:%{MINUTE:mi}:(?P<s>[0-5]?[0-9]|60)(?:[.,](?P<fraction>\\d+))? %{NOTSPACE:hostname} %{DATA:program}(?:\\[(?P<pid>[^\\]]+)\\])?: ?%{GREEDYLINES:msg}") {
  if get_key(year) != "" {
    parse_date(key=time, yy=year, MM=mon, dd=day, hh=h, mm=mi, ss=s, zone="Local")
  } else {
    # no year: this one, or the last where that would lie ahead
    parse_date(key=time, MM=mon, dd=day, hh=h, mm=mi, ss=s, zone="Local")
    if get_key(time) > timestamp() + 86400000000000 { add_key(time, get_key(time) - 31536000000000000) }
  }
  if get_key(fraction) != "" {
    add_key(time, get_key(time) + parse_int(slice_string(get_key(fraction) + "00000000", 0, 9), 10))
  }
  drop_key(mon)
  drop_key(day)
  drop_key(year)
  drop_key(h)
  drop_key(mi)
  drop_key(s)
  drop_key(fraction)
  nullif(pid, "")
}
if value_type(get_key(time)) == "str" {
  # a Z behind a fraction would not be read as UTC
  replace(time, "^(.*)\\.(\\d+)Z$", "$1.$2+00:00")
  if get_key(time) == "" { drop_key(time) } else { default_time(time) }
}
if match("^[^<]", _) { drop_key(priority) }
if value_type(get_key(priority)) == "int" {
  severity = get_key(priority) % 8
  for level in ["emerg", "alert", "critical", "error", "warning", "notice", "info", "debug"] {
    if severity == 0 { add_key(status, level) }
    severity -= 1
  }
}
