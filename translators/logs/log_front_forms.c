/* log_front_forms.c: Reads lines with a format of their own, recognized by their first characters: glog and
 * klog, Redis, Ruby's Logger, Tornado, Erlang's reports; and two that are recognized after the time: syslog
 * files and java.util.logging. The state lives for one record. Called by log_text.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_front.h"
#include "translators/logs/syslog_parse.h"

enum { HOST = 128, TAG = 96, SHORT = 64 };

static bool front_time(struct log_front *f, gw_str text, size_t *n)
{
    *n = log_time_front(f->r->clock, text, f->r->now, &f->found->time);
    return *n;
}

static bool attr_number(struct log_front *f, gw_str key, gw_str digits)
{
    int64_t n;
    if (!gw_str_i64(digits, &n))
        return false;
    log_attrs_int(f->r->attrs, key, n);
    return true;
}

/* --- glog, klog: E1121 00:35:39.123456       1 reflector.go:138] message --- */

/* A year may precede 1121. */

static bool read_glog(struct log_front *f, gw_str line)
{
    char date[SHORT];
    size_t digits = 0, n, taken;
    while (gw_digit_at(line, 1 + digits))
        digits++;
    gw_str clock = gw_str_from(line, digits + 2);
    if ((digits != 4 && digits != 8) || !gw_char_in(*line.ptr, "IWEFDV") || line.ptr[digits + 1] != ' ')
        return false;
    clock.len = gw_str_find(clock, ' ');
    if (clock.len < 8 || clock.len > 24)
        return false;
    /* 1121 as 11-21, for log_time.h */
    memcpy(date, line.ptr + 1, digits);
    n = digits;
    if (digits == 4) {
        memmove(date + 3, date + 2, 2);
        date[2] = '-';
        n++;
    }
    date[n++] = ' ';
    memcpy(date + n, clock.ptr, clock.len);
    n += clock.len;
    if (!front_time(f, gw_str_n(date, n), &taken) || taken != n)
        return false;
    gw_str rest = gw_str_from(line, (size_t)(clock.ptr + clock.len - line.ptr));
    while (rest.len && *rest.ptr == ' ')
        rest = gw_str_from(rest, 1);
    gw_str thread = gw_str_n(rest.ptr, gw_str_find(rest, ' ')), place = gw_str_from(rest, thread.len + 1);
    place.len = gw_str_find(place, ']');
    size_t colon = gw_str_find(place, ':');
    if (gw_str_from(rest, thread.len + 1).len == place.len || colon + 1 >= place.len ||
        gw_str_find(place, ' ') < place.len)
        return false;
    gw_str level = gw_str_n(line.ptr, 1);
    log_front_level(f, level,
                    *line.ptr == 'V' ? log_severity_word(GW_STR("verbose")) : log_severity_word(level));
    attr_number(f, GW_STR("thread.id"), thread);
    log_attrs_text(f->r->attrs, GW_STR("code.file.path"), gw_str_n(place.ptr, colon));
    attr_number(f, GW_STR("code.line.number"), gw_str_from(place, colon + 1));
    f->at = place.ptr + place.len + 1;
    f->timed = f->ended = true;
    return true;
}

/* --- Ruby's Logger: W, [2019-01-16T18:38:41.123456 #123]  WARN -- program: message --- */

static bool read_ruby(struct log_front *f, gw_str line)
{
    size_t taken;
    if (!gw_str_starts(gw_str_from(line, 1), GW_STR(", [")))
        return false;
    gw_str rest = gw_str_from(line, 4);
    if (!front_time(f, rest, &taken))
        return false;
    rest = gw_str_from(rest, taken);
    size_t close = gw_str_find(rest, ']');
    gw_str pid = gw_str_trim(gw_str_n(rest.ptr, close));
    rest = gw_str_from(rest, close + 1);
    while (rest.len && *rest.ptr == ' ')
        rest = gw_str_from(rest, 1);
    gw_str level = gw_str_n(rest.ptr, gw_str_find(rest, ' ')), name = gw_str_from(rest, level.len);
    if (pid.len < 2 || *pid.ptr != '#' || !gw_str_starts(name, GW_STR(" -- ")))
        return false;
    name = gw_str_from(name, 4);
    size_t colon = 0;
    while (colon < name.len && name.ptr[colon] != '\n' &&
           !gw_str_starts(gw_str_from(name, colon), GW_STR(": ")))
        colon++;
    if (colon == name.len || name.ptr[colon] != ':')
        return false;
    attr_number(f, GW_STR("process.pid"), gw_str_from(pid, 1));
    log_front_level(f, level, log_severity_word(level));
    f->found->origin.logger = gw_str_n(name.ptr, colon);
    f->at = name.ptr + colon + 1;
    return f->timed = true;
}

