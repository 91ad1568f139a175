# nginx: the access log in its combined format, and the error log.
if grok(_, "%{IPORHOST:client_ip} %{NOTSPACE:http_ident} %{NOTSPACE:http_auth} \\[%{HTTPDATE:time}\\] \"%{WORD:http_method} %{NOTSPACE:http_url} HTTP/%{NUMBER:http_version}\" %{INT:status_code:int} %{INT:bytes:int}(?: \"%{DATA:referrer}\" \"%{DATA:agent}\")?") {
  group_between(status_code, [100,299], "OK", status)
  group_between(status_code, [300,399], "notice", status)
  group_between(status_code, [400,499], "warning", status)
  group_between(status_code, [500,599], "error", status)
  nullif(http_ident, "-")
  nullif(http_auth, "-")
  nullif(referrer, "-")
  default_time(time)
} elif grok(_, "%{YEAR:y}/%{MONTHNUM:m}/%{MONTHDAY:d} %{TIME:t} \\[%{LOGLEVEL:status}\\] %{INT:pid:int}#%{INT:tid:int}: %{GREEDYDATA:msg}") {
  strfmt(time, "%s/%s/%s %s", y, m, d, t)
  drop_key(y)
  drop_key(m)
  drop_key(d)
  drop_key(t)
  default_time(time)
}
