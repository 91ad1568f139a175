/* stream_multiline.c: Collects the lines of a stream that belong to one record. Owns the lines of the
 * unfinished record. Called by stream_conn.c and stdin.c, on the receiver's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/stream/stream_multiline.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/config/config_diagnostic.h"
#include "core/config/option.h"

enum { LEAST = 1024, SCRATCH = 1 << 20, SCRATCH_KEPT = 64 * 1024 };

/* How */

static bool compile(struct stream_multiline_conf *k, gw_str pattern, char *why)
{
    k->pattern = re_compile(pattern, true, why);
    if (!k->pattern)
        return false;
    k->re = re_thread_new();
    k->spans = calloc(2 * ((size_t)re_groups(k->pattern) + 1), sizeof *k->spans);
    gw_arena_init(&k->arena, SCRATCH);
    snprintf(why, RE_ERROR_SIZE, "no memory");
    return k->re && k->spans;
}

void stream_multiline_conf_open(struct stream_multiline_conf *k, gw_str multiline, const char *path,
                                struct gw_diagnostics *diagnostics)
{
    char why[RE_ERROR_SIZE], where[GW_OPTION_PATH];
    if (gw_str_eq(multiline, GW_STR("auto"))) {
        k->how = STREAM_MULTILINE_STACKTRACES;
    } else if (gw_str_eq(multiline, GW_STR("none")) || !multiline.len) {
        k->how = STREAM_MULTILINE_NONE;
    } else if (compile(k, multiline, why)) {
        k->how = STREAM_MULTILINE_PATTERN;
    } else {
        gw_option_path(where, path, "multiline");
        gw_config_error(diagnostics, where, "%s", why);
    }
}

void stream_multiline_conf_close(struct stream_multiline_conf *k)
{
    re_drop(k->pattern);
    re_thread_drop(k->re);
    free(k->spans);
    gw_arena_fini(&k->arena);
    *k = (struct stream_multiline_conf){.how = STREAM_MULTILINE_NONE};
}

/* Holding */

static bool reserve(struct stream_multiline_conf *k, struct stream_multiline *j, size_t need)
{
    size_t cap = j->cap ? j->cap : LEAST;
    while (cap < need)
        cap *= 2;
    if (cap == j->cap)
        return true;
    if (!gw_budget_take(k->budget, cap - j->cap))
        return false;
    char *more = realloc(j->held, cap);
    if (!more) {
        gw_budget_give(k->budget, cap - j->cap);
        return false;
    }
    j->held = more;
    j->cap = cap;
    return true;
}

/* Appends to the kept lines. The line may be further on in the same memory. */
static bool hold(struct stream_multiline_conf *k, struct stream_multiline *j, gw_str line)
{
    size_t at = j->open ? j->len + 1 : 0;
    if (!reserve(k, j, at + line.len))
        return false;
    if (line.len)
        memmove(j->held + at, line.ptr, line.len);
    if (j->open)
        j->held[j->len] = '\n';
    j->len = at + line.len;
    return true;
}

static void give_back(struct stream_multiline_conf *k, struct stream_multiline *j)
{
    free(j->held);
    gw_budget_give(k->budget, j->cap);
    j->held = NULL;
    j->len = j->cap = 0;
}

/* Records */

static bool is_blank(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != ' ' && s.ptr[i] != '\t' && s.ptr[i] != '\r')
            return false;
    return true;
}

/* The length of <PRI> at the front; 0: there is none. */
static size_t pri_length(gw_str s, int *severity)
{
    size_t i = 1;
    int n = 0;
    for (; i < s.len && i < 4 && gw_is_digit(s.ptr[i]); i++)
        n = n * 10 + (s.ptr[i] - '0');
    *severity = n % 8;
    return s.len && s.ptr[0] == '<' && i > 1 && i < s.len && s.ptr[i] == '>' ? i + 1 : 0;
}

/* The first line outlives the memory that it came in. */
static void keep_head(struct stream_multiline *j, gw_str level)
{
    gw_str first = j->trace.first;
    if (first.ptr == j->head)
        return;
    if (first.len > STACKTRACE_HEAD - level.len)
        first.len = STACKTRACE_HEAD - level.len;
    if (level.len)
        memcpy(j->head, level.ptr, level.len);
    memcpy(j->head + level.len, first.ptr, first.len);
    j->trace.first = gw_str_n(j->head, level.len + first.len);
}

