/* Syslog messages as devices and libraries send them, and what is read out of each.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "translators/logs/syslog_parse.h"
#include "translators/text/civil.h"

/* 2026-11-21 08:30:00 UTC */
#define NOW (INT64_C(1795249800) * GW_SEC)

struct shown {
    char text[8192];
    size_t len;
};

static void put(struct shown *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct shown *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    s->len += (size_t)vsnprintf(s->text + s->len, sizeof s->text - s->len, fmt, args);
    va_end(args);
}

static void put_text(struct shown *s, const char *name, gw_str v)
{
    if (v.len)
        put(s, "%s=%.*s ", name, GW_FMT(v));
}

static void put_time(struct shown *s, uint64_t time)
{
    struct civil c;
    if (!time)
        return;
    civil_of((int64_t)(time / 1000000000u), &c);
    put(s, "%04d-%02d-%02dT%02d:%02d:%02d", (int)c.year, c.month, c.day, c.hour, c.minute, c.second);
    if (time % 1000000000u)
        put(s, ".%09llu", (unsigned long long)(time % 1000000000u));
    put(s, "Z ");
}

/* "4.2 v1 2026-11-21T08:00:00Z host=… app=… … [key=value] |text" */
static void show(struct shown *s, const struct syslog_message *m)
{
    if (m->severity >= 0)
        put(s, "%d.%d ", m->facility, m->severity);
    if (m->version)
        put(s, "v%d ", m->version);
    put_time(s, m->time);
    put_text(s, "host", m->host);
    put_text(s, "app", m->app);
    put_text(s, "pid", m->procid);
    put_text(s, "id", m->msgid);
    put_text(s, "seq", m->sequence);
    for (size_t i = 0; i < m->data_n; i++) {
        gw_str key = m->data[i].key, prefix = GW_STR("syslog.structured_data");
        assert_true(gw_str_starts(key, prefix));
        put(s, "[%.*s=%.*s] ", GW_FMT(gw_str_from(key, prefix.len)), GW_FMT(m->data[i].text));
    }
    put(s, "|%.*s", GW_FMT(m->text));
}

static void expect_with(const struct syslog_ground *g, gw_str line, const char *want)
{
    struct gw_arena arena;
    struct syslog_message m;
    struct shown s = {.len = 0};
    gw_arena_init(&arena, 1 << 20);
    syslog_parse(line, g, &arena, &m);
    show(&s, &m);
    assert_string_equal(s.text, want);
    gw_arena_fini(&arena);
}

struct line {
    const char *line, *want;
};

static void expect_all(const struct syslog_ground *g, const struct line *lines, size_t n)
{
    for (size_t i = 0; i < n; i++)
        expect_with(g, gw_str_z(lines[i].line), lines[i].want);
}

#define EXPECT_ALL(g, lines) expect_all(g, lines, sizeof(lines) / sizeof *(lines))

static void test_rfc5424(void **state)
{
    static const struct line lines[] = {
        /* the RFC's own examples (§6.5) */
        {"<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - \xEF\xBB\xBF'su root' failed for "
         "lonvick on /dev/pts/8",
         "4.2 v1 2003-10-11T22:14:15.003000000Z host=mymachine.example.com app=su id=ID47 |'su root' failed "
         "for lonvick on /dev/pts/8"},
        {"<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - %% It's time to make the "
         "do-nuts.",
         "20.5 v1 2003-08-24T12:14:15.000003000Z host=192.0.2.1 app=myproc pid=8710 |%% It's time to make "
         "the do-nuts."},
        {"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 iut=\"3\" "
         "eventSource=\"Application\" "
         "eventID=\"1011\"] An application event log entry...",
         "20.5 v1 2003-10-11T22:14:15.003000000Z host=mymachine.example.com app=evntslog id=ID47 "
         "[.exampleSDID@32473.iut=3] "
         "[.exampleSDID@32473.eventSource=Application] [.exampleSDID@32473.eventID=1011] |An application "
         "event log entry..."},
        {"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 [exampleSDID@32473 "
         "iut=\"3\"][examplePriority@32473 "
         "class=\"high\"]",
         "20.5 v1 2003-10-11T22:14:15.003000000Z host=mymachine.example.com app=evntslog id=ID47 "
         "[.exampleSDID@32473.iut=3] "
         "[.examplePriority@32473.class=high] |"},
        {"<0>1 - - - - - -", "0.0 v1 |"},
        {"<191>1 - - - - - - text", "23.7 v1 |text"},
        /* escapes: three of them, and a backslash that is itself */
        {"<13>1 - h a - - [x@1 q=\"say \\\"hi\\\"\" b=\"c:\\\\dir\" e=\"[a\\]\" n=\"\\n\"] m",
         "1.5 v1 host=h app=a [.x@1.q=say \"hi\"] [.x@1.b=c:\\dir] [.x@1.e=[a]] [.x@1.n=\\n] |m"},
        {"<13>1 - h a - - [origin ip=\"192.0.2.1\" ip=\"192.0.2.129\"] m",
         "1.5 v1 host=h app=a [.origin.ip=192.0.2.1,192.0.2.129] |m"},
        {"<13>1 - h a - - [ping@1] m", "1.5 v1 host=h app=a [.ping@1=] |m"},
        /* util-linux's logger --rfc5424 */
        {"<13>1 2026-11-21T10:43:22.573122+00:00 box root - - [timeQuality tzKnown=\"1\" isSynced=\"0\"] "
         "hello",
         "1.5 v1 2026-11-21T10:43:22.573122000Z host=box app=root [.timeQuality.tzKnown=1] "
         "[.timeQuality.isSynced=0] |hello"},
        /* no structured data where it must be, and what only looks like it */
        {"<13>1 2026-11-21T10:43:22Z h a 1 - hello world",
         "1.5 v1 2026-11-21T10:43:22Z host=h app=a pid=1 |hello world"},
        {"<13>1 2026-11-21T10:43:22Z h a 1 - [main] INFO hello",
         "1.5 v1 2026-11-21T10:43:22Z host=h app=a pid=1 [.main=] |INFO hello"},
        {"<13>1 2026-11-21T10:43:22Z h a 1 - [main INFO hello",
         "1.5 v1 2026-11-21T10:43:22Z host=h app=a pid=1 |[main INFO hello"},
        {"<13>1 - h a - - @cee: {\"a\":1}", "1.5 v1 host=h app=a |{\"a\":1}"},
        {"<13>1 - h a - - - @cee: {\"a\":1}", "1.5 v1 host=h app=a |{\"a\":1}"},
        /* claimed, and not so: the other kind, or text */
        {"<13>1 yesterday h a - - - m", "1.5 |1 yesterday h a - - - m"},
        {"<13>1 2026-13-21T10:43:22Z h a - - - m", "1.5 |1 2026-13-21T10:43:22Z h a - - - m"},
        {"<13>1 2026-11-21T10:43:22Z h a", "1.5 |1 2026-11-21T10:43:22Z h a"},
        {"<13>1 ", "1.5 |1 "},
    };
    const struct syslog_ground g = {NOW, zone_utc(), false};
    EXPECT_ALL(&g, lines);
}

