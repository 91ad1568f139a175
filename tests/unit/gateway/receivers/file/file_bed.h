/* file_bed.h: a file receiver without a thread, in front of a queue that the test empties: its clock, its
 * disk and its backend are the test's.
 *
 *   run(b, 2 * GW_SEC)   takes the reader's steps for so long, in time that does not pass
 *   take(b), give_up(b)  the backend delivers what is queued, or a stop gives it up
 *   b->seen[7]           how often line 7 was delivered ("L000007#")
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FILE_BED_H
#define FILE_BED_H

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants these before it */
#include <cmocka.h>

#include "core/base/budget.h"
#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/fanout.h"
#include "core/delivery/queue.h"
#include "core/delivery/trace_ids.h"
#include "gateway/receivers/file/file_internal.h"
#include "gateway/run/modules.h"
#include "tests/unit/scratch.h"

/* --- the system: these stand before the C library's --- */

static gw_nsec ahead; /* of the moment when the monotonic clock was asked first: there it stands still */
static ino_t unreadable;
static int unreadable_errno;
static bool head_only; /* the rest of it can be read */
static unsigned reads, reads_of_unreadable;
static void (*before_open)(const char *path); /* once */
static const char *before_open_of = "";
static const char *closed;        /* cannot be opened */
static void (*after_read)(ino_t); /* once, of that inode */
static ino_t after_read_of;
static ino_t slow; /* a read of it takes … */
static gw_nsec slow_read;
static const char *no_folder; /* nor below it */

int clock_gettime(clockid_t id, struct timespec *t)
{
    static int (*real)(clockid_t, struct timespec *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    static gw_nsec first;
    int r = real(id, t);
    if (id == CLOCK_MONOTONIC) {
        first = first ? first : (gw_nsec)t->tv_sec * GW_SEC + t->tv_nsec;
        gw_nsec now = first + ahead;
        *t = (struct timespec){.tv_sec = now / GW_SEC, .tv_nsec = now % GW_SEC};
    }
    return r;
}

ssize_t pread(int fd, void *to, size_t n, off_t at)
{
    static ssize_t (*real)(int, void *, size_t, off_t);
    struct stat st;
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "pread");
    ino_t ino = fstat(fd, &st) == 0 ? st.st_ino : 0;
    reads++;
    if (unreadable && ino == unreadable && (at == 0 || !head_only)) {
        reads_of_unreadable++;
        errno = unreadable_errno;
        return -1;
    }
    if (slow && ino == slow)
        ahead += slow_read;
    ssize_t got = real(fd, to, n, at);
    void (*call)(ino_t) = ino == after_read_of ? after_read : NULL;
    if (call) {
        after_read = NULL;
        call(ino);
    }
    return got;
}

int open(const char *path, int flags, ...)
{
    static int (*real)(const char *, int, ...);
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "open");
    void (*call)(const char *) = before_open && strcmp(path, before_open_of) == 0 ? before_open : NULL;
    if (call) {
        before_open = NULL;
        call(path);
    }
    if (closed && strcmp(path, closed) == 0) {
        errno = EACCES;
        return -1;
    }
    return real(path, flags, mode);
}

DIR *opendir(const char *path)
{
    static DIR *(*real)(const char *);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "opendir");
    if (!closed || strcmp(path, closed) != 0)
        return real(path);
    errno = EACCES;
    return NULL;
}

int mkdir(const char *path, mode_t mode)
{
    static int (*real)(const char *, mode_t);
    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "mkdir");
    if (!no_folder || strncmp(path, no_folder, strlen(no_folder)) != 0)
        return real(path, mode);
    errno = EACCES;
    return -1;
}

/* --- the bed --- */

enum { LINES = 4096 };

struct bed {
    char above[40], folder[48], offsets[80], pattern[80];
    gw_str path, olddir_item;
    const char *olddir; /* NULL: the option is left out */
    struct gw_arena arena;
    struct gw_budget budget;
    struct gw_ledger *ledger;
    struct gw_queue *queue;
    struct gw_host host;
    struct gw_diagnostics *diagnostics;
    struct file *file;
    bool in_memory; /* offsets are kept nowhere */
    uint64_t open_files;
    unsigned seen[LINES], delivered;
};

static inline const char *in(const struct bed *b, const char *name)
{
    static char paths[8][160];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", b->folder, name);
    return path;
}

