/* file_tail.c: one file: blocks, records, long lines, truncation.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "gateway/receivers/file/file_reader.h"

/* --- life --- */

static void name_attrs(struct file_tail *t)
{
    const char *path = t->entry->at.path, *slash = strrchr(path, '/');
    t->attrs[0] = (struct log_attr){.key = GW_LIT("log.file.path"), .text = gw_str_z(path)};
    t->attrs[1] =
        (struct log_attr){.key = GW_LIT("log.file.name"), .text = gw_str_z(slash ? slash + 1 : path)};
}

static void shut(struct file_reader *r, struct file_tail *t)
{
    if (t->fd < 0)
        return;
    close(t->fd);
    t->fd = -1;
    r->open_n--;
}

bool file_tail_make_room(struct file_reader *r, const struct file_tail *but)
{
    struct file_tail *oldest = NULL;
    for (struct file_tail *t = r->tails; t; t = t->next)
        if (t != but && t->fd >= 0 && !t->ready && !t->gone && !t->copy_of &&
            (!oldest || t->grew < oldest->grew))
            oldest = t;
    if (oldest)
        shut(r, oldest);
    return oldest != NULL;
}

struct file_tail *file_tail_new(struct file_reader *r, int fd, const struct stat *st, struct file_entry *e,
                                uint64_t pos)
{
    struct file_tail *t = calloc(1, sizeof *t);
    if (!t) {
        close(fd);
        return NULL;
    }
    *t = (struct file_tail){.next = r->tails,
                            .entry = e,
                            .fd = fd,
                            .dev = st->st_dev,
                            .ino = st->st_ino,
                            .pos = pos,
                            .seen = true};
    t->grew = r->now;
    t->ready = true;
    t->watch = file_watch_file(&r->watch, fd);
    name_attrs(t);
    e->open = true;
    r->tails = t;
    t->same_slot = r->slots[t->ino % FILE_SLOTS];
    r->slots[t->ino % FILE_SLOTS] = t;
    if (++r->open_n > (size_t)r->conf->open_files && !file_tail_make_room(r, t))
        shut(r, t); /* its turn opens it again */
    atomic_store_explicit(&r->counts->files, ++r->tails_n, memory_order_relaxed);
    return t;
}

static void let_copy_go(struct file_tail *copy)
{
    struct stat st;
    copy->copy_of = NULL;
    copy->entry->hidden = false;
    if (copy->fd >= 0 && fstat(copy->fd, &st) == 0)
        copy->pos = (uint64_t)st.st_size;
}

void file_tail_drop(struct file_reader *r, struct file_tail *t)
{
    struct file_tail **at = &r->tails, **slot = &r->slots[t->ino % FILE_SLOTS];
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    while (*slot != t)
        slot = &(*slot)->same_slot;
    *slot = t->same_slot;
    for (struct file_tail *other = r->tails; other; other = other->next)
        if (other->copy_of == t)
            let_copy_go(other);
    if (r->turn == t)
        r->turn = t->next;
    file_watch_end(&r->watch, t->watch);
    shut(r, t);
    t->entry->open = false;
    free(t->held);
    free(t);
    atomic_store_explicit(&r->counts->files, --r->tails_n, memory_order_relaxed);
}

void file_tail_name(struct file_reader *r, struct file_tail *t, const char *path)
{
    if (strcmp(t->entry->at.path, path) != 0 && offset_tracker_rename(r->tracker, t->entry, path))
        name_attrs(t);
}

bool file_tail_wake(struct file_reader *r, struct file_tail *t)
{
    char path[PATH_MAX];
    if (t->fd >= 0)
        return true;
    t->fd = file_open_inode(t->entry->at.path, t->dev, t->ino, path, sizeof path);
    if (t->fd < 0)
        return false;
    file_tail_name(r, t, path);
    if (++r->open_n > (size_t)r->conf->open_files)
        file_tail_make_room(r, t);
    return true;
}

/* --- records --- */

