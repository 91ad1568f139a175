/* file_reader.c: Runs the reader's thread: handles events, gives tails their turns, and decides when to flush,
 * save and sleep. Owns the tails. file.c makes, starts and stops it. A step never waits, so tests can call the
 * steps themselves.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/receivers/file/file_reader.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/log.h"

/* between scans that events ask for */
static const gw_nsec LONGEST_SCAN_PAUSE = 100 * GW_MSEC, SHORTEST_SCAN_PAUSE = 5 * GW_MSEC;
/* and without any event */
static const gw_nsec SCAN_ANYWAY = 10 * GW_SEC;
/* a copy that is being made */
static const gw_nsec MAYBE_PAUSE = 200 * GW_MSEC;
static const gw_nsec GATHER = 10 * GW_MSEC; /* between rounds, so that a busy file is read by blocks */
/* the first records do not wait longer for tails with much more to read */
static const gw_nsec FLUSH_AFTER = 100 * GW_MSEC;
static const gw_nsec SAVE_PAUSE = GW_SEC;

enum { OTHER_DESCRIPTORS = 64, FEWEST_FILES = 8 };

/* --- making --- */

static gw_str decode(void *ctx, gw_str raw)
{
    struct file_reader *r = ctx;
    return file_text_decode(&r->text, r->judging, raw);
}

/* Connections and other files need descriptors too. */
static size_t open_limit(const struct file_reader *r)
{
    struct rlimit limit;
    size_t wanted = (size_t)r->conf->open_files, most = wanted;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        most = limit.rlim_cur > OTHER_DESCRIPTORS + FEWEST_FILES ? (size_t)limit.rlim_cur - OTHER_DESCRIPTORS
                                                                 : FEWEST_FILES;
    if (most >= wanted)
        return wanted;
    gw_log(GW_WARNING, r->component,
           "at most %zu files are open at a time instead of %zu (open_files): the process may have %zu "
           "descriptors",
           most, wanted, (size_t)limit.rlim_cur);
    return most;
}

bool file_reader_open(struct file_reader *r)
{
    r->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r->cap = r->conf->max_line + FILE_BLOCK;
    r->buf = malloc(r->cap);
    r->re = re_thread_new();
    r->open_limit = open_limit(r);
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
    file_containers_init(&r->containers, 4 * r->cap);
    file_watch_open(&r->watch, r->component);
    file_watch_open(&r->folders.watch, r->component);
    return r->wake >= 0 && r->buf && r->re && r->join.spans;
}

/* The next reader detects copies itself. */
static void drop_copies(struct file_reader *r)
{
    for (struct file_tail *t = r->tails, *next; t; t = next) {
        struct file_entry *e = t->entry;
        next = t->next;
        if (!t->copy_of)
            continue;
        file_tail_drop(r, t);
        offset_tracker_remove(r->tracker, e);
    }
}

/* A file that has no name, or none that would be found, is there for another reader by its descriptor only;
 * and it may have lost its name a moment ago. */
static void leave_tail(struct file_reader *r, struct file_tail *t)
{
    struct stat st;
    if (t->fd >= 0 &&
        (t->gone || fstat(t->fd, &st) != 0 || st.st_nlink == 0 || (uint64_t)st.st_size > t->pos)) {
        t->entry->fd = t->fd;
        t->fd = -1;
    }
    file_tail_drop(r, t);
}

