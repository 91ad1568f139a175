/* file_reader.c: the thread: whose turn it is, when to flush, save and sleep.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/receivers/file/file_reader.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/log.h"

/* between scans: at least; and without any event */
static const gw_nsec SCAN_PAUSE = 100 * GW_MSEC, SCAN_ANYWAY = 10 * GW_SEC;
static const gw_nsec MAYBE_PAUSE = 200 * GW_MSEC; /* a copy that is being made */
/* between rounds, so that a busy file is read by blocks */
static const gw_nsec GATHER = 10 * GW_MSEC;
/* then the last whole lines are a record */
static const gw_nsec QUIET = 500 * GW_MSEC;
/* then so is a line without an end */
static const gw_nsec OVER = 5 * GW_SEC;
/* then a file that no pattern finds is closed */
static const gw_nsec DELETED = 5 * GW_SEC, RENAMED = 60 * GW_SEC;
static const gw_nsec SAVE_PAUSE = GW_SEC;

/* --- making --- */

static gw_str decode(void *ctx, gw_str raw)
{
    struct file_reader *r = ctx;
    return file_text_decode(&r->text, r->judging, raw);
}

bool file_reader_open(struct file_reader *r)
{
    r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r->cap = r->conf->max_line + FILE_BLOCK;
    r->buf = malloc(r->cap);
    r->re = re_thread_new();
    gw_arena_init(&r->arena, 4 * r->cap);
    size_t spans = r->pattern ? 2 * (re_groups(r->pattern) + 1) : 2;
    r->join = (struct file_multiline){.how = r->join.how,
                                      .max = r->conf->max_line,
                                      .pattern = r->pattern,
                                      .re = r->re,
                                      .arena = &r->arena,
                                      .spans = calloc(spans, sizeof(size_t)),
                                      .gave_up = &r->slow_lines,
                                      .text = decode,
                                      .text_ctx = r};
    file_watch_open(&r->watch, r->component);
    return r->wake >= 0 && r->buf && r->re && r->join.spans;
}

void file_reader_close(struct file_reader *r)
{
    while (r->tails)
        file_tail_drop(r, r->tails);
    file_watch_close(&r->watch);
    if (r->wake >= 0)
        close(r->wake);
    r->wake = -1;
    free(r->buf);
    free(r->join.spans);
    re_thread_drop(r->re);
    gw_arena_fini(&r->arena);
    r->buf = NULL;
    r->join.spans = NULL;
    r->re = NULL;
}

void file_reader_stop(struct file_reader *r)
{
    uint64_t one = 1;
    atomic_store(&r->stopping, true);
    (void)!write(r->wake, &one, sizeof one);
    gw_log_sink_stop(r->sink);
}

/* --- waiting --- */

/* Until something happens to a file (with `events`), somebody stops us, or it is time. */
static void sleep_until(struct file_reader *r, gw_nsec until, bool events)
{
    struct pollfd fds[2] = {{.fd = r->wake, .events = POLLIN}, {.fd = r->watch.fd, .events = POLLIN}};
    gw_nsec left = until - gw_now();
    if (left > 0)
        poll(fds, events && r->watch.fd >= 0 ? 2 : 1, (int)(left / GW_MSEC) + 1);
}

static void hear(void *ctx, int number, enum file_event what)
{
    struct file_reader *r = ctx;
    r->scan |= what != FILE_GREW;
    if (what == FILE_APPEARED)
        return;
    for (struct file_tail *t = r->tails; t; t = t->next)
        if (t->watch == number || what == FILE_OVERFLOW)
            t->ready = true;
}

/* Files that nobody tells about, every `poll`; all of them now and then. */
static void look_around(struct file_reader *r, bool all)
{
    struct stat st;
    for (struct file_tail *t = r->tails; t; t = t->next)
        if ((all || t->watch < 0) && (t->fd >= 0 ? fstat(t->fd, &st) : stat(t->entry->at.path, &st)) == 0)
            t->ready |= (uint64_t)st.st_size != t->size;
    r->looked_at = r->now;
}