/* One record into the feed. */
static void emit(struct file_reader *r, struct file_tail *t, gw_str raw, uint64_t cut, uint64_t end)
{
    gw_str text = file_text_decode(&r->text, t->encoding, raw);
    if (r->coloured)
        text = file_text_strip(&r->text, text);
    const struct log_input in = {.form = LOG_TEXT,
                                 .text = text,
                                 .observed = r->wall,
                                 .host = r->host,
                                 .attrs = t->attrs,
                                 .attrs_n = 2,
                                 .cut = cut};
    r->full |= gw_log_sink_add(r->sink, &in);
    offset_tracker_touch(t->entry, end);
    if (cut) {
        atomic_fetch_add_explicit(&r->counts->cut_lines, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&r->counts->cut_bytes, cut, memory_order_relaxed);
    }
}

/* Once for a block: hardly any has escape sequences. */
static void look_for_colours(struct file_reader *r, const char *buf, size_t n)
{
    r->coloured = r->conf->strip_ansi && n && memchr(buf, '\033', n);
}

static struct file_multiline join_for(struct file_reader *r, const struct file_tail *t)
{
    struct file_multiline j = r->join;
    j.unit = file_text_unit(t->encoding);
    r->judging = t->encoding;
    if (j.unit.width == 1 && (t->encoding == FILE_UTF8 || j.how != FILE_PATTERN))
        j.text = NULL;
    return j;
}

/* The records of buf, which begins at t->pos, until the feed is full. Returns how many bytes of it are done
 * with. */
static size_t sink(struct file_reader *r, struct file_tail *t, const char *buf, size_t n, enum file_end end,
                   bool *is_long)
{
    struct file_multiline j = join_for(r, t);
    struct file_record rec;
    enum file_found found = FILE_RECORD;
    uint64_t lines = 0;
    size_t at = 0;
    look_for_colours(r, buf, n);
    while (!r->full && (found = file_multiline_next(&j, buf, at, n, end, &rec)) == FILE_RECORD) {
        emit(r, t, gw_str_n(buf + rec.from, rec.to - rec.from), rec.cut, t->pos + rec.next);
        at = rec.next;
        lines++;
    }
    *is_long = found == FILE_LONG;
    atomic_fetch_add_explicit(&r->counts->lines, lines, memory_order_relaxed);
    return found == FILE_RECORD ? at : rec.next; /* behind blank lines */
}

/* --- truncation --- */

/* Nothing but our copy is left of what was not a whole record. It may go into a feed that is full: it is
 * little. */
static void overflow(struct file_reader *r, struct file_tail *t)
{
    bool is_long, full = r->full;
    r->full = false;
    if (t->held_n)
        sink(r, t, t->held, t->held_n, FILE_OVER, &is_long);
    r->full |= full;
    t->held_n = 0;
}

/* What t held before it was truncated stands in a copy: that one takes over t's entry, and is read from where
 * t was. */
static bool hand_over(struct file_reader *r, struct file_tail *t, int fd, const struct stat *st,
                      const char *path)
{
    struct file_tail *copy = file_tail_of(r, st);
    struct file_entry *old = copy ? copy->entry : NULL;
    if (copy && copy->copy_of != t) { /* it was read for itself */
        close(fd);
        return false;
    }
    if (copy)
        close(fd);
    else if (!(copy = file_tail_new(r, fd, st, t->entry, t->pos)))
        return false;
    if (old)
        offset_tracker_remove(r->tracker, old);
    *copy = (struct file_tail){.next = copy->next,
                               .same_slot = copy->same_slot,
                               .entry = t->entry,
                               .fd = copy->fd,
                               .dev = copy->dev,
                               .ino = copy->ino,
                               .pos = t->pos,
                               .scanned = t->scanned,
                               .size = t->pos,
                               .head_n = t->head_n,
                               .held = copy->held,
                               .held_cap = copy->held_cap,
                               .encoding = t->encoding,
                               .grew = r->now,
                               .watch = copy->watch,
                               .ready = true,
                               .seen = copy->seen,
                               .gone = copy->gone};
    memcpy(copy->head, t->head, t->head_n);
    t->entry->at.dev = st->st_dev;
    t->entry->at.ino = st->st_ino;
    r->urgent = true;
    if (!offset_tracker_rename(r->tracker, t->entry, path))
        gw_log(GW_WARNING, r->component, "no memory for a name");
    name_attrs(copy);
    return true;
}