static void test_rfc3164(void **state)
{
    static const struct line lines[] = {
        /* the RFC's own examples (§5.4); the year is guessed */
        {"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8",
         "4.2 2026-10-11T22:14:15Z host=mymachine app=su |'su root' failed for lonvick on /dev/pts/8"},
        {"<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!",
         "1.5 2027-02-05T17:32:18Z host=10.0.0.99 |Use the BFG!"},
        {"<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time",
         "20.5 1987-08-24T05:34:00Z host=mymachine app=myproc pid=10 |%% It's time"},
        {"<0>1990 Oct 22 10:52:01 scapegoat.dmz.example.org 10.1.2.3 sched[0]: That's All Folks!",
         "0.0 1990-10-22T10:52:01Z host=scapegoat.dmz.example.org |10.1.2.3 sched[0]: That's All Folks!"},
        /* sshd, postfix, cron, systemd, the kernel, docker */
        {"<86>Nov 21 08:00:01 web1 sshd(pam_unix)[19939]: session opened",
         "10.6 2026-11-21T08:00:01Z host=web1 app=sshd(pam_unix) pid=19939 |session opened"},
        {"<22>Nov  1 08:00:01 mail postfix/smtpd[123]: connect from x",
         "2.6 2026-11-01T08:00:01Z host=mail app=postfix/smtpd pid=123 |connect from x"},
        {"<78>Nov 21 08:00:01 web1 CRON[77]: (root) CMD (true)",
         "9.6 2026-11-21T08:00:01Z host=web1 app=CRON pid=77 |(root) CMD (true)"},
        {"<4>Nov 21 08:00:01 web1 kernel: [12.5] oops",
         "0.4 2026-11-21T08:00:01Z host=web1 app=kernel |[12.5] oops"},
        {"<30>Nov 21 08:00:01 web1 docker/app[8]:hello",
         "3.6 2026-11-21T08:00:01Z host=web1 app=docker/app pid=8 |hello"},
        /* no host, fractions, a year, tabs in text, repeated messages, no tag */
        {"<13>Nov 21 08:00:01 app[1]: no host", "1.5 2026-11-21T08:00:01Z app=app pid=1 |no host"},
        {"<13>Nov 21 08:00:01 app: no host", "1.5 2026-11-21T08:00:01Z app=app |no host"},
        {"<13>Nov 21 08:00:01.123456 h app: x", "1.5 2026-11-21T08:00:01.123456000Z host=h app=app |x"},
        {"<13>Nov 21 2025 08:00:01 h app: x", "1.5 2025-11-21T08:00:01Z host=h app=app |x"},
        {"<13>Nov 21 08:00:01 h\ttext", "1.5 2026-11-21T08:00:01Z |h\ttext"},
        {"<13>Nov 21 08:00:01 h last message repeated 3 times",
         "1.5 2026-11-21T08:00:01Z host=h |last message repeated 3 times"},
        {"<13>Nov 21 08:00:01 last message repeated 3 times",
         "1.5 2026-11-21T08:00:01Z |last message repeated 3 times"},
        {"<13>Nov 21 08:00:01 Message forwarded from aix7: su: x",
         "1.5 2026-11-21T08:00:01Z host=aix7 app=su |x"},
        {"<13>Nov 21 08:00:01 fe80::1 app: x", "1.5 2026-11-21T08:00:01Z host=fe80::1 app=app |x"},
        /* ISO times: rsyslog, ESXi */
        {"<13>2026-11-21T08:00:01.25+08:00 h app[2]: x",
         "1.5 2026-11-21T00:00:01.250000000Z host=h app=app pid=2 |x"},
        {"<14>2026-11-21T08:00:01.003Z esx01.example.com Hostd: info hostd[2099] [Originator@6876] x",
         "1.6 2026-11-21T08:00:01.003000000Z host=esx01.example.com app=Hostd |info hostd[2099] "
         "[Originator@6876] x"},
        {"<13>2026-11-21 08:00:01,5 h app: x", "1.5 2026-11-21T08:00:01.500000000Z host=h app=app |x"},
        /* zones behind the time */
        {"<13>Nov 21 08:00:01 UTC h app: x", "1.5 2026-11-21T08:00:01Z host=h app=app |x"},
        {"<13>Nov 21 08:00:01 +0530 h app: x", "1.5 2026-11-21T02:30:01Z host=h app=app |x"},
        {"<13>Nov 21 08:00:01 WEB app: x", "1.5 2026-11-21T08:00:01Z host=WEB app=app |x"},
        /* without a PRI, as in files */
        {"Nov 21 08:00:01 h app[3]: x", "2026-11-21T08:00:01Z host=h app=app pid=3 |x"},
    };
    const struct syslog_ground g = {NOW, zone_utc(), false};
    EXPECT_ALL(&g, lines);
}

