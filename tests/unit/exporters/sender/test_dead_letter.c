/* The two files of what a backend refused: whole lines, bounded, counted, whatever happens to the file.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <unistd.h>

#include "core/config/config_diagnostic.h"
#include "exporters/sender/dead_letter.h"
#include "tests/unit/exporters/request_frames.h"
#include "tests/unit/scratch.h"

enum { PATH = 128, MOST = 16 };

struct fixture {
    char folder[32], path[PATH], old[PATH];
    struct gw_dead_letter d;
    struct gw_frame *frames[MOST];
    struct gw_batch batch;
};

static void begin(struct fixture *f, uint64_t max_size, const char *name)
{
    *f = (struct fixture){.folder = "/tmp/dead_letter_XXXXXX"};
    assert_non_null(scratch_folder(f->folder));
    snprintf(f->path, PATH, "%s/%s.jsonl", f->folder, name);
    snprintf(f->old, PATH, "%s/%s.old.jsonl", f->folder, name);
    gw_dead_letter_init(&f->d, gw_str_z(f->folder), max_size, name, "exporter=x");
    f->batch.frames = f->frames;
}

static void drop_frames(struct fixture *f)
{
    while (f->batch.n)
        gw_frame_drop(f->frames[--f->batch.n]);
    f->batch.items = f->batch.bytes = 0;
}

static void end(struct fixture *f)
{
    drop_frames(f);
    gw_dead_letter_close(&f->d);
    unlink(f->path);
    unlink(f->old);
    assert_int_equal(rmdir(f->folder), 0); /* nothing else was left there */
}

static void fill(struct fixture *f, enum gw_signal signal, const char *name, unsigned frames, unsigned items)
{
    drop_frames(f);
    f->batch.signal = signal;
    while (f->batch.n < frames)
        f->frames[f->batch.n++] = request_frame(signal, name, items);
    f->batch.items = (uint64_t)frames * items;
}

static struct gw_set_aside put(struct fixture *f, enum gw_signal signal, const char *name, unsigned frames,
                               unsigned items)
{
    fill(f, signal, name, frames, items);
    return gw_dead_letter_put(&f->d, &f->batch);
}

/* The whole file, NUL-terminated; until the next call. */
static const char *text_of(const char *path)
{
    static char text[1 << 16];
    FILE *f = fopen(path, "re");
    text[f ? fread(text, 1, sizeof text - 1, f) : 0] = '\0';
    if (f)
        fclose(f);
    return text;
}

static size_t lines_in(const char *path)
{
    size_t n = 0;
    for (const char *at = text_of(path); (at = strchr(at, '\n')); at++)
        n++;
    return n;
}

static void each_frame_is_a_line(void **state)
{
    struct fixture f;
    struct stat s;
    begin(&f, 1 << 20, "x");
    struct gw_set_aside aside = put(&f, GW_TRACES, "span", 2, 1);
    assert_int_equal(aside.frames, 2);
    assert_int_equal(aside.items, 2);
    assert_false(aside.no_memory);
    aside = put(&f, GW_LOGS, "record", 1, 2);
    assert_int_equal(aside.items, 2);
    assert_string_equal(
        text_of(f.path),
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"span 0\"}]}]}]}\n"
        "{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"span 0\"}]}]}]}\n"
        "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{\"stringValue\":\"record 0\"}},"
        "{\"body\":{\"stringValue\":\"record 1\"}}]}]}]}\n");
    assert_int_equal(stat(f.path, &s), 0);
    assert_int_equal(s.st_mode & 0777, 0600);
    end(&f);
}

static void without_a_folder_nothing_is_set_aside(void **state)
{
    struct fixture f;
    begin(&f, 1 << 20, "x");
    f.d.file.directory = GW_NOSTR;
    struct gw_set_aside aside = put(&f, GW_TRACES, "span", 2, 1);
    assert_true(aside.frames == 0 && aside.items == 0 && !aside.no_memory);
    end(&f);
}

static void a_full_file_becomes_the_old_one_and_what_was_in_that_is_counted(void **state)
{
    struct fixture f;
    begin(&f, 400, "x"); /* 200 bytes a file: two lines of 67 */
    uint64_t overwritten = 0;
    for (unsigned i = 0; i < 7; i++) {
        struct gw_set_aside aside = put(&f, GW_TRACES, "span", 1, 1);
        assert_int_equal(aside.items, 1);
        overwritten += aside.overwritten[GW_TRACES];
    }
    assert_int_equal(lines_in(f.path), 1);
    assert_int_equal(lines_in(f.old), 2);
    assert_int_equal(overwritten, 4);
    end(&f);
}