struct file_tail *file_tail_of(const struct file_reader *r, const struct stat *st)
{
    for (struct file_tail *t = r->slots[st->st_ino % FILE_SLOTS]; t; t = t->same_slot)
        if (t->dev == st->st_dev && t->ino == st->st_ino)
            return t;
    return NULL;
}

void file_tail_start_over(struct file_reader *r, struct file_tail *t)
{
    char path[PATH_MAX];
    struct stat st;
    struct file_saved fresh = {.dev = t->dev, .ino = t->ino, .path = t->entry->at.path};
    struct file_entry *e = offset_tracker_add(r->tracker, &fresh);
    if (!e) /* it will be seen again */
        return;
    int fd = t->entry->at.head_n ? file_find_copy(t, &st, path, sizeof path) : -1;
    gw_log(GW_INFO, r->component, "%s was truncated and is read from its beginning%s%s", t->entry->at.path,
           fd >= 0 ? "; what was left of it stands in " : "", fd >= 0 ? path : "");
    if (fd < 0 || !hand_over(r, t, fd, &st, path)) {
        overflow(r, t);
        offset_tracker_remove(r->tracker, t->entry);
    }
    t->entry = e;
    e->open = true;
    t->pos = t->scanned = t->size = t->head_n = 0;
    t->held_n = 0;
    t->encoding = r->text.by_option;
    name_attrs(t);
    atomic_fetch_add_explicit(&r->counts->truncated, 1, memory_order_relaxed);
}

/* --- identity --- */

static void sniff(struct file_reader *r, struct file_tail *t)
{
    size_t mark;
    t->encoding = file_text_sniff(&r->text, gw_str_n(t->head, t->head_n), &mark);
    if (t->pos < mark)
        t->pos = mark;
}

bool file_tail_recognise(struct file_reader *r, struct file_tail *t)
{
    uint32_t n = t->entry->at.head_n;
    if (pread(t->fd, t->head, n, 0) != (ssize_t)n || file_head_hash(t->head, n) != t->entry->at.head)
        return false;
    t->head_n = n;
    sniff(r, t);
    return true;
}

/* Whether the file still holds what was read of it. Learns its first bytes while they are written. */
static bool is_same(struct file_reader *r, struct file_tail *t)
{
    char head[FILE_HEAD];
    struct stat st;
    if (fstat(t->fd, &st) != 0 || (uint64_t)st.st_size < (t->scanned ? t->scanned : t->pos))
        return false;
    ssize_t n = pread(t->fd, head, sizeof head, 0);
    if (n < (ssize_t)t->head_n || memcmp(head, t->head, t->head_n) != 0)
        return false;
    if ((size_t)n > t->head_n) {
        bool fresh = t->head_n < 4; /* a byte order mark may not have been whole */
        r->urgent |= t->entry->at.head_n == 0;
        memcpy(t->head, head, (size_t)n);
        t->head_n = (uint32_t)n;
        offset_tracker_head(r->tracker, t->entry, t->head_n, file_head_hash(t->head, t->head_n));
        if (fresh)
            sniff(r, t);
    }
    return true;
}

/* --- turns --- */

static size_t read_at(struct file_reader *r, struct file_tail *t, char *buf, size_t want, uint64_t at)
{
    size_t got = 0;
    for (ssize_t n; got < want && (n = pread(t->fd, buf + got, want - got, (off_t)(at + got))) != 0;) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            gw_log(GW_WARNING, r->component, "%s cannot be read: %s", t->entry->at.path, strerror(errno));
            break;
        }
        got += (size_t)n;
    }
    if (at + got > t->size) {
        atomic_fetch_add_explicit(&r->counts->bytes, at + got - t->size, memory_order_relaxed);
        t->size = at + got;
        t->grew = r->now;
        t->tried = FILE_OPEN;
    }
    return got;
}