static void test_cisco(void **state)
{
    static const struct line lines[] = {
        {"<166>%ASA-6-302015: Built inbound UDP", "20.6 id=ASA-6-302015 |%ASA-6-302015: Built inbound UDP"},
        {"<166>Nov 21 2026 08:00:01: %ASA-6-302015: Built",
         "20.6 2026-11-21T08:00:01Z id=ASA-6-302015 |%ASA-6-302015: Built"},
        {"<166>Nov 21 2026 08:00:01 fw01 : %ASA-6-302015: Built",
         "20.6 2026-11-21T08:00:01Z host=fw01 id=ASA-6-302015 |%ASA-6-302015: Built"},
        {"<189>123: *Nov 21 08:00:01.123 UTC: %SYS-5-CONFIG_I: Configured",
         "23.5 2026-11-21T08:00:01.123000000Z id=SYS-5-CONFIG_I seq=123 |%SYS-5-CONFIG_I: Configured"},
        {"<189>29: router1: .Nov 21 08:00:01: %SYS-5-RESTART: up",
         "23.5 2026-11-21T08:00:01Z host=router1 id=SYS-5-RESTART seq=29 |%SYS-5-RESTART: up"},
        {"<189>29: %LINK-3-UPDOWN: up", "23.5 id=LINK-3-UPDOWN seq=29 |%LINK-3-UPDOWN: up"},
        {"<189>: Nov 21 08:00:01 UTC: %LINK-3-UPDOWN: up",
         "23.5 2026-11-21T08:00:01Z id=LINK-3-UPDOWN |%LINK-3-UPDOWN: up"},
        {"<189>29: nothing of Cisco's", "23.5 |29: nothing of Cisco's"},
        {"<14>100% done: %d-%d", "1.6 |100% done: %d-%d"},
    };
    const struct syslog_ground g = {NOW, zone_utc(), false};
    EXPECT_ALL(&g, lines);
}

/* No time, no host: Python's SysLogHandler and its like. Text stays text. */
static void test_bare(void **state)
{
    static const struct line lines[] = {
        {"<14>hello", "1.6 |hello"},
        {"<14>myapp: hello", "1.6 app=myapp |hello"},
        {"<14>my-app.py[77]: hello", "1.6 app=my-app.py pid=77 |hello"},
        {"<14>MyApp[77]: hello", "1.6 app=MyApp pid=77 |hello"},
        {"<14>error: disk full", "1.6 |error: disk full"},
        {"<14>ValueError: bad", "1.6 |ValueError: bad"},
        {"<14>Traceback (most recent call last):", "1.6 |Traceback (most recent call last):"},
        {"<14>http://x/y is down", "1.6 |http://x/y is down"},
        {"<14>[main] x", "1.6 |[main] x"},
        {"<14>a[1] b", "1.6 |a[1] b"},
        {"<14>", "1.6 |"},
        {"<192>x", "|<192>x"},
        {"<1913>x", "|<1913>x"},
        {"<>x", "|<>x"},
        {"<-1>x", "|<-1>x"},
        {"<14", "|<14"},
        {"app: no PRI", "|app: no PRI"},
        {"plain text", "|plain text"},
        {"<14>Nov 31 08:00:01 h app: x", "1.6 |Nov 31 08:00:01 h app: x"},
        {"<14>Nov 21 24:00:01 h app: x", "1.6 |Nov 21 24:00:01 h app: x"},
        {"<14>Nov 21 08:00:01", "1.6 2026-11-21T08:00:01Z |"},
        {"<14>Nov 21 08:00", "1.6 |Nov 21 08:00"},
    };
    const struct syslog_ground g = {NOW, zone_utc(), false};
    EXPECT_ALL(&g, lines);
    expect_with(&g, GW_STR("<14>\x00\xff\x01"), "1.6 |");
}

/* What programs write to /dev/log has no host. */
static void test_local(void **state)
{
    static const struct line lines[] = {
        {"<13>Nov 21 08:00:01 root: hello", "1.5 2026-11-21T08:00:01Z app=root |hello"},
        {"<13>Nov 21 08:00:01 su 'su root' failed", "1.5 2026-11-21T08:00:01Z |su 'su root' failed"},
        {"<13>Nov 21 08:00:01 app[5]: hello", "1.5 2026-11-21T08:00:01Z app=app pid=5 |hello"},
    };
    const struct syslog_ground g = {NOW, zone_utc(), true};
    EXPECT_ALL(&g, lines);
}

