/* file.c: Implements the receiver `file` for the process: its options and metrics, opening, its thread. It
 * takes over the offsets of a predecessor after a reload, and loads them from the disk otherwise. Owns the
 * reader and a reference to the offset tracker. Called by the pipeline, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* pthread_setname_np */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/config/config_diagnostic.h"
#include "gateway/receivers/file/file_internal.h"
#include "gateway/receivers/file/file_state.h"

#define GW_CONF struct file_conf
static const struct gw_opt opts[] = {FILE_OPTS(GW_ROW) LOG_OPTS(GW_ROW) GW_OPT_END};

static const struct gw_metric metrics[] = {
    GW_COUNTER_AT(struct file, counts.bytes, "file_read_bytes_total", "Bytes read from files."),
    GW_COUNTER_AT(struct file, counts.lines, "file_records_total",
                  "Records read from files; one may be several lines."),
    GW_COUNTER_AT(struct file, counts.cut_lines, "file_cut_records_total",
                  "Records of a line longer than max_line, whose rest was left out."),
    GW_COUNTER_AT(struct file, counts.cut_bytes, "file_cut_bytes_total", "Bytes of lines beyond max_line."),
    GW_COUNTER_AT(struct file, counts.truncated, "file_truncated_total",
                  "Times that a file held something else than was read of it."),
    GW_COUNTER_AT(struct file, counts.lost_bytes, "file_lost_bytes_total",
                  "Bytes that were truncated or deleted before they were read, as far as they were seen."),
    GW_COUNTER_AT(
        struct file, counts.missed_links, "file_missed_links_total",
        "Files that a symbolic link led to for too short a time to be seen, and that were not read."),
    GW_COUNTER_AT(struct file, counts.unread_archives, "file_unread_archives_total",
                  "Compressed files with something that was perhaps not read, and that are not unpacked."),
    GW_COUNTER_AT(struct file, counts.read_errors, "file_read_errors_total",
                  "Times that a file could not be read, or opened to read on."),
    GW_COUNTER_AT(struct file, counts.waits, "file_waits_total",
                  "Times that reading stopped because a queue was full."),
    GW_GAUGE_AT(struct file, counts.files, "file_files", "Files that are being read or watched."),
    GW_GAUGE_AT(
        struct file, counts.failing, "file_failing_files",
        "Files and folders that cannot be opened or read, or links that are not followed; tried from time to "
        "time."),
    GW_METRICS_END,
};

static void open_multiline(struct file *f, const char *path, struct gw_diagnostics *diagnostics)
{
    char why[RE_ERROR_SIZE], where[GW_OPTION_PATH];
    gw_str how = f->conf.multiline;
    f->reader.join.how = FILE_PATTERN;
    if (gw_str_eq(how, GW_STR("auto"))) {
        f->reader.join.how = FILE_STACKTRACES;
    } else if (gw_str_eq(how, GW_STR("none")) || how.len == 0) {
        f->reader.join.how = FILE_EACH_LINE;
    } else if (!(f->reader.pattern = re_compile(how, true, why))) {
        gw_option_path(where, path, "multiline");
        gw_config_error(diagnostics, where, "%s", why);
    }
}

static void open_text(struct file *f, const char *path, struct gw_diagnostics *diagnostics)
{
    char why[160], where[GW_OPTION_PATH];
    if (file_text_init(&f->reader.text, f->conf.encoding, why, sizeof why))
        return;
    gw_option_path(where, path, "encoding");
    gw_config_error(diagnostics, where, "%s", why);
}

/* A directory matches none of its files: the user probably meant a pattern. */
static void check_paths(const struct file *f, const char *path, struct gw_diagnostics *diagnostics)
{
    struct stat st;
    char where[GW_OPTION_PATH];
    gw_option_path(where, path, "path");
    for (size_t i = 0; i < f->conf.path.n; i++)
        if (stat(f->conf.path.items[i].ptr, &st) == 0 && S_ISDIR(st.st_mode))
            gw_config_warning(diagnostics, where,
                              "%.*s is a directory, of which nothing is read; the files in it are \"%.*s/*\"",
                              GW_FMT(f->conf.path.items[i]), GW_FMT(f->conf.path.items[i]));
}