static inline void append_text(const struct bed *b, const char *name, const char *text)
{
    FILE *f = fopen(in(b, name), "a");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* Lines from … to - 1. */
static inline void append_lines(const struct bed *b, const char *name, unsigned from, unsigned to)
{
    FILE *f = fopen(in(b, name), "a");
    assert_non_null(f);
    for (unsigned i = from; i < to; i++)
        fprintf(f, "L%06u# %0100u\n", i, 0u);
    fclose(f);
}

static inline ino_t inode(const struct bed *b, const char *name)
{
    struct stat st;
    assert_int_equal(stat(in(b, name), &st), 0);
    return st.st_ino;
}

static inline void wake(void *arg)
{
}

static inline void bed_new(struct bed *b, size_t queue)
{
    *b =
        (struct bed){.above = "/tmp/ddgate-reader-XXXXXX", .budget = {.limit = 64 << 20}, .open_files = 1024};
    assert_non_null(scratch_folder(b->above)); /* what stands beside the folder is the test's, too */
    snprintf(b->folder, sizeof b->folder, "%s/b", b->above);
    assert_int_equal(mkdir(b->folder, 0700), 0);
    snprintf(b->offsets, sizeof b->offsets, "%s/offsets", b->folder);
    snprintf(b->pattern, sizeof b->pattern, "%s/*.log", b->folder);
    gw_arena_init(&b->arena, 1 << 20);
    b->ledger = gw_ledger_new();
    b->queue = gw_queue_new(queue, false, wake, NULL);
    b->host = (struct gw_host){.fanout = gw_fanout_new(b->ledger, &b->budget),
                               .ids = gw_trace_ids_new(100, GW_SEC),
                               .budget = &b->budget,
                               .host_name = GW_STR("here")};
    b->host.logs = (struct log_environment){.budget = &b->budget, .ids = b->host.ids};
    gw_fanout_add(b->host.fanout,
                  (struct gw_route){.queue = b->queue, .name = "backend", .signals = 1u << GW_LOGS});
    b->diagnostics = gw_diagnostics_new();
    b->file = calloc(1, sizeof *b->file);
}

static inline void open_reader(struct bed *b)
{
    struct file_conf *c = &b->file->conf;
    assert_true(gw_opt_defaults(gw_receiver_file.opts, c, &b->arena));
    b->path = gw_str_z(b->pattern);
    c->path = (struct gw_list){&b->path, 1};
    b->olddir_item = gw_str_z(b->olddir);
    c->olddir = (struct gw_list){&b->olddir_item, b->olddir != NULL};
    c->offsets = b->in_memory ? (gw_str){0} : gw_str_z(b->offsets);
    c->open_files = b->open_files;
    c->start = 1; /* beginning */
    c->multiline = GW_STR("none");
    c->max_line = 4096;
    assert_int_equal(gw_receiver_file.open(b->file, &b->host, "receivers[0]", b->diagnostics), GW_OK);
    assert_int_equal(gw_diagnostics_errors(b->diagnostics), 0);
    assert_int_equal(b->file->reader.state[0] == '\0', b->in_memory);
}

/* What a stop does, up to where the receiver is closed. */
static inline void stop_reader(struct bed *b)
{
    file_reader_stop(&b->file->reader);
    file_reader_finish(&b->file->reader);
}

static inline void close_reader(struct bed *b)
{
    gw_receiver_file.close(b->file);
    memset(b->file, 0, sizeof *b->file);
}

static inline void reload(struct bed *b)
{
    stop_reader(b);
    close_reader(b);
    open_reader(b);
}

/* Steps until `time` has passed, on a clock that stands still between them. */
static inline void run(struct bed *b, gw_nsec time)
{
    for (gw_nsec now, next, end = gw_now() + time; (now = gw_now()) < end;) {
        next = file_reader_step(&b->file->reader);
        if (next > now)
            ahead += (next < end ? next : end) - now;
    }
}

static inline void count_lines(struct bed *b, const struct gw_frame *f)
{
    for (size_t i = 0; i + 8 <= f->len; i++) {
        const char *p = (const char *)f->data + i;
        if (*p != 'L' || p[7] != '#')
            continue;
        unsigned long n = strtoul(p + 1, NULL, 10);
        assert_in_range(n, 0, LINES - 1);
        b->seen[n]++;
        b->delivered++;
    }
}

/* Everything that is queued: delivered, or with `abandon` given up as a stop does it. */
static inline void empty_queue(struct bed *b, bool abandon)
{
    const struct gw_batch_limits all = {.bytes = 1 << 30, .items = UINT64_MAX};
    struct gw_chain c = {NULL, NULL};
    while (gw_queue_take(b->queue, GW_LOGS, &all, gw_now(), true, &c)) {
        for (struct gw_node *n = c.first; n; n = n->next)
            if (abandon)
                gw_frame_abandon(n->frame);
            else
                count_lines(b, n->frame);
        gw_queue_done(b->queue, &c);
        c = (struct gw_chain){NULL, NULL};
    }
}

static inline void take(struct bed *b)
{
    empty_queue(b, false);
}

static inline void give_up(struct bed *b)
{
    empty_queue(b, true);
}

/* Runs and delivers until nothing more comes. */
static inline void run_dry(struct bed *b)
{
    unsigned before;
    do {
        before = b->delivered;
        run(b, 2 * GW_SEC);
        take(b);
    } while (b->delivered != before);
}

static inline void once(const struct bed *b, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++)
        if (b->seen[i] != 1)
            fail_msg("line %u came %u times", i, b->seen[i]);
}

static inline void bed_drop(struct bed *b)
{
    free(b->file);
    gw_queue_drop(b->queue);
    gw_diagnostics_drop(b->diagnostics);
    gw_fanout_drop(b->host.fanout);
    gw_trace_ids_drop(b->host.ids);
    gw_ledger_drop(b->ledger);
    gw_arena_fini(&b->arena);
}

static inline void bed_end(struct bed *b)
{
    stop_reader(b);
    close_reader(b);
    bed_drop(b);
}

/* Without a folder to keep offsets in, unless the test names one. */
static inline int no_state_folder(void **state)
{
    unsetenv("STATE_DIRECTORY");
    unsetenv("XDG_STATE_HOME");
    unsetenv("HOME");
    no_folder = "/var/lib";
    gw_log_level(GW_WARNING);
    return 0;
}

/* The queue holds one flush: the second one waits. */
static inline void stall_after(struct bed *b, const char *first, unsigned lines)
{
    append_lines(b, first, LINES - 1, LINES);
    open_reader(b);
    run(b, GW_SEC);
    append_lines(b, "a.log", 0, lines);
    run(b, GW_SEC);
    assert_true(b->file->reader.waiting);
}

static inline void stall(struct bed *b, unsigned lines)
{
    stall_after(b, "first.log", lines);
}

#endif
