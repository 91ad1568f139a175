/* stacktrace_detect.c: Decides, line by line, whether a line continues the record before it: stack traces of
 * many languages, and indented lines. Owns nothing: the state is in the caller's struct. Called by
 * file_multiline.c and stream_multiline.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "gateway/receivers/common/stacktrace_detect.h"

#define STARTS(line, text) gw_str_starts(line, GW_STR(text))

static bool is_word(char c)
{
    return gw_is_letter(c) || gw_is_digit(c) || c == '_';
}

static bool starts_with_any(gw_str line, const gw_str *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_starts(line, texts[i]))
            return true;
    return false;
}

#define STARTS_WITH_ANY(line, texts) starts_with_any(line, texts, sizeof(texts) / sizeof *(texts))

/* --- the record's first line --- */

static bool has_time(gw_str s)
{
    for (size_t i = 0; i + 5 <= s.len; i++)
        if (s.ptr[i + 2] == ':' && gw_is_digit(s.ptr[i]) && gw_is_digit(s.ptr[i + 1]) &&
            gw_is_digit(s.ptr[i + 3]) && gw_is_digit(s.ptr[i + 4]))
            return true;
    return false;
}

static bool is_one_of(gw_str word, const gw_str *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_ieq(word, words[i]))
            return true;
    return false;
}

static bool has_word(gw_str s, const gw_str *words, size_t n)
{
    for (size_t i = 0; i < s.len;) {
        size_t from = i;
        while (i < s.len && gw_is_letter(s.ptr[i]))
            i++;
        if (i > from && is_one_of(gw_str_n(s.ptr + from, i - from), words, n))
            return true;
        i += i == from;
    }
    return false;
}

/* A log line that may well have an exception with it. Not JSON: its writers put the trace into the object. */
static bool may_have_trace(gw_str first)
{
    static const gw_str low[] = {GW_LIT("info"),    GW_LIT("debug"), GW_LIT("trace"), GW_LIT("notice"),
                                 GW_LIT("verbose"), GW_LIT("inf"),   GW_LIT("dbg")};
    static const gw_str high[] = {GW_LIT("error"), GW_LIT("err"),      GW_LIT("warn"),  GW_LIT("warning"),
                                  GW_LIT("fatal"), GW_LIT("critical"), GW_LIT("crit"),  GW_LIT("severe"),
                                  GW_LIT("panic"), GW_LIT("alert"),    GW_LIT("emerg"), GW_LIT("exception")};
    gw_str head = gw_str_n(first.ptr, first.len < STACKTRACE_HEAD ? first.len : STACKTRACE_HEAD);
    if (head.len == 0 || head.ptr[0] == '{')
        return false;
    if (has_word(head, high, sizeof high / sizeof *high))
        return true;
    return has_time(head) && !has_word(head, low, sizeof low / sizeof *low);
}

/* --- shapes of lines --- */

static bool is_blank(gw_str s)
{
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t' || s.ptr[s.len - 1] == '\r'))
        s.len--;
    return s.len == 0;
}

static bool is_indented(gw_str line)
{
    return line.ptr[0] == ' ' || line.ptr[0] == '\t';
}

/* ` INFO shop > hello`: a column of levels, aligned to the right (Rust's tracing without a time, pretty_env_logger) */
static bool is_padded_level(gw_str line)
{
    return STARTS(line, " INFO ") || STARTS(line, " WARN ");
}

/* main.(*T).run(0xc000010000, …), created by …, [signal SIGSEGV…], exit status 2 */
static bool is_go(gw_str line)
{
    static const gw_str known[] = {GW_LIT("goroutine "), GW_LIT("created by "),
                                   GW_LIT("[signal "),   GW_LIT("exit status "),
                                   GW_LIT("panic: "),    GW_LIT("...additional frames elided...")};
    if (STARTS_WITH_ANY(line, known))
        return true;
    size_t open = gw_str_find(line, '('), blank = gw_str_find(line, ' ');
    return gw_is_letter(line.ptr[0]) && line.ptr[line.len - 1] == ')' && open < blank;
}

/* Matches the name of an exception, at the end of a line or before a colon: java.lang.Error: no, ValueError,
 * main.handler (zap). */
