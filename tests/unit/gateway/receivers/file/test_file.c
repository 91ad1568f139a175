/* The receiver as a whole, where the system does not tell of changes: no inotify, no more watches, a network
 * file system.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <unistd.h>
/* cmocka wants the four before it */
#include <cmocka.h>

#include "core/base/budget.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/fanout.h"
#include "core/delivery/trace_ids.h"
#include "gateway/receivers/file/file_reader.h"
#include "gateway/run/modules.h"
#include "tests/unit/scratch.h"

/* --- a system that is short of something: these stand before the C library's --- */

static bool no_instances, no_watches, remote;

int inotify_init1(int flags)
{
    int (*real)(int);
    *(void **)&real = dlsym(RTLD_NEXT, "inotify_init1");
    if (!no_instances)
        return real(flags);
    errno = EMFILE;
    return -1;
}

int inotify_add_watch(int fd, const char *path, uint32_t mask)
{
    int (*real)(int, const char *, uint32_t);
    *(void **)&real = dlsym(RTLD_NEXT, "inotify_add_watch");
    if (!no_watches)
        return real(fd, path, mask);
    errno = ENOSPC;
    return -1;
}

int fstatfs(int fd, struct statfs *s)
{
    int (*real)(int, struct statfs *);
    *(void **)&real = dlsym(RTLD_NEXT, "fstatfs");
    int r = real(fd, s);
    if (remote)
        s->f_type = 0x6969;
    return r;
}

/* --- a receiver in front of nobody: what it reads is accepted, and ends there --- */

struct bed {
    char folder[40], log[64], offsets[80];
    gw_str path;
    struct gw_arena arena;
    struct gw_budget budget;
    struct gw_ledger *ledger;
    struct gw_host host;
    struct gw_diagnostics *diagnostics;
    char *ctx;
};

