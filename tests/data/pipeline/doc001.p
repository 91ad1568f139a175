# The documented script for %(asctime)s %(levelname)s %(filename)s %(dd.service)s %(dd.trace_id)s %(funcName)s:%(lineno)s %(message)s,
# with ids of any form: newer tracers write 32 hexadecimal digits
grok(_, "%{TIMESTAMP_ISO8601:time}%{SPACE}%{LOGLEVEL:level}%{SPACE}%{NOTSPACE:file}%{SPACE}%{NOTSPACE:service}%{SPACE}%{NOTSPACE:trace_id}%{SPACE}%{NOTSPACE:func}:%{INT:lineno:int}%{SPACE}%{GREEDYDATA:msg}")
default_time(time)
rename(status, level)