/* --- Redis: 122:M 14 May 2019 19:11:40.164 # message; [122] 14 Nov 07:01:22.119 * message --- */

static bool read_redis(struct log_front *f, gw_str line)
{
    static const struct {
        char sign;
        gw_str word;
        int number;
    } levels[] = {{'.', GW_LIT("debug"), 5},
                  {'-', GW_LIT("verbose"), 9},
                  {'*', GW_LIT("notice"), 10},
                  {'#', GW_LIT("warning"), 13}};
    size_t from = *line.ptr == '[', n = from, taken;
    while (gw_digit_at(line, n))
        n++;
    gw_str pid = gw_str_n(line.ptr + from, n - from), role = GW_NOSTR, rest = gw_str_from(line, n);
    if (!pid.len || rest.len < 20)
        return false;
    if (!from && rest.ptr[0] == ':' && gw_char_in(rest.ptr[1], "MSCX") && rest.ptr[2] == ' ')
        role = gw_str_n(rest.ptr + 1, 1);
    else if (!from || !gw_str_starts(rest, GW_STR("] ")))
        return false;
    rest = gw_str_from(rest, role.len ? 3 : 2);
    if (!front_time(f, rest, &taken))
        return false;
    rest = gw_str_from(rest, taken);
    if (rest.len < 3 || rest.ptr[0] != ' ' || rest.ptr[2] != ' ')
        return false;
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (levels[i].sign == rest.ptr[1])
            log_front_level(f, levels[i].word, levels[i].number);
    if (!f->found->severity)
        return false;
    attr_number(f, GW_STR("process.pid"), pid);
    if (role.len)
        log_attrs_text(f->r->attrs, GW_STR("redis.role"), role);
    f->at = rest.ptr + 2;
    return f->timed = f->ended = true;
}

/* --- Tornado, Jupyter: [E 261121 00:35:39 web:2246] message, [I 2026-11-21 00:35:39.530 App] message --- */

static bool read_tornado(struct log_front *f, gw_str line)
{
    size_t taken;
    if (line.len < 20 || line.ptr[0] != '[' || !gw_char_in(line.ptr[1], "DIWEC") || line.ptr[2] != ' ' ||
        !front_time(f, gw_str_from(line, 3), &taken))
        return false;
    gw_str rest = gw_str_from(line, 3 + taken), level = gw_str_n(line.ptr + 1, 1);
    size_t close = gw_str_find(rest, ']');
    gw_str name = gw_str_trim(gw_str_n(rest.ptr, close));
    if (close == rest.len || !log_is_name(name))
        return false;
    size_t colon = gw_str_find(name, ':');
    if (colon < name.len)
        attr_number(f, GW_STR("code.line.number"), gw_str_from(name, colon + 1));
    log_front_level(f, level, log_severity_word(level));
    f->found->origin.logger = gw_str_n(name.ptr, colon);
    f->at = rest.ptr + close + 1;
    return f->timed = f->ended = true;
}

/* --- =ERROR REPORT==== 21-Nov-2026::00:35:39.530 ===⏎message --- */