static bool is_header(gw_str line)
{
    static const gw_str ends[] = {GW_LIT("Error"), GW_LIT("Exception"), GW_LIT("Throwable"),
                                  GW_LIT("Failure"), GW_LIT("Fault")};
    size_t n = 0;
    bool dotted = false;
    if (!gw_is_letter(line.ptr[0]))
        return false;
    for (; n < line.len && (is_word(line.ptr[n]) || gw_char_in(line.ptr[n], ".$/*()-[]")); n++)
        dotted |= line.ptr[n] == '.' && n + 1 < line.len &&
                  (gw_is_letter(line.ptr[n + 1]) || line.ptr[n + 1] == '(');
    if (n < line.len && line.ptr[n] != ':')
        return false;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (gw_str_ends(gw_str_n(line.ptr, n), ends[i]))
            return true;
    return dotted;
}

/* /app/index.js:10, file:///app/index.mjs:3, node:internal/process:12 */
static bool is_node_place(gw_str line)
{
    size_t digits = 0;
    if (!STARTS(line, "/") && !STARTS(line, "file:///") && !STARTS(line, "node:"))
        return false;
    while (digits < line.len && gw_is_digit(line.ptr[line.len - 1 - digits]))
        digits++;
    return digits && digits < line.len && line.ptr[line.len - 1 - digits] == ':';
}

/* app/cart.rb:3:in `f', and nothing after it: with a message it is an exception's first line. */
static bool is_ruby_frame(gw_str line)
{
    const char *in = line.ptr[line.len - 1] == '\'' ? memmem(line.ptr, line.len, ":in ", 4) : NULL;
    return in && in > line.ptr && gw_is_digit(in[-1]) && line.ptr + line.len - in > 5 &&
           (in[4] == '`' || in[4] == '\'') && gw_str_find(line, ' ') == (size_t)(in - line.ptr) + 3;
}

/* The output of a PHP-FPM worker in the line; NULL in ptr: it is not such a line. */
static gw_str worker_text(gw_str line)
{
    static const char says[] = " said into std";
    const char *at = memmem(line.ptr, line.len, says, sizeof says - 1);
    gw_str rest = at ? gw_str_from(line, (size_t)(at - line.ptr) + sizeof says - 1) : GW_NOSTR;
    return gw_str_starts(rest, GW_STR("err: \"")) || gw_str_starts(rest, GW_STR("out: \""))
               ? gw_str_from(rest, 6)
               : GW_NOSTR;
}

/* Lines of PHP-FPM, each with a time of its own, that continue a worker's trace. */
static bool continues_worker(const struct stacktrace *t, gw_str line)
{
    gw_str text = worker_text(line);
    if (!text.ptr || !memmem(t->first.ptr, t->first.len, " said into std", 14))
        return false;
    return STARTS(text, "Stack trace:") || STARTS(text, "  thrown in ") || STARTS(text, "PHP Stack trace:") ||
           STARTS(text, "PHP  ") || (text.len > 1 && *text.ptr == '#' && gw_is_digit(text.ptr[1]));
}

/* `F, [2026-11-21T10:00:00.123456 #7] FATAL -- : [request] ` of Ruby's Logger, without a message: Rails
 * writes more in the following lines. */
static bool is_rails(gw_str line)
{
    static const char dashes[] = " FATAL -- ";
    const char *at = STARTS(line, "F, [") ? memmem(line.ptr, line.len, dashes, sizeof dashes - 1) : NULL;
    gw_str name = at ? gw_str_from(line, (size_t)(at - line.ptr) + sizeof dashes - 1) : GW_NOSTR;
    gw_str rest = gw_str_trim(gw_str_from(name, gw_str_find(name, ':') + 1));
    return name.len && (!rest.len || (*rest.ptr == '[' && rest.ptr[rest.len - 1] == ']'));
}

/* The tags that Rails' record begins with, `[request]`; none: empty. */
static gw_str rails_tags(gw_str first)
{
    const char *at = memmem(first.ptr, first.len, ": [", 3);
    return at ? gw_str_trim(gw_str_from(first, (size_t)(at - first.ptr) + 2)) : GW_NOSTR;
}

/* `RuntimeError (boom):` and frames, `app/carts.rb:3:in `show'`, also with a gem's name before them; and all
 * lines with the same tags. */
static bool continues_rails(const struct stacktrace *t, gw_str line)
{
    gw_str tags = rails_tags(t->first);
    if (tags.len)
        return gw_str_starts(line, tags);
    return gw_str_ends(line, GW_STR("):")) ||
           (gw_str_ends(line, GW_STR("'")) && memmem(line.ptr, line.len, ":in ", 4));
}

