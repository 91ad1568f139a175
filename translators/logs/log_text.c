/* The front of a text line, piece by piece: time, level, logger, thread, ids. What is taken off the body
 * stands somewhere else in the record; the first piece that is not understood begins the message.
 *
 * The state lives for one record. Called by log_json.c (log_read_any), which tells JSON from text.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_found.h"
#include "translators/logs/log_severity.h"

enum { BRACKET = 512, WORD = 256, PIECES = 16 /* of a front at most */ };

struct front {
    struct log_reader *r;
    struct log_found *found;
    const char *at, *end;
    gw_str bracket; /* [name] before anything told whether it is a thread or a logger */
    bool early;     /* … and it stood before the level: a thread */
    bool timed, marked /* the block of dd. keys was there */, bare /* a logger without brackets */,
        ended /* a separator came */;
};

static bool is_word_char(int c)
{
    return gw_is_letter(c) || gw_is_digit(c) || c == '_';
}

static bool is_name_char(int c)
{
    return is_word_char(c) || c == '.' || c == '$' || c == '/' || c == '-' || c == ':' || c == '#';
}

static bool all_chars(gw_str s, bool (*is)(int))
{
    for (size_t i = 0; i < s.len; i++)
        if (!is(s.ptr[i]))
            return false;
    return s.len;
}

static gw_str rest_of(const struct front *f)
{
    return gw_str_n(f->at, (size_t)(f->end - f->at));
}

/* Up to the next blank. */
static gw_str front_word(const struct front *f)
{
    const char *at = f->at, *end = f->end - f->at > WORD ? f->at + WORD : f->end;
    while (at < end && *at != ' ' && *at != '\t' && *at != '\n' && *at != '\r')
        at++;
    return gw_str_n(f->at, (size_t)(at - f->at));
}

static void skip_blanks(struct front *f)
{
    while (f->at < f->end && (*f->at == ' ' || *f->at == '\t'))
        f->at++;
}

/* --- the pieces --- */

static bool take_time(struct front *f)
{
    gw_str rest = rest_of(f);
    size_t front = gw_str_starts(rest, GW_STR("[dd.trace ")) ? 10 : rest.len && *rest.ptr == '[' ? 1 : 0;
    size_t n = f->timed ? 0 : log_time_front(f->r->clock, gw_str_from(rest, front), &f->found->time);
    if (!n || (front && (rest.len == front + n || rest.ptr[front + n] != ']')))
        return false;
    f->at += front + n + (front != 0);
    return f->timed = true;
}

static bool is_upper(int c)
{
    return (c >= 'A' && c <= 'Z') || c == '+' || c == '-' || gw_is_digit(c);
}

static bool set_level(struct front *f, gw_str word)
{
    int number = f->found->severity ? 0 : log_severity_word(word);
    if (!number)
        return false;
    f->found->severity = number;
    f->found->severity_text = word;
    return true;
}

/* In brackets: [INFO], [info], [E]. */
static bool take_level(struct front *f, gw_str word)
{
    return (word.len > 2 || all_chars(word, is_upper)) && set_level(f, word);
}

/* A column of its own: `info<tab>message`, `info   message`, or the end. */
static bool is_column(const struct front *f, gw_str word)
{
    gw_str after = gw_str_from(rest_of(f), word.len);
    return !after.len || *after.ptr != ' ' || gw_str_starts(after, GW_STR("  "));
}

/* Between blanks, after a time: INFO is taken off the message. In small letters it may be the message's first
 * word: it tells the level, and stays. */
static bool take_bare_level(struct front *f, gw_str word)
{
    static const gw_str plain[] = {GW_LIT("trace"),  GW_LIT("debug"), GW_LIT("info"),
                                   GW_LIT("notice"), GW_LIT("warn"),  GW_LIT("warning"),
                                   GW_LIT("error"),  GW_LIT("fatal"), GW_LIT("critical")};
    bool likely = word.len > 2 && all_chars(word, is_upper), alone = likely || is_column(f, word);
    for (size_t i = 0; !likely && i < sizeof plain / sizeof *plain; i++)
        likely = gw_str_ieq(word, plain[i]);
    if (!likely || !set_level(f, word) || !alone)
        return false;
    f->at += word.len;
    return true;
}