static bool read_erlang(struct log_front *f, gw_str line)
{
    gw_str rest = gw_str_from(line, 1), level = gw_str_n(rest.ptr, gw_str_find(rest, ' '));
    size_t taken, end;
    rest = gw_str_from(rest, level.len);
    if (!gw_str_starts(rest, GW_STR(" REPORT==== ")) || !front_time(f, gw_str_from(rest, 12), &taken))
        return false;
    rest = gw_str_from(rest, 12 + taken);
    end = gw_str_find(rest, '\n');
    log_front_level(f, level, log_severity_word(level));
    f->at = rest.ptr + (end < rest.len ? end : 0);
    if (gw_str_starts(log_front_rest(f), GW_STR(" ===")))
        f->at += 4;
    return f->timed = f->ended = true;
}

bool log_front_form(struct log_front *f)
{
    gw_str line = log_front_rest(f);
    struct log_found before = *f->found;
    bool read = false;
    if (line.len < 12)
        return false;
    if (*line.ptr == '[')
        read = gw_is_digit(line.ptr[1]) ? read_redis(f, line) : read_tornado(f, line);
    else if (gw_is_digit(*line.ptr))
        read = read_redis(f, line);
    else if (*line.ptr == '=')
        read = read_erlang(f, line);
    else
        read = line.ptr[1] == ',' ? read_ruby(f, line) : read_glog(f, line);
    if (!read)
        *f->found = before;
    return read;
}

/* --- syslog files --- */

/* Dec 10 06:55:46 host sshd[24200]: message, 2026-11-21T00:35:39.530119+00:00 host app: message */

static bool is_host(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!log_is_word_char(s.ptr[i]) && !gw_char_in(s.ptr[i], ".-:/@"))
            return false;
    return s.len && s.len < HOST && s.ptr[s.len - 1] != ':' && !log_severity_plain(s);
}

/* sshd[24200]:, kernel:, sshd(pam_unix)[19939]:, com.apple.xpc.launchd[1] (com.apple.bsd.dirhelper[13]): */
static bool read_tag(gw_str rest, gw_str *app, gw_str *procid, size_t *taken)
{
    size_t n = 0, depth = 0;
    *procid = GW_NOSTR;
    while (n < rest.len && n < TAG && !gw_char_in(rest.ptr[n], " [(:\n") && rest.ptr[n] != '\0')
        n++;
    *app = gw_str_n(rest.ptr, n);
    for (; n < rest.len && n < 2 * TAG && (depth || rest.ptr[n] != ':'); n++) {
        char c = rest.ptr[n];
        if (c == '\n' || (!depth && c != '[' && c != '(' && c != ' ' && c != ']' && c != ')') ||
            (c == ' ' && !depth && !gw_str_starts(gw_str_from(rest, n), GW_STR(" ("))))
            return false;
        if (c == '[' && depth == 0 && !procid->ptr)
            *procid = gw_str_n(rest.ptr + n + 1, gw_str_find(gw_str_from(rest, n + 1), ']'));
        depth += (c == '[' || c == '(');
        depth -= depth && (c == ']' || c == ')');
    }
    *taken = n + 1;
    return app->len && n < rest.len && rest.ptr[n] == ':' && (n + 1 == rest.len || rest.ptr[n + 1] == ' ');
}

/* Of an RFC 3339 time as rsyslog writes it, or one that begins with the name of a month, or of a day
 * (journalctl -o short-full). */
static bool is_syslog_time(const struct log_front *f, bool *sure)
{
    const char *from = f->time_from;
    if (from - f->begin == 4 && gw_is_letter(*f->begin))
        return !(*sure = false);
    *sure = gw_is_letter(*from) || (f->at - from == 32 && from[10] == 'T');
    return *sure || (f->at - from > 19 && from[10] == 'T');
}

/* Host and tag; where the time is not `sure` to be syslog's, the tag has a pid. */
static bool read_host_and_tag(struct log_front *f, gw_str rest, bool sure)
{
    gw_str app, procid;
    size_t taken;
    if (!rest.len || *rest.ptr != ' ')
        return false;
    rest = gw_str_from(rest, 1);
    gw_str host = gw_str_n(rest.ptr, gw_str_find(rest, ' '));
    gw_str behind = gw_str_from(rest, host.len + 1);
    if (!is_host(host) || !read_tag(behind, &app, &procid, &taken) || (!sure && !procid.ptr))
        return false;
    if (log_severity_plain(app))
        return false;
    log_attrs_text(f->r->attrs, GW_STR("syslog.appname"), app);
    if (procid.len)
        log_attrs_text(f->r->attrs, GW_STR("syslog.procid"), procid);
    f->found->origin.host = host;
    f->found->program = app;
    f->at = behind.ptr + taken;
    log_front_skip_blanks(f);
    f->found->body = log_front_rest(f);
    return true;
}