static gw_nsec next_scan(const struct file_reader *r)
{
    gw_nsec pause = r->scan ? SCAN_PAUSE : r->again ? MAYBE_PAUSE : r->blind ? r->conf->poll : SCAN_ANYWAY;
    return r->scanned_at ? r->scanned_at + pause : 0;
}

/* Names and news; also while a queue is full, so that no file comes and goes unseen. */
static void look(struct file_reader *r)
{
    r->now = gw_now();
    file_watch_read(&r->watch, hear, r);
    if (r->now >= next_scan(r))
        file_scan(r);
    if (r->now >= r->swept_at + SCAN_ANYWAY) {
        look_around(r, true);
        r->swept_at = r->now;
    } else if (r->now >= r->looked_at + r->conf->poll) {
        look_around(r, false);
    }
}

/* Those that something happened to: what they lost is looked for while it can be found. */
static void check_all(struct file_reader *r)
{
    for (struct file_tail *t = r->tails; t; t = t->next)
        if (t->ready)
            file_tail_check(r, t);
}

/* --- passing on --- */

static bool is_stopping(const struct file_reader *r)
{
    return atomic_load_explicit(&r->stopping, memory_order_relaxed);
}

void file_reader_save(struct file_reader *r)
{
    char why[FILE_ERROR_SIZE];
    gw_nsec now = gw_now();
    if (!r->state[0] || (!r->urgent && now < r->saved_at + SAVE_PAUSE))
        return;
    r->saved_at = now;
    r->urgent = false;
    if (!offset_tracker_save(r->tracker, r->state, &r->conf->path, why))
        gw_log(GW_WARNING, r->component,
               "offsets cannot be saved, and what is read now will be read again after a restart: %s", why);
}

/* The receipt of what stands in the feed, made once; NULL where offsets are kept nowhere: then what a stop
 * leaves behind is lost. */
static bool get_ack(struct file_reader *r, struct gw_ack_callback **ack)
{
    if (!*ack && r->state[0])
        *ack = offset_tracker_ack(r->tracker);
    return *ack || !r->state[0];
}

/* All that stands in the feed. False: stopping, and it stays where it came from. */
static bool flush(struct file_reader *r)
{
    struct gw_ack_callback *ack = NULL;
    for (gw_nsec pause = 0;;) {
        enum gw_code code = get_ack(r, &ack) ? gw_log_sink_flush(r->sink, ack, true) : GW_BUSY;
        r->full = code != GW_OK;
        if (code == GW_OK)
            return true;
        if (code == GW_STOPPING || is_stopping(r))
            break;
        if (!pause)
            atomic_fetch_add_explicit(&r->counts->waits, 1, memory_order_relaxed);
        pause = gw_log_sink_pause(pause);
        sleep_until(r, gw_now() + pause, false);
        look(r);
        check_all(r);
        file_reader_save(r);
    }
    if (ack)
        ack->settled(ack, false);
    return false;
}

/* --- turns --- */

/* How final the end of the file is by now. */
static enum file_end end_of(const struct file_reader *r, const struct file_tail *t)
{
    gw_nsec quiet = r->now - t->grew;
    return quiet < QUIET ? FILE_OPEN : quiet < OVER ? FILE_QUIET : FILE_OVER;
}

static bool has_rest(const struct file_tail *t)
{
    return t->size > t->pos || t->scanned;
}

static bool wants_turn(const struct file_reader *r, const struct file_tail *t)
{
    return !t->copy_of && (t->ready || (has_rest(t) && end_of(r, t) > t->tried));
}

/* What was taken for a copy and is none is a log of its own, from its first byte on. */
static void doubt_copy(struct file_reader *r, struct file_tail *t)
{
    if (!t->ready || file_is_still_copy(t))
        return;
    gw_log(GW_INFO, r->component, "%s is not a copy of %s", t->entry->at.path, t->copy_of->entry->at.path);
    t->copy_of = NULL;
    t->entry->hidden = false;
    t->pos = t->size = 0;
    offset_tracker_skip(r->tracker, t->entry, 0);
}