/* In brackets: Monolog's trace, PHP-FPM's workers, Rails' tags. */
static bool continues_bracket(const struct stacktrace *t, gw_str line)
{
    if (t->kind == FILE_RAILS)
        return continues_rails(t, line);
    return STARTS(line, "[stacktrace]") || STARTS(line, "[previous exception] ") || continues_worker(t, line);
}

/* Tomcat's valve; a page that fails has its source lines before the trace. */
static bool is_servlet(gw_str line)
{
    gw_str head = gw_str_n(line.ptr, line.len < STACKTRACE_HEAD ? line.len : STACKTRACE_HEAD);
    return memmem(head.ptr, head.len, " Servlet.service() for ", 23);
}

/* `12: <% if (order == null) … %>` */
static bool is_source_line(gw_str line)
{
    size_t digits = 0;
    while (digits < line.len && gw_is_digit(line.ptr[digits]))
        digits++;
    return digits && STARTS(gw_str_from(line, digits), ": ");
}

/* Lines that only ever continue something. "#3 /app/x.php(5): f()" is PHP's frame. */
static bool always_continues(gw_str line)
{
    switch (line.ptr[0]) {
    case 'C':
        return STARTS(line, "Caused by: ");
    case 'S':
        return STARTS(line, "Suppressed: ") || STARTS(line, "Stack trace:") || STARTS(line, "Stacktrace:") ||
               STARTS(line, "Stack backtrace:");
    case 's':
        return STARTS(line, "stack backtrace:");
    case 'n': /* Rust's */
        return STARTS(line, "note: run with `RUST_BACKTRACE") ||
               STARTS(line, "note: Some details are omitted");
    case '-': /* .NET's */
        return STARTS(line, "--- End of ") || STARTS(line, "---> ");
    case 'W':
        return STARTS(line, "Wrapped by: ");
    case 'c':
        return STARTS(line, "created by ");
    case 'f':
        return STARTS(line, "future: <");
    case 'g':
        return STARTS(line, "goroutine ");
    case '.':
        return STARTS(line, "... ");
    case '#':
        return line.len > 2 && gw_is_digit(line.ptr[1]);
    default:
        return is_ruby_frame(line);
    }
}

/* Nov 21, 2026 10:00:00 AM com.example.Shop order⏎SEVERE: … */
static bool is_jul_level(gw_str first, gw_str line)
{
    static const gw_str levels[] = {GW_LIT("SEVERE: "), GW_LIT("WARNING: "), GW_LIT("INFO: "),
                                    GW_LIT("CONFIG: "), GW_LIT("FINE: "),    GW_LIT("FINER: "),
                                    GW_LIT("FINEST: ")};
    gw_str head = gw_str_n(first.ptr, first.len < 40 ? first.len : 40);
    bool half_day = memmem(head.ptr, head.len, " AM ", 4) || memmem(head.ptr, head.len, " PM ", 4);
    return STARTS_WITH_ANY(line, levels) && half_day && has_time(head);
}

/* What closes an object that was written over several lines. */
static bool is_closer(gw_str line)
{
    return gw_char_in(line.ptr[0], "}])") && line.len <= 4;
}

/* Monolog's context, which ends behind the trace: `"} []`, `"} {"extra":1}`. */
static bool closes_context(const struct stacktrace *t, gw_str line)
{
    return t->kind == FILE_MONOLOG && STARTS(line, "\"}");
}

/* --- the record --- */

static enum stacktrace_kind kind_of(gw_str line)
{
    switch (line.ptr[0]) {
    case 'T':
        return STARTS(line, "Traceback (most recent call last)") ? FILE_PYTHON : FILE_PLAIN;
    case 'p':
        return STARTS(line, "panic: ") ? FILE_GO : FILE_PLAIN;
    case 'f':
        return STARTS(line, "fatal error: ") ? FILE_GO : is_node_place(line) ? FILE_NODE : FILE_PLAIN;
    case 'g':
        return STARTS(line, "goroutine ") ? FILE_GO : FILE_PLAIN;
    case '/':
    case 'n':
        return is_node_place(line) ? FILE_NODE : FILE_PLAIN;
    case 't':
        return STARTS(line, "thread '") && memmem(line.ptr, line.len, " panicked at ", 13) ? FILE_RUST
                                                                                           : FILE_PLAIN;
    case 'E':
        return STARTS(line, "Error: ") ? FILE_ERROR : FILE_PLAIN;
    case 'F':
        return is_rails(line) ? FILE_RAILS : FILE_PLAIN;
    default:
        return gw_is_digit(line.ptr[0]) && is_servlet(line) ? FILE_JSP : FILE_PLAIN;
    }
}