bool log_front_syslog(struct log_front *f)
{
    bool sure;
    return is_syslog_time(f, &sure) && read_host_and_tag(f, log_front_rest(f), sure);
}

bool log_front_unix(struct log_front *f)
{
    enum { SECONDS = 10, ALL = 17 };
    gw_str line = log_front_rest(f), time = gw_str_n(line.ptr, ALL);
    double seconds;
    uint64_t ns;
    if (line.len < 2 * ALL || line.ptr[SECONDS] != '.' ||
        !log_is_all(gw_str_n(line.ptr, SECONDS), LOG_DIGIT) ||
        !log_is_all(gw_str_from(time, SECONDS + 1), LOG_DIGIT) || !gw_str_double(time, &seconds) ||
        !log_time_number(time, seconds, &ns) || !read_host_and_tag(f, gw_str_from(line, ALL), false))
        return false;
    f->found->time = ns;
    return f->timed = true;
}

/* <38>1 2026-11-21T00:35:39Z host app - - - message, <38>Nov 21 00:35:39 host app[7]: message,
 * <6>2026-11-21T00:35:39Z message */
bool log_front_priority(struct log_front *f)
{
    gw_str line = log_front_rest(f);
    struct syslog_ground ground = {.wall = (gw_nsec)f->r->now, .zone = f->r->clock->zone};
    struct syslog_message m;
    if (line.len < 16 || !gw_is_digit(line.ptr[1]))
        return false;
    syslog_parse(line, &ground, f->r->arena, &m);
    if (m.severity < 0 || !m.time || !m.text.len)
        return false;
    f->found->time = m.time;
    f->found->severity = syslog_severity((unsigned)m.severity, &f->found->severity_text);
    f->found->origin.host = m.host;
    f->found->program = m.app;
    if (m.app.len)
        log_attrs_text(f->r->attrs, GW_STR("syslog.appname"), m.app);
    if (m.procid.len)
        log_attrs_text(f->r->attrs, GW_STR("syslog.procid"), m.procid);
    if (m.msgid.len)
        log_attrs_text(f->r->attrs, GW_STR("syslog.msgid"), m.msgid);
    for (size_t i = 0; i < m.data_n; i++)
        log_attrs_text(f->r->attrs, m.data[i].key, m.data[i].text);
    f->found->body = gw_str_trim(m.text);
    f->at = f->found->body.ptr;
    f->end = f->at + f->found->body.len;
    return true;
}

/* --- java.util.logging: Nov 21, 2026 12:35:39 AM com.x.Foo bar⏎SEVERE: message --- */

bool log_front_two_lines(struct log_front *f)
{
    gw_str rest = log_front_rest(f), line = gw_str_n(rest.ptr, gw_str_find(rest, '\n'));
    if (line.len == rest.len)
        return false;
    gw_str class = gw_str_trim(line), second = gw_str_from(rest, line.len + 1), method = GW_NOSTR;
    size_t blank = gw_str_find(class, ' '),
           colon = gw_str_find(gw_str_n(second.ptr, second.len < 16 ? second.len : 16), ':');
    gw_str level = gw_str_n(second.ptr, colon);
    if (blank < class.len) {
        method = gw_str_from(class, blank + 1);
        class.len = blank;
    }
    if (!log_is_upper_word(level) || !log_is_name(class) || gw_str_find(method, ' ') < method.len ||
        !log_front_level(f, level, log_severity_word(level)))
        return false;
    f->found->origin.logger = class;
    if (method.len)
        log_attrs_text(f->r->attrs, GW_STR("code.function.name"), method);
    f->at = second.ptr + colon + 1;
    return true;
}
