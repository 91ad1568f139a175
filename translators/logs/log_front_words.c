/* log_front_words.c: Reads the pieces without brackets of a text line's front: levels, loggers, places,
 * process ids, separators, columns. The state lives for one record. Called by log_text.c for each word of the
 * front, so the usual word (the message's first) must be recognized quickly.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_front.h"

enum { CELL = 256, WIDE = 3 /* blanks behind a column */ };

/* A separate column: `info<tab>message`, `info   message`, or the end. */
static bool is_column(const struct log_front *f, gw_str word)
{
    gw_str after = log_front_behind(f, word);
    return !after.len || *after.ptr != ' ' || gw_str_starts(after, GW_STR("  "));
}

/* --- levels --- */

/* INFO[0012] of logrus on a terminal */
static gw_str without_seconds(gw_str word)
{
    size_t open = gw_str_find(word, '[');
    bool is = open > 2 && open + 2 < word.len && word.ptr[word.len - 1] == ']' &&
              log_is_all(gw_str_n(word.ptr + open + 1, word.len - open - 2), LOG_DIGIT);
    return is ? gw_str_n(word.ptr, open) : word;
}

/* `Error: no such file` may be an exception's name: it sets the level, and stays. */
static bool is_capitalised(gw_str word)
{
    return log_is_upper(*word.ptr) && word.len > 1 && !log_is_upper(word.ptr[1]);
}

/* Takes the word, or stops before it: the level is known, and the word is the message's. */
static bool take_or_stop(struct log_front *f, size_t n, bool take)
{
    if (take)
        f->at += n;
    else
        f->ended = true;
    return take;
}

/* ASP.NET Core: `fail: Category[14]` */
static bool before_category(const struct log_front *f, gw_str word)
{
    gw_str next = log_front_next(f, log_skip_blanks(log_front_behind(f, word)));
    return next.len > 3 && next.ptr[next.len - 1] == ']' && gw_str_find(next, '[') > 0;
}

/* The level that a word before a colon is: `ERROR:`, `error:`, `LOG:`, but not `http:` and `config:`.
 * `panic:` at the front begins a trace of Go's. */
static int colon_level(const struct log_front *f, gw_str word, gw_str core)
{
    bool upper = log_is_upper_word(core);
    if ((upper && f->timed && !gw_str_eq(core, GW_STR("HTTP"))) ||
        (gw_str_eq(core, GW_STR("fail")) && before_category(f, word)))
        return log_severity_word(core);
    return f->timed || !gw_str_eq(core, GW_STR("panic")) ? log_severity_plain(core) : 0;
}

static bool take_level_colon(struct log_front *f, gw_str word)
{
    gw_str core = gw_str_n(word.ptr, word.len - 1);
    bool upper = log_is_upper_word(core);
    int number = colon_level(f, word, core);
    if (core.len < 3 || (!f->timed && f->at != f->begin) || !log_front_level(f, core, number))
        return false;
    return take_or_stop(f, word.len, upper || !is_capitalised(core) || is_column(f, word));
}

/* Between blanks: INFO is removed from the message. In small letters, and after a time, it may be the
 * message's first word: it sets the level, and stays. */
static bool take_bare_level(struct log_front *f, gw_str word)
{
    if (word.ptr[word.len - 1] == ':')
        return take_level_colon(f, word);
    gw_str core = word.ptr[word.len - 1] == ']' && !f->open ? without_seconds(word) : word;
    int number = log_upper_level(core);
    if (number && (f->timed || f->at == f->begin || f->names_n)) {
        f->ended = core.len < word.len; /* columns of logrus are not loggers */
        f->at += word.len;
        return log_front_level(f, core, number);
    }
    if (!f->timed || core.len < 3)
        return false;
    bool column = is_column(f, word);
    if (!log_front_level(
            f, core, column && log_is_upper(*core.ptr) ? log_severity_word(core) : log_severity_plain(core)))
        return false;
    return take_or_stop(f, word.len, column || f->open);
}

/* LEVEL:logger:message, what Python's logging.basicConfig writes; LEVEL/process of Celery; channel.LEVEL: of
 * Monolog; logger:LEVEL:message */
