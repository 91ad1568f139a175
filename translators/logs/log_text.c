/* log_text.c: Reads a text record of one or more lines: its front piece by piece (log_front.h) and, if the
 * front has little, other places: the time of access logs, seconds since 1970 in a column, a level among
 * columns, ids, a stack trace. The state lives for one record. Called by log_json.c (log_read_any), which
 * distinguishes JSON from text.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "translators/logs/log_front.h"
#include "translators/logs/log_logfmt.h"

enum { PIECES = 16 /* of a front at most */, COLUMNS = 10, NEAR = 160, SEVERITY_ERROR = 17 };

/* --- the time --- */

/* Behind a time, a colon or comma: [TIME: LEVEL/NAME], TIME, LEVEL, TIME:LEVEL: */
static void skip_joint(struct log_front *f)
{
    if (f->end - f->at > 1 && (*f->at == ':' || *f->at == ','))
        f->at++;
}

/* Sat 2026-11-21 of journalctl -o short-full */
static bool begins_with_day(gw_str s)
{
    static const char days[] = "MonTueWedThuFriSatSun";
    if (s.len < 15 || s.ptr[3] != ' ' || !gw_is_digit(s.ptr[4]) || s.ptr[8] != '-')
        return false;
    for (size_t i = 0; i < sizeof days - 1; i += 3)
        if (memcmp(days + i, s.ptr, 3) == 0)
            return true;
    return false;
}

/* The text before the time: a bracket, perhaps with a word of Datadog's PHP tracer; `< ` of PostgreSQL; the
 * day. */
static size_t before_time(gw_str rest)
{
    if (begins_with_day(rest))
        return 4;
    if (rest.len < 2 || (*rest.ptr != '[' && *rest.ptr != '<'))
        return 0;
    if (*rest.ptr == '<')
        return rest.ptr[1] == ' ' ? 2 : 0;
    return gw_str_starts(rest, GW_STR("[dd.trace ")) ? 10 : 1;
}

static bool take_time(struct log_front *f)
{
    gw_str rest = log_front_rest(f);
    size_t front = before_time(rest);
    size_t n = log_time_front(f->r->clock, gw_str_from(rest, front), f->r->now, &f->found->time);
    if (!n || (front && rest.len == front + n))
        return false;
    f->time_from = rest.ptr + front;
    f->at += front + n;
    f->timed = true;
    if (front == 4 || front == 2)
        f->at += gw_str_starts(log_front_rest(f), GW_STR(" >")) ? 2 : 0;
    else if (front && *f->at == ']')
        f->at++;
    else if (front)
        f->open = rest.ptr;
    skip_joint(f);
    return true;
}

/* --- pieces --- */

static bool close_bracket(struct log_front *f)
{
    if (!f->open)
        return false;
    f->open = NULL;
    f->at++;
    return true;
}

static bool take_piece(struct log_front *f)
{
    if (f->at == f->end)
        return false;
    if (!f->timed && take_time(f))
        return true;
    switch (*f->at) {
    case '[':
        return log_front_bracket(f);
    case ']':
        return close_bracket(f);
    case '(':
    case '{':
        return log_front_enclosed(f);
    default:
        return log_front_word(f);
    }
}

/* First characters of lines that have a shape of their own (log_front_form). Most lines begin with a year. */
static bool may_be_form(const char *at, size_t n)
{
    if (n < 12)
        return false;
    if (gw_is_digit(*at))
        return at[4] != '-' && at[4] != '/';
    if (*at == '[')
        return (gw_is_digit(at[1]) && at[5] != '-') || at[2] == ' ';
    return *at == '=' || (log_is_upper(*at) && (gw_is_digit(at[1]) || at[1] == ','));
}

