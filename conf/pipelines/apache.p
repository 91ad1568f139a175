# Apache: access logs (common, combined, and vhost_combined, which Debian's other_vhosts_access.log is in), and the error logs of 2.2 and 2.4: in
# front of the message, in this order, where they are known: the file of Apache's source, an error of the system, the client.
add_pattern("APACHE_CLIENT", "(?:%{IPORHOST}|-)")
add_pattern("APACHE_LEVEL", "(?:emerg|alert|crit|error|warn|notice|info|debug|trace[1-8])")
if grok(_, "^(?:%{NOTSPACE:vhost}:%{POSINT:vhost_port:int} )?%{APACHE_CLIENT:client_ip} %{NOTSPACE:http_ident} %{DATA:http_auth} \\[%{HTTPDATE:time}\\] \"(?:%{WORD:http_method} %{NOTSPACE:http_url}(?: HTTP/%{NUMBER:http_version})?|%{DATA:rawrequest})\" (?:%{INT:status_code:int}|-) (?:%{INT:bytes:int}|-)(?: \"%{DATA:referrer}\" \"%{DATA:agent}\")?") {
  group_between(status_code, [100,299], "OK", status)
  group_between(status_code, [300,399], "notice", status)
  group_between(status_code, [400,499], "warning", status)
  group_between(status_code, [500,599], "error", status)
  nullif(vhost, "")
  nullif(vhost_port, 0)
  nullif(http_ident, "-")
  nullif(http_auth, "-")
  nullif(referrer, "-")
  nullif(referrer, "")
  nullif(agent, "")
  nullif(rawrequest, "")
  nullif(http_method, "")
  nullif(http_url, "")
  nullif(http_version, "")
  default_time(time)
} elif grok(_, "^\\[%{HTTPDERROR_DATE:time}\\] \\[(?:%{WORD:module})?:?%{APACHE_LEVEL:status}\\](?: \\[pid %{INT:pid:int}(?::tid %{INT:tid:int})?\\])?(?: (?P<source>[\\w./-]+\\.[ch]\\(\\d+\\)):)?(?: (?P<system_error>\\(\\w+\\)[^\\[]*?):)?(?: \\[(?:client|remote) (?P<client_ip>[^\\]]*?)(?::(?P<client_port>\\d+))?\\])? %{GREEDYLINES:msg}") {
  cast(client_port, "int")
  # trace1 to trace8
  if match("^trace", status) { add_key(trace_level, get_key(status)) }
  replace(status, "^trace\\d$", "trace")
  nullif(source, "")
  nullif(system_error, "")
  nullif(client_ip, "")
  nullif(client_port, 0)
  nullif(pid, 0)
  nullif(tid, 0)
  nullif(module, "")
  default_time(time)
}