static void append(const char *path, const char *text)
{
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void open_bed(struct bed *b)
{
    *b = (struct bed){.folder = "/tmp/ddgate-file-XXXXXX", .budget = {.limit = 64 << 20}};
    assert_non_null(scratch_folder(b->folder));
    snprintf(b->log, sizeof b->log, "%s/a.log", b->folder);
    snprintf(b->offsets, sizeof b->offsets, "%s/offsets", b->folder);
    gw_arena_init(&b->arena, 1 << 20);
    b->ledger = gw_ledger_new();
    b->host = (struct gw_host){.fanout = gw_fanout_new(b->ledger, &b->budget),
                               .ids = gw_trace_ids_new(100, GW_SEC),
                               .budget = &b->budget,
                               .host_name = GW_STR("here")};
    b->diagnostics = gw_diagnostics_new();
    b->ctx = calloc(1, gw_receiver_file.ctx_size);
}

static void start_pattern(struct bed *b, const char *pattern)
{
    struct file_conf *c = (struct file_conf *)(void *)b->ctx;
    assert_true(gw_opt_defaults(gw_receiver_file.opts, c, &b->arena));
    b->path = gw_str_z(pattern);
    c->path = (struct gw_list){&b->path, 1};
    c->offsets = gw_str_z(b->offsets);
    c->poll = 20 * GW_MSEC;
    c->start = 1; /* beginning */
    assert_int_equal(gw_receiver_file.open(b->ctx, &b->host, "receivers[0]", b->diagnostics), GW_OK);
    assert_int_equal(gw_diagnostics_errors(b->diagnostics), 0);
    gw_receiver_file.start(b->ctx);
}

static void start(struct bed *b)
{
    start_pattern(b, b->log);
}

static void stop(struct bed *b)
{
    gw_receiver_file.stop(b->ctx);
    gw_receiver_file.close(b->ctx);
    memset(b->ctx, 0, gw_receiver_file.ctx_size);
}

static uint64_t received(struct bed *b)
{
    struct gw_ledger_view v;
    gw_ledger_read(b->ledger, &v);
    assert_true(gw_ledger_balanced(&v));
    return v.signal[GW_LOGS].received;
}

static void wait_for(struct bed *b, uint64_t records)
{
    for (gw_nsec end = gw_now() + 20 * GW_SEC; received(b) < records && gw_now() < end;)
        poll(NULL, 0, 2);
    assert_int_equal(received(b), records);
}

static void close_bed(struct bed *b)
{
    char command[64];
    free(b->ctx);
    gw_diagnostics_drop(b->diagnostics);
    gw_fanout_drop(b->host.fanout);
    gw_trace_ids_drop(b->host.ids);
    gw_ledger_drop(b->ledger);
    gw_arena_fini(&b->arena);
    snprintf(command, sizeof command, "rm -rf %s", b->folder);
    assert_int_equal(system(command), 0);
}

/* Growth, a rename, a new file under the name, another start. */
static void follow(void)
{
    struct bed b;
    char old[80];
    open_bed(&b);
    append(b.log, "one\n");
    start(&b);
    wait_for(&b, 1);
    append(b.log, "two\n  of it\nthree\n");
    wait_for(&b, 3);
    snprintf(old, sizeof old, "%s.1", b.log);
    assert_int_equal(rename(b.log, old), 0);
    append(old, "four\n");
    append(b.log, "five\n");
    wait_for(&b, 5);
    stop(&b);
    append(b.log, "six\n");
    start(&b);
    wait_for(&b, 6);
    stop(&b);
    close_bed(&b);
}

static void files_are_followed(void **state)
{
    follow();
}

static void files_are_followed_without_inotify(void **state)
{
    no_instances = true;
    follow();
    no_instances = false;
}

static void files_are_followed_when_watches_are_used_up(void **state)
{
    no_watches = true;
    follow();
    no_watches = false;
}

static void files_on_network_file_systems_are_looked_at(void **state)
{
    remote = true;
    follow();
    remote = false;
}

/* A writer goes on and rotates while starts and stops follow each other, so that stops come at any moment of
 * a start. */
enum { STARTS = 200 };
struct writer {
    struct bed *bed;
    unsigned lines;
};

static void *write_and_rotate(void *arg)
{
    struct writer *w = arg;
    char old[80], line[32];
    snprintf(old, sizeof old, "%s.0.log", w->bed->log);
    for (unsigned i = 0; i < w->lines; i++) {
        if (i % 100 == 99) {
            snprintf(old, sizeof old, "%s.%u.log", w->bed->log, i);
            rename(w->bed->log, old);
        }
        snprintf(line, sizeof line, "line %u\n", i);
        append(i % 100 < 20 ? old : w->bed->log, line);
    }
    return NULL;
}

static void stops_within_milliseconds_of_a_start_read_nothing_twice(void **state)
{
    struct bed b;
    pthread_t thread;
    struct writer w = {&b, 3000};
    char pattern[80];
    open_bed(&b);
    snprintf(pattern, sizeof pattern, "%s/*.log", b.folder);
    assert_int_equal(pthread_create(&thread, NULL, write_and_rotate, &w), 0);
    for (unsigned i = 0; i < STARTS; i++) {
        start_pattern(&b, pattern);
        stop(&b);
    }
    pthread_join(thread, NULL);
    start_pattern(&b, pattern);
    wait_for(&b, w.lines);
    stop(&b);
    assert_int_equal(received(&b), w.lines);
    close_bed(&b);
}

static void closing_what_was_not_opened_is_legal(void **state)
{
    struct bed b;
    open_bed(&b);
    gw_receiver_file.close(b.ctx);
    b.host.check = true;
    struct file_conf *c = (struct file_conf *)(void *)b.ctx;
    assert_true(gw_opt_defaults(gw_receiver_file.opts, c, &b.arena));
    c->encoding = GW_STR("klingon");
    c->multiline = GW_STR("(");
    append(b.log, "a file is no folder");
    snprintf(b.offsets, sizeof b.offsets, "%s/below/", b.log);
    c->offsets = gw_str_z(b.offsets);
    assert_int_equal(gw_receiver_file.open(b.ctx, &b.host, "receivers[0]", b.diagnostics), GW_OK);
    assert_int_equal(gw_diagnostics_errors(b.diagnostics), 3);
    gw_receiver_file.close(b.ctx);
    gw_receiver_file.close(b.ctx);
    assert_true(fcntl(STDIN_FILENO, F_GETFD) >= 0);
    close_bed(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_followed),
        cmocka_unit_test(files_are_followed_without_inotify),
        cmocka_unit_test(files_are_followed_when_watches_are_used_up),
        cmocka_unit_test(files_on_network_file_systems_are_looked_at),
        cmocka_unit_test(stops_within_milliseconds_of_a_start_read_nothing_twice),
        cmocka_unit_test(closing_what_was_not_opened_is_legal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