/* main.go:12 or lt.py:26 */
static bool take_code_place(struct front *f, gw_str s)
{
    size_t colon = s.len;
    while (colon && gw_is_digit(s.ptr[colon - 1]))
        colon--;
    int64_t line;
    if (colon < 4 || s.ptr[colon - 1] != ':' || !gw_str_i64(gw_str_from(s, colon), &line))
        return false;
    gw_str path = gw_str_n(s.ptr, colon - 1);
    if (gw_str_find(path, '.') == path.len || gw_str_find(path, ' ') < path.len)
        return false;
    log_attrs_text(f->r->attrs, GW_STR("code.file.path"), path);
    log_attrs_int(f->r->attrs, GW_STR("code.line.number"), line);
    return true;
}

/* Behind "dd.": true when the pair has a place of its own. An id that is none stays in the body. */
static bool take_mark(struct front *f, gw_str key, gw_str value)
{
    struct log_found *found = f->found;
    if (gw_str_eq(key, GW_STR("trace_id")))
        return log_trace_id(value, &found->trace) != LOG_ID_BAD;
    if (gw_str_eq(key, GW_STR("span_id")))
        return log_span_id(value, &found->span) != LOG_ID_BAD;
    if (gw_str_eq(key, GW_STR("service")) || gw_str_eq(key, GW_STR("service.name")))
        found->origin.service = value;
    else if (gw_str_eq(key, GW_STR("env")))
        found->origin.env = value;
    else if (gw_str_eq(key, GW_STR("version")))
        found->origin.version = value;
    else
        return false;
    return true;
}

static gw_str unquote(gw_str s)
{
    bool quoted = s.len > 1 && *s.ptr == '"' && s.ptr[s.len - 1] == '"';
    return quoted ? gw_str_n(s.ptr + 1, s.len - 2) : s;
}

static bool take_pair(struct front *f, gw_str pair)
{
    size_t equal = gw_str_find(pair, '=');
    gw_str key = gw_str_n(pair.ptr, equal), value = unquote(gw_str_from(pair, equal + 1));
    if (equal == pair.len || equal == 0)
        return false;
    if (gw_str_starts(key, GW_STR("dd.")) || gw_str_starts(key, GW_STR("dd_"))) {
        if (take_mark(f, gw_str_from(key, 3), value))
            return f->marked = true;
    } else if (gw_str_eq(key, GW_STR("trace_id")) || gw_str_eq(key, GW_STR("span_id"))) {
        return f->marked = take_mark(f, key, value);
    }
    if (!f->marked)
        return false;
    log_attrs_text(f->r->attrs, key, value); /* beside the ids: `ddsource=ruby` */
    return true;
}

/* dd.service=… dd.env=… in brackets; all of it or none. */
static bool take_block(struct front *f, gw_str inside)
{
    gw_str pair;
    bool any = false;
    if (!gw_str_starts(inside, GW_STR("dd")) && !gw_str_starts(inside, GW_STR("trace_id=")))
        return false;
    while (gw_str_next(&inside, ' ', &pair)) {
        if (pair.len && pair.ptr[pair.len - 1] == ',')
            pair.len--;
        if (pair.len && !take_pair(f, pair))
            return f->marked = false;
        any |= pair.len > 0;
    }
    return any;
}

static bool take_name(struct front *f, gw_str inside)
{
    if (f->bracket.len || f->bare)
        return false;
    for (size_t i = 0; i < inside.len; i++)
        if (!is_name_char(inside.ptr[i]) && inside.ptr[i] != ' ' && inside.ptr[i] != '@')
            return false;
    f->bracket = inside;
    f->early = !f->found->severity || all_chars(inside, gw_is_digit);
    return inside.len;
}

