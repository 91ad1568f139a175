/* log_front_brackets.c: Reads the pieces in brackets of a text line's front: [INFO], [main], [core:error],
 * [pid 1:tid 2], (thread), {file.py:12}. The state lives for one record. Called by log_text.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_front.h"

enum { BRACKET = 512 };

/* The content of the bracket, including nested ones; NULL in ptr: it does not end. */
static gw_str inside_of(gw_str rest, char open, char close)
{
    rest.len = rest.len < BRACKET ? rest.len : BRACKET;
    size_t end = gw_str_find(rest, close);
    gw_str inside = gw_str_n(rest.ptr + 1, end - 1);
    if (end == rest.len)
        return GW_NOSTR;
    char after = end + 1 < rest.len ? rest.ptr[end + 1] : ' ';
    if (after == ' ' || after == open || !memchr(inside.ptr, open, inside.len))
        return inside;
    for (size_t i = 1, depth = 1; i < rest.len && rest.ptr[i] != '\n'; i++) {
        depth += rest.ptr[i] == open;
        if (rest.ptr[i] == close && --depth == 0)
            return gw_str_n(rest.ptr + 1, i - 1);
    }
    return GW_NOSTR;
}

/* [core:error], [:error], [ssl:trace3] of Apache 2.4; [INFO/MainProcess] of Python's multiprocessing */
static bool take_named_level(struct log_front *f, gw_str inside)
{
    size_t colon = gw_str_find(inside, ':'), slash = gw_str_find(inside, '/');
    gw_str name, level;
    if (colon < inside.len) {
        name = gw_str_n(inside.ptr, colon);
        level = gw_str_from(inside, colon + 1);
    } else if (slash < inside.len && log_is_upper_word(gw_str_n(inside.ptr, slash))) {
        name = gw_str_from(inside, slash + 1);
        level = gw_str_n(inside.ptr, slash);
    } else {
        return false;
    }
    if (!log_is_all(level, LOG_WORD) || (name.len && !log_is_name(name)) ||
        !log_front_level(f, level, log_severity_plain(level)))
        return false;
    if (colon < inside.len)
        f->found->origin.logger = log_or_else(f->found->origin.logger, name);
    else
        log_attrs_text(f->r->attrs, GW_STR("thread.name"), name);
    return true;
}

static bool number_behind(gw_str s, gw_str name, int64_t *out)
{
    return gw_str_starts(s, name) && gw_str_i64(gw_str_from(s, name.len), out);
}

/* [pid 35708:tid 4328636416], [pid 35708] of Apache */
static bool take_pid_tid(struct log_front *f, gw_str inside)
{
    int64_t pid, tid;
    size_t colon = gw_str_find(inside, ':');
    gw_str thread = gw_str_from(inside, colon + 1);
    if (!number_behind(gw_str_n(inside.ptr, colon), GW_STR("pid "), &pid) ||
        (colon < inside.len && !number_behind(thread, GW_STR("tid "), &tid)))
        return false;
    log_attrs_int(f->r->attrs, GW_STR("process.pid"), pid);
    if (colon < inside.len)
        log_attrs_int(f->r->attrs, GW_STR("thread.id"), tid);
    return true;
}

/* [client 10.0.0.1:5000], [client 10.0.0.1], [client ::1:5000], [remote …] of Apache */
static bool take_client(struct log_front *f, gw_str inside)
{
    int64_t port;
    if (!gw_str_starts(inside, GW_STR("client ")) && !gw_str_starts(inside, GW_STR("remote ")))
        return false;
    gw_str address = gw_str_from(inside, 7);
    size_t colon = address.len;
    while (colon && gw_is_digit(address.ptr[colon - 1]))
        colon--;
    bool has_port = colon > 1 && colon < address.len && address.ptr[colon - 1] == ':' &&
                    gw_str_i64(gw_str_from(address, colon), &port);
    log_attrs_text(f->r->attrs, GW_STR("client.address"),
                   has_port ? gw_str_n(address.ptr, colon - 1) : address);
    if (has_port)
        log_attrs_int(f->r->attrs, GW_STR("client.port"), port);
    return true;
}

/* [123]: of a process, or a thread; place_number of log_text.c decides. */
static bool take_number(struct log_front *f, gw_str inside)
{
    if (f->numbered || inside.len > 18 || !log_is_all(inside, LOG_DIGIT) || !gw_str_i64(inside, &f->number))
        return false;
    return f->numbered = true;
}