/* Main thread: those of configurations that are only checked. */
static struct file *checked;

static void leave_checked(const struct file *f)
{
    struct file **at = &checked;
    while (*at && *at != f)
        at = &(*at)->next_checked;
    if (*at)
        *at = f->next_checked;
}

/* A place named by the option must exist; a missing default place only causes a warning. */
static void refuse_state(struct file *f, const char *path, const char *why, bool error,
                         struct gw_diagnostics *diagnostics)
{
    char where[GW_OPTION_PATH];
    gw_option_path(where, path, "offsets");
    f->reader.state[0] = '\0';
    if (error || f->conf.offsets.len)
        gw_config_error(diagnostics, where, "%s", why);
    else
        gw_config_warning(diagnostics, where, "%s", why);
}

/* Loads the offsets on disk, if there are any. False: the file cannot be a file of offsets. */
static bool load_state(struct file *f, struct file_offsets *read, char *why)
{
    struct file_reader *r = &f->reader;
    if (!r->state[0])
        return true;
    switch (file_offsets_load(r->state, read, why)) {
    case FILE_OFFSETS_LOADED:
        break;
    case FILE_OFFSETS_FOREIGN:
        file_state_set_aside(r->state, r->component, why);
        break;
    case FILE_OFFSETS_REFUSED:
        return false;
    }
    if (read->damaged)
        gw_log(GW_WARNING, r->component,
               "%zu lines of %s are damaged: their files are read from the beginning", read->damaged,
               r->state);
    return true;
}

/* Finds the offsets that a predecessor released: they are newer than those on the disk, and no other receiver
 * has them. */
static struct offset_tracker *find_tracker(struct file *f, const char *path,
                                           struct gw_diagnostics *diagnostics)
{
    struct file_reader *r = &f->reader;
    struct file_offsets read = {0};
    struct offset_tracker *tracker = NULL;
    char why[FILE_ERROR_SIZE], name[sizeof r->state];
    int lock = -1;
    if (r->state[0]) {
        if ((tracker = offset_tracker_find(r->state)))
            return tracker;
        enum file_lock got = file_state_lock(r->state, &lock, why);
        if (got != FILE_LOCK_OURS)
            refuse_state(f, path, why, got == FILE_LOCK_OTHERS, diagnostics);
        else if (!load_state(f, &read, why))
            refuse_state(f, path, why, false, diagnostics);
    }
    snprintf(name, sizeof name, "%s", r->state[0] ? r->state : f->conf.path.items[0].ptr);
    if (r->state[0] || !(tracker = offset_tracker_find(name)))
        tracker = offset_tracker_new(name, !r->state[0], &read);
    if (tracker && r->state[0])
        offset_tracker_own_lock(tracker, lock);
    else if (lock >= 0)
        close(lock);
    file_offsets_fini(&read);
    return tracker;
}

/* Records that the offsets cover are in the disk queue, if there is one; it is synced before the offsets are
 * written. */
static bool sync_queue(void *fanout)
{
    return gw_fanout_sync(fanout);
}

/* Of a configuration that is not started yet: what would be refused then. */
static void check_state(struct file *f, const char *path, struct gw_diagnostics *diagnostics)
{
    struct file_offsets read = {0};
    char why[FILE_ERROR_SIZE];
    for (const struct file *other = checked; other && f->reader.state[0]; other = other->next_checked)
        if (strcmp(other->reader.state, f->reader.state) == 0) {
            refuse_state(f, path, "another receiver keeps its offsets there too; set `offsets`", true,
                         diagnostics);
            return;
        }
    f->next_checked = checked;
    checked = f;
    if (f->reader.state[0] && file_offsets_load(f->reader.state, &read, why) == FILE_OFFSETS_REFUSED)
        refuse_state(f, path, why, false, diagnostics);
    file_offsets_fini(&read);
}

