/* file_container.c: Unwraps the lines of a container's log, joins partial lines and splits each stream into
 * records. Keeps only memory between two buffers: an unfinished record is read again from the file. Called by
 * file_unwrap.c, on the reader's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/file/file_container.h"

#include <stdlib.h>

#include "core/base/clock.h"

enum { SILENT_LINES = 256, ARENA_KEPT = 1 << 16 };

static const uint64_t SILENT = 500 * GW_MSEC, ENDED = 5 * GW_SEC;

void file_containers_init(struct file_containers *c, size_t memory)
{
    *c = (struct file_containers){.whole = 0};
    log_clock_init(&c->clock, zone_utc());
    gw_arena_init(&c->arena, memory);
}

void file_containers_fini(struct file_containers *c)
{
    gw_arena_fini(&c->arena);
    for (int i = 0; i < LOG_IOSTREAMS; i++) {
        free(c->streams[i].text);
        free(c->streams[i].lines);
        free(c->streams[i].records);
    }
    *c = (struct file_containers){.time = 0};
}

static bool reserve(void **p, size_t *cap, size_t n, size_t size)
{
    if (n <= *cap)
        return true;
    size_t more = 2 * *cap > n ? 2 * *cap : n + 64;
    void *grown = realloc(*p, more * size);
    if (!grown)
        return false;
    *p = grown;
    *cap = more;
    return true;
}

/* --- the streams of a buffer --- */

static bool put_text(struct file_container_stream *s, gw_str text)
{
    if (!reserve((void **)&s->text, &s->cap, s->len + text.len, 1))
        return false;
    if (text.len)
        memcpy(s->text + s->len, text.ptr, text.len);
    s->len += text.len;
    return true;
}

static bool begin_line(struct file_container_stream *s, size_t from, const struct log_piece *p, bool wrapped)
{
    if (!reserve((void **)&s->lines, &s->lines_cap, s->lines_n + 1, sizeof *s->lines))
        return false;
    s->lines[s->lines_n++] =
        (struct file_container_line){.at = s->len, .from = from, .piece = *p, .wrapped = wrapped};
    return true;
}

/* A piece whose line of the file takes the bytes from … next of the buffer. */
static bool put_piece(struct file_containers *c, size_t max, size_t from, size_t next,
                      const struct log_piece *p, bool wrapped)
{
    struct file_container_stream *s = &c->streams[p->stream];
    bool too_long = s->open && s->len - s->lines[s->lines_n - 1].at + p->text.len > max;
    if (too_long && !put_text(s, GW_STR("\n")))
        return false;
    if ((!s->open || too_long) && !begin_line(s, from, p, wrapped))
        return false;
    s->lines[s->lines_n - 1].next = next;
    s->open = p->part;
    c->turn++;
    s->turn = c->turn;
    if (p->time > c->time)
        c->time = p->time;
    s->time = c->time;
    return put_text(s, p->text) && (p->part || put_text(s, GW_STR("\n")));
}

static bool put_line(struct file_containers *c, size_t max, gw_str line, size_t from, size_t next)
{
    struct log_piece p;
    bool wrapped = log_container_piece(line, &c->clock, &c->arena, &p);
    if (!wrapped)
        p = (struct log_piece){.text = line};
    bool good = put_piece(c, max, from, next, &p, wrapped);
    if (c->arena.used)
        gw_arena_reset(&c->arena, ARENA_KEPT);
    return good;
}

bool file_container_put(struct file_containers *c, const char *buf, size_t n, size_t max, bool over)
{
    const struct file_unit bytes = {.width = 1};
    size_t at = 0, shift = c->whole;
    while (at < n) {
        size_t feed = file_line_feed(buf, at, n, bytes), next = feed + (feed < n);
        if (feed == n && !over)
            break;
        size_t from = file_line_skip_hole(buf, at, feed, bytes);
        gw_str line = gw_str_n(buf + from, file_line_chomp(buf, from, feed, bytes) - from);
        if (line.len && !put_line(c, max, line, shift + at, shift + next))
            return false;
        at = next;
    }
    c->whole = shift + at;
    return true;
}

void file_container_clear(struct file_containers *c)
{
    c->time = c->turn = c->whole = 0;
    for (int i = 0; i < LOG_IOSTREAMS; i++) {
        struct file_container_stream *s = &c->streams[i];
        s->len = s->lines_n = s->records_n = s->time = s->turn = 0;
        s->open = false;
    }
}

