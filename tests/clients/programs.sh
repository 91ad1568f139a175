#!/bin/bash
# programs.sh PROGRAM…: within machine.sh, starts each with Debian's own configuration and log format, and makes it log something good and something bad.
# What Debian's installation scripts do (users, folders, sites) is done here. Ends when all have; what they print is in /var/log/NAME.printed.
# SPDX-License-Identifier: Apache-2.0
export TZ=UTC LC_ALL=C.UTF-8
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

until_() { # until_ COMMAND…: it works, within a minute
  for _ in $(seq 600); do
    "$@" > /dev/null 2>&1 && return 0
    sleep 0.1
  done
  echo "in vain: $*"
  return 1
}
listens() { : > "/dev/tcp/127.0.0.1/$1"; }
folder() { # folder USER PATH…
  mkdir -p "${@:2}"
  chown "$1" "${@:2}"
}
as() { setpriv --reuid "$1" --clear-groups -- "${@:2}"; }
users() {
  for user in haproxy mysql postgres rabbitmq redis sshd tomcat; do
    id "$user" > /dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin "$user"
  done
}

nginx() {
  mkdir -p /var/log/nginx /etc/nginx/sites-enabled /var/www/html/empty
  ln -sf ../sites-available/default /etc/nginx/sites-enabled/default
  command nginx
  until_ curl -s localhost
  curl -s localhost/empty/ localhost/nothing
  curl -s -A 'Mozilla/5.0 "odd"' -e http://a.example/ 'localhost/?q=error'
  command nginx # a second one
  true
}

apache() {
  mkdir -p /var/log/apache2 /run/apache2 /run/lock/apache2
  sed -i 's/^Listen 80$/Listen 8081/' /etc/apache2/ports.conf
  sed -i 's/\*:80>/*:8081>/' /etc/apache2/sites-available/000-default.conf
  a2enmod -q mpm_event authz_core authz_host alias dir mime env setenvif
  a2enconf -q other-vhosts-access-log
  a2ensite -q 000-default
  apachectl start
  until_ listens 8081
  curl -s localhost:8081/ localhost:8081/.htaccess localhost:8081/nothing
  apachectl graceful
  until_ grep -q graceful /var/log/apache2/error.log
}

postgresql() {
  rm -rf /etc/postgresql /var/lib/postgresql # one of this machine is none of ours
  folder postgres /var/log/postgresql /var/lib/postgresql /run/postgresql /etc/postgresql
  pg_createcluster --locale C.UTF-8 15 main
  pg_ctlcluster --skip-systemctl-redirect 15 main start
  as postgres psql -qc 'SELECT 1/0'
  as postgres psql -d nothing
  pg_ctlcluster --skip-systemctl-redirect 15 main stop -m fast
}

mariadb() {
  folder mysql /var/log/mysql /run/mysqld /var/lib/mysql
  mariadb-install-db --user=mysql --skip-test-db --auth-root-authentication-method=normal
  mariadbd --user=mysql --log-error=/var/log/mysql/error.log &
  until_ command mariadb -e 'SELECT 1'
  command mariadb -u nobody -pwrong -h 127.0.0.1
  command mariadb -e SHUTDOWN
  wait
}

redis() {
  folder redis /var/log/redis /run/redis /var/lib/redis
  redis-server /etc/redis/redis.conf
  until_ redis-cli ping
  redis-cli shutdown
}

rabbitmq() {
  folder rabbitmq /var/log/rabbitmq /var/lib/rabbitmq /var/lib/rabbitmq/mnesia
  export RABBITMQ_NODENAME=rabbit@localhost HOME=/var/lib/rabbitmq
  as rabbitmq /usr/lib/rabbitmq/bin/rabbitmq-server &
  until_ listens 5672
  exec 3<> /dev/tcp/127.0.0.1/5672
  printf 'GET / HTTP/1.1\r\n\r\n' >&3
  until_ grep -q bad_header /var/log/rabbitmq/rabbit@localhost.log
}