static bool take_bracket(struct front *f)
{
    gw_str rest = rest_of(f);
    rest.len = rest.len < BRACKET ? rest.len : BRACKET;
    size_t close = gw_str_find(rest, ']');
    if (close == rest.len)
        return false;
    gw_str inside = gw_str_trim(gw_str_n(rest.ptr + 1, close - 1));
    if (!take_level(f, inside) && !take_code_place(f, inside) && !take_block(f, inside) &&
        !take_name(f, inside))
        return false;
    f->at += close + 1;
    return true;
}

/* Spring Boot: `12345 --- [main] c.e.Foo : message` */
static bool take_pid(struct front *f, gw_str word)
{
    int64_t pid;
    gw_str after = gw_str_from(rest_of(f), word.len);
    if (!gw_str_starts(after, GW_STR(" ---")) || !gw_str_i64(word, &pid))
        return false;
    log_attrs_int(f->r->attrs, GW_STR("process.pid"), pid);
    f->at += word.len + 4;
    return true;
}

/* A logger without brackets is one only when something after it says so. */
static bool take_logger(struct front *f, gw_str word)
{
    gw_str after = gw_str_trim(gw_str_from(rest_of(f), word.len));
    bool colon = word.len > 1 && word.ptr[word.len - 1] == ':';
    if (f->bare || !f->found->severity || !all_chars(word, is_name_char) || f->found->origin.logger.len)
        return false;
    if (!colon && !gw_str_starts(after, GW_STR("- ")) && !gw_str_starts(after, GW_STR(": ")) &&
        !gw_str_starts(after, GW_STR("dd.")))
        return false;
    if (colon && !f->bracket.len)
        return false;
    f->found->origin.logger = gw_str_n(word.ptr, word.len - colon);
    f->bare = true;
    f->ended = colon;
    f->at += word.len;
    return true;
}

/* LEVEL:logger:message, what Python's logging.basicConfig writes. */
static bool take_basic(struct front *f, gw_str word)
{
    size_t colon = gw_str_find(word, ':');
    gw_str level = gw_str_n(word.ptr, colon), more = gw_str_from(word, colon + 1);
    size_t second = gw_str_find(more, ':');
    bool likely = f->timed ? colon > 2 : colon > 3 && all_chars(level, is_upper);
    if (colon == word.len || !likely || !set_level(f, level))
        return false;
    f->at += colon + 1;
    f->ended = true;
    if (more.len && second < more.len && all_chars(gw_str_n(more.ptr, second), is_name_char)) {
        f->found->origin.logger = gw_str_n(more.ptr, second);
        f->at += second + 1;
    }
    return true;
}

static bool is_id(gw_str s)
{
    struct log_trace id;
    bool digits = all_chars(s, gw_is_digit);
    return (digits && s.len <= 39 && log_trace_id(s, &id) != LOG_ID_BAD) ||
           (s.len == 32 && log_trace_id(s, &id) == LOG_ID_GOOD);
}

/* lt.py Python-App 6b00e75b00000000290c438ab8ca0a10 say:48 message, Python's documented form without
 * brackets: %(filename)s %(dd.service)s %(dd.trace_id)s %(funcName)s:%(lineno)s */
static bool take_documented(struct front *f, gw_str file)
{
    gw_str rest = gw_str_from(rest_of(f), file.len + 1), service, id, place;
    int64_t line;
    if (!f->found->severity || !gw_str_ends(file, GW_STR(".py")) || !gw_str_next(&rest, ' ', &service) ||
        !gw_str_next(&rest, ' ', &id) || !is_id(id) || !gw_str_next(&rest, ' ', &place))
        return false;
    size_t colon = gw_str_find(place, ':');
    if (colon == 0 || !gw_str_i64(gw_str_from(place, colon + 1), &line))
        return false;
    log_attrs_text(f->r->attrs, GW_STR("code.file.path"), file);
    log_attrs_text(f->r->attrs, GW_STR("code.function.name"), gw_str_n(place.ptr, colon));
    log_attrs_int(f->r->attrs, GW_STR("code.line.number"), line);
    f->found->origin.service = service;
    log_trace_id(id, &f->found->trace);
    f->at = place.ptr + place.len;
    f->marked = true;
    return true;
}