static void hold(struct file_tail *t, const char *rest, size_t n)
{
    t->held_n = 0;
    if (n > t->held_cap && n <= FILE_HELD) {
        char *p = realloc(t->held, n * 2);
        if (!p)
            return;
        t->held = p;
        t->held_cap = n * 2;
    }
    if (n && n <= t->held_cap && n <= FILE_HELD) {
        memcpy(t->held, rest, n);
        t->held_n = n;
    }
}

static void pass(struct file_reader *r, struct file_tail *t, size_t used)
{
    t->pos += used;
    if (used && !t->entry->touched)
        offset_tracker_skip(r->tracker, t->entry, t->pos);
}

/* The line that begins at pos ends at `feed`; only its beginning is read again. */
static enum file_turn end_long(struct file_reader *r, struct file_tail *t, uint64_t sink, uint64_t next)
{
    struct file_multiline j = join_for(r, t);
    size_t n = read_at(r, t, r->buf, r->join.max, t->pos);
    look_for_colours(r, r->buf, n);
    n = file_multiline_cut(&j, r->buf, 0, n);
    emit(r, t, gw_str_n(r->buf, n), sink - t->pos - n, next);
    atomic_fetch_add_explicit(&r->counts->lines, 1, memory_order_relaxed);
    t->pos = next;
    t->scanned = 0;
    return r->full ? FILE_FULL : FILE_AGAIN;
}

static enum file_turn again_from_start(struct file_reader *r, struct file_tail *t)
{
    file_tail_start_over(r, t);
    return r->full ? FILE_FULL : FILE_AGAIN;
}

static enum file_turn long_step(struct file_reader *r, struct file_tail *t, enum file_end end)
{
    struct file_unit unit = file_text_unit(t->encoding);
    size_t n = read_at(r, t, r->buf, FILE_BLOCK, t->scanned);
    if (!is_same(r, t))
        return again_from_start(r, t);
    bool last = n < FILE_BLOCK;
    n -= n % unit.width;
    size_t sink = file_line_feed(r->buf, 0, n, unit);
    if (sink < n)
        return end_long(r, t, t->scanned + sink, t->scanned + sink + unit.width);
    t->scanned += n;
    if (last && end == FILE_OVER)
        return end_long(r, t, t->scanned, t->scanned);
    return last ? FILE_DONE : FILE_AGAIN;
}

static enum file_turn block_step(struct file_reader *r, struct file_tail *t, enum file_end end)
{
    size_t want = FILE_BLOCK, used = 0, n;
    bool is_long = false;
    for (;; want = r->cap) {
        n = read_at(r, t, r->buf, want, t->pos);
        uint64_t at = t->pos;
        if (!is_same(r, t))
            return again_from_start(r, t);
        if (t->pos != at) /* behind a byte order mark */
            return FILE_AGAIN;
        used = sink(r, t, r->buf, n, n < want ? end : FILE_OPEN, &is_long);
        if (used || is_long || n < want || want == r->cap)
            break;
    }
    pass(r, t, used);
    hold(t, r->buf + used, n - used);
    if (r->full)
        return FILE_FULL;
    if (is_long) {
        struct file_unit unit = file_text_unit(t->encoding);
        t->scanned = t->pos + (n - used) / unit.width * unit.width;
    }
    return n < want && !is_long ? FILE_DONE : FILE_AGAIN;
}

void file_tail_check(struct file_reader *r, struct file_tail *t)
{
    if (t->fd >= 0 && !t->copy_of && !is_same(r, t))
        file_tail_start_over(r, t);
}

enum file_turn file_tail_turn(struct file_reader *r, struct file_tail *t, enum file_end end)
{
    enum file_turn now = FILE_AGAIN;
    r->wall = (uint64_t)gw_wall();
    r->now = gw_now();
    if (end > t->tried)
        t->tried = end;
    if (offset_tracker_rewind(r->tracker, t->entry, &t->pos))
        t->scanned = 0;
    for (size_t left = FILE_TURN / FILE_BLOCK; left && now == FILE_AGAIN; left--)
        now = t->scanned ? long_step(r, t, end) : block_step(r, t, end);
    return now;
}