/* Whoever moved the file to send it again owns what is in it: it is not counted when the next one turns. */
static void a_file_that_was_taken_away_is_begun_again(void **state)
{
    struct fixture f;
    char taken[PATH];
    begin(&f, 400, "x");
    snprintf(taken, PATH, "%s/taken", f.folder);
    put(&f, GW_TRACES, "span", 2, 1);
    assert_int_equal(rename(f.path, taken), 0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(put(&f, GW_TRACES, "span", 1, 1).overwritten[GW_TRACES], i == 4 ? 2 : 0);
    assert_int_equal(lines_in(taken), 2);
    unlink(taken);
    end(&f);
}

static void a_line_that_a_crash_cut_short_does_not_spoil_the_next(void **state)
{
    struct fixture f;
    begin(&f, 1 << 20, "x");
    FILE *torn = fopen(f.path, "we");
    fputs("{\"resourceSpans\":[{\"torn", torn);
    fclose(torn);
    put(&f, GW_TRACES, "span", 1, 1);
    assert_int_equal(lines_in(f.path), 2);
    assert_true(gw_str_starts(gw_str_z(text_of(f.path)),
                              GW_STR("{\"resourceSpans\":[{\"torn\n{\"resourceSpans\":[{\"scopeSpans\"")));
    end(&f);
}

/* The folder goes, comes back, is full: what stands in the file is what is counted. */
static void what_cannot_be_written_is_not_counted(void **state)
{
    struct fixture f;
    struct rlimit before, small = {100, 100};
    begin(&f, 1 << 20, "x");
    assert_int_equal(rmdir(f.folder), 0);
    assert_int_equal(put(&f, GW_TRACES, "span", 2, 1).items, 0);
    assert_int_equal(mkdir(f.folder, 0700), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    /* a disk of 100 bytes: the second line of 67 does not fit */
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    struct gw_set_aside aside = put(&f, GW_TRACES, "span", 3, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(aside.frames, 1);
    assert_int_equal(aside.items, 1);
    /* nothing that comes back by itself: the rest is the caller's to count as rejected */
    assert_false(aside.no_memory);
    assert_int_equal(lines_in(f.path), 1);
    assert_int_equal(strlen(text_of(f.path)), 67); /* half a line is no line */
    assert_int_equal(put(&f, GW_TRACES, "span", 1, 1).items, 1);
    assert_int_equal(lines_in(f.path), 2);
    end(&f);
}

static void a_line_larger_than_a_file_is_not_written(void **state)
{
    struct fixture f;
    begin(&f, 300, "x");
    struct gw_set_aside aside = put(&f, GW_TRACES, "span", 1, 20);
    assert_true(aside.items == 0 && !aside.no_memory);
    assert_int_equal(put(&f, GW_TRACES, "span", 1, 1).items, 1);
    end(&f);
}

/* An exporter's name is the user's: it must not lead out of the folder. */
static void a_name_cannot_lead_elsewhere(void **state)
{
    struct fixture f;
    begin(&f, 1 << 20, "x");
    f.d.file.name = "../a\nb";
    snprintf(f.path, PATH, "%s/.._a_b.jsonl", f.folder);
    assert_int_equal(put(&f, GW_TRACES, "span", 1, 1).items, 1);
    assert_int_equal(lines_in(f.path), 1);
    end(&f);
    begin(&f, 1 << 20, "x");
    assert_int_equal(symlink("/dev/null", f.path), 0); /* nor may a link */
    assert_int_equal(put(&f, GW_TRACES, "span", 1, 1).items, 0);
    end(&f);
}

static void a_successor_in_the_same_folder_knows_what_is_in_the_files(void **state)
{
    struct fixture f;
    struct gw_dead_letter next, elsewhere;
    begin(&f, 400, "x");
    for (int i = 0; i < 4; i++)
        put(&f, GW_TRACES, "span", 1, 1); /* both files are full */
    gw_dead_letter_init(&elsewhere, GW_STR("/nowhere"), 400, "x", "exporter=x");
    gw_dead_letter_inherit(&elsewhere, &f.d);
    assert_int_equal(f.d.file.fd, -1);
    assert_int_equal(elsewhere.now[GW_TRACES] + elsewhere.old[GW_TRACES], 0);
    gw_dead_letter_init(&next, gw_str_z(f.folder), 400, "x", "exporter=x");
    gw_dead_letter_inherit(&next, &f.d);
    f.d = next;
    assert_int_equal(put(&f, GW_TRACES, "span", 1, 1).overwritten[GW_TRACES], 2);
    end(&f);
}

static void a_folder_is_checked_before_it_is_needed(void **state)
{
    struct fixture f;
    static const char *const wants[] = {"", "make it", "is not a directory"};
    begin(&f, 1 << 20, "x");
    gw_str folders[] = {gw_str_z(f.folder), GW_STR("/tmp/there is no such folder"), GW_STR("/dev/null")};
    for (int i = 0; i < 3; i++) {
        struct gw_diagnostics *diagnostics = gw_diagnostics_new();
        char *said;
        size_t len;
        gw_dead_letter_file_check(folders[i], "exporters[0]", diagnostics);
        FILE *to = open_memstream(&said, &len);
        gw_diagnostics_print(diagnostics, to);
        fclose(to);
        assert_int_equal(gw_diagnostics_errors(diagnostics), i > 0);
        assert_true(i == 0 || (strstr(said, wants[i]) && strstr(said, "exporters[0].dead_letter.directory")));
        gw_diagnostics_drop(diagnostics);
        free(said);
    }
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_frame_is_a_line),
        cmocka_unit_test(without_a_folder_nothing_is_set_aside),
        cmocka_unit_test(a_full_file_becomes_the_old_one_and_what_was_in_that_is_counted),
        cmocka_unit_test(a_file_that_was_taken_away_is_begun_again),
        cmocka_unit_test(a_line_that_a_crash_cut_short_does_not_spoil_the_next),
        cmocka_unit_test(what_cannot_be_written_is_not_counted),
        cmocka_unit_test(a_line_larger_than_a_file_is_not_written),
        cmocka_unit_test(a_name_cannot_lead_elsewhere),
        cmocka_unit_test(a_successor_in_the_same_folder_knows_what_is_in_the_files),
        cmocka_unit_test(a_folder_is_checked_before_it_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
