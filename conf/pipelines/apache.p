# Apache: access logs (common and combined), and the error logs of 2.2 and 2.4.
if grok(_, "^%{IPORHOST:client_ip} %{NOTSPACE:http_ident} %{NOTSPACE:http_auth} \\[%{HTTPDATE:time}\\] \"(?:%{WORD:http_method} %{NOTSPACE:http_url}(?: HTTP/%{NUMBER:http_version})?|%{DATA:rawrequest})\" %{INT:status_code:int} (?:%{INT:bytes:int}|-)(?: \"%{DATA:referrer}\" \"%{DATA:agent}\")?") {
  group_between(status_code, [100,299], "OK", status)
  group_between(status_code, [300,399], "notice", status)
  group_between(status_code, [400,499], "warning", status)
  group_between(status_code, [500,599], "error", status)
  nullif(http_ident, "-")
  nullif(http_auth, "-")
  nullif(referrer, "-")
  nullif(rawrequest, "")
  nullif(http_method, "")
  nullif(http_url, "")
  nullif(http_version, "")
  default_time(time)
} elif grok(_, "^\\[%{HTTPDERROR_DATE:time}\\] \\[(?:%{WORD:module})?:?%{LOGLEVEL:status}\\](?: \\[pid %{INT:pid:int}(?::tid %{INT:tid:int})?\\])?(?: \\[client %{IPORHOST:client_ip}(?::%{POSINT:client_port:int})?\\])? %{GREEDYDATA:msg}") {
  nullif(client_ip, "")
  nullif(client_port, 0)
  nullif(pid, 0)
  nullif(tid, 0)
  nullif(module, "")
  default_time(time)
}