void file_reader_close(struct file_reader *r)
{
    drop_copies(r);
    while (r->tails)
        leave_tail(r, r->tails);
    file_scan_fini(r);
    file_index_fini(&r->by_inode);
    file_index_fini(&r->by_watch);
    file_index_fini(&r->by_name);
    file_index_fini(&r->by_base);
    file_index_fini(&r->by_target);
    file_timers_fini(&r->timers);
    file_watch_close(&r->watch);
    file_folders_close(&r->folders);
    if (r->wake >= 0)
        close(r->wake);
    r->wake = -1;
    file_containers_fini(&r->containers);
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

/* Sleeps until an event in a folder or, with `events`, of a file, a stop, or the time. False: the time has
 * not come yet. */
static bool sleep_until(struct file_reader *r, gw_nsec until, bool events)
{
    struct pollfd fds[] = {{.fd = r->wake, .events = POLLIN},
                           {.fd = r->folders.watch.fd, .events = POLLIN}, /* -1: ignored */
                           {.fd = events ? r->watch.fd : -1, .events = POLLIN}};
    gw_nsec left = until - gw_now();
    return left <= 0 || poll(fds, sizeof fds / sizeof *fds, (int)(left / GW_MSEC) + 1) == 0;
}

static void tail_changed(struct file_reader *r, struct file_tail *t)
{
    file_tail_is_ready(r, t);
    if (r->waiting)
        file_list_append(&r->unchecked, &t->unchecked, t);
}

static void hear(void *ctx, int number, enum file_event what, const char *name)
{
    struct file_reader *r = ctx;
    r->scan |= what != FILE_GREW;
    for (struct file_tail *t = what == FILE_OVERFLOW ? r->tails : NULL; t; t = t->next)
        tail_changed(r, t);
    for (struct file_index_link *l = file_index_find(&r->by_watch, (uint64_t)number); l;
         l = file_index_next(l))
        tail_changed(r, l->of);
}

/* Polls unwatched files every `poll`, and all files from time to time. */
static void look_around(struct file_reader *r, bool all)
{
    struct stat st;
    for (struct file_tail *t = all || r->unwatched_n ? r->tails : NULL; t; t = t->next)
        if ((all || t->watch < 0) && (t->fd >= 0 ? fstat(t->fd, &st) : stat(t->entry->at.path, &st)) == 0 &&
            (uint64_t)st.st_size != t->size)
            tail_changed(r, t);
    r->looked_at = r->now;
}

/* Scans take a tenth of a core, and half of what a slow file system bears. On a busy machine a scan takes
 * long and costs little CPU, which is no reason to scan less often. */
static gw_nsec scan_pause(const struct file_reader *r)
{
    gw_nsec pause = 10 * r->scan_cpu > r->scan_took ? 10 * r->scan_cpu : r->scan_took;
    return pause < SHORTEST_SCAN_PAUSE  ? SHORTEST_SCAN_PAUSE
           : pause < LONGEST_SCAN_PAUSE ? pause
                                        : LONGEST_SCAN_PAUSE;
}

static gw_nsec next_scan(const struct file_reader *r)
{
    gw_nsec pause = r->scan ? scan_pause(r) : r->again ? MAYBE_PAUSE : r->blind ? r->conf->poll : SCAN_ANYWAY;
    return r->scanned_at ? r->scanned_at + (pause < SCAN_ANYWAY ? pause : SCAN_ANYWAY) : 0;
}

/* Text that was given up is read again, whether or not its file grows. */
static void look_for_rewinds(struct file_reader *r)
{
    for (struct file_tail *t = offset_tracker_given_up(r->tracker) ? r->tails : NULL; t; t = t->next)
        if (!offset_tracker_settled(r->tracker, t->entry))
            file_tail_is_ready(r, t);
}

static void look_at_folders(struct file_reader *r)
{
    r->folders_at = r->now;
    file_folders_look(r);
}

/* Names and news; also while a queue is full, so that no file comes and goes unseen. */
static void look(struct file_reader *r)
{
    r->now = gw_now();
    look_at_folders(r);
    file_watch_read(&r->watch, hear, r);
    if (r->now >= next_scan(r))
        file_scan(r);
    if (r->now >= r->swept_at + SCAN_ANYWAY) {
        look_around(r, true);
        r->swept_at = r->now;
    } else if (r->now >= r->looked_at + r->conf->poll) {
        look_around(r, false);
    }
    look_for_rewinds(r);
    file_schedule_now(r);
    file_folders_expire(r);
}

/* Checks tails with events: lost bytes are searched while they can be found. */
static void check_unchecked(struct file_reader *r)
{
    for (struct file_tail *t; (t = file_list_next(&r->unchecked));) {
        file_tail_check(r, t);
        file_schedule(r, t);
    }
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
    if (!offset_tracker_save(r->tracker, why))
        gw_log(GW_WARNING, r->component,
               "offsets cannot be saved, and what is read now will be read again after a restart: %s", why);
}

/* Offers all records in the sink, with its ack callback, which is made once. If offsets are not saved, the
 * frames do not carry it: what a stop leaves behind is lost then, and only accepted records advance the
 * offsets. */
static bool offer(struct file_reader *r)
{
    bool kept = r->state[0];
    if (!r->ack && !(r->ack = offset_tracker_ack(r->tracker)))
        return false;
    if (gw_log_sink_flush(r->sink, kept ? r->ack : NULL, true) != GW_OK)
        return false;
    if (!kept)
        r->ack->settled(r->ack, true);
    r->ack = NULL;
    r->full = r->waiting = false;
    r->fed_at = r->pause = 0;
    return true;
}

/* A ready tail may have been truncated, and its turn may be far away. */
static void begin_to_wait(struct file_reader *r)
{
    atomic_fetch_add_explicit(&r->counts->waits, 1, memory_order_relaxed);
    r->waiting = true;
    for (const struct file_link *l = r->queued.first; l; l = l->next)
        file_list_append(&r->unchecked, &l->tail->unchecked, l->tail);
}

static void flush(struct file_reader *r)
{
    if (offer(r))
        return;
    if (!r->waiting)
        begin_to_wait(r);
    r->full = true;
    r->pause = gw_log_sink_pause(r->pause);
    r->flush_at = gw_now() + r->pause;
}

/* --- turns --- */

/* A supposed copy that is not a copy is a log of its own, read from its first byte. */
static void doubt_copy(struct file_reader *r, struct file_tail *t)
{
    if (file_is_still_copy(t))
        return;
    gw_log(GW_INFO, r->component, "%s is not a copy of %s", t->entry->at.path, t->copy_of->entry->at.path);
    file_tail_set_copy(r, t, NULL);
    t->pos = t->size = 0;
    offset_tracker_skip(r->tracker, t->entry, 0);
}

static void drop_gone(struct file_reader *r, struct file_tail *t)
{
    uint64_t lost = t->there > t->pos ? t->there - t->pos : 0;
    if (lost)
        gw_log(GW_WARNING, r->component, "%s is gone, and %llu bytes of it that were not read are lost",
               t->entry->at.path, (unsigned long long)lost);
    else
        gw_log(GW_INFO, r->component, "%s is gone", t->entry->at.path);
    atomic_fetch_add_explicit(&r->counts->lost_bytes, lost, memory_order_relaxed);
    file_tail_drop(r, t);
}

/* FILE_FULL: the sink is. */
static enum file_turn give_turn(struct file_reader *r, struct file_tail *t)
{
    enum file_turn turn = FILE_DONE;
    enum file_wake awake = file_tail_wake(r, t);
    if (awake == FILE_IS_GONE) {
        drop_gone(r, t);
        return FILE_DONE;
    }
    if (t->copy_of)
        doubt_copy(r, t);
    if (t->copy_of && t->copy_of->queued.tail)
        turn = FILE_AGAIN; /* after that one's turn it is known */
    else if (awake == FILE_AWAKE && !t->copy_of)
        turn = file_tail_turn(r, t);
    t->ready = turn != FILE_DONE;
    file_schedule(r, t);
    file_schedule_close(r, NULL);
    return turn;
}

static bool flush_is_due(const struct file_reader *r)
{
    return r->full || (r->fed_at && r->now >= r->fed_at + FLUSH_AFTER);
}

/* Each tail with unread data gets one turn, in order; a tail with more goes to the end. */
static void round_of_turns(struct file_reader *r)
{
    for (size_t n = r->queued.n; n && r->queued.first && !flush_is_due(r) && !is_stopping(r); n--) {
        give_turn(r, file_list_next(&r->queued));
        if (r->now >= r->folders_at + GW_MSEC)
            look_at_folders(r);
    }
    r->round_at = r->now = gw_now();
}

static void read_on(struct file_reader *r)
{
    round_of_turns(r);
    if (!gw_log_sink_empty(r->sink) && !is_stopping(r) && (!r->queued.first || flush_is_due(r)))
        flush(r);
}

/* When there will be something to do, were nothing to happen. */
static gw_nsec next_time(const struct file_reader *r)
{
    gw_nsec next = next_scan(r), timer = file_timers_first(&r->timers);
    if (r->state[0] && offset_tracker_changed(r->tracker) && r->saved_at + SAVE_PAUSE < next)
        next = r->saved_at + SAVE_PAUSE;
    if (r->unwatched_n && r->looked_at + r->conf->poll < next)
        next = r->looked_at + r->conf->poll;
    if (r->waiting)
        return r->flush_at < next ? r->flush_at : next;
    return r->queued.first ? 0 : timer < next ? timer : next;
}

gw_nsec file_reader_step(struct file_reader *r)
{
    look(r);
    if (r->waiting) {
        check_unchecked(r);
        if (r->now >= r->flush_at)
            flush(r);
    }
    if (!r->waiting)
        read_on(r);
    file_reader_save(r);
    return next_time(r);
}

void file_reader_wait(struct file_reader *r, gw_nsec next)
{
    gw_nsec gathered = r->now + GATHER;
    if (sleep_until(r, gathered < next ? gathered : next, false))
        sleep_until(r, next, true);
}

/* Records that no queue accepts count as unread: the offsets do not cover them, and they are not counted. */
void file_reader_finish(struct file_reader *r)
{
    if (gw_log_sink_empty(r->sink) || offer(r))
        return;
    if (r->ack)
        offset_tracker_cancel(r->ack);
    r->ack = NULL;
    gw_log_sink_discard(r->sink);
}

void file_reader_run(struct file_reader *r)
{
    while (!is_stopping(r)) {
        gw_nsec next = file_reader_step(r);
        if (next)
            file_reader_wait(r, next);
    }
    file_reader_finish(r);
}