static bool take_joined_level(struct log_front *f, gw_str word)
{
    size_t colon = gw_str_find(word, ':'), slash = gw_str_find(word, '/');
    gw_str first = gw_str_n(word.ptr, colon), more = gw_str_from(word, colon + 1);
    if (slash < colon && log_upper_level(gw_str_n(word.ptr, slash)) && f->timed) {
        gw_str level = gw_str_n(word.ptr, slash);
        log_attrs_text(f->r->attrs, GW_STR("thread.name"), gw_str_from(word, slash + 1));
        return log_front_level(f, level, log_upper_level(level)) && take_or_stop(f, word.len, true);
    }
    if (colon == word.len)
        return false;
    size_t dot = first.len;
    while (dot && first.ptr[dot - 1] != '.')
        dot--;
    int channel = dot > 1 && f->timed ? log_upper_level(gw_str_from(first, dot)) : 0;
    if (channel && log_front_level(f, gw_str_from(first, dot), channel)) {
        f->found->origin.logger = gw_str_n(first.ptr, dot - 1);
        return f->ended = take_or_stop(f, colon + 1, true);
    }
    size_t second = gw_str_find(more, ':');
    gw_str name = gw_str_n(more.ptr, second);
    if (log_front_level(f, first, f->timed ? log_severity_plain(first) : log_upper_level(first))) {
        f->at += colon + 1;
        f->ended = true;
        if (second < more.len && log_is_name(name)) {
            f->found->origin.logger = name;
            f->at += second + 1;
        }
        return true;
    }
    if (f->timed && second < more.len && log_is_name(first) &&
        log_front_level(f, name, log_upper_level(name))) {
        f->found->origin.logger = first;
        f->at += colon + second + 2;
        return f->ended = true;
    }
    return false;
}

/* Behind a time: `name - LEVEL - message` (%(asctime)s - %(name)s - %(levelname)s - %(message)s) and
 * `name LEVEL:` */
static bool take_name_first(struct log_front *f, gw_str word)
{
    gw_str after = log_front_behind(f, word);
    bool dash = gw_str_starts(after, GW_STR(" - "));
    if (!f->timed || !log_is_name(word) || gw_is_digit(*word.ptr))
        return false;
    gw_str level = log_front_next(f, dash ? gw_str_from(after, 3) : log_skip_blanks(after));
    if (level.len > 3 && level.ptr[level.len - 1] == ':')
        level.len--;
    else if (!dash)
        return false;
    if (!log_upper_level(level))
        return false;
    f->found->origin.logger = word;
    f->at += word.len;
    return true;
}

/* `E NETWORK  [conn]` of MongoDB, `D WindowManager:` of Android: a letter, and then what cannot be prose. */
static bool take_letter(struct log_front *f, gw_str word)
{
    gw_str next = log_front_next(f, log_skip_blanks(log_front_behind(f, word)));
    bool component = next.len && log_is_upper_word(next) && (next.len > 1 || *next.ptr == '-'),
         tag = next.len > 1 && next.ptr[next.len - 1] == ':';
    if (!f->timed || !gw_char_in(*word.ptr, "VTDINWEFC") || !(component || tag || f->numbered))
        return false;
    int number =
        *word.ptr == 'V' || *word.ptr == 'T' ? log_severity_word(GW_STR("trace")) : log_severity_word(word);
    f->at += word.len;
    f->lettered = true;
    return log_front_level(f, word, number);
}