/* A priority sets the level by a number, other lines by a word. */
static void begin_trace(struct stream_multiline *j, gw_str line)
{
    int severity;
    size_t pri = pri_length(line, &severity);
    stacktrace_begin(&j->trace, pri ? gw_str_trim(gw_str_from(line, pri)) : line);
    keep_head(j, !pri ? GW_NOSTR : severity <= 4 ? GW_STR("ERROR ") : GW_STR("INFO "));
}

static void begin(struct stream_multiline_conf *k, struct stream_multiline *j, gw_str line, uint64_t cut,
                  uint64_t observed, stream_multiline_record_f *out, void *to)
{
    if (is_blank(line) && !cut)
        return;
    j->len = 0;
    if (!hold(k, j, line)) {
        out(to, line, cut, observed);
        return;
    }
    line.ptr = j->held;
    j->open = true;
    j->sure = j->len;
    j->cut = cut;
    j->observed = observed;
    if (k->how == STREAM_MULTILINE_STACKTRACES)
        begin_trace(j, line);
}

enum stacktrace_verdict stream_multiline_match(struct stream_multiline_conf *k, gw_str line)
{
    re_thread_forget(k->re);
    enum re_result r = re_match(k->pattern, k->re, &k->arena, line, 0, k->spans);
    gw_arena_reset(&k->arena, SCRATCH_KEPT);
    return r == RE_MATCH ? STACKTRACE_STARTS : STACKTRACE_CONTINUES;
}

static enum stacktrace_verdict judge(struct stream_multiline_conf *k, struct stream_multiline *j, gw_str line)
{
    if (j->cut) /* its end is missing, so nothing can follow */
        return STACKTRACE_STARTS;
    if (k->how == STREAM_MULTILINE_PATTERN)
        return is_blank(line) ? STACKTRACE_MAYBE : stream_multiline_match(k, line);
    int severity;
    if (pri_length(line, &severity))
        return STACKTRACE_STARTS;
    enum stacktrace_verdict v = stacktrace_line(&j->trace, line);
    keep_head(j, GW_NOSTR);
    return v;
}

static void add(struct stream_multiline_conf *, struct stream_multiline *, gw_str line, uint64_t cut,
                uint64_t observed, stream_multiline_record_f *, void *to);

/* Passes on the lines of the record. Later lines, which do not belong to it, are processed again; they move
 * to the front of the same memory. */
static void close_record(struct stream_multiline_conf *k, struct stream_multiline *j,
                         stream_multiline_record_f *out, void *to)
{
    gw_str rest = gw_str_from(gw_str_n(j->held, j->len), j->sure + 1), line;
    uint64_t observed = j->observed;
    j->open = false;
    out(to, gw_str_n(j->held, j->sure), j->cut, observed);
    while (gw_str_next(&rest, '\n', &line))
        add(k, j, line, 0, observed, out, to);
}

static void add(struct stream_multiline_conf *k, struct stream_multiline *j, gw_str line, uint64_t cut,
                uint64_t observed, stream_multiline_record_f *out, void *to)
{
    if (!j->open) {
        begin(k, j, line, cut, observed, out, to);
        return;
    }
    enum stacktrace_verdict v = judge(k, j, line);
    if (v == STACKTRACE_MAYBE && cut) /* then nothing will decide */
        v = STACKTRACE_STARTS;
    if (v != STACKTRACE_STARTS && j->len + 1 + line.len <= k->max && hold(k, j, line)) {
        if (v == STACKTRACE_CONTINUES)
            j->sure = j->len;
        j->cut = cut;
        return;
    }
    close_record(k, j, out, to);
    add(k, j, line, cut, observed, out, to);
}

void stream_multiline_line(struct stream_multiline_conf *k, struct stream_multiline *j, gw_str line,
                           uint64_t cut, uint64_t observed, stream_multiline_record_f *out, void *to)
{
    add(k, j, line, cut, observed, out, to);
}

void stream_multiline_end(struct stream_multiline_conf *k, struct stream_multiline *j,
                          stream_multiline_record_f *out, void *to)
{
    while (j->open)
        close_record(k, j, out, to);
    give_back(k, j);
}