static void open_state(struct file *f, const struct gw_host *host, const char *path,
                       struct gw_diagnostics *diagnostics)
{
    struct file_reader *r = &f->reader;
    const struct offset_tracker_before before = {sync_queue, host->fanout};
    char why[FILE_ERROR_SIZE];
    file_state_find(f->conf.offsets, f->conf.path.items[0], host->check, r->state, sizeof r->state, why);
    if (!r->state[0])
        refuse_state(f, path, why, false, diagnostics);
    if (host->check) {
        check_state(f, path, diagnostics);
        return;
    }
    r->tracker = find_tracker(f, path, diagnostics);
    if (r->tracker)
        offset_tracker_save_after(r->tracker, &before);
}

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    struct file *f = ctx;
    struct file_reader *r = &f->reader;
    char where[GW_OPTION_PATH];
    const struct file_conf *c = &f->conf;
    *r = (struct file_reader){.conf = c, .component = "receiver=file", .counts = &f->counts, .wake = -1};
    r->watch.fd = -1;
    file_folders_init(&r->folders);
    r->host = host->host_name;
    f->options = (struct log_options){LOG_OPTS(GW_OPT_COPY)};
    open_multiline(f, path, diagnostics);
    open_text(f, path, diagnostics);
    r->log = log_conf_new(&f->options, &host->logs, path, "file", diagnostics);
    if (f->conf.path.n == 0) {
        gw_option_path(where, path, "path");
        gw_config_error(diagnostics, where, "which files? Write path = \"/var/log/app/*.log\"");
        return GW_OK;
    }
    check_paths(f, path, diagnostics);
    open_state(f, host, path, diagnostics);
    if (host->check)
        return GW_OK;
    r->sink = r->log ? gw_log_sink_new(r->log, host->fanout, r->component) : NULL;
    return r->tracker && r->sink && file_reader_open(r) ? GW_OK : GW_BUSY;
}

static void *run(void *arg)
{
    struct file *f = arg;
    file_reader_run(&f->reader);
    return NULL;
}

static void start(void *ctx)
{
    struct file *f = ctx;
    struct gw_err err;
    f->started =
        gw_thread_start(&f->thread, &(struct gw_thread){"recv/file", f->reader.component, run, f}, &err);
    if (!f->started)
        gw_log(GW_ERROR, f->reader.component, "cannot read files: %s", err.what);
}

static void stop(void *ctx)
{
    struct file *f = ctx;
    if (!f->started)
        return;
    file_reader_stop(&f->reader);
    pthread_join(f->thread, NULL);
    f->started = false;
}

static void hint(void *ctx, FILE *to)
{
    const struct file *f = ctx;
    const struct gw_list *paths = &f->conf.path;
    fputs("  its log in", to);
    for (size_t i = 0; i < paths->n; i++)
        fprintf(to, "%s %.*s", i ? "," : "", GW_FMT(paths->items[i]));
    fputc('\n', to);
}

/* By now the exporters have delivered what they could, so these are the offsets for the next start. */
static void close_(void *ctx)
{
    struct file *f = ctx;
    struct file_reader *r = &f->reader;
    if (!r->component)
        return;
    leave_checked(f);
    if (r->tracker) {
        r->saved_at = -GW_SEC;
        file_reader_save(r);
    }
    gw_log_sink_drop(r->sink);
    log_conf_drop(r->log);
    file_reader_close(r);
    offset_tracker_drop(r->tracker);
    file_text_fini(&r->text);
    re_drop(r->pattern);
    *r = (struct file_reader){0};
}

static void describe(void *ctx, FILE *to)
{
    const struct file *f = ctx;
    if (f->reader.log)
        log_conf_describe(f->reader.log, to);
}

const struct gw_receiver gw_receiver_file = {
    .name = "file",
    .summary = "Log files: rotation, saved offsets, lines that belong together, encodings.",
    .opts = opts,
    .conf_size = sizeof(struct file_conf),
    .ctx_size = sizeof(struct file),
    .open = open_,
    .start = start,
    .stop = stop,
    .close = close_,
    .hint = hint,
    .describe = describe,
    .metrics = metrics,
};
