/* file_tail.c: Reads one file: its descriptor and names, blocks, records, long lines. A tail owns its
 * descriptor. Called by the reader at each turn; file_identity.c checks that it is still the same file, and
 * file_schedule.c decides about its turns.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* SEEK_DATA */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "gateway/receivers/file/file_reader.h"

/* --- life --- */

static void find_target(struct file_reader *r, struct file_tail *t)
{
    struct stat st;
    file_index_remove(&r->by_target, &t->by_target);
    free(t->target);
    t->target =
        lstat(t->entry->at.path, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(t->entry->at.path, NULL) : NULL;
    if (t->target)
        file_index_add(&r->by_target, &t->by_target, file_name_key(file_base_name(t->target)), t);
}

void file_tail_renamed(struct file_reader *r, struct file_tail *t)
{
    gw_str path = gw_str_z(t->entry->at.path), base = file_base_name(path.ptr);
    t->attrs[0] = (struct log_attr){.key = GW_LIT("log.file.path"), .text = path};
    t->attrs[1] = (struct log_attr){.key = GW_LIT("log.file.name"), .text = base};
    t->attrs[2] = (struct log_attr){.key = GW_LIT("log.iostream")};
    if (r->conf->containers)
        file_unwrap_learn(t);
    file_index_add(&r->by_name, &t->by_name, file_name_key(path), t);
    file_index_add(&r->by_base, &t->by_base, file_name_key(base), t);
    find_target(r, t);
}

void file_tail_shut(struct file_reader *r, struct file_tail *t)
{
    file_list_remove(&r->resting, &t->resting);
    if (t->fd < 0)
        return;
    close(t->fd);
    t->fd = -1;
    r->open_n--;
}

static void link_tail(struct file_reader *r, struct file_tail *t)
{
    t->next = r->tails;
    if (r->tails)
        r->tails->prev = t;
    r->tails = t;
    file_index_add(&r->by_inode, &t->by_inode, t->ino, t);
    if (t->watch >= 0)
        file_index_add(&r->by_watch, &t->by_watch, (uint64_t)t->watch, t);
    else
        r->unwatched_n++;
    file_tail_renamed(r, t);
    t->first_name = t->by_name.key;
    atomic_store_explicit(&r->counts->files, ++r->tails_n, memory_order_relaxed);
}

struct file_tail *file_tail_new(struct file_reader *r, int fd, const struct stat *st, struct file_entry *e,
                                uint64_t pos)
{
    struct file_tail *t = file_timers_reserve(&r->timers, r->tails_n + 1) ? calloc(1, sizeof *t) : NULL;
    if (!t) {
        close(fd);
        return NULL;
    }
    *t = (struct file_tail){
        .entry = e, .fd = fd, .dev = st->st_dev, .ino = st->st_ino, .pos = pos, .size = pos, .seen = true};
    t->there = (uint64_t)st->st_size;
    t->grew = r->now;
    t->ready = true;
    t->encoding = r->text.by_option;
    t->watch = file_watch_file(&r->watch, fd);
    e->open = true;
    r->open_n++;
    link_tail(r, t);
    return t;
}

void file_tail_set_copy(struct file_reader *r, struct file_tail *copy, struct file_tail *of)
{
    if (copy->copy_of)
        copy->copy_of->copies--;
    if (of)
        of->copies++;
    copy->copy_of = of;
    if (copy->entry->hidden != (of != NULL))
        offset_tracker_hide(r->tracker, copy->entry, of != NULL);
}

/* Ends the relation to the file whose copy this is: the rest is read here. */
static void let_copy_go(struct file_reader *r, struct file_tail *copy)
{
    uint64_t pos = copy->copy_of->pos;
    file_tail_set_copy(r, copy, NULL);
    copy->pos = copy->size = pos < copy->there ? pos : copy->there;
    copy->ready = true;
    offset_tracker_skip(r->tracker, copy->entry, copy->pos);
    file_schedule(r, copy);
}

static void unlink_tail(struct file_reader *r, struct file_tail *t)
{
    if (t->copy_of)
        t->copy_of->copies--;
    *(t->prev ? &t->prev->next : &r->tails) = t->next;
    if (t->next)
        t->next->prev = t->prev;
    file_index_remove(&r->by_inode, &t->by_inode);
    file_index_remove(&r->by_watch, &t->by_watch);
    file_index_remove(&r->by_name, &t->by_name);
    file_index_remove(&r->by_base, &t->by_base);
    file_index_remove(&r->by_target, &t->by_target);
    file_list_remove(&r->queued, &t->queued);
    file_list_remove(&r->unchecked, &t->unchecked);
    file_timers_set(&r->timers, &t->timer, t, GW_NEVER);
    r->unwatched_n -= t->watch < 0;
    atomic_store_explicit(&r->counts->files, --r->tails_n, memory_order_relaxed);
}

void file_tail_drop(struct file_reader *r, struct file_tail *t)
{
    for (struct file_tail *other = t->copies ? r->tails : NULL; other; other = other->next)
        if (other->copy_of == t)
            let_copy_go(r, other);
    unlink_tail(r, t);
    file_watch_end(&r->watch, t->watch);
    file_tail_shut(r, t);
    if (t->error)
        atomic_fetch_sub_explicit(&r->counts->failing, 1, memory_order_relaxed);
    t->entry->open = false;
    log_container_drop(t->container);
    free(t->held);
    free(t->target);
    free(t);
}

void file_tail_name(struct file_reader *r, struct file_tail *t, const char *path)
{
    if (strcmp(t->entry->at.path, path) != 0 && offset_tracker_rename(r->tracker, t->entry, path))
        file_tail_renamed(r, t);
}

enum file_wake file_tail_wake(struct file_reader *r, struct file_tail *t)
{
    char path[PATH_MAX];
    if (t->fd >= 0)
        return FILE_AWAKE;
    t->fd = file_open_inode(r->conf, t->entry->at.path, t->dev, t->ino, path, sizeof path);
    if (t->fd < 0 && errno == ENOENT)
        return FILE_IS_GONE;
    if (t->fd < 0) {
        file_tail_fails(r, t, errno);
        return FILE_FAILS;
    }
    file_tail_name(r, t, path);
    r->open_n++;
    file_schedule(r, t);
    file_schedule_close(r, NULL);
    return FILE_AWAKE;
}

/* --- records --- */

void file_tail_emit(struct file_reader *r, struct file_tail *t, gw_str raw, uint64_t cut,
                    const struct log_piece *piece)
{
    gw_str text = file_text_decode(&r->text, t->encoding, raw);
    if (r->coloured)
        text = file_text_strip(&r->text, text);
    const struct log_input in = {.form = LOG_TEXT,
                                 .text = text,
                                 .observed = r->wall,
                                 .host = r->host,
                                 .time = piece ? piece->time : 0,
                                 .resource = log_container_resource(t->container),
                                 .attrs = t->attrs,
                                 .attrs_n = piece ? 3 : 2,
                                 .cut = cut};
    if (piece)
        t->attrs[2].text = log_iostream_name(piece->stream);
    r->full |= gw_log_sink_add(r->sink, &in);
    if (!r->fed_at)
        r->fed_at = r->now;
    if (cut) {
        atomic_fetch_add_explicit(&r->counts->cut_lines, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&r->counts->cut_bytes, cut, memory_order_relaxed);
    }
}

/* Passes on one record of the file, which ends at `end`. */
static void emit(struct file_reader *r, struct file_tail *t, gw_str raw, uint64_t cut, uint64_t end)
{
    file_tail_emit(r, t, raw, cut, NULL);
    offset_tracker_touch(r->tracker, t->entry, end);
}

/* Once for a block: hardly any has escape sequences. */
void file_tail_colours(struct file_reader *r, const char *buf, size_t n)
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

size_t file_tail_feed(struct file_reader *r, struct file_tail *t, const char *buf, size_t n,
                      enum file_end end, bool *is_long)
{
    struct file_multiline j = join_for(r, t);
    struct file_record rec;
    enum file_found found = FILE_RECORD;
    uint64_t lines = 0;
    size_t at = 0;
    t->wrapped = r->conf->containers && j.unit.width == 1 && file_container_begins(&r->containers, buf, n);
    if (t->wrapped && file_unwrap_feed(r, t, buf, n, end, is_long, &at))
        return at;
    file_tail_colours(r, buf, n);
    while (!r->full && (found = file_multiline_next(&j, buf, at, n, end, &rec)) == FILE_RECORD) {
        emit(r, t, gw_str_n(buf + rec.from, rec.to - rec.from), rec.cut, t->pos + rec.next);
        at = rec.next;
        lines++;
    }
    *is_long = found == FILE_LONG;
    atomic_fetch_add_explicit(&r->counts->lines, lines, memory_order_relaxed);
    return found == FILE_RECORD ? at : rec.next; /* behind blank lines */
}

/* --- turns --- */

/* False: it cannot be read. */
static bool read_at(struct file_reader *r, struct file_tail *t, char *buf, size_t want, uint64_t at,
                    size_t *got)
{
    ssize_t n = 1;
    for (*got = 0; *got < want && n > 0; *got += n > 0 ? (size_t)n : 0)
        n = file_pread(t->fd, buf + *got, want - *got, at + *got);
    if (n < 0 && *got == 0) {
        file_tail_fails(r, t, errno);
        return false;
    }
    if (at + *got > t->size) {
        atomic_fetch_add_explicit(&r->counts->bytes, at + *got - t->size, memory_order_relaxed);
        t->size = at + *got;
        t->grew = r->now;
        t->tried = FILE_OPEN;
    }
    return true;
}

/* How final the end of the last read is: bytes that arrived with it were not there a moment ago. */
static enum file_end end_after_read(struct file_reader *r, struct file_tail *t)
{
    enum file_end end = file_tail_end(r, t);
    if (end > t->tried)
        t->tried = end;
    return end;
}

/* The position after a hole: the next written byte at `at` or after it, as a multiple of the unit from there. */
static uint64_t next_written(struct file_tail *t, uint64_t at)
{
    struct stat st;
    off_t data = lseek(t->fd, (off_t)at, SEEK_DATA);
    if (data < 0 && errno == ENXIO && fstat(t->fd, &st) == 0)
        data = st.st_size; /* a hole to the end */
    if (data <= (off_t)at)
        return at;
    return at + ((uint64_t)data - at) / file_text_unit(t->encoding).width * file_text_unit(t->encoding).width;
}

/* The line that begins at pos ends at `feed`; only its beginning is read again. */
static enum file_turn end_long(struct file_reader *r, struct file_tail *t, uint64_t sink, uint64_t next)
{
    struct file_multiline j = join_for(r, t);
    size_t n;
    if (!read_at(r, t, r->buf, r->join.max, t->pos, &n))
        return FILE_DONE;
    file_tail_colours(r, r->buf, n);
    n = file_multiline_cut(&j, r->buf, 0, n);
    emit(r, t, gw_str_n(r->buf, n), sink - t->pos - n, next);
    atomic_fetch_add_explicit(&r->counts->lines, 1, memory_order_relaxed);
    t->pos = next;
    t->scanned = t->held_n = 0;
    return r->full ? FILE_FULL : FILE_AGAIN;
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

/* The file is shorter than the position of these bytes: they were read before it was truncated. */
static void hold_last(struct file_tail *t, const char *bytes, size_t n)
{
    struct stat st;
    if (n && !t->scanned && fstat(t->fd, &st) == 0 && (uint64_t)st.st_size <= t->pos)
        hold(t, bytes, n < FILE_HELD ? n : FILE_HELD);
}

/* After n bytes were read: true if the file is the same. Otherwise *now is how the turn continues. */
static bool is_still_same(struct file_reader *r, struct file_tail *t, size_t n, enum file_turn *now)
{
    enum file_same same = file_tail_compare(r, t);
    if (same == FILE_CHANGED)
        hold_last(t, r->buf, n);
    if (same == FILE_UNREADABLE)
        file_tail_fails(r, t, errno);
    else if (same == FILE_CHANGED && !file_tail_start_over(r, t))
        file_tail_fails(r, t, ENOMEM);
    *now = t->failed ? FILE_DONE : r->full ? FILE_FULL : FILE_AGAIN;
    return same == FILE_SAME;
}

static enum file_turn long_step(struct file_reader *r, struct file_tail *t)
{
    struct file_unit unit = file_text_unit(t->encoding);
    enum file_turn now;
    size_t n;
    if (!read_at(r, t, r->buf, FILE_BLOCK, t->scanned, &n))
        return FILE_DONE;
    enum file_end end = end_after_read(r, t);
    if (!is_still_same(r, t, n, &now))
        return now;
    bool last = n < FILE_BLOCK;
    n -= n % unit.width;
    size_t sink = file_line_feed(r->buf, 0, n, unit);
    if (sink < n)
        return end_long(r, t, t->scanned + sink, t->scanned + sink + unit.width);
    t->scanned += n;
    if (last && end == FILE_OVER)
        return end_long(r, t, t->scanned, t->scanned);
    if (!last && r->buf[n - 1] == '\0')
        t->scanned = next_written(t, t->scanned);
    return last ? FILE_DONE : FILE_AGAIN;
}

/* A block of only NUL bytes, which are in no record, may be a hole. */
static void pass_hole(struct file_tail *t, size_t n, size_t used)
{
    struct stat st;
    if (used < n || n < FILE_BLOCK)
        return;
    t->pos = next_written(t, t->pos);
    if (t->pos > t->size && fstat(t->fd, &st) == 0 && t->pos <= (uint64_t)st.st_size)
        t->size = t->pos;
}

static enum file_turn block_step(struct file_reader *r, struct file_tail *t)
{
    size_t want = FILE_BLOCK, used = 0, n;
    bool is_long = false;
    enum file_turn now;
    for (;; want = r->cap) {
        if (!read_at(r, t, r->buf, want, t->pos, &n))
            return FILE_DONE;
        enum file_end end = end_after_read(r, t);
        uint64_t at = t->pos;
        if (!is_still_same(r, t, n, &now))
            return now;
        if (t->pos != at) /* behind a byte order mark */
            return FILE_AGAIN;
        used = file_tail_feed(r, t, r->buf, n, n < want ? end : FILE_OPEN, &is_long);
        if (used || is_long || n < want || want == r->cap)
            break;
    }
    uint64_t before = t->pos;
    t->pos += used;
    if (used == n && n && r->buf[n - 1] == '\0')
        pass_hole(t, n, used);
    if (t->pos > before && !t->entry->touched)
        offset_tracker_skip(r->tracker, t->entry, t->pos);
    hold(t, r->buf + used, n - used);
    if (r->full)
        return FILE_FULL;
    if (is_long) {
        struct file_unit unit = file_text_unit(t->encoding);
        t->scanned = t->pos + (n - used) / unit.width * unit.width;
    }
    return n < want && !is_long ? FILE_DONE : FILE_AGAIN;
}

enum file_turn file_tail_turn(struct file_reader *r, struct file_tail *t)
{
    enum file_turn now = FILE_AGAIN;
    r->wall = (uint64_t)gw_wall();
    r->now = gw_now();
    t->failed = false;
    if (offset_tracker_rewind(r->tracker, t->entry, &t->pos))
        t->scanned = t->held_n = 0;
    if (t->unproven && !file_tail_prove(r, t))
        return FILE_DONE;
    if (!t->pos && file_unwrap_waits(r, t))
        return FILE_AGAIN;
    for (size_t left = FILE_TURN / FILE_BLOCK; left && now == FILE_AGAIN; left--)
        now = t->scanned ? long_step(r, t) : block_step(r, t);
    if (!t->failed)
        file_tail_works(r, t);
    return now;
}
