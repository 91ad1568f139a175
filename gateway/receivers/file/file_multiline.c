/* file_multiline.c: Splits a buffer of a file into records. Keeps no state between calls: an unfinished record
 * is read again from the file. Called by file_tail.c, on the reader's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/file/file_multiline.h"

#include "gateway/receivers/common/stacktrace_detect.h"

/* One line of the buffer. */
struct line {
    size_t from, to, next;
};

static bool take_line(const struct file_multiline *j, const char *buf, size_t at, size_t n, enum file_end end,
                      struct line *l)
{
    size_t sink = file_line_feed(buf, at, n, j->unit), whole = n - (n - at) % j->unit.width;
    if (sink == n && (end != FILE_OVER || at == whole))
        return false;
    l->from = at;
    l->to = file_line_chomp(buf, at, sink == n ? whole : sink, j->unit);
    l->next = sink == n ? whole : sink + j->unit.width;
    return true;
}

static gw_str line_text(const struct file_multiline *j, const char *buf, const struct line *l)
{
    gw_str raw = gw_str_n(buf + l->from, l->to - l->from);
    return j->text ? j->text(j->text_ctx, raw) : raw;
}

/* Past holes and blank lines to the first line of a record. False: it is not there yet, and *at is where it
 * will be. */
static bool first_line(const struct file_multiline *j, const char *buf, size_t *at, size_t n,
                       enum file_end end, struct line *l)
{
    for (;; *at = l->next) {
        if (*at < n && !buf[*at]) /* the first byte of a wide unit often is */
            *at = file_line_skip_hole(buf, *at, n, j->unit);
        if (!take_line(j, buf, *at, n, end, l))
            return false;
        char c = buf[l->from];
        if (l->to > l->from && ((j->unit.width == 1 && (unsigned char)c > ' ') ||
                                !file_line_is_blank(buf, l->from, l->to, j->unit)))
            return true;
    }
}

static bool starts_by_pattern(const struct file_multiline *j, gw_str text)
{
    re_thread_forget(j->re); /* the buffer had other text */
    enum re_result r = re_match(j->pattern, j->re, j->arena, text, 0, j->spans);
    if (r == RE_GAVE_UP)
        ++*j->gave_up;
    gw_arena_reset(j->arena, 1 << 16);
    return r == RE_MATCH;
}

static enum stacktrace_verdict judge(const struct file_multiline *j, struct stacktrace *t, gw_str text)
{
    if (j->how == FILE_PATTERN)
        return starts_by_pattern(j, text) ? STACKTRACE_STARTS : STACKTRACE_CONTINUES;
    return stacktrace_line(t, text);
}

size_t file_multiline_cut(const struct file_multiline *j, const char *buf, size_t from, size_t to)
{
    if (j->unit.width > 1)
        return to - (to - from) % j->unit.width;
    for (size_t back = 0; back < 4 && to - back > from; back++)
        if (((unsigned char)buf[to - back] & 0xc0) != 0x80)
            return to - back;
    return to;
}

static void finish(const struct file_multiline *j, const char *buf, struct file_record *r)
{
    if (r->to - r->from <= j->max)
        return;
    size_t to = file_multiline_cut(j, buf, r->from, r->from + j->max);
    r->cut = r->to - to;
    r->to = to;
}

/* The first line as stacktrace_line() looks back at it: a copy of its beginning where the next line's text
 * would replace it. */
static gw_str keep_head(const struct file_multiline *j, gw_str first, char *head, size_t size)
{
    if (!j->text)
        return first;
    size_t n = first.len < size ? first.len : size;
    memcpy(head, first.ptr, n);
    return gw_str_n(head, n);
}

/* Extends the record line by line. True when it is complete. */
static bool grow(const struct file_multiline *j, const char *buf, size_t n, enum file_end end,
                 struct file_record *r)
{
    struct stacktrace t;
    char head[STACKTRACE_HEAD];
    size_t at = r->next;
    struct line l = {r->from, r->to, r->next};
    if (j->how == FILE_STACKTRACES)
        stacktrace_begin(&t, keep_head(j, line_text(j, buf, &l), head, sizeof head));
    for (;; at = l.next) {
        if (!take_line(j, buf, at, n, end, &l))
            return end != FILE_OPEN || n - r->from > j->max;
        if (l.to - r->from > j->max)
            return true;
        enum stacktrace_verdict v = judge(j, &t, line_text(j, buf, &l));
        if (v == STACKTRACE_STARTS)
            return true;
        if (v == STACKTRACE_CONTINUES) {
            r->to = l.to;
            r->next = l.next;
        }
    }
}

enum file_found file_multiline_next(const struct file_multiline *j, const char *buf, size_t at, size_t n,
                                    enum file_end end, struct file_record *r)
{
    struct line l;
    bool found = first_line(j, buf, &at, n, end, &l);
    *r = (struct file_record){.next = at};
    if (!found)
        return n - at > j->max ? FILE_LONG : FILE_NEED;
    struct file_record whole = {.from = l.from, .to = l.to, .next = l.next};
    if (j->how != FILE_EACH_LINE && whole.to - whole.from <= j->max && !grow(j, buf, n, end, &whole))
        return FILE_NEED;
    finish(j, buf, &whole);
    *r = whole;
    return FILE_RECORD;
}