/* Goes over the front; true when it was syslog's, and all of it. *message is where the message begins. */
static bool read_front(struct log_front *f, const char **message)
{
    const char *begin = f->at;
    *message = f->at;
    log_front_skip_blanks(f);
    f->begin = f->at;
    if (f->at < f->end && *f->at == '<' && log_front_priority(f))
        return true;
    if (may_be_form(f->at, (size_t)(f->end - f->at))) {
        if (log_front_unix(f))
            return true;
        if (log_front_form(f))
            *message = f->at;
    }
    for (int i = f->ended ? PIECES : 0; i < PIECES && take_piece(f); i++) {
        if (f->time_from && *message == begin && f->end - f->time_from > 10 &&
            (f->time_from[10] == 'T' || gw_is_letter(*f->begin)) && log_front_syslog(f))
            return true;
        *message = f->at;
        if (f->ended)
            break;
        log_front_skip_blanks(f);
    }
    return false;
}

/* --- names and numbers, when all pieces are known --- */

/* Behind `---` of Spring Boot: [application] [thread]. */
static void place_spring(struct log_front *f)
{
    const struct log_front_name *last = &f->names[f->names_n - 1];
    log_attrs_text(f->r->attrs, GW_STR("thread.name"), last->text);
    if (f->names_n > 1)
        f->found->origin.service = log_or_else(f->found->origin.service, last[-1].text);
}

/* A [name] is the thread if a logger is next to it or it precedes the level; two adjacent brackets are logger
 * and level (Rust's fern). In MySQL's lines the first is an error code. */
static void place_names(struct log_front *f)
{
    if (f->names_n && f->spring) {
        place_spring(f);
        return;
    }
    for (size_t i = 0; i < f->names_n; i++) {
        const struct log_front_name *n = &f->names[i];
        gw_str *logger = &f->found->origin.logger;
        if (gw_str_starts(n->text, GW_STR("MY-")))
            log_attrs_text(f->r->attrs, GW_STR("mysql.error_code"), n->text);
        else if (!logger->len && !f->bare && (!n->early || n->adjacent))
            *logger = n->text;
        else
            log_attrs_text(f->r->attrs, GW_STR("thread.name"), n->text);
    }
}

/* [7] of log4net is a thread if its logger precedes a dash; [123] of others is a process. */
static void place_number(struct log_front *f)
{
    if (f->numbered)
        log_attrs_int(f->r->attrs, f->dashed ? GW_STR("thread.id") : GW_STR("process.pid"), f->number);
}

/* --- elsewhere in the line --- */

/* 127.0.0.1 - - [10/Oct/2023:13:55:36 +0800] "GET …: the time of access logs, with its zone; PHP-FPM's has no
 * brackets. The line stays whole. HAProxy's [10/Oct/2023:13:55:36.123] is when the request came, not when the
 * line was written. */
static bool find_access_time(struct log_reader *r, struct log_found *found, gw_str text)
{
    enum { LENGTH = 22, MONTH = 2, YEAR = 6, HOUR = 11, ZONE = 20 };
    gw_str near = gw_str_n(text.ptr, text.len < NEAR ? text.len : NEAR);
    const char *p = near.ptr, *end = near.ptr + near.len;
    while ((p = memchr(p, '/', (size_t)(end - p)))) {
        const char *at = p++ - MONTH;
        if (at <= text.ptr || text.ptr + text.len - at <= LENGTH || (at[-1] != '[' && at[-1] != ' '))
            continue;
        if (at[YEAR] == '/' && at[HOUR] == ':')
            return at[ZONE] == ' ' &&
                   log_time_front(r->clock, gw_str_n(at, (size_t)(text.ptr + text.len - at)), r->now,
                                  &found->time);
    }
    return false;
}

/* 1117838570, 1117838570.123 or 1117838570123 as a separate word, in this century */
static bool read_epoch(gw_str word, uint64_t *ns)
{
    double seconds;
    size_t digits = 0;
    while (gw_digit_at(word, digits))
        digits++;
    if ((digits != 10 && digits != 13) || *word.ptr != '1' ||
        (digits < word.len && word.ptr[digits] != '.') || !gw_str_double(word, &seconds))
        return false;
    return log_time_number(word, seconds, ns);
}

