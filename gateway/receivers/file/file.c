/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/config/config_diagnostic.h"
#include "gateway/receivers/file/file_reader.h"
#include "gateway/receivers/file/file_state.h"

#define GW_CONF struct file_conf
static const struct gw_opt opts[] = {FILE_OPTS(GW_ROW) LOG_OPTS(GW_ROW) GW_OPT_END};

struct file {
    struct file_conf conf; /* first: the option rows fill it */
    struct log_options options;
    struct file_reader reader;
    struct file_counts counts;
    pthread_t thread;
    bool started;
};

static const struct gw_metric metrics[] = {
    GW_COUNTER_AT(struct file, counts.bytes, "file_read_bytes_total", "Bytes read from files."),
    GW_COUNTER_AT(struct file, counts.lines, "file_records_total",
                  "Records read from files; one may be several lines."),
    GW_COUNTER_AT(struct file, counts.cut_lines, "file_cut_records_total",
                  "Records of a line longer than max_line, whose rest was left out."),
    GW_COUNTER_AT(struct file, counts.cut_bytes, "file_cut_bytes_total", "Bytes of lines beyond max_line."),
    GW_COUNTER_AT(struct file, counts.truncated, "file_truncated_total",
                  "Times that a file held something else than was read of it."),
    GW_COUNTER_AT(struct file, counts.waits, "file_waits_total",
                  "Times that reading stopped because a queue was full."),
    GW_GAUGE_AT(struct file, counts.files, "file_files", "Files that are being read or watched."),
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

/* A directory is none of the files in it: what is meant is a pattern. */
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

/* A place by the option must be one; that there is none by default is only worth a warning. */
static void open_state(struct file *f, bool check, const char *path, struct gw_diagnostics *diagnostics)
{
    struct file_reader *r = &f->reader;
    char why[FILE_ERROR_SIZE], where[GW_OPTION_PATH];
    gw_option_path(where, path, "offsets");
    file_state_find(f->conf.offsets, f->conf.path.items[0], check, r->state, sizeof r->state, why);
    if (r->state[0] && !check && (r->lock = file_state_lock(r->state, why)) < 0)
        r->state[0] = '\0';
    else if (r->state[0])
        return;
    if (f->conf.offsets.len || r->lock == -1)
        gw_config_error(diagnostics, where, "%s", why);
    else
        gw_config_warning(diagnostics, where, "%s", why);
}

static void load_state(struct file *f)
{
    struct file_reader *r = &f->reader;
    char why[FILE_ERROR_SIZE];
    bool absent = true;
    if (r->state[0] && !file_offsets_load(r->state, &r->read, &absent, why))
        gw_log(GW_WARNING, r->component, "offsets are not known, and reading begins where `start` says: %s",
               why);
    if (r->read.damaged)
        gw_log(GW_WARNING, r->component,
               "%zu lines of %s are damaged: their files are read from the beginning", r->read.damaged,
               r->state);
    r->known = r->read.patterns;
}

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    struct file *f = ctx;
    struct file_reader *r = &f->reader;
    char where[GW_OPTION_PATH];
    const struct file_conf *c = &f->conf;
    *r = (struct file_reader){
        .conf = c, .component = "receiver=file", .counts = &f->counts, .lock = FILE_NO_LOCK, .wake = -1};
    r->watch.fd = -1;
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
    open_state(f, host->check, path, diagnostics);
    if (host->check)
        return GW_OK;
    load_state(f);
    r->tracker = offset_tracker_new(r->state, &r->read);
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

/* By now the exporters have delivered what they could: this is the offset that the next start begins with. */
static void close_(void *ctx)
{
    struct file *f = ctx;
    struct file_reader *r = &f->reader;
    if (!r->component)
        return;
    if (r->tracker) {
        r->saved_at = -GW_SEC;
        file_reader_save(r);
    }
    gw_log_sink_drop(r->sink);
    log_conf_drop(r->log);
    file_reader_close(r);
    offset_tracker_drop(r->tracker);
    file_offsets_fini(&r->read);
    file_text_fini(&r->text);
    re_drop(r->pattern);
    if (r->lock >= 0)
        close(r->lock);
    *r = (struct file_reader){0};
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
    .metrics = metrics,
};