/* `name - LEVEL - message`, behind a time: %(asctime)s - %(name)s - %(levelname)s - %(message)s */
static bool take_name_first(struct front *f, gw_str word)
{
    gw_str after = gw_str_from(rest_of(f), word.len), level;
    if (!f->timed || f->found->severity || !gw_str_starts(after, GW_STR(" - ")) ||
        !all_chars(word, is_name_char))
        return false;
    after = gw_str_from(after, 3);
    if (!gw_str_next(&after, ' ', &level) || level.len < 3 || !all_chars(level, is_upper) ||
        !log_severity_word(level))
        return false;
    f->found->origin.logger = word;
    f->at += word.len;
    return true;
}

/* A dash ends the front; between a time and a level it only stands between them. */
static bool take_separator(struct front *f, gw_str word)
{
    if (word.len != 1 || (*word.ptr != '-' && *word.ptr != '|' && *word.ptr != ':'))
        return false;
    f->ended = *word.ptr != '|' && (*word.ptr != '-' || f->found->severity || !f->timed);
    f->at++;
    return true;
}

static bool take_word(struct front *f)
{
    gw_str word = front_word(f);
    if (word.len == 0)
        return false;
    if (take_separator(f, word) || take_name_first(f, word))
        return true;
    if (f->timed && take_bare_level(f, word))
        return true;
    if (gw_str_starts(word, GW_STR("dd.")) && take_pair(f, word)) {
        f->at += word.len;
        return true;
    }
    return take_basic(f, word) || take_pid(f, word) || take_documented(f, word) || take_logger(f, word);
}

static bool take_piece(struct front *f)
{
    if (f->at == f->end)
        return false;
    if (!f->timed && take_time(f))
        return true;
    return *f->at == '[' ? take_bracket(f) : take_word(f);
}

/* A single [name]: the thread, where a logger stands beside it or it came before the level. */
static void place_bracket(struct front *f)
{
    if (!f->bracket.len)
        return;
    if (f->bare || f->early || f->found->origin.logger.len)
        log_attrs_text(f->r->attrs, GW_STR("thread.name"), f->bracket);
    else
        f->found->origin.logger = f->bracket;
}

/* 127.0.0.1 - - [10/Oct/2023:13:55:36 +0800] "GET …: the time of access logs. The line stays whole. */
static void find_access_time(struct log_reader *r, struct log_found *found, gw_str text)
{
    enum { NEAR = 128, LENGTH = 26 };
    gw_str near = gw_str_n(text.ptr, text.len < NEAR ? text.len : NEAR);
    size_t open = gw_str_find(near, '[');
    gw_str at = gw_str_from(text, open + 1);
    if (open < near.len && at.len > LENGTH && at.ptr[LENGTH] == ']' && at.ptr[2] == '/' && at.ptr[6] == '/' &&
        at.ptr[11] == ':')
        log_time_text(r->clock, gw_str_n(at.ptr, LENGTH), r->now, &found->time);
}

static void find_marks(struct log_found *found, gw_str text)
{
    struct log_marks m;
    if (!log_ids_find(text, &m))
        return;
    log_trace_id(m.trace, &found->trace);
    log_span_id(m.span, &found->span);
    found->origin.service = m.service;
    found->origin.env = m.env;
    found->origin.version = m.version;
}

void log_read_text(struct log_reader *r, gw_str text, struct log_found *found)
{
    found->body = text;
    if (!text.len)
        return;
    struct front f = {.r = r, .found = found, .at = text.ptr, .end = text.ptr + text.len};
    const char *message = f.at;
    skip_blanks(&f);
    for (int i = 0; i < PIECES && !f.ended && take_piece(&f); i++) {
        message = f.at + (f.at < f.end && (*f.at == ' ' || *f.at == '\t'));
        skip_blanks(&f);
    }
    if (!f.marked)
        find_marks(found, text);
    if (!f.timed)
        find_access_time(r, found, text);
    if (!f.timed && !found->severity && !f.marked)
        message = text.ptr; /* nothing says that this is the front of a log line */
    else
        place_bracket(&f);
    found->body = gw_str_n(message, (size_t)(f.end - message));
    if (!found->body.len)
        found->body = text;
}