tomcat() {
  local base=/var/lib/tomcat10
  folder tomcat /var/log/tomcat10 /var/cache/tomcat10 $base/webapps/ROOT $base/webapps/bad/WEB-INF
  cp /usr/share/tomcat10/default.template /etc/default/tomcat10
  cp -r /usr/share/tomcat10/etc/. /etc/tomcat10/
  echo '<web-app><oops>' > $base/webapps/bad/WEB-INF/web.xml
  echo '<% if (true) throw new IllegalStateException("boom"); %>' > $base/webapps/ROOT/fail.jsp
  echo hello > $base/webapps/ROOT/index.html
  CATALINA_HOME=/usr/share/tomcat10 CATALINA_BASE=$base CATALINA_TMPDIR=/run /usr/libexec/tomcat10/tomcat-start.sh > /var/log/tomcat10/catalina.out 2>&1 &
  until_ curl -s localhost:8080/index.html
  curl -s localhost:8080/fail.jsp
  kill $!
  wait
}

# journald, rsyslog behind it, and what logs by syslog(3): HAProxy, sshd, cron, logger and a unit's standard output.
syslog() {
  mkdir -p /run/systemd/journal /run/log /run/sshd /run/haproxy /var/lib/haproxy/dev /var/spool/rsyslog /var/spool/cron/crontabs
  chmod 1777 /var/log
  sed -i 's/^#\?ForwardToSyslog=.*/ForwardToSyslog=yes/' /etc/systemd/journald.conf
  sed -i 's/^module(load="imklog")//; s/^module(load="imuxsock")/module(load="imuxsock" SysSock.Use="off")/' /etc/rsyslog.conf
  printf '%s\n' 'input(type="imuxsock" Socket="/run/systemd/journal/syslog")' \
    '*.* action(type="omfile" file="/var/log/syslog.traditional" template="RSYSLOG_TraditionalFileFormat")' > /etc/rsyslog.d/10-journal.conf
  rsyslogd -n &
  until_ test -S /run/systemd/journal/syslog
  /lib/systemd/systemd-journald &
  until_ test -S /run/systemd/journal/dev-log
  ln -sf /run/systemd/journal/dev-log /dev/log
  haproxy & local h=$!
  sshd & local s=$!
  wait $h $s
  cron
  logger -p user.err -t shop 'payment failed'
  systemd-cat -t worker -p warning echo 'queue is full'
  until_ grep -q 'queue is full' /var/log/syslog
  until_ grep -q 'CMD (echo hello)' /var/log/syslog
  for form in short short-full short-iso short-iso-precise short-precise short-unix with-unit json cat; do
    journalctl --no-pager -o $form > /var/log/journal.$form
  done
}
haproxy() {
  printf '%s\n' 'frontend web' ' bind 127.0.0.1:8082' ' default_backend app' 'backend app' ' server a 127.0.0.1:9 check' >> /etc/haproxy/haproxy.cfg
  command haproxy -f /etc/haproxy/haproxy.cfg -D
  until_ curl -s localhost:8082
}
sshd() {
  local options=(-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes)
  cp /usr/share/openssh/sshd_config /etc/ssh/
  ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
  ssh-keygen -q -t ed25519 -N '' -f /run/key
  /usr/sbin/sshd -o AuthorizedKeysFile=/run/key.pub -o StrictModes=no
  until_ listens 22
  ssh "${options[@]}" bob@127.0.0.1 true
  ssh "${options[@]}" -i /run/key root@127.0.0.1 true
}
cron() {
  rm -f /etc/cron.d/*
  echo '@reboot root echo hello' > /etc/crontab
  echo 'x * * * * root true' > /etc/cron.d/bad
  command cron -f &
}

ruby() { mkdir -p /var/log/ruby; command ruby "$here/loggers/main.rb" /var/log/ruby; }
php() { mkdir -p /var/log/php; php8.2 "$here/loggers/main.php" /var/log/php; }
java() {
  local jars=/usr/share/java
  mkdir -p /var/log/java
  command java -cp "$jars/logback-classic.jar:$jars/logback-core.jar:$jars/slf4j-api.jar" "$here/loggers/Logback.java" > /var/log/java/logback.log
  command java -cp "$jars/log4j-api.jar:$jars/log4j-core.jar" "$here/loggers/Log4j.java" > /var/log/java/log4j.log
}

users
waited=()
for name; do
  "$name" > "/var/log/$name.printed" 2>&1 &
  waited+=($!)
done
wait "${waited[@]}"