/* `PHP Fatal error: Uncaught X: message`, without ` in FILE:LINE`: the message continues. */
static bool is_unfinished_php(gw_str line)
{
    gw_str head = gw_str_n(line.ptr, line.len < STACKTRACE_HEAD ? line.len : STACKTRACE_HEAD);
    size_t end = line.len;
    if (!gw_char_in(line.ptr[0], "[P") || !memmem(head.ptr, head.len, "PHP Fatal error:  Uncaught ", 27))
        return false;
    while (end && gw_is_digit(line.ptr[end - 1]))
        end--;
    return end == line.len || !end || line.ptr[end - 1] != ':';
}

void stacktrace_begin(struct stacktrace *t, gw_str line)
{
    if (line.len == 0) /* an encoding error ate it */
        line = GW_STR("?");
    *t = (struct stacktrace){
        .first = line, .kind = kind_of(line), .first_indented = is_indented(line) && !is_padded_level(line)};
    if (t->kind == FILE_PLAIN && is_unfinished_php(line))
        t->kind = FILE_PHP;
    t->expects = t->kind == FILE_PYTHON || t->kind == FILE_NODE || t->kind == FILE_PHP ||
                 (t->kind == FILE_RUST && gw_str_ends(line, GW_STR(":")));
}

static enum stacktrace_verdict joins(struct stacktrace *t, bool indented)
{
    t->maybe = FILE_SURE;
    if (t->kind == FILE_NODE)
        t->expects = false;
    t->indented = indented;
    return STACKTRACE_CONTINUES;
}

/* An exception that was never raised has no frames: only its own line, then the exception that it caused. */
static enum stacktrace_verdict after_bare_header(struct stacktrace *t, gw_str line)
{
    if (!STARTS(line, "The above exception was") && !STARTS(line, "During handling of the above"))
        return STACKTRACE_STARTS;
    t->kind = FILE_PYTHON;
    return joins(t, false);
}

/* The frame in which loguru caught an exception. */
static bool is_loguru_frame(gw_str line)
{
    return STARTS(line, "> File ");
}

static enum stacktrace_verdict after_blank(struct stacktrace *t, gw_str line)
{
    static const gw_str chain[] = {GW_LIT("During handling of the above"), GW_LIT("The above exception was"),
                                   GW_LIT("Traceback (most"), GW_LIT("(Background on this error")};
    bool on = (is_indented(line) && t->indented) || STARTS(line, "---> ");
    if (t->kind == FILE_JSP && is_source_line(line))
        return STACKTRACE_MAYBE;
    if (t->kind == FILE_PYTHON) /* loguru has blank lines between frames */
        on |= STARTS_WITH_ANY(line, chain) ||
              (t->expects && (is_indented(line) || is_loguru_frame(line) || is_header(line)));
    else if (t->kind == FILE_MONOLOG)
        on |= STARTS(line, "[previous exception] ") || STARTS(line, "\"}");
    else if (t->kind == FILE_ERROR || t->kind == FILE_RUST)
        on |= STARTS(line, "Caused by:") || STARTS(line, "Stack backtrace:") ||
              STARTS(line, "stack backtrace:");
    else if (t->kind == FILE_GO)
        on |= is_go(line);
    else if (t->kind == FILE_NODE)
        on |= is_header(line) || STARTS(line, "Node.js v");
    else if (t->kind == FILE_JSP)
        on |= STARTS(line, "Stacktrace:");
    else if (t->kind == FILE_RAILS)
        on |= continues_rails(t, line);
    if (!on)
        return STACKTRACE_STARTS;
    if (t->kind == FILE_PYTHON && !is_indented(line))
        t->expects = STARTS(line, "Traceback") || (t->expects && !is_header(line));
    return joins(t, is_indented(line));
}

/* A traceback's lines in the first column: the exception, and the lines that SQLAlchemy and logging add after
 * it. */
static bool continues_python(struct stacktrace *t, gw_str line)
{
    static const gw_str known[] = {
        GW_LIT("[SQL: "),      GW_LIT("[parameters: "), GW_LIT("(Background on this error"),
        GW_LIT("Call stack:"), GW_LIT("Message: "),     GW_LIT("Arguments: ")};
    if (t->expects && (gw_is_letter(line.ptr[0]) || line.ptr[0] == '_')) {
        t->expects = false;
        return true;
    }
    return STARTS_WITH_ANY(line, known) || (t->expects && is_loguru_frame(line));
}