/* --- records --- */

/* How final the end of a stream is. */
static enum file_end end_of(const struct file_containers *c, const struct file_container_stream *s,
                            enum file_end end)
{
    uint64_t silent = c->time - s->time;
    if (end == FILE_OVER || (s->time && silent >= ENDED))
        return FILE_OVER;
    return end == FILE_QUIET || (s->time && silent >= SILENT) || c->turn - s->turn >= SILENT_LINES
               ? FILE_QUIET
               : FILE_OPEN;
}

static bool add_record(struct file_container_stream *s, const struct file_record *rec, size_t *line)
{
    if (!reserve((void **)&s->records, &s->records_cap, s->records_n + 1, sizeof *s->records))
        return false;
    while (*line + 1 < s->lines_n && s->lines[*line + 1].at <= rec->from)
        ++*line;
    const struct file_container_line *first = &s->lines[*line];
    while (*line + 1 < s->lines_n && s->lines[*line + 1].at < rec->next)
        ++*line;
    s->records[s->records_n++] =
        (struct file_container_record){.text = gw_str_n(s->text + rec->from, rec->to - rec->from),
                                       .cut = rec->cut,
                                       .from = first->from,
                                       .next = s->lines[*line].next,
                                       .piece = first->piece,
                                       .wrapped = first->wrapped};
    return true;
}

static bool find_records(const struct file_multiline *j, struct file_container_stream *s, enum file_end end,
                         size_t whole)
{
    struct file_record rec;
    size_t at = 0, line = 0;
    s->records_n = s->taken = 0;
    while (file_multiline_next(j, s->text, at, s->len, end, &rec) == FILE_RECORD) {
        if (!add_record(s, &rec, &line))
            return false;
        at = rec.next;
    }
    while (line < s->lines_n && s->lines[line].at < rec.next)
        line++;
    s->begins = rec.next < s->len && line < s->lines_n ? s->lines[line].from : whole;
    return true;
}

/* The end of the finished part: no unfinished record begins before it. Records that reach beyond it are left
 * out. */
static size_t find_done(struct file_containers *c)
{
    size_t done = c->whole;
    for (int i = 0; i < LOG_IOSTREAMS; i++)
        done = c->streams[i].begins < done ? c->streams[i].begins : done;
    for (bool less = true; less;) {
        less = false;
        for (int i = 0; i < LOG_IOSTREAMS; i++) {
            struct file_container_stream *s = &c->streams[i];
            for (; s->records_n && s->records[s->records_n - 1].next > done; s->records_n--)
                if (s->records[s->records_n - 1].from < done) {
                    done = s->records[s->records_n - 1].from;
                    less = true;
                }
        }
    }
    return done;
}

bool file_container_split(struct file_containers *c, const struct file_multiline *j, enum file_end end,
                          size_t *done)
{
    for (int i = 0; i < LOG_IOSTREAMS; i++)
        if (!find_records(j, &c->streams[i], end_of(c, &c->streams[i], end), c->whole))
            return false;
    *done = find_done(c);
    return true;
}

const struct file_container_record *file_container_next(struct file_containers *c)
{
    struct file_container_stream *first = NULL;
    for (int i = 0; i < LOG_IOSTREAMS; i++) {
        struct file_container_stream *s = &c->streams[i];
        if (s->taken < s->records_n &&
            (!first || s->records[s->taken].from < first->records[first->taken].from))
            first = s;
    }
    return first ? &first->records[first->taken++] : NULL;
}

bool file_container_begins(struct file_containers *c, const char *buf, size_t n)
{
    const struct file_unit bytes = {.width = 1};
    struct log_piece p;
    size_t at = 0, feed = 0;
    for (;; at = feed + 1) {
        feed = file_line_feed(buf, at, n, bytes);
        if (feed == n || !file_line_is_blank(buf, at, feed, bytes))
            break;
    }
    at = file_line_skip_hole(buf, at, feed, bytes);
    gw_str line = gw_str_n(buf + at, file_line_chomp(buf, at, feed, bytes) - at);
    bool wrapped = log_container_piece(line, &c->clock, &c->arena, &p);
    if (c->arena.used)
        gw_arena_reset(&c->arena, ARENA_KEPT);
    return wrapped;
}