/* Numbers before the level: of a process, of a thread. `148 INFO`, `1702  2395 D Tag:`, `0 [ERROR]` */
static bool take_numbers(struct log_front *f, gw_str word)
{
    gw_str next = log_front_next(f, log_skip_blanks(log_front_behind(f, word))), after = GW_NOSTR;
    if (!f->timed || f->numbered || word.len > 18 || !log_is_all(word, LOG_DIGIT))
        return false;
    bool two = next.len < 18 && log_is_all(next, LOG_DIGIT);
    if (two)
        after = log_front_next(f, log_skip_blanks(log_front_behind(f, next)));
    gw_str level = two ? after : next;
    bool bracket = level.len > 2 && *level.ptr == '[',
         letter = level.len == 1 && gw_char_in(*level.ptr, "VDIWEFA");
    if (bracket) {
        gw_str inside = gw_str_n(level.ptr + 1, gw_str_find(gw_str_from(level, 1), ']'));
        bracket = log_bracket_level(inside);
    }
    if (!bracket && !(letter && two) && !log_upper_level(level))
        return false;
    int64_t second = 0;
    if (!gw_str_i64(word, &f->number) || (two && !gw_str_i64(next, &second)))
        return false;
    if (two || bracket)
        log_attrs_int(f->r->attrs, GW_STR("thread.id"), two ? second : f->number);
    if (two)
        log_attrs_int(f->r->attrs, GW_STR("process.pid"), f->number);
    f->numbered = !(two || bracket) || letter;
    f->at = two ? next.ptr + next.len : word.ptr + word.len;
    return true;
}

/* Spring Boot: `12345 --- [main] c.e.Foo : message` */
static bool take_pid(struct log_front *f, gw_str word)
{
    int64_t pid;
    if (!gw_is_digit(*word.ptr) || !gw_str_starts(log_front_behind(f, word), GW_STR(" ---")) ||
        !gw_str_i64(word, &pid))
        return false;
    log_attrs_int(f->r->attrs, GW_STR("process.pid"), pid);
    f->at += word.len + 4;
    return f->spring = true;
}

/* PHP's own words: `PHP Fatal error:  Uncaught …`, which stay in the message. */
static bool see_php(struct log_front *f, gw_str word)
{
    static const struct {
        gw_str text;
        int number;
    } words[] = {{GW_LIT(" Fatal error:"), 21},
                 {GW_LIT(" Parse error:"), 17},
                 {GW_LIT(" Recoverable fatal error:"), 17},
                 {GW_LIT(" Core error:"), 17},
                 {GW_LIT(" Compile error:"), 17},
                 {GW_LIT(" Warning:"), 13},
                 {GW_LIT(" Core warning:"), 13},
                 {GW_LIT(" Notice:"), 10},
                 {GW_LIT(" Strict Standards:"), 10},
                 {GW_LIT(" Deprecated:"), 10}};
    gw_str after = log_front_behind(f, word);
    if (!gw_str_eq(word, GW_STR("PHP")))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (gw_str_starts(after, words[i].text))
            log_front_level(f, gw_str_n(after.ptr + 1, words[i].text.len - 2), words[i].number);
    return false;
}

/* `nginx: [emerg] no such file`: the level of a line without other parts, which stays complete. */
static bool see_prefixed_level(struct log_front *f, gw_str word)
{
    gw_str after = log_front_behind(f, word);
    if (f->timed || f->at != f->begin || word.len < 2 || word.ptr[word.len - 1] != ':' ||
        !gw_str_starts(after, GW_STR(" [")))
        return false;
    gw_str inside = gw_str_from(after, 2);
    inside.len = gw_str_find(inside, ']');
    if (log_front_level(f, inside, log_bracket_level(inside)))
        f->keep = f->begin;
    return false;
}

static bool before_level(struct log_front *f, gw_str word)
{
    if (word.len == 1 && log_is_upper(*word.ptr))
        return take_letter(f, word);
    if (word.len == 2 && *word.ptr == 'D' && gw_is_digit(word.ptr[1]) && take_letter(f, word))
        return true;
    if (word.len > 1 && take_bare_level(f, word))
        return true;
    if (f->ended)
        return false;
    if (gw_is_digit(*word.ptr))
        return take_pid(f, word) || take_numbers(f, word) || log_front_columns(f, word);
    return take_joined_level(f, word) || take_name_first(f, word) || see_php(f, word) ||
           see_prefixed_level(f, word) || log_front_columns(f, word);
}

/* --- behind the level: the logger, the place --- */