static void test_years_and_zones(void **state)
{
    const struct zone *shanghai = zone_find(GW_STR("Asia/Shanghai"));
    if (!shanghai)
        fail_msg("this machine has no tz database");
    struct syslog_ground g = {NOW, shanghai, false};
    expect_with(&g, GW_STR("<13>Nov 21 16:30:00 h a: x"), "1.5 2026-11-21T08:30:00Z host=h app=a |x");
    expect_with(&g, GW_STR("<13>2026-11-21T16:30:00 h a: x"), "1.5 2026-11-21T08:30:00Z host=h app=a |x");
    /* around the turn of the year, from both sides */
    g.zone = zone_utc();
    g.wall = (civil_days(2027, 1, 1) * 86400 + 5) * GW_SEC;
    expect_with(&g, GW_STR("<13>Dec 31 23:59:59 h a: x"), "1.5 2026-12-31T23:59:59Z host=h app=a |x");
    g.wall = (civil_days(2027, 1, 1) * 86400 - 5) * GW_SEC;
    expect_with(&g, GW_STR("<13>Jan  1 00:00:03 h a: x"), "1.5 2027-01-01T00:00:03Z host=h app=a |x");
    /* 29 February exists in the nearest leap year only when it is near */
    g.wall = civil_days(2028, 3, 1) * 86400 * GW_SEC;
    expect_with(&g, GW_STR("<13>Feb 29 12:00:00 h a: x"), "1.5 2028-02-29T12:00:00Z host=h app=a |x");
    g.wall = civil_days(2026, 3, 1) * 86400 * GW_SEC;
    expect_with(&g, GW_STR("<13>Feb 29 12:00:00 h a: x"), "1.5 |Feb 29 12:00:00 h a: x");
}

/* More structured data than there is room for stays together. */
static void test_much_structured_data(void **state)
{
    struct gw_arena arena;
    struct syslog_message m;
    const struct syslog_ground g = {NOW, zone_utc(), false};
    char line[4096] = "<13>1 - - - - - [x@1";
    for (int i = 0; i < SYSLOG_PARAMS + 10; i++)
        snprintf(line + strlen(line), sizeof line - strlen(line), " p%d=\"%d\"", i, i);
    strcat(line, "] text");
    gw_arena_init(&arena, 1 << 20);
    syslog_parse(gw_str_z(line), &g, &arena, &m);
    assert_int_equal(m.data_n, SYSLOG_PARAMS + 1);
    assert_true(gw_str_eq(m.data[SYSLOG_PARAMS - 1].key, GW_STR("syslog.structured_data.x@1.p63")));
    assert_true(gw_str_eq(m.data[SYSLOG_PARAMS].key, GW_STR("syslog.structured_data")));
    assert_true(gw_str_starts(m.data[SYSLOG_PARAMS].text, GW_STR("[x@1 p0=\"0\" ")));
    assert_true(gw_str_ends(m.data[SYSLOG_PARAMS].text, GW_STR(" p73=\"73\"]")));
    assert_true(gw_str_eq(m.text, GW_STR("text")));
    gw_arena_fini(&arena);
}

/* Switches write one. */
static void test_blanks_behind_the_priority(void **state)
{
    static const struct line lines[] = {
        {"<14> Apr 25 16:43:29 SW1-1 General[procLOG]: main.c(257) 272264 %% Stopping System API",
         "1.6 2027-04-25T16:43:29Z host=SW1-1 app=General pid=procLOG |main.c(257) 272264 %% Stopping System "
         "API"},
        {"<14>   Nov 21 08:00:00 h app: x", "1.6 2026-11-21T08:00:00Z host=h app=app |x"},
        {"<14> 1 2026-11-21T08:00:00Z h app 7 id - x",
         "1.6 v1 2026-11-21T08:00:00Z host=h app=app pid=7 id=id |x"},
        {"<14>  hello", "1.6 |hello"},
    };
    const struct syslog_ground g = {NOW, zone_utc(), false};
    EXPECT_ALL(&g, lines);
}