/* A date and a time of day in a column. */
static bool read_column_time(struct log_reader *r, gw_str rest, uint64_t *ns)
{
    return rest.len > 18 && gw_is_digit(*rest.ptr) && (rest.ptr[4] == '-' || rest.ptr[4] == '/') &&
           log_time_front(r->clock, rest, r->now, ns);
}

/* Columns before the message: seconds since 1970 (BGL, HPC, Squid), or a date after a file's name. *at is the
 * position of a date: the front continues there. */
static bool find_column_time(struct log_reader *r, gw_str text, uint64_t *ns, const char **at)
{
    gw_str rest = text, word;
    *at = NULL;
    for (int i = 0; i < COLUMNS / 2 + 1 && gw_str_next(&rest, ' ', &word); i++) {
        if (!word.len || !gw_is_digit(*word.ptr))
            continue;
        if (read_epoch(word, ns))
            return true;
        if (i && read_column_time(r, gw_str_n(word.ptr, (size_t)(text.ptr + text.len - word.ptr)), ns)) {
            *at = word.ptr;
            return true;
        }
    }
    return false;
}

/* A level among columns that all lack small letters: … R02-M1-N0 RAS KERNEL INFO instruction cache … */
static void find_column_level(struct log_found *found, gw_str text)
{
    gw_str rest = text, word;
    for (int i = 0; i < COLUMNS && gw_str_next(&rest, ' ', &word); i++) {
        for (size_t k = 0; k < word.len; k++)
            if (word.ptr[k] >= 'a' && word.ptr[k] <= 'z')
                return;
        int number = word.len > 3 ? log_severity_word(word) : 0;
        if (number) {
            found->severity = number;
            found->severity_text = word;
            return;
        }
    }
}

/* Values that are not in the front: the line stays complete. */
static void look_elsewhere(struct log_front *f, gw_str text)
{
    const char *at, *message;
    if (find_access_time(f->r, f->found, text) || !find_column_time(f->r, text, &f->found->time, &at))
        return;
    if (!at) {
        if (!f->found->severity)
            find_column_level(f->found, text);
        return;
    }
    f->at = at;
    f->ended = false;
    f->names_n = 0;
    struct log_attrs_mark before = log_attrs_here(f->r->attrs);
    read_front(f, &message);
    if (gw_is_digit(*text.ptr)) { /* numbers around the time, of unknown meaning (Cisco ISE) */
        log_attrs_back(f->r->attrs, before);
        f->found->origin.logger = GW_NOSTR;
        return;
    }
    place_names(f);
    place_number(f);
}

static bool has(gw_str s, gw_str what)
{
    return s.len >= what.len && memmem(s.ptr, s.len, what.ptr, what.len);
}

/* The name of an exception, and a colon: `java.lang.Error: no`, `Error: no` */
static bool begins_with_exception(gw_str text)
{
    size_t n = 0;
    while (n < text.len && (log_is_word_char(text.ptr[n]) || text.ptr[n] == '.' || text.ptr[n] == '$'))
        n++;
    gw_str name = gw_str_n(text.ptr, n);
    return n < text.len && (text.ptr[n] == ':' || text.ptr[n] == '\n') &&
           (gw_str_ends(name, GW_STR("Error")) || gw_str_ends(name, GW_STR("Exception")));
}

/* `⏎<tab>from x.rb:3:in` of Ruby, not SQL's FROM. */
static bool has_ruby_frame(gw_str text)
{
    for (;;) {
        const char *at = memmem(text.ptr, text.len, "\n\tfrom ", 7);
        if (!at)
            return false;
        text = gw_str_from(text, (size_t)(at + 7 - text.ptr));
        if (has(gw_str_n(text.ptr, gw_str_find(text, '\n')), GW_STR(":in ")))
            return true;
    }
}