/* Prose has no such names: c.e.Cart, shop::cart, SparkContext, but not IOException, 10.0.0.1, README.md. */
static bool is_logger_name(gw_str s)
{
    size_t capitals = 0, dots = 0;
    bool colons = false;
    if (!log_is_name(s) || gw_is_digit(*s.ptr) || *s.ptr == '/' || *s.ptr == '-' ||
        gw_str_ends(s, GW_STR("Error")) || gw_str_ends(s, GW_STR("Exception")) ||
        gw_str_starts(s, GW_STR("http")))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        capitals += i && log_is_upper(s.ptr[i]) && !log_is_upper(s.ptr[i - 1]);
        dots += s.ptr[i] == '.' && i && i + 1 < s.len;
        colons |= s.ptr[i] == ':' && i && s.ptr[i - 1] == ':';
    }
    return dots || colons || capitals;
}

/* Foo:12 is a logger and its line, app:main:12 its function as well. */
static void set_logger(struct log_front *f, gw_str name)
{
    struct log_attrs *a = f->r->attrs;
    size_t colon = name.len;
    int64_t line;
    while (colon && gw_is_digit(name.ptr[colon - 1]))
        colon--;
    if (colon > 1 && colon < name.len && name.ptr[colon - 1] == ':' &&
        gw_str_i64(gw_str_from(name, colon), &line)) {
        log_attrs_int(a, GW_STR("code.line.number"), line);
        name.len = colon - 1;
        size_t function = name.len;
        while (function && name.ptr[function - 1] != ':')
            function--;
        if (function > 1 && function < name.len && name.ptr[function - 2] != ':') {
            log_attrs_text(a, GW_STR("code.function.name"), gw_str_from(name, function));
            name.len = function - 1;
        }
    }
    f->found->origin.logger = name;
    f->bare = true;
}

static bool take_place(struct log_front *f, gw_str word);

/* The front ends here, but for a place. */
static void end_before(struct log_front *f)
{
    const char *at = f->at;
    log_front_skip_blanks(f);
    gw_str next = log_front_next(f, log_front_rest(f));
    if (!next.len || !take_place(f, next))
        f->at = at;
    f->ended = true;
}

/* Formats that always have `logger:` behind the level, by their times: Spark's 17/06/09 20:10:40, and
 * 2026-11-21T00:35:39.123456Z of Rust's tracing. */
static bool is_tracing(const struct log_front *f)
{
    const char *t = f->time_from;
    return t && f->end - t > 27 && t[26] == 'Z' && t[10] == 'T' && t[19] == '.' && t[27] == ' ';
}

static bool has_logger_always(const struct log_front *f)
{
    const char *t = f->time_from;
    size_t n = t ? (size_t)(f->end - t) : 0;
    return (n > 17 && t[2] == '/' && t[5] == '/' && t[8] == ' ' && t[17] == ' ') || is_tracing(f);
}

/* Before the logger of tracing: `ThreadId(01)`; spans, which stay in the message: `request{id=7 path="/"}:` */
static bool take_tracing(struct log_front *f, gw_str word)
{
    enum { SPANS = 512 };
    gw_str rest = log_front_rest(f), id = gw_str_from(word, 9), name;
    int64_t thread;
    if (gw_str_starts(word, GW_STR("ThreadId(")) &&
        gw_str_i64(gw_str_n(id.ptr, gw_str_find(id, ')')), &thread)) {
        log_attrs_int(f->r->attrs, GW_STR("thread.id"), thread);
        f->at += word.len;
        return true;
    }
    if (f->bare || gw_str_find(word, '{') == word.len)
        return false;
    rest.len = rest.len < SPANS ? rest.len : SPANS;
    for (size_t i = 1; i + 2 < rest.len && rest.ptr[i] != '\n'; i++) {
        if (rest.ptr[i] != ':' || rest.ptr[i - 1] != '}' || rest.ptr[i + 1] != ' ')
            continue;
        name = log_front_next(f, gw_str_from(rest, i + 2));
        if (name.len < 2 || name.ptr[name.len - 1] != ':' || !log_is_name(gw_str_n(name.ptr, name.len - 1)))
            return false;
        set_logger(f, gw_str_n(name.ptr, name.len - 1));
        f->keep = f->keep ? f->keep : f->at;
        f->at = name.ptr + name.len;
        return f->ended = true;
    }
    return false;
}