/* date(1), Cisco, Huawei, H3C; a year before and behind the zone. */
static void test_zones_are_no_hosts(void **state)
{
    static const struct line lines[] = {
        {"<14>Nov 21 08:00:00 2026 UTC host1 app[1]: x",
         "1.6 2026-11-21T08:00:00Z host=host1 app=app pid=1 |x"},
        {"<14>Nov 21 2026 08:00:00 UTC host1 app[1]: x",
         "1.6 2026-11-21T08:00:00Z host=host1 app=app pid=1 |x"},
        {"<14>Sat Nov 21 08:00:00 UTC 2026 host1 app[1]: x",
         "1.6 2026-11-21T08:00:00Z host=host1 app=app pid=1 |x"},
        {"<14>Nov 21 08:00:00 CET host1 app[1]: x", "1.6 2026-11-21T07:00:00Z host=host1 app=app pid=1 |x"},
        {"<14>Nov 21 08:00:00 CST host1 app[1]: x", "1.6 2026-11-21T08:00:00Z host=host1 app=app pid=1 |x"},
        {"<14>Nov 21 08:00:00 PST host1 app[1]: x", "1.6 2026-11-21T16:00:00Z host=host1 app=app pid=1 |x"},
        {"<14>Nov 21 08:00:00 NZST host1 app[1]: x", "1.6 2026-11-20T20:00:00Z host=host1 app=app pid=1 |x"},
        {"<14>Nov 21 08:00:00 IST host1 app[1]: x", "1.6 2026-11-21T08:00:00Z host=host1 app=app pid=1 |x"},
        {"<14>Nov 21 08:00:00 +08 host1 app[1]: x", "1.6 2026-11-21T00:00:00Z host=host1 app=app pid=1 |x"},
        {"<14>Nov 21 08:00:00 -0330 host1 app[1]: x", "1.6 2026-11-21T11:30:00Z host=host1 app=app pid=1 |x"},
        {"<14>Nov 21 08:00:00 GMT+8 host1 app[1]: x", "1.6 2026-11-21T00:00:00Z host=host1 app=app pid=1 |x"},
        {"<14>Nov 21 2026 08:00:00+08:00 HW-SW %%01INFO/4/SUPPRESS_LOG(l)[1]:Last message repeated",
         "1.6 2026-11-21T00:00:00Z host=HW-SW id=01INFO/4/SUPPRESS_LOG |%%01INFO/4/SUPPRESS_LOG(l)[1]:Last "
         "message repeated"},
        {"<189>Nov 21 08:00:00:123 2026 H3C %%10SHELL/5/SHELL_LOGIN: VTY logged in",
         "23.5 2026-11-21T08:00:00.123000000Z host=H3C id=10SHELL/5/SHELL_LOGIN |%%10SHELL/5/SHELL_LOGIN: "
         "VTY logged in"},
        {"<13>Nov 21 08:00:01 UTC something", "1.5 2026-11-21T08:00:01Z |something"},
        {"<13>Nov 21 08:00:01 CET app: x", "1.5 2026-11-21T07:00:01Z app=app |x"},
        {"<14>Nov 21 08:00:00 -5 h app: x", "1.6 2026-11-21T08:00:00Z |-5 h app: x"},
        {"<14>Nov 21 08:00:00 WEB app: x", "1.6 2026-11-21T08:00:00Z host=WEB app=app |x"},
        {"<14>Nov 21 08:00:00 INFO: x", "1.6 2026-11-21T08:00:00Z |INFO: x"},
        {"<14>Nov 21 08:00:00 GMT+08:00 h app: x", "1.6 2026-11-21T00:00:00Z host=h app=app |x"},
        {"<14>Nov 21 08:00:00Z h app: x", "1.6 2026-11-21T08:00:00Z host=h app=app |x"},
        {"<14>Nov 21 08:00:00 Z h app: x", "1.6 2026-11-21T08:00:00Z host=h app=app |x"},
    };
    const struct syslog_ground g = {NOW, zone_utc(), false};
    EXPECT_ALL(&g, lines);
}

/* HAProxy's formats iso, timed, local and rfc3164; nginx, also at its start, when it has no host name yet. */
static void test_haproxy_and_nginx(void **state)
{
    static const struct line lines[] = {
        {"<134>2026-11-28T15:06:25.247994+00:00 10.0.0.1:59196 [28/Nov/2026:15:06:22.243] f b/s "
         "0/0/-1/-1/3004 503 217",
         "16.6 2026-11-28T15:06:25.247994000Z |10.0.0.1:59196 [28/Nov/2026:15:06:22.243] f b/s "
         "0/0/-1/-1/3004 503 217"},
        {"<134>2026-11-28T15:06:25.247994+00:00 2001:db8::1:59196 [28/Nov/2026:15:06:22.243] f b/s "
         "0/0/-1/-1/3004 503 217",
         "16.6 2026-11-28T15:06:25.247994000Z |2001:db8::1:59196 [28/Nov/2026:15:06:22.243] f b/s "
         "0/0/-1/-1/3004 503 217"},
        {"<5>2026-11-28T15:06:25.247994+00:00 Proxy f started.",
         "0.5 2026-11-28T15:06:25.247994000Z |Proxy f started."},
        {"<1>2026-11-28T15:06:25.247994+00:00 Server b/s1 is DOWN, reason: Layer4 connection problem",
         "0.1 2026-11-28T15:06:25.247994000Z |Server b/s1 is DOWN, reason: Layer4 connection problem"},
        {"2026-11-28T15:06:25.247994+00:00 Stopping proxy f in 0 ms.",
         "2026-11-28T15:06:25.247994000Z |Stopping proxy f in 0 ms."},
        {"<134>Nov 28 15:06:25 haproxy[12]: 10.0.0.1:59196 [28/Nov/2026:15:06:22.243] f b/s 0/0",
         "16.6 2026-11-28T15:06:25Z app=haproxy pid=12 |10.0.0.1:59196 [28/Nov/2026:15:06:22.243] f b/s 0/0"},
        {"<134>Nov 28 15:06:25 lb1 haproxy[12]: 10.0.0.1:59196 [28/Nov/2026:15:06:22.243] f b/s 0/0",
         "16.6 2026-11-28T15:06:25Z host=lb1 app=haproxy pid=12 |10.0.0.1:59196 "
         "[28/Nov/2026:15:06:22.243] f b/s 0/0"},
        {"<134>2026-11-28T15:06:25Z lb haproxy[12]: 10.0.0.1:59196 [28/Nov/2026:15:06:22.243] f b/s 0/0",
         "16.6 2026-11-28T15:06:25Z host=lb app=haproxy pid=12 |10.0.0.1:59196 "
         "[28/Nov/2026:15:06:22.243] f b/s 0/0"},
        {"<134>Nov 28 15:06:25 lb1 haproxy[12]: Proxy f started.",
         "16.6 2026-11-28T15:06:25Z host=lb1 app=haproxy pid=12 |Proxy f started."},
        {"<187>Nov 28 15:06:25  nginx: 2026/11/28 15:06:25 [emerg] 1#1: bind() failed",
         "23.3 2026-11-28T15:06:25Z app=nginx |2026/11/28 15:06:25 [emerg] 1#1: bind() failed"},
        {"<190>Nov 28 15:06:25 web1 nginx: 10.0.0.1 - - [28/Nov/2026:15:06:25 +0000] \"GET / HTTP/1.1\" 200 "
         "1",
         "23.6 2026-11-28T15:06:25Z host=web1 app=nginx |10.0.0.1 - - [28/Nov/2026:15:06:25 +0000] \"GET / "
         "HTTP/1.1\" 200 1"},
        {"<190>Nov 28 15:06:25 nginx: 10.0.0.1 - - [28/Nov/2026:15:06:25 +0000] \"GET / HTTP/1.1\" 200 1",
         "23.6 2026-11-28T15:06:25Z app=nginx |10.0.0.1 - - [28/Nov/2026:15:06:25 +0000] \"GET / HTTP/1.1\" "
         "200 1"},
        {"<190>Nov 28 15:06:25 10.0.0.1 - - [28/Nov/2026:15:06:25 +0000] \"GET / HTTP/1.1\" 200 1",
         "23.6 2026-11-28T15:06:25Z |10.0.0.1 - - [28/Nov/2026:15:06:25 +0000] \"GET / HTTP/1.1\" 200 1"},
    };
    const struct syslog_ground g = {NOW, zone_utc(), false};
    EXPECT_ALL(&g, lines);
}