/* A stack trace without a level is an error's. */
static bool is_trace(gw_str text)
{
    static const gw_str begins[] = {GW_LIT("Traceback (most recent call last)"),
                                    GW_LIT("panic: "),
                                    GW_LIT("fatal error: "),
                                    GW_LIT("Exception in thread "),
                                    GW_LIT("Unhandled exception"),
                                    GW_LIT("Uncaught "),
                                    GW_LIT("goroutine ")};
    static const gw_str within[] = {GW_LIT("\nTraceback (most recent call last)"),
                                    GW_LIT("\n\tat "),
                                    GW_LIT("\n    at "),
                                    GW_LIT("\n   at "),
                                    GW_LIT("\nCaused by: "),
                                    GW_LIT("\nStack trace:\n"),
                                    GW_LIT("\ngoroutine "),
                                    GW_LIT("\nstack backtrace:"),
                                    GW_LIT("\n[stacktrace]"),
                                    GW_LIT("\npanic: ")};
    for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
        if (gw_str_starts(text, begins[i]))
            return true;
    if (begins_with_exception(text) || gw_str_starts(text, GW_STR("** (")) ||
        (gw_str_starts(text, GW_STR("thread '")) && has(text, GW_STR("' panicked at "))))
        return true;
    if (gw_str_find(text, '\n') == text.len)
        return false;
    for (size_t i = 0; i < sizeof within / sizeof *within; i++)
        if (has(text, within[i]))
            return true;
    return has_ruby_frame(text);
}

/* --- the whole --- */

/* Behind the time: an object, or pairs with a level. */
static bool has_inner(const struct log_front *f)
{
    gw_str rest = log_front_rest(f);
    return rest.len > 2 && (*rest.ptr == '{' ? rest.ptr[rest.len - 1] == '}' : log_is_logfmt(rest));
}

static void set_body(struct log_front *f, gw_str text, const char *message)
{
    while (message < f->end && (*message == ' ' || *message == '\t' || *message == '\r' || *message == '\n'))
        message++;
    f->found->body = message < f->end ? gw_str_n(message, (size_t)(f->end - message)) : text;
}

/* Field by field: what a compiler makes of {0} costs more than all of them. */
static void begin_front(struct log_front *f, struct log_reader *r, struct log_found *found, gw_str text)
{
    f->r = r;
    f->found = found;
    f->begin = f->at = text.ptr;
    f->end = text.ptr + text.len;
    f->time_from = f->keep = f->open = NULL;
    f->names_n = 0;
    f->number = 0;
    f->numbered = f->timed = f->marked = f->bare = f->dashed = f->spring = f->columned = f->lettered =
        f->ended = false;
}

gw_str log_read_text(struct log_reader *r, gw_str text, struct log_found *found)
{
    found->body = text;
    if (!text.len)
        return GW_NOSTR;
    struct log_front f;
    begin_front(&f, r, found, text);
    struct log_attrs_mark before = log_attrs_here(r->attrs);
    const char *message;
    if (read_front(&f, &message) || (f.timed && !found->severity && has_inner(&f)))
        return log_front_rest(&f);
    if (f.timed && !found->severity && log_front_two_lines(&f))
        message = f.at;
    bool known = f.timed || found->severity || f.marked;
    if (known) {
        place_names(&f);
        place_number(&f);
    } else {
        log_attrs_back(r->attrs, before);
        found->origin.logger = GW_NOSTR;
    }
    if (!f.marked)
        log_front_find_marks(found, text);
    if (!f.timed)
        look_elsewhere(&f, text);
    if (!found->severity && is_trace(text))
        found->severity = SEVERITY_ERROR;
    if (known)
        set_body(&f, text, f.open ? f.open : f.keep ? f.keep : message);
    return GW_NOSTR;
}