/* `logger: message`; a name that may be prose is one only behind a bracket, or where the format has one. */
static bool take_logger_colon(struct log_front *f, gw_str word)
{
    gw_str name = gw_str_n(word.ptr, word.len - 1);
    if (!f->names_n && !f->lettered && !is_logger_name(name) && !has_logger_always(f))
        return false;
    if (gw_is_digit(*name.ptr) || gw_str_starts(name, GW_STR("http")) || !log_is_name(name))
        return false;
    set_logger(f, name);
    f->at += word.len;
    end_before(f);
    return true;
}

/* org.x.HostConfig.deployWAR behind Tomcat's level and thread: the class is the logger. */
static bool take_class_and_method(struct log_front *f, gw_str word)
{
    size_t dot = word.len, dots = 0;
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] == '.') {
            dot = i;
            dots++;
        }
    if (dots < 2 || dot + 1 >= word.len || !f->names_n || !log_is_name(word) || gw_is_digit(*word.ptr))
        return false;
    size_t class = dot;
    while (class && word.ptr[class - 1] != '.')
        class --;
    if (!log_is_upper(word.ptr[class]))
        return false;
    log_attrs_text(f->r->attrs, GW_STR("code.function.name"), gw_str_from(word, dot + 1));
    f->found->origin.logger = gw_str_n(word.ptr, dot);
    f->bare = f->ended = true;
    f->at += word.len;
    return true;
}

/* A logger without brackets is one only if something after it confirms it: a dash, a colon, marks, many
 * blanks, `[req-…]` of OpenStack, `[(null)]` of log4net. */
static bool take_logger_before(struct log_front *f, gw_str word)
{
    gw_str gap = log_front_behind(f, word), after = log_skip_blanks(gap);
    bool dash = gw_str_starts(after, GW_STR("- ")) || gw_str_starts(after, GW_STR("-- "));
    bool named = (log_is_name(word) && !gw_is_digit(*word.ptr)) ||
                 (f->columned && gw_str_find(word, '<') < word.len) ||
                 (f->spring && gw_str_find(word, '[') < word.len && gw_str_starts(after, GW_STR(": ")));
    if (!named || f->found->origin.logger.len)
        return false;
    if (gw_str_starts(after, GW_STR("[(null)]")) || gw_str_starts(after, GW_STR("[] - "))) {
        set_logger(f, word);
        f->dashed = true;
        f->at = after.ptr + gw_str_find(after, ']') + 1;
        return true;
    }
    bool request = gw_str_starts(after, GW_STR("[req-")) || gw_str_starts(after, GW_STR("[-]")) ||
                   gw_str_starts(after, GW_STR("[None"));
    bool sign = dash || gw_str_starts(after, GW_STR(": ")) || gw_str_starts(after, GW_STR("dd."));
    sign |= after.len && *after.ptr == '(' && is_logger_name(word);
    bool wide = !sign && (size_t)(after.ptr - gap.ptr) >= WIDE && after.len;
    if (!sign && !(request && is_logger_name(word)) && !wide)
        return false;
    set_logger(f, word);
    f->dashed = dash;
    f->at += word.len;
    if (request || wide)
        end_before(f);
    return true;
}

/* zap's and Go's columns: `logger<tab>file.go:12<tab>message` */
static bool take_tabbed_logger(struct log_front *f, gw_str word)
{
    gw_str after = log_front_behind(f, word);
    if (!gw_str_starts(after, GW_STR("\t")) || !log_is_name(word))
        return false;
    gw_str next = log_front_next(f, gw_str_from(after, 1));
    size_t colon = gw_str_find(next, ':');
    if (colon + 1 >= next.len || !gw_is_digit(next.ptr[next.len - 1]) || gw_str_find(next, '.') > colon)
        return false;
    set_logger(f, word);
    f->at += word.len;
    return true;
}

/* ASP.NET Core: `info: Microsoft.Hosting.Lifetime[14]⏎      message` */
static bool take_category(struct log_front *f, gw_str word)
{
    size_t open = gw_str_find(word, '[');
    int64_t event;
    if (open < 1 || open + 2 > word.len || word.ptr[word.len - 1] != ']' ||
        !gw_str_i64(gw_str_n(word.ptr + open + 1, word.len - open - 2), &event) ||
        !log_is_name(gw_str_n(word.ptr, open)))
        return false;
    if (event)
        log_attrs_int(f->r->attrs, GW_STR("event.id"), event);
    f->found->origin.logger = gw_str_n(word.ptr, open);
    f->bare = f->ended = true;
    f->at += word.len;
    return true;
}