/* Python's SysLogHandler and its like, with whatever format: what the logger wrote stays whole, for who reads
 * text. */
static void test_loggers_behind_a_syslog_handler(void **state)
{
    static const struct line lines[] = {
        {"<11>2026-11-28 15:06:03,103 ERROR [py] [x.py:18] [dd.service=s] - boom",
         "1.3 2026-11-28T15:06:03.103000000Z |2026-11-28 15:06:03,103 ERROR [py] [x.py:18] [dd.service=s] - "
         "boom"},
        {"<11>2026-11-28 15:06:03,103 - shop.cart - ERROR - boom",
         "1.3 2026-11-28T15:06:03.103000000Z |2026-11-28 15:06:03,103 - shop.cart - ERROR - boom"},
        {"<11>2026-11-28 15:06:03,103 shop.cart ERROR boom",
         "1.3 2026-11-28T15:06:03.103000000Z |2026-11-28 15:06:03,103 shop.cart ERROR boom"},
        {"<11>2026-11-28 15:06:03,103 shop cart: boom",
         "1.3 2026-11-28T15:06:03.103000000Z |2026-11-28 15:06:03,103 shop cart: boom"},
        {"<11>2026-11-28 15:06:03,103 12345 MainThread boom",
         "1.3 2026-11-28T15:06:03.103000000Z |2026-11-28 15:06:03,103 12345 MainThread boom"},
        {"<11>2026-11-28 15:06:03 ERROR boom", "1.3 2026-11-28T15:06:03Z |2026-11-28 15:06:03 ERROR boom"},
        {"<11>2026-11-28 15:06:03 shop boom", "1.3 2026-11-28T15:06:03Z |2026-11-28 15:06:03 shop boom"},
        {"<11>2026-11-28T15:06:03Z ERROR boom", "1.3 2026-11-28T15:06:03Z |2026-11-28T15:06:03Z ERROR boom"},
        {"<11>2026-11-28T15:06:03.103Z [main] boom",
         "1.3 2026-11-28T15:06:03.103000000Z |2026-11-28T15:06:03.103Z [main] boom"},
        {"<11>Nov 28 15:06:03 ERROR [py] [x.py:18] boom",
         "1.3 2026-11-28T15:06:03Z |ERROR [py] [x.py:18] boom"},
        {"<11>Nov 28 15:06:03 - shop - ERROR - boom", "1.3 2026-11-28T15:06:03Z |shop - ERROR - boom"},
        {"<11>Nov 28 15:06:03 ERROR: boom", "1.3 2026-11-28T15:06:03Z |ERROR: boom"},
        {"<11>ERROR:shop:boom", "1.3 |ERROR:shop:boom"},
        {"<11>ERROR: boom", "1.3 |ERROR: boom"},
        {"<11>[2026-11-28 15:06:03,103] ERROR in app: boom",
         "1.3 |[2026-11-28 15:06:03,103] ERROR in app: boom"},
        {"<11>28/Nov/2026 15:06:03 ERROR boom", "1.3 |28/Nov/2026 15:06:03 ERROR boom"},
        {"<11>shop.cart: ERROR boom", "1.3 app=shop.cart |ERROR boom"},
        {"<11>Nov 28 15:06:03 web1 ERROR: boom", "1.3 2026-11-28T15:06:03Z host=web1 |ERROR: boom"},
        {"<13>Nov 21 08:00:01 WARN something", "1.5 2026-11-21T08:00:01Z |WARN something"},
        {"<11>2026-11-28 15:06:03,103 [INFO] shop: x",
         "1.3 2026-11-28T15:06:03.103000000Z |2026-11-28 15:06:03,103 [INFO] shop: x"},
        {"<11>2026-11-28 15:06:03.103 | ERROR    | shop:f:1 - x",
         "1.3 2026-11-28T15:06:03.103000000Z |2026-11-28 15:06:03.103 | ERROR    | shop:f:1 - x"},
        {"<11>2026-11-28T15:06:03.103Z error: x",
         "1.3 2026-11-28T15:06:03.103000000Z |2026-11-28T15:06:03.103Z error: x"},
        {"<11>2026-11-28 15:06:03 h app[7]: x", "1.3 2026-11-28T15:06:03Z host=h app=app pid=7 |x"},
    };
    const struct syslog_ground g = {NOW, zone_utc(), false};
    EXPECT_ALL(&g, lines);
}