/* 00:35 or 2026-11 at any place: an unreadable time. */
static bool looks_like_time(gw_str s)
{
    for (size_t i = 0; i + 5 <= s.len; i++)
        if (gw_is_digit(s.ptr[i]) && gw_is_digit(s.ptr[i + 1]) && gw_char_in(s.ptr[i + 2], ":./-") &&
            gw_is_digit(s.ptr[i + 3]) && gw_is_digit(s.ptr[i + 4]) &&
            (i + 5 == s.len || !gw_is_letter(s.ptr[i + 5])))
            return true;
    return false;
}

/* [QuorumPeer[myid=1]/0.0.0.0:2181:FastLeaderElection@774]: %t:%C{1}@%L */
static bool take_class_and_line(struct log_front *f, gw_str inside)
{
    size_t at = inside.len, colon;
    int64_t line;
    while (at && inside.ptr[at - 1] != '@')
        at--;
    if (at < 2 || !gw_str_i64(gw_str_from(inside, at), &line))
        return false;
    for (colon = at - 1; colon && inside.ptr[colon - 1] != ':';)
        colon--;
    gw_str name = gw_str_n(inside.ptr + colon, at - 1 - colon);
    if (colon < 2 || !log_is_name(name) || f->found->origin.logger.len)
        return false;
    f->found->origin.logger = name;
    log_attrs_text(f->r->attrs, GW_STR("thread.name"), gw_str_n(inside.ptr, colon - 1));
    log_attrs_int(f->r->attrs, GW_STR("code.line.number"), line);
    return true;
}

static bool is_name(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!(log_char_kinds[(uint8_t)s.ptr[i]] & LOG_NAME) && !gw_char_in(s.ptr[i], " @#[]"))
            return false;
    return s.len;
}