/* 123#456: of nginx: the process and the thread. */
static bool take_process_and_thread(struct log_front *f, gw_str word)
{
    size_t hash = gw_str_find(word, '#');
    int64_t pid, tid;
    if (hash + 2 >= word.len || !gw_str_i64(gw_str_n(word.ptr, hash), &pid) ||
        !gw_str_i64(gw_str_n(word.ptr + hash + 1, word.len - hash - 2), &tid))
        return false;
    log_attrs_int(f->r->attrs, GW_STR("process.pid"), pid);
    log_attrs_int(f->r->attrs, GW_STR("thread.id"), tid);
    f->ended = true;
    f->at += word.len;
    return true;
}

/* mod_proxy.c(1467): of Apache, before [client …] perhaps */
static bool take_place_in_parentheses(struct log_front *f, gw_str word)
{
    size_t open = gw_str_find(word, '('), end = word.len - 2;
    if (open >= end ||
        !log_front_file(f, gw_str_n(word.ptr, open), gw_str_n(word.ptr + open + 1, end - open - 1)))
        return false;
    f->at += word.len;
    f->ended = !gw_str_starts(log_front_rest(f), GW_STR(" [client "));
    return true;
}

/* `main.go:12: ERROR message`: the level that an application writes itself */
static bool is_before_level(const struct log_front *f)
{
    gw_str next = log_front_next(f, log_skip_blanks(log_front_rest(f)));
    if (next.len && next.ptr[next.len - 1] == ':')
        next.len--;
    return !f->found->severity && log_upper_level(next);
}

/* main.go:12: of Go's log package, and cart.py:12 */
static bool take_place(struct log_front *f, gw_str word)
{
    bool colon = word.ptr[word.len - 1] == ':';
    if (word.len < 5 || (!f->timed && !f->found->severity) || !gw_is_digit(word.ptr[word.len - 1 - colon]) ||
        gw_is_digit(*word.ptr) || !log_front_place(f, gw_str_n(word.ptr, word.len - colon)))
        return false;
    f->at += word.len;
    f->ended = colon && !is_before_level(f);
    return true;
}

/* The logger in the bracket of time and level: [TIME LEVEL shop::cart]; a component behind a letter. */
static bool take_sole_logger(struct log_front *f, gw_str word)
{
    bool closes = f->open && *(word.ptr + word.len) == ']';
    if ((!closes && !(f->lettered && log_is_upper_word(word))) || f->bare || !log_is_name(word))
        return false;
    set_logger(f, word);
    f->at += word.len;
    return true;
}

static bool after_level(struct log_front *f, gw_str word)
{
    char last = word.ptr[word.len - 1];
    gw_str after = log_front_behind(f, word);
    char sign = after.len > 1 ? after.ptr[1] : ' ';
    if ((f->open || f->lettered) && after.len && take_sole_logger(f, word))
        return true;
    if (is_tracing(f) && take_tracing(f, word))
        return true;
    bool tabbed = after.len && *after.ptr == '\t', special = last == ':' || last == ']' || tabbed;
    if (!special && gw_is_letter(sign) && sign != 'd' && !gw_is_digit(*word.ptr) &&
        !memchr(word.ptr, '.', word.len))
        return false;
    if (last == ':')
        return (gw_is_digit(*word.ptr) && take_process_and_thread(f, word)) ||
               (word.ptr[word.len - 2] == ')' && take_place_in_parentheses(f, word)) ||
               (!f->bare && take_logger_colon(f, word));
    if (gw_is_digit(*word.ptr))
        return take_pid(f, word);
    if (last == ']')
        return take_category(f, word) || (f->spring && take_logger_before(f, word));
    if (f->bare)
        return false;
    return (tabbed && take_tabbed_logger(f, word)) || log_front_documented(f, word) ||
           take_logger_before(f, word) || take_class_and_method(f, word);
}