/* ASA, FTD, FMC, ISE, NX-OS, IOS XR, IOS with two sequence numbers, WLC, access points, Meraki. */
static void test_cisco_devices(void **state)
{
    static const struct line lines[] = {
        {"<166>Nov 21 2026 08:00:01 : %ASA-6-302015: Built",
         "20.6 2026-11-21T08:00:01Z id=ASA-6-302015 |%ASA-6-302015: Built"},
        {"<113>Nov 21 2026 08:00:00 ftd1 : %FTD-1-430003: EventPriority: Low, DeviceUUID: 1",
         "14.1 2026-11-21T08:00:00Z host=ftd1 id=FTD-1-430003 |%FTD-1-430003: EventPriority: Low, "
         "DeviceUUID: 1"},
        {"<113>2026-11-21T08:00:00Z firepower  %FTD-1-430003: EventPriority: Low",
         "14.1 2026-11-21T08:00:00Z host=firepower id=FTD-1-430003 |%FTD-1-430003: EventPriority: Low"},
        {"<113>2026-11-21T08:00:00Z  %FTD-1-430003: EventPriority: Low",
         "14.1 2026-11-21T08:00:00Z id=FTD-1-430003 |%FTD-1-430003: EventPriority: Low"},
        {"<166>2026-11-21T08:00:00Z asa1 : %ASA-6-110002: Failed",
         "20.6 2026-11-21T08:00:00Z host=asa1 id=ASA-6-110002 |%ASA-6-110002: Failed"},
        {"<166>:Nov 21 08:00:00 UTC: %ASA-session-6-302015: Built",
         "20.6 2026-11-21T08:00:00Z id=ASA-session-6-302015 |%ASA-session-6-302015: Built"},
        {"<46>Nov 21 08:00:00 fmc1 SFIMS: [Primary Detection Engine] x",
         "5.6 2026-11-21T08:00:00Z host=fmc1 app=SFIMS |[Primary Detection Engine] x"},
        {"<181>Nov 21 08:00:00 ise1 CISE_Passed_Authentications 0000000001 1 0 2026-11-21 08:00:00.123 "
         "+00:00 0000000123 5200 NOTICE Passed-Authentication: Authentication succeeded, ConfigVersionId=89",
         "22.5 2026-11-21T08:00:00Z host=ise1 app=CISE_Passed_Authentications |0000000001 1 0 2026-11-21 "
         "08:00:00.123 +00:00 0000000123 5200 NOTICE Passed-Authentication: Authentication succeeded, "
         "ConfigVersionId=89"},
        {"<181>Nov 21 08:00:00 CISE_RADIUS_Accounting 0000000001 1 0 x",
         "22.5 2026-11-21T08:00:00Z app=CISE_RADIUS_Accounting |0000000001 1 0 x"},
        {"<189>2026 Nov 21 08:00:00 switch1 %ETHPORT-5-IF_UP: Interface up",
         "23.5 2026-11-21T08:00:00Z host=switch1 id=ETHPORT-5-IF_UP |%ETHPORT-5-IF_UP: Interface up"},
        {"<189>: 2026 Nov 21 08:00:00 UTC: %ETHPORT-5-IF_UP: Interface up",
         "23.5 2026-11-21T08:00:00Z id=ETHPORT-5-IF_UP |%ETHPORT-5-IF_UP: Interface up"},
        {"<189>5: RP/0/RSP0/CPU0:Nov 21 08:00:00.123 UTC: config[65]: %MGBL-SYS-5-CONFIG_I : Configured",
         "23.5 2026-11-21T08:00:00.123000000Z app=config pid=65 seq=5 |%MGBL-SYS-5-CONFIG_I : Configured"},
        {"<190>5: xr1 RP/0/RSP0/CPU0:Nov 21 08:00:00.123 : config[65]: %MGBL-SYS-5-CONFIG_I : Configured",
         "23.6 2026-11-21T08:00:00.123000000Z host=xr1 app=config pid=65 seq=5 |%MGBL-SYS-5-CONFIG_I : "
         "Configured"},
        {"<189>29: router1: 000045: *Nov 21 08:00:01.123: %SYS-5-RESTART: up",
         "23.5 2026-11-21T08:00:01.123000000Z host=router1 id=SYS-5-RESTART seq=000045 |%SYS-5-RESTART: up"},
        {"<134>wlc1: *spamApTask: Nov 21 08:00:00.123: %CAPWAP-3-DTLS_CLOSED_ERR: capwap_ac_sm.c:7021 x",
         "16.6 2026-11-21T08:00:00.123000000Z host=wlc1 id=CAPWAP-3-DTLS_CLOSED_ERR "
         "|%CAPWAP-3-DTLS_CLOSED_ERR: capwap_ac_sm.c:7021 x"},
        {"<189>2345: AP:f4cf.e2: *Nov 21 08:00:00.123: %LINK-6-UPDOWN: up",
         "23.5 2026-11-21T08:00:00.123000000Z id=LINK-6-UPDOWN seq=2345 |%LINK-6-UPDOWN: up"},
        {"<189>000123: Nov 21 2026 08:00:00.123 CST: %LINK-3-UPDOWN: up",
         "23.5 2026-11-21T08:00:00.123000000Z id=LINK-3-UPDOWN seq=000123 |%LINK-3-UPDOWN: up"},
        {"<189>123: Nov 21 08:00:00.123 CEST: %LINK-3-UPDOWN: up",
         "23.5 2026-11-21T06:00:00.123000000Z id=LINK-3-UPDOWN seq=123 |%LINK-3-UPDOWN: up"},
        {"<14>1 1637481600.123456789 MX84 flows src=1.2.3.4",
         "1.6 2021-11-21T08:00:00.123457000Z host=MX84 |flows src=1.2.3.4"},
        {"<14>1 12 monkeys", "1.6 |1 12 monkeys"},
        {"<14>1 1.5 x y", "1.6 |1 1.5 x y"},
        {"<134>web: all: is well", "16.6 app=web |all: is well"},
    };
    const struct syslog_ground g = {NOW, zone_utc(), false};
    EXPECT_ALL(&g, lines);
}