static bool is_hex_letter(char c)
{
    return (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Of a request or a place: 3-1, 10.0.0.1:80, 1/3, Errno 98, 6b0159f8-0000-4000-8be0-a7e88a5dbf4d. */
static bool is_number_or_id(gw_str s)
{
    enum { ID = 16 };
    size_t letters = 0, digits = 0;
    if (gw_is_letter(*s.ptr) && !is_hex_letter(*s.ptr))
        return false;
    if (gw_str_starts(s, GW_STR("Errno ")))
        return true;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (gw_is_digit(c))
            digits++;
        else if (is_hex_letter(c))
            letters++;
        else if (gw_is_letter(c) || c == '_')
            return false;
    }
    return digits && (!letters || digits + letters >= ID);
}

/* One name is taken; more of them behind `---`, behind a code, and where brackets touch. */
static bool take_name(struct log_front *f, gw_str inside)
{
    bool adjacent = f->at > f->begin && f->at[-1] == ']';
    if ((f->bare && !f->lettered) || f->names_n == LOG_FRONT_NAMES || !is_name(inside) ||
        is_number_or_id(inside))
        return false;
    if (f->names_n && !f->spring && !adjacent && !gw_str_starts(f->names[0].text, GW_STR("MY-")))
        return false;
    f->names[f->names_n++] = (struct log_front_name){inside, !f->found->severity, adjacent};
    return true;
}

/* An unknown time and, before the level, an id stay in the message, and are not names. */
static bool keep_bracket(struct log_front *f, gw_str inside)
{
    if (f->timed ? f->found->severity || !inside.len || !is_number_or_id(inside) : !looks_like_time(inside))
        return false;
    f->keep = f->keep ? f->keep : f->at;
    return true;
}

static bool take_inside(struct log_front *f, gw_str inside)
{
    if (f->spring && (inside.len == 0 || log_front_correlation(f, inside)))
        return true;
    if (inside.len > 8 && (*inside.ptr == 'd' || *inside.ptr == 't') && log_front_block(f, inside))
        return true;
    if (inside.len <= LOG_LEVEL_MAX && !f->found->severity &&
        log_front_level(f, inside, log_bracket_level(inside)))
        return true;
    bool digit = inside.len && gw_is_digit(inside.ptr[inside.len - 1]);
    if (digit && (log_front_place(f, inside) || take_number(f, inside) || take_pid_tid(f, inside) ||
                  take_class_and_line(f, inside)))
        return true;
    return (!f->found->severity && take_named_level(f, inside)) || (f->timed && take_client(f, inside)) ||
           ((inside.len > 20 || gw_str_ends(inside, GW_STR(","))) && log_front_correlation(f, inside)) ||
           keep_bracket(f, inside) || take_name(f, inside);
}

/* [__main__], [main] behind time and level, where nothing else can be meant: a short way to take_name. */
static bool take_plain_name(struct log_front *f, gw_str inside)
{
    enum { PLAIN = 16 };
    if (!f->timed || !f->found->severity || f->names_n || f->bare || f->spring ||
        inside.len - 1 >= PLAIN - 1 || *inside.ptr == 'd' || *inside.ptr == 't' || gw_is_digit(*inside.ptr) ||
        gw_is_digit(inside.ptr[inside.len - 1]) || !(log_char_kinds[(uint8_t)*inside.ptr] & LOG_WORD) ||
        !log_is_name(inside))
        return false;
    f->names[f->names_n++] = (struct log_front_name){inside, false, f->at > f->begin && f->at[-1] == ']'};
    f->at = inside.ptr + inside.len + 1;
    return true;
}

/* `[error    ]` of structlog on a terminal, nine wide: the event follows, and pairs behind many blanks. */
static bool take_structlog(struct log_front *f, gw_str inside)
{
    enum { WIDE = 9 };
    if (inside.len != WIDE)
        return false;
    gw_str level = gw_str_trim(inside);
    if (level.len == WIDE || !f->timed || *inside.ptr == ' ' || log_is_upper(*level.ptr) ||
        !log_front_level(f, level, log_bracket_level(level)))
        return false;
    f->at = inside.ptr + inside.len + 1;
    return f->ended = true;
}

bool log_front_bracket(struct log_front *f)
{
    gw_str inside = inside_of(log_front_rest(f), '[', ']');
    if (!inside.ptr)
        return false;
    if (inside.ptr + inside.len + 1 < f->end && inside.ptr[inside.len + 1] == '@')
        return log_front_database(f, log_front_next(f, log_front_rest(f)));
    if (take_plain_name(f, inside) || take_structlog(f, inside))
        return true;
    if (!take_inside(f, gw_str_trim(inside)))
        return false;
    f->at = inside.ptr + inside.len + 1;
    return true;
}

/* `(root) ERROR (Syntax error)`, `(CRON) info (No MTA installed)` of cron: sets the level, and stays
 * complete. */
static bool see_cron(struct log_front *f)
{
    gw_str inside = inside_of(log_front_rest(f), '(', ')');
    if (f->at != f->begin || !inside.ptr)
        return false;
    gw_str rest = gw_str_from(log_front_rest(f), inside.len + 2);
    gw_str word = gw_str_starts(rest, GW_STR(" ")) ? log_front_next(f, gw_str_from(rest, 1)) : GW_NOSTR;
    return word.len > 2 && gw_str_starts(gw_str_from(rest, word.len + 1), GW_STR(" (")) &&
           log_front_level(f, word, log_severity_plain(word)) && (f->ended = true);
}

/* JBoss: LEVEL [logger] (thread); HAProxy: [LEVEL] (pid); Airflow: {file.py:12} */
bool log_front_enclosed(struct log_front *f)
{
    bool round = *f->at == '(';
    if (round && see_cron(f))
        return true;
    gw_str inside = inside_of(log_front_rest(f), *f->at, round ? ')' : '}');
    if (!inside.ptr)
        return false;
    gw_str core = gw_str_trim(inside);
    if (core.len > 2 && *core.ptr == '{')
        core = gw_str_n(core.ptr + 1, core.len - 2);
    char after = inside.ptr + inside.len + 1 < f->end ? inside.ptr[inside.len + 1] : ' ';
    if (round && after != ' ' && after != ':') /* (111)Connection refused: of Apache */
        return false;
    bool thread = round && f->found->severity && f->names_n == 1 && !f->names[0].early && is_name(core);
    if (!log_front_place(f, core) && !(round && take_number(f, core))) {
        if (!thread)
            return false;
        log_attrs_text(f->r->attrs, GW_STR("thread.name"), core);
        f->found->origin.logger = f->names[0].text;
        f->names_n = 0;
    }
    f->at = inside.ptr + inside.len + 1;
    return true;
}