/* A traceback after the record's first line: a log line, or a line that announces a traceback. */
static bool begins_python(struct stacktrace *t)
{
    static const gw_str heralds[] = {GW_LIT("Exception in thread "), GW_LIT("Exception ignored in"),
                                     GW_LIT("--- Logging error")};
    if (!may_have_trace(t->first) && !STARTS_WITH_ANY(t->first, heralds))
        return false;
    t->kind = FILE_PYTHON;
    return t->expects = true;
}

/* `** (RuntimeError) message` after a log line, and the lines that GenServers add. */
static bool continues_elixir(struct stacktrace *t, gw_str line)
{
    static const gw_str known[] = {GW_LIT("Last message"), GW_LIT("State: "),    GW_LIT("Client "),
                                   GW_LIT("Function: "),   GW_LIT("    Args: "), GW_LIT("** (EXIT")};
    if (t->kind != FILE_ELIXIR && (!STARTS(line, "** (") || !may_have_trace(t->first)))
        return false;
    bool on = t->kind != FILE_ELIXIR || STARTS_WITH_ANY(line, known);
    t->kind = on ? FILE_ELIXIR : t->kind;
    return on;
}

static bool continues(struct stacktrace *t, gw_str line)
{
    if (t->kind == FILE_PHP && t->expects) {
        t->expects = !STARTS(line, "Stack trace:");
        return line.ptr[0] != '[';
    }
    if ((t->kind == FILE_PLAIN || t->kind == FILE_ELIXIR) && continues_elixir(t, line))
        return true;
    if (t->kind == FILE_RAILS && continues_rails(t, line))
        return true;
    if (t->kind != FILE_PYTHON && STARTS(line, "Traceback (most recent call last)"))
        return begins_python(t);
    if (t->expects && (t->kind == FILE_RUST || t->kind == FILE_NODE))
        return !(t->expects = false);
    if (t->kind == FILE_RUST && STARTS(line, "note: "))
        return true;
    if (!t->indented && is_jul_level(t->first, line)) {
        t->first = line;
        return true;
    }
    if (t->kind == FILE_PYTHON && continues_python(t, line))
        return true;
    if (STARTS(line, "goroutine "))
        t->kind = FILE_GO;
    return closes_context(t, line) || always_continues(line) || (t->kind == FILE_GO && is_go(line)) ||
           (t->indented && is_closer(line));
}

static bool is_plain(const struct stacktrace *t)
{
    return t->kind == FILE_PLAIN || t->kind == FILE_ERROR || t->kind == FILE_JSP;
}

static enum stacktrace_verdict at_margin(struct stacktrace *t, gw_str line)
{
    if (continues(t, line))
        return joins(t, false);
    if (is_plain(t) && is_header(line) && may_have_trace(t->first)) {
        t->maybe = FILE_AFTER_HEADER;
        return STACKTRACE_MAYBE;
    }
    return STACKTRACE_STARTS;
}

static enum stacktrace_verdict blank(struct stacktrace *t)
{
    if (t->maybe == FILE_AFTER_HEADER || t->maybe == FILE_AFTER_HEADER_BLANK)
        t->maybe = FILE_AFTER_HEADER_BLANK;
    else if (t->kind == FILE_PLAIN && !t->indented)
        return STACKTRACE_STARTS;
    else
        t->maybe = FILE_AFTER_BLANK;
    return STACKTRACE_MAYBE;
}

enum stacktrace_verdict stacktrace_line(struct stacktrace *t, gw_str line)
{
    if (is_blank(line))
        return blank(t);
    if (t->maybe == FILE_AFTER_BLANK)
        return after_blank(t, line);
    if (t->maybe == FILE_AFTER_HEADER_BLANK)
        return after_bare_header(t, line);
    if (is_indented(line))
        return t->first_indented || is_padded_level(line) ? STACKTRACE_STARTS : joins(t, true);
    if (line.ptr[0] == '[' && t->maybe == FILE_SURE && continues_bracket(t, line)) {
        if (STARTS(line, "[stacktrace]"))
            t->kind = FILE_MONOLOG;
        return joins(t, false);
    }
    if (t->maybe == FILE_AFTER_HEADER ||
        (is_plain(t) && (gw_is_digit(line.ptr[0]) || line.ptr[0] == '{' || line.ptr[0] == '[')))
        return STACKTRACE_STARTS;
    return at_margin(t, line);
}