/* A host is one by its look or by what stands behind it; a dash, a blank, a level, a number and a client are
 * none. */
static void test_hosts(void **state)
{
    static const struct line lines[] = {
        {"<14>Nov 21 08:00:00 PA-220 1,2026/11/21 08:00:00,00795",
         "1.6 2026-11-21T08:00:00Z host=PA-220 |1,2026/11/21 08:00:00,00795"},
        {"<30>Nov 21 08:00:00 MikroTik system,info,account user admin logged in",
         "3.6 2026-11-21T08:00:00Z host=MikroTik |system,info,account user admin logged in"},
        {"<13>2026-11-21T08:00:01Z web1 hello world", "1.5 2026-11-21T08:00:01Z host=web1 |hello world"},
        {"<13>2026-11-21T08:00:01Z web1.example.com hello",
         "1.5 2026-11-21T08:00:01Z host=web1.example.com |hello"},
        {"<13>2026-11-21T08:00:01Z - app[1]: x", "1.5 2026-11-21T08:00:01Z app=app pid=1 |x"},
        {"<13>Nov 21 08:00:01 - app[1]: x", "1.5 2026-11-21T08:00:01Z app=app pid=1 |x"},
        {"<13>Nov 21 08:00:01   app[1]: x", "1.5 2026-11-21T08:00:01Z app=app pid=1 |x"},
        {"<14>1 2026-11-21T08:00:00Z - app - - - x", "1.6 v1 2026-11-21T08:00:00Z app=app |x"},
        {"<13>Nov 21 08:00:01 12345 app: x", "1.5 2026-11-21T08:00:01Z |12345 app: x"},
        {"<13>Nov 21 08:00:01 10.0.0.1:514 app: x", "1.5 2026-11-21T08:00:01Z |10.0.0.1:514 app: x"},
        {"<13>Nov 21 08:00:01 [::1]:514 app: x", "1.5 2026-11-21T08:00:01Z |[::1]:514 app: x"},
        {"<13>2026-11-21T08:00:01Z myhost app: x", "1.5 2026-11-21T08:00:01Z host=myhost app=app |x"},
        {"<13>2026-11-21T08:00:01Z myhost app[7] x", "1.5 2026-11-21T08:00:01Z host=myhost app=app pid=7 |x"},
        {"<13>2026-11-21T08:00:01Z fe80::1 app: x", "1.5 2026-11-21T08:00:01Z host=fe80::1 app=app |x"},
        {"<13>2026-11-21T08:00:01Z Info app: x",
         "1.5 2026-11-21T08:00:01Z |2026-11-21T08:00:01Z Info app: x"},
        {"<13>Nov 21 08:00:01 error app: x", "1.5 2026-11-21T08:00:01Z |error app: x"},
        {"<13>Nov 21 08:00:01 h error: x", "1.5 2026-11-21T08:00:01Z host=h |error: x"},
    };
    const struct syslog_ground g = {NOW, zone_utc(), false};
    EXPECT_ALL(&g, lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc5424),
        cmocka_unit_test(test_rfc3164),
        cmocka_unit_test(test_cisco),
        cmocka_unit_test(test_bare),
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_years_and_zones),
        cmocka_unit_test(test_much_structured_data),
        cmocka_unit_test(test_blanks_behind_the_priority),
        cmocka_unit_test(test_zones_are_no_hosts),
        cmocka_unit_test(test_haproxy_and_nginx),
        cmocka_unit_test(test_loggers_behind_a_syslog_handler),
        cmocka_unit_test(test_cisco_devices),
        cmocka_unit_test(test_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