/* --- separators and columns --- */

/* A dash ends the front, unless it is between a time and a level. Ids without keys may follow it. */
static bool take_separator(struct log_front *f, gw_str word)
{
    if (word.len > 2 || (*word.ptr != '-' && *word.ptr != '|' && *word.ptr != ':') ||
        (word.len == 2 && word.ptr[1] != '-'))
        return false;
    f->at += word.len;
    if (*word.ptr == '|') {
        f->columned = f->timed;
        return true;
    }
    bool pid =
        *word.ptr == ':' && f->numbered && f->at[-2] == ']' && !f->found->severity; /* [%p]: of PostgreSQL */
    f->ended = !pid && (*word.ptr != '-' || f->found->severity || !f->timed);
    if (f->ended && *word.ptr == '-')
        log_front_bare_ids(f);
    return true;
}

/* `|-ERROR in ch.qos.logback.classic.LoggerContext[default] - message`: logback's own log; the class is the
 * logger. */
static bool take_logback(struct log_front *f)
{
    gw_str word = log_front_next(f, log_front_rest(f)), level = gw_str_from(word, 2);
    if (!gw_str_starts(word, GW_STR("|-")) || !log_front_level(f, level, log_upper_level(level)))
        return false;
    f->at += word.len;
    gw_str rest = log_front_rest(f);
    if (!gw_str_starts(rest, GW_STR(" in ")))
        return f->ended = true;
    gw_str name = log_front_next(f, gw_str_from(rest, 4)), after = log_front_behind(f, name);
    name.len = gw_str_find(name, '[');
    name.len = gw_str_find(name, '@');
    if (gw_str_starts(after, GW_STR(" - ")) && log_is_name(name)) {
        f->found->origin.logger = name;
        f->at = after.ptr + 2;
    }
    return f->ended = true;
}

/* Between the time and the level it is the event of NLog, whose times have four digits behind the point; 0 is
 * none. */
static void put_number(struct log_front *f, int64_t number)
{
    enum { NLOG = 24 };
    bool event =
        !f->found->severity && f->time_from && f->at - f->time_from == NLOG + 1 && f->time_from[NLOG] == '|';
    if (!event)
        log_attrs_int(f->r->attrs, GW_STR("process.pid"), number);
    else if (number)
        log_attrs_int(f->r->attrs, GW_STR("event.id"), number);
}

/* Up to the next `|`: the level, the logger, or a number; the last one has none, and is read as words are. */
static bool take_cell(struct log_front *f)
{
    gw_str rest = log_front_rest(f), near = gw_str_n(rest.ptr, rest.len < CELL ? rest.len : CELL);
    size_t bar = gw_str_find(near, '|');
    gw_str cell = gw_str_trim(gw_str_n(rest.ptr, bar));
    int64_t number;
    if (bar == near.len || cell.len == 0)
        return false;
    if (!log_front_level(f, cell, log_severity_word(cell)) && !log_front_place(f, cell)) {
        if (log_is_all(cell, LOG_DIGIT) && gw_str_i64(cell, &number))
            put_number(f, number);
        else if (!f->found->origin.logger.len && log_is_name(cell))
            set_logger(f, cell);
        else
            return false;
    }
    f->at = rest.ptr + bar + 1;
    return true;
}

bool log_front_word(struct log_front *f)
{
    if (*f->at == '|' && f->timed) {
        if (!f->found->severity && take_logback(f))
            return true;
        f->at++;
        return f->columned = true;
    }
    if (f->columned && take_cell(f))
        return true;
    gw_str word = log_front_next(f, log_front_rest(f));
    if (word.len == 0)
        return false;
    if (word.len < 3 && take_separator(f, word))
        return true;
    if (*word.ptr == 'd' && gw_str_starts(word, GW_STR("dd.")) && log_front_pair(f, word)) {
        f->at += word.len;
        return true;
    }
    if (!f->found->severity) {
        if (!f->ended && f->timed && take_place(f, word))
            return true;
        return before_level(f, word);
    }
    return take_place(f, word) || after_level(f, word);
}
