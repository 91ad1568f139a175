# SPDX-License-Identifier: Apache-2.0
"""The logs that the programs of tests/clients/programs.sh write, described a second time: what their manuals say a line is made of. A row tells, of each line,
the record that has to come of it, without any of ddgate's code.

    for line in lines:
        want = log.expected(line)      # Want(time, severity, logger, program, text), or None: no line of its own form
"""
import datetime
import re
from dataclasses import dataclass, field

WORDS = {"debug": 5, "info": 9, "notice": 10, "note": 10, "warn": 13, "warning": 13, "error": 17, "err": 17, "severe": 17, "critical": 18, "alert": 19,
         "emerg": 21, "fatal": 21, "fatal error": 21, "log": 9, "i": 9, "w": 13, "e": 17, "f": 21, ".": 5, "-": 9, "*": 10, "#": 13}
INFO = 9


@dataclass
class Want:
    time: int  # ns, or 0: the line has none
    severity: int
    logger: str
    program: str
    text: str


@dataclass
class Form:
    """`pattern` names time, level, logger, program, text. Without `times` (of strptime) the line holds none."""
    pattern: str
    times: tuple = ()

    def read(self, line):
        found = re.fullmatch(self.pattern, line)
        if not found:
            return None
        part = {k: v or "" for k, v in found.groupdict().items()}
        return Want(self._time(part.get("time", "")), WORDS.get(part.get("level", "").lower(), INFO), part.get("logger", ""), part.get("program", ""),
                    part.get("text", line).strip())

    def _time(self, text):
        for form in self.times if text else ():
            if form == "unix":
                return int(text.replace(".", "")) * 1000
            try:
                at = datetime.datetime.strptime(text.replace(",", "."), form)
            except ValueError:
                continue
            today = datetime.datetime.now(datetime.timezone.utc)
            if at.year == 1900:  # neither year nor, perhaps, date
                at = at.replace(year=today.year, **({} if "%b" in form else {"month": today.month, "day": today.day}))
            at = at if at.tzinfo else at.replace(tzinfo=datetime.timezone.utc)
            return (int(at.timestamp()) * 10**6 + at.microsecond) * 1000
        assert not text, f"no time: {text}"
        return 0


@dataclass
class Log:
    """Files of one kind; `bad`: (severity, words) of what went wrong."""
    program: str  # function of programs.sh
    name: str  # in the table
    files: str  # below /var/log
    forms: list
    bad: list = field(default_factory=list)

    def expected(self, line):
        return next((want for form in self.forms if (want := form.read(line))), None)


ACCESS = [Form(r'.* \[(?P<time>[^]]+)\] "[A-Z]+ .*', ("%d/%b/%Y:%H:%M:%S %z",))]
TAG = r"(?P<program>[\w-]+)(?:\[\d+\])?: "
CRON = r"\([^)]*\) (?P<level>ERROR|INFO|info) \(.*\)"
SAID = rf"(?P<text>{CRON}|(?P<level2>[Ee]rror): .*|.*)"


class Syslog(Form):
    """The text behind the header may say its level in a word: what cron and sshd do."""

    def read(self, line):
        want = super().read(line)
        if want:
            said = re.match(r"\([^)]*\) (ERROR|INFO|info) \(|([Ee]rror): ", want.text)
            want.severity = WORDS[(said[1] or said[2]).lower()] if said else INFO
            want.text = re.sub(r"^error: ", "", want.text)
        return want


def syslog(time, *times):
    return [Syslog(rf"(?P<time>{time}) [\w.-]+ {TAG}(?P<text>.*)", times)]


ISO = r"\d{4}-\d\d-\d\dT[\d:.,]+[+-][\d:]+"
TOMCAT = Form(r"(?P<time>\d\d-\w{3}-\d{4} [\d:.]+) (?P<level>[A-Z]+) \[(?P<thread>[^]]+)\] (?P<logger>[\w.]+)\.\w+ (?P<text>.*)", ("%d-%b-%Y %H:%M:%S.%f",))
RAILS = Form(r"(?P<level>[A-Z]), \[(?P<time>\S+) #\d+\] +[A-Z]+ -- (?P<logger>\w*): (?P<text>.*)", ("%Y-%m-%dT%H:%M:%S.%f",))
PHP = [Form(r"\[(?P<time>[^]]+) UTC\] (?P<text>PHP (?P<level>Fatal error|Warning|Notice):.*)", ("%d-%b-%Y %H:%M:%S",)),
       Form(r"\[(?P<time>[^]]+) UTC\] (?P<text>.*)", ("%d-%b-%Y %H:%M:%S",))]
CLOCK = Form(r"(?P<time>[\d:.]+) \[(?P<thread>[^]]+)\] (?P<level>[A-Z]+) +(?P<logger>[\w.]+) - (?P<text>.*)", ("%H:%M:%S.%f",))