static enum file_turn give_turn(struct file_reader *r, struct file_tail *t)
{
    if (!file_tail_wake(r, t)) {
        gw_log(GW_INFO, r->component, "%s is gone", t->entry->at.path);
        file_tail_drop(r, t);
        return FILE_DONE;
    }
    enum file_turn turn = file_tail_turn(r, t, end_of(r, t));
    t->ready = turn != FILE_DONE;
    while (r->open_n > (size_t)r->conf->open_files && file_tail_make_room(r, NULL))
        ;
    return turn;
}

/* Everybody who has something once, from where the last round ended. FILE_AGAIN: somebody has more;
 * FILE_FULL: the feed is. */
static enum file_turn round_of_turns(struct file_reader *r)
{
    enum file_turn all = FILE_DONE, one = FILE_DONE;
    for (struct file_tail *t = r->turn ? r->turn : r->tails; t && one != FILE_FULL && !is_stopping(r);
         t = r->turn) {
        r->turn = t->next;
        if (t->copy_of)
            doubt_copy(r, t);
        one = wants_turn(r, t) ? give_turn(r, t) : FILE_DONE;
        if (one != FILE_DONE)
            all = one;
    }
    r->round_at = gw_now();
    return all;
}

/* Files that no pattern finds and that nothing came from for a while. */
static void retire(struct file_reader *r)
{
    for (struct file_tail *t = r->tails, *next; t; t = next) {
        struct stat st;
        next = t->next;
        if (!t->gone || t->ready || (has_rest(t) && t->tried != FILE_OVER) || r->now - t->grew < DELETED)
            continue;
        bool deleted = t->fd < 0 || fstat(t->fd, &st) != 0 || st.st_nlink == 0;
        if (!deleted && r->now - t->grew < RENAMED)
            continue;
        struct file_entry *e = t->entry;
        file_tail_drop(r, t);
        if (deleted)
            offset_tracker_remove(r->tracker, e);
    }
}

/* When there will be something to do, were nothing to happen. */
static gw_nsec next_time(const struct file_reader *r)
{
    gw_nsec next = next_scan(r), polled = r->looked_at + r->conf->poll;
    if (r->state[0] && offset_tracker_changed(r->tracker) && r->saved_at + SAVE_PAUSE < next)
        next = r->saved_at + SAVE_PAUSE;
    for (const struct file_tail *t = r->tails; t; t = t->next) {
        if (t->watch < 0 && polled < next)
            next = polled;
        if (t->gone && t->grew + DELETED < next)
            next = t->grew + DELETED > r->now ? t->grew + DELETED : r->now + GW_SEC;
        if (t->copy_of || !has_rest(t) || t->tried == FILE_OVER)
            continue;
        gw_nsec due = t->grew + (t->tried == FILE_OPEN ? QUIET : OVER);
        next = due < next ? due : next;
    }
    return next;
}

void file_reader_run(struct file_reader *r)
{
    while (!is_stopping(r)) {
        look(r);
        /* the round that was ended by a full feed: those before it had their turn then */
        bool part = r->turn != NULL;
        enum file_turn last = round_of_turns(r);
        if (last != FILE_AGAIN && !gw_log_sink_empty(r->sink) && !flush(r))
            break;
        if (last == FILE_DONE && !part) {
            retire(r);
            gw_nsec next = next_time(r);
            sleep_until(r, r->round_at + GATHER, false);
            sleep_until(r, next, true);
        }
        file_reader_save(r);
    }
    struct gw_ack_callback *ack = r->state[0] ? offset_tracker_ack(r->tracker) : NULL;
    if (gw_log_sink_flush(r->sink, ack, false) != GW_OK && ack)
        ack->settled(ack, false);
}