LOGS = [
    Log("nginx", "nginx", "nginx/error.log", [Form(r"(?P<time>\S+ \S+) \[(?P<level>\w+)\] \d+#\d+: (?P<text>.*)", ("%Y/%m/%d %H:%M:%S",))],
        [(17, "directory index of"), (21, "bind() to 0.0.0.0:80 failed")]),
    Log("nginx", "nginx, access", "nginx/access.log", ACCESS),
    Log("apache", "Apache", "apache2/error.log",
        [Form(r"\[(?P<time>\w+ \w+ \d+ \S+ \d+)\] \[(?P<logger>\w+):(?P<level>\w+)\] \[pid \d+:tid \d+\](?: \[client [^]]+\])? (?P<text>.*)",
              ("%a %b %d %H:%M:%S.%f %Y",)), Form(r"AH\d+: .*")], [(17, "client denied by server configuration")]),
    Log("apache", "Apache, access", "apache2/access.log", ACCESS),
    Log("postgresql", "PostgreSQL", "postgresql/postgresql-15-main.log",
        [Form(r"(?P<time>\S+ \S+) UTC \[\d+\] (?:\S+@\S+ )?(?P<text>(?:STATEMENT): .*)", ("%Y-%m-%d %H:%M:%S.%f",)),
         Form(r"(?P<time>\S+ \S+) UTC \[\d+\] (?:\S+@\S+ )?(?P<level>[A-Z]+):  (?P<text>.*)", ("%Y-%m-%d %H:%M:%S.%f",))],
        [(17, "division by zero"), (21, 'database "nothing" does not exist')]),
    Log("mariadb", "MariaDB", "mysql/error.log",
        [Form(r"(?P<time>\S+ +\S+) \d+ \[(?P<level>\w+)\] (?:(?P<logger>InnoDB): )?(?P<text>.*)", ("%Y-%m-%d %H:%M:%S",)), Form("Version: .*")],
        [(13, "Access denied for user")]),
    Log("redis", "Redis", "redis/redis-server.log", [Form(r"\d+:[A-Z] (?P<time>\d+ \w+ \d+ \S+) (?P<level>[-.*#]) (?P<text>.*)", ("%d %b %Y %H:%M:%S.%f",))],
        [(13, "User requested shutdown")]),
    Log("rabbitmq", "RabbitMQ", "rabbitmq/rabbit@localhost.log",
        [Form(r"(?P<time>\S+ \S+) \[(?P<level>\w+)\] (?P<text><[\d.]+> .*)", ("%Y-%m-%d %H:%M:%S.%f%z",))], [(17, "bad_header")]),
    Log("tomcat", "Tomcat", "tomcat10/catalina.out", [TOMCAT], [(17, "Parse fatal error"), (17, "Context [/bad] startup failed")]),
    Log("tomcat", "Tomcat", "tomcat10/localhost.*.log", [TOMCAT], [(17, "java.lang.IllegalStateException: boom")]),
    Log("tomcat", "Tomcat, access", "tomcat10/localhost_access_log.*.txt", ACCESS),
    Log("syslog", "rsyslog", "syslog", syslog(ISO, "%Y-%m-%dT%H:%M:%S.%f%z")),
    Log("syslog", "rsyslog, traditional", "syslog.traditional", syslog(r"\w+ +\d+ [\d:]+", "%b %d %H:%M:%S"), [(17, "bad minute")]),
    Log("syslog", "sshd", "auth.log", syslog(ISO, "%Y-%m-%dT%H:%M:%S.%f%z"), [(9, "Invalid user bob")]),
    Log("syslog", "cron", "cron.log", syslog(ISO, "%Y-%m-%dT%H:%M:%S.%f%z"), [(17, "this crontab file will be ignored")]),
    Log("syslog", "HAProxy", "haproxy.log", syslog(ISO, "%Y-%m-%dT%H:%M:%S.%f%z"), [(9, "backend app has no server available!")]),
    Log("syslog", "journalctl -o short", "journal.short", syslog(r"\w+ +\d+ [\d:]+", "%b %d %H:%M:%S")),
    Log("syslog", "journalctl -o short-precise", "journal.short-precise", syslog(r"\w+ +\d+ [\d:.]+", "%b %d %H:%M:%S.%f")),
    Log("syslog", "journalctl -o short-iso", "journal.short-iso", syslog(ISO, "%Y-%m-%dT%H:%M:%S%z")),
    Log("syslog", "journalctl -o short-iso-precise", "journal.short-iso-precise", syslog(ISO, "%Y-%m-%dT%H:%M:%S.%f%z")),
    Log("syslog", "journalctl -o short-unix", "journal.short-unix", syslog(r"\d+\.\d{6}", "unix")),
    Log("syslog", "journalctl -o short-full", "journal.short-full", syslog(r"\w+ \S+ [\d:]+ UTC", "%a %Y-%m-%d %H:%M:%S UTC")),
    Log("syslog", "journalctl -o with-unit", "journal.with-unit", syslog(r"\w+ \S+ [\d:]+ UTC", "%a %Y-%m-%d %H:%M:%S UTC")),
    Log("ruby", "Ruby's Logger", "ruby/logger.log", [RAILS, Form("# Logfile .*")], [(17, "boom"), (21, "bad (ArgumentError)")]),
    Log("ruby", "Rails", "ruby/rails.log", [RAILS, Form("# Logfile .*")], [(21, "RuntimeError (boom)")]),
    Log("php", "Monolog", "php/monolog.log", [Form(r"\[(?P<time>[^]]+)\] (?P<logger>\w+)\.(?P<level>[A-Z]+): (?P<text>.*)", ("%Y-%m-%dT%H:%M:%S.%f%z",))],
        [(17, "RuntimeException(code: 0): bad")]),
    Log("php", "PHP", "php/php.log", PHP, [(13, "Undefined variable"), (21, "Uncaught RuntimeException: boom")]),
    Log("java", "logback", "java/logback.log", [CLOCK], [(17, "java.lang.IllegalStateException: bad")]),
    Log("java", "log4j 2", "java/log4j.log", [CLOCK], [(21, "java.lang.IllegalStateException: bad")]),
]
