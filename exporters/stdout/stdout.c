/* stdout.c: The exporter that prints: for people (pretty.h, selection.h) or for tools (otlp_json.h). Owns its output
 * buffer, the trace buffer, the selection and the descriptor. Called by its sender, on the sender's thread.
 *
 * Output consists of whole lines. Nothing here blocks: a batch is rendered a frame at a time and written as
 * the reader accepts it, so a stopped terminal or a slow pipe delays only this exporter, and never a
 * shutdown. O_NONBLOCK cannot be used, because standard output is shared with the shell and other
 * processes: poll reports when to write, and a pipe gets at most PIPE_BUF bytes at a time, which then do
 * not block. For a terminal this is not guaranteed, so it is opened once more for this process.
 *
 * If the disk is full, it waits. If the reader has closed the pipe (`ddgate | head`), the process is told, which
 * ends where this is its only exporter; else it logs this once, accepts later data and counts it as rejected.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* ppoll */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/random.h"
#include "core/config/config_diagnostic.h"
#include "core/config/option.h"
#include "core/delivery/exporter.h"
#include "exporters/encoding/line_protocol.h"
#include "exporters/encoding/otlp_json.h"
#include "exporters/encoding/otlp_read.h"
#include "exporters/stdout/pretty.h"
#include "exporters/stdout/pretty_metric.h"
#include "exporters/stdout/selection.h"
#include "exporters/stdout/trace_buffer.h"

#define OPTS(X)                                                                                              \
    X(choice, format, "format", "pretty", "pretty|otlp_json|line_protocol", "",                              \
      "pretty: traces as trees with their logs, metrics as tables, for people. otlp_json: one OTLP/JSON "    \
      "request a line, as the OpenTelemetry file exporter writes. line_protocol: a line a span, record or "  \
      "point, as in Datakit, always with the original tags.")                                                \
    X(duration, gather, "gather", "2500ms", "0s", "30s",                                                     \
      "pretty: how long a log waits for its trace, to be printed with it. 0s: logs are printed as they "     \
      "arrive.")                                                                                             \
    X(duration, log_wait, "log_wait", "500ms", "0s", "30s",                                                  \
      "pretty: how long a trace waits for its logs, while logs with trace ids come.")                        \
    X(flag, only_errors, "only.errors", "false", "", "",                                                     \
      "pretty: prints only traces in which a span failed or a log is an ERROR, and logs that are. What "     \
      "only.… leaves out is counted as dropped (filtered), and a line tells how much it was.")               \
    X(list, only_services, "only.services", "", "", "",                                                      \
      "pretty: prints only traces with a span of one of these services, and their logs.")                    \
    X(duration, only_min_duration, "only.min_duration", "0s", "0s", "24h",                                   \
      "pretty: prints only traces that took at least this long, and logs that are not of shorter ones.")     \
    X(duration, fold, "fold", "0s", "0s", "1h",                                                              \
      "pretty: of traces whose roots have the same service, name and status (and the same error), the "      \
      "first is printed, and one line for all others that start within this time. 0s: all are printed.")     \
    X(choice, ids, "ids", "decimal", "decimal|hex", "",                                                      \
      "line_protocol: trace and span ids as 64-bit decimals, or as OpenTelemetry's hexadecimal digits.")     \
    X(choice, color, "color", "auto", "auto|always|never", "",                                               \
      "Colours in pretty: auto means on a terminal, unless NO_COLOR is set.")

struct conf {
    OPTS(GW_FIELD)
};
#define GW_CONF struct conf
static const struct gw_opt opts[] = {OPTS(GW_ROW) GW_OPT_END};

enum { PRETTY, OTLP_JSON, LINE_PROTOCOL };
enum { AUTO, ALWAYS, NEVER };
/* A rendered frame may take this much; decoding it, so many times its size and a base. */
enum { IN_FLIGHT = 32 }; /* batches of logs that wait for their traces are among them */
enum { TEXT_LIMIT = 64 * 1024 * 1024, UNFOLD = 48, SCRATCH = 1024 * 1024, FILE_WRITE = 256 * 1024 };

struct request {
    struct request *next;
    const struct gw_batch *batch;
    gw_done_f *done;
    void *cookie;
    size_t rendered, settled; /* frames; settled: written or rejected */
    uint64_t rejected;        /* items of settled frames */
    uint64_t unread;          /* items of frames that are rendered but not settled */
    uint64_t left_out,
        leaving; /* items that are not printed: of settled frames; of those that are not settled */
    gw_nsec due; /* not printed before: a trace waits for its logs */
    /* of a batch of logs in pretty: its frames are settled when all records are */
    struct buffered_batch logs;
};

struct ctx {
    struct conf conf;
    /* const after open */
    void (*reader_left)(void *process);
    void *process;
    int fd, waker;
    size_t at_once; /* bytes per write */
    bool terminal, regular;
    struct pretty pretty;
    /* sender thread */
    struct out out;
    size_t written; /* of out */
    struct request *first, **last;
    struct gw_arena arena;
    gw_nsec buffer_until; /* after ENOSPC */
    gw_nsec memory_at;    /* when to try again what there was no memory for; 0: nothing */
    unsigned outcomes;
    struct trace_buffer trace_buffer;
    gw_nsec linked_at; /* when a log with a trace id came; 0: never */
    struct selection selection;
    struct pretty_history history;
    bool closed, said, cancelled, hurried;
    char why[64];
};
_Static_assert(offsetof(struct ctx, conf) == 0, "the pipeline fills conf");

static const char component[] = "exporter=stdout";
static const gw_nsec MEMORY_PAUSE = 100 * GW_MSEC;
static const gw_nsec LINKED_FOR = 60 * GW_SEC; /* traces wait for logs so long after the last that came */
static const gw_nsec LAST_LINES = GW_SEC;      /* for what close has to tell */

/* A terminal as an open file of our own, that does not block; standard output itself where the system does
 * not let us. */
static int open_terminal(void)
{
    int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd >= 0 ? fd : STDOUT_FILENO;
}

/* These look into traces, and the other formats print frames as they are. */
static void check_format(const struct conf *c, const char *path, struct gw_diagnostics *diagnostics)
{
    const struct {
        const char *name;
        bool set;
    } rows[] = {{"only.errors", c->only_errors},
                {"only.services", c->only_services.n},
                {"only.min_duration", c->only_min_duration},
                {"fold", c->fold}};
    for (size_t i = 0; c->format != PRETTY && i < sizeof rows / sizeof *rows; i++)
        if (rows[i].set)
            gw_option_error(diagnostics, path, rows[i].name,
                            "needs format = \"pretty\": the other formats print everything");
}

static bool select_trace(void *ctx, const struct pretty_trace *t, struct pretty_log *logs, size_t n)
{
    struct ctx *c = ctx;
    return selection_takes_trace(&c->selection, &c->trace_buffer, t, logs, n, gw_now());
}

static enum gw_code open_stdout(void *ctx, const struct gw_export_host *host, const char *path,
                                struct gw_diagnostics *diagnostics)
{
    struct ctx *c = ctx;
    struct stat st = {0};
    c->terminal = isatty(STDOUT_FILENO);
    c->fd = c->terminal ? open_terminal() : STDOUT_FILENO;
    const struct selection_rules rules = {c->conf.only_errors, c->conf.only_services,
                                          c->conf.only_min_duration};
    selection_init(&c->selection, &rules, c->conf.fold, gw_random());
    c->last = &c->first;
    c->reader_left = host->reader_left;
    c->process = host->process;
    c->waker = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->waker < 0)
        return GW_INTERNAL;
    signal(SIGPIPE, SIG_IGN); /* a reader that went away is an error of write(), not the end of the process */
    c->regular = fstat(c->fd, &st) == 0 && S_ISREG(st.st_mode);
    c->at_once = c->regular ? FILE_WRITE : PIPE_BUF;
    c->pretty.color =
        c->conf.color == ALWAYS || (c->conf.color == AUTO && c->terminal && !getenv("NO_COLOR"));
    out_init(&c->out, TEXT_LIMIT);
    trace_buffer_init(&c->trace_buffer, c->conf.gather);
    c->pretty.selects = select_trace;
    c->pretty.ctx = c;
    check_format(&c->conf, path, diagnostics);
    return GW_OK;
}

static uint64_t items(const struct gw_batch *b, size_t from)
{
    uint64_t n = 0;
    for (size_t i = from; i < b->n; i++)
        n += b->frames[i]->items;
    return n;
}

static bool is_of_logs(const struct request *r)
{
    return r->logs.state != NULL;
}

static void append(struct ctx *c, struct request *r)
{
    r->next = NULL;
    *c->last = r;
    c->last = &r->next;
}

/* Logs go before the traces that nothing is written of yet: they may belong to them. */
static void append_logs(struct ctx *c, struct request *r)
{
    struct request **at = &c->first;
    while (*at && ((*at)->rendered || is_of_logs(*at)))
        at = &(*at)->next;
    r->next = *at;
    *at = r;
    if (!r->next)
        c->last = &r->next;
}

static struct request *detach(struct ctx *c)
{
    struct request *r = c->first;
    c->first = r->next;
    if (!c->first)
        c->last = &c->first;
    return r;
}

static void finish(struct ctx *c, struct gw_outcome *outcome)
{
    struct request *r = detach(c);
    c->outcomes++;
    buffered_batch_end(&r->logs);
    r->done(r->cookie, outcome);
    free(r);
}

/* --- printing --- */

static const ProtobufCMessage *read_frame(struct ctx *c, const struct gw_frame *f)
{
    return otlp_read(&c->arena, f->signal, gw_str_n((const char *)f->data, f->len));
}

static void begin_arena(struct ctx *c, size_t bytes)
{
    gw_arena_reset(&c->arena, SCRATCH);
    c->arena.budget = bytes * UNFOLD + SCRATCH;
}

static void render_json(struct ctx *c, struct request *r)
{
    const struct gw_frame *f = r->batch->frames[r->rendered++];
    begin_arena(c, f->len);
    const ProtobufCMessage *message = read_frame(c, f);
    if (message) {
        otlp_json(&c->out, message);
        out_char(&c->out, '\n');
    }
    if (!message || c->out.failed)
        r->unread += f->items;
}

static void render_lines(struct ctx *c, struct request *r)
{
    const struct gw_frame *f = r->batch->frames[r->rendered++];
    uint64_t left_out = f->items;
    begin_arena(c, f->len);
    bool read = line_protocol(&c->out, &c->arena, f->signal, gw_str_n((const char *)f->data, f->len),
                              (enum line_ids)c->conf.ids, &left_out);
    r->unread += read && !c->out.failed && !c->arena.spent ? left_out : f->items;
}

/* The width may change while we run. */
static size_t terminal_columns(const struct ctx *c)
{
    struct winsize size;
    if (!c->terminal || ioctl(c->fd, TIOCGWINSZ, &size) != 0)
        return 0;
    return size.ws_col;
}

static void render_traces(struct ctx *c, struct request *r)
{
    const struct gw_batch *b = r->batch;
    size_t n = 0, logs_n, budget = b->bytes + c->trace_buffer.bytes + b->n * sizeof(void *);
    begin_arena(c, budget);
    struct pretty_log *logs = trace_buffer_waiting(&c->trace_buffer, &c->arena, &logs_n);
    if (c->arena.spent) /* the traces come first */
        begin_arena(c, budget);
    const pretty_request **requests = gw_new(&c->arena, const pretty_request *, b->n);
    for (size_t i = 0; requests && i < b->n; i++) {
        const ProtobufCMessage *message = read_frame(c, b->frames[i]);
        if (message)
            requests[n++] = (const pretty_request *)message;
        else
            r->unread += b->frames[i]->items;
    }
    r->rendered = b->n;
    c->selection.left_out_spans = 0;
    if (!requests || !pretty_traces(&c->out, &c->arena, &c->pretty, requests, n, logs, logs_n) ||
        c->out.failed) {
        r->unread = b->items;
        return;
    }
    trace_buffer_shown(&c->trace_buffer, logs, logs_n);
    r->leaving = c->selection.left_out_spans;
}

static void render_logs(struct ctx *c, struct request *r)
{
    size_t n;
    begin_arena(c, r->batch->bytes + r->logs.n * sizeof(struct pretty_log));
    struct pretty_log *logs = trace_buffer_now(&c->trace_buffer, &r->logs, &c->arena, &n);
    if (c->trace_buffer.linked)
        c->linked_at = gw_now();
    c->trace_buffer.linked = false;
    if (logs)
        pretty_logs(&c->out, &c->pretty, logs,
                    selection_sift_logs(&c->selection, &c->trace_buffer, logs, n, gw_now()));
    r->rendered = r->batch->n;
}

static void render_metrics(struct ctx *c, struct request *r)
{
    const struct gw_frame *f = r->batch->frames[r->rendered++];
    begin_arena(c, f->len);
    const ProtobufCMessage *message = read_frame(c, f);
    if (message)
        pretty_metrics(&c->out, &c->pretty, &c->history, (const pretty_metrics_request *)message);
    if (!message || c->out.failed)
        r->unread += f->items;
}

/* There was no memory for it: as if nothing had been begun. */
static void undo_render(struct ctx *c, struct request *r, size_t rendered)
{
    r->rendered = rendered;
    r->unread = r->leaving = 0;
    trace_buffer_undo(&c->trace_buffer, is_of_logs(r) ? &r->logs : NULL);
    out_reset(&c->out);
    c->memory_at = gw_now() + MEMORY_PAUSE;
}

/* The next piece of the first request, into an empty buffer. False when that has to wait for memory. */
static bool render(struct ctx *c)
{
    struct request *r = c->first;
    size_t rendered = r->rendered;
    const struct selection before = c->selection;
    c->memory_at = 0;
    c->written = 0;
    out_reset(&c->out);
    r->unread = r->leaving = 0;
    c->pretty.columns = terminal_columns(c);
    if (c->conf.format == OTLP_JSON)
        render_json(c, r);
    else if (c->conf.format == LINE_PROTOCOL)
        render_lines(c, r);
    else if (is_of_logs(r))
        render_logs(c, r);
    else if (r->batch->signal == GW_METRICS)
        render_metrics(c, r);
    else
        render_traces(c, r);
    if (c->arena.no_memory || c->out.no_memory) {
        undo_render(c, r, rendered);
        c->selection = before;
        return false;
    }
    if (c->out.failed) {
        trace_buffer_failed(&c->trace_buffer, is_of_logs(r) ? &r->logs : NULL);
        out_reset(&c->out);
    }
    return true;
}

/* What was rendered is written. */
static void settle(struct ctx *c, struct request *r)
{
    r->settled = r->rendered;
    r->rejected += r->unread;
    r->left_out += r->leaving;
    r->unread = r->leaving = 0;
    trace_buffer_written(&c->trace_buffer, is_of_logs(r) ? &r->logs : NULL);
    if (is_of_logs(r)) {
        r->rejected = r->logs.unread;
        r->left_out = r->logs.left_out;
    }
}

/* What was not printed, where it is time to tell. False when that has to wait for memory. */
static bool tell(struct ctx *c, bool all)
{
    const struct selection before = c->selection;
    c->memory_at = 0;
    c->written = 0;
    out_reset(&c->out);
    c->pretty.columns = terminal_columns(c);
    selection_put(&c->selection, &c->out, &c->pretty, gw_now(), all);
    if (!c->out.no_memory)
        return true;
    c->selection = before;
    out_reset(&c->out);
    c->memory_at = gw_now() + MEMORY_PAUSE;
    return false;
}

/* Batches of logs that have waited long enough, or all of whose records were shown with their traces, stand
 * in line again. */
static void release(struct ctx *c)
{
    bool all = c->hurried || c->cancelled || c->closed;
    for (struct buffered_batch *h; (h = trace_buffer_take(&c->trace_buffer, gw_now(), all));) {
        struct request *r = h->owner;
        r->settled = r->rendered = buffered_batch_is_over(h) ? r->batch->n : 0;
        append(c, r);
    }
}

/* --- writing --- */

static void give_up(struct ctx *c, int error)
{
    c->closed = true;
    c->written = c->out.len = 0;
    snprintf(c->why, sizeof c->why, "standard output: %s", strerror(error));
    if (error == EPIPE && c->reader_left)
        c->reader_left(c->process);
}

static void wait_for_space(struct ctx *c, int error, gw_nsec now)
{
    c->buffer_until = now + GW_SEC;
    gw_log(GW_WARNING, component, "standard output cannot be written: %s; ddgate tries again",
           strerror(error));
}

static bool writable(const struct ctx *c)
{
    struct pollfd p = {.fd = c->fd, .events = POLLOUT};
    return c->regular || poll(&p, 1, 0) != 0; /* an error is for write() to tell */
}

/* Writes what is taken now; false when that was not all. */
static bool flush(struct ctx *c)
{
    while (!c->closed && c->written < c->out.len) {
        size_t left = c->out.len - c->written;
        gw_nsec now = gw_now();
        if (now < c->buffer_until || !writable(c))
            return false;
        ssize_t n = write(c->fd, c->out.data + c->written, left < c->at_once ? left : c->at_once);
        if (n >= 0)
            c->written += (size_t)n;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return false;
        else if (errno == ENOSPC || errno == EDQUOT)
            wait_for_space(c, errno, now);
        else if (errno != EINTR)
            give_up(c, errno);
    }
    return true;
}

/* Everything of a request that is not settled is lost. */
static void reject_rest(struct ctx *c)
{
    struct request *r = c->first;
    uint64_t rest = is_of_logs(r) ? r->logs.n - r->logs.done : items(r->batch, r->settled);
    struct gw_outcome outcome = {.verdict = GW_DONE,
                                 .rejected = r->rejected + rest,
                                 .filtered = is_of_logs(r) ? r->logs.left_out : r->left_out};
    if (!c->said) {
        memcpy(outcome.text, c->why, sizeof c->why);
        outcome.remedy = "Something must read what ddgate prints; restart it with an open standard output.";
        c->said = true;
    }
    finish(c, &outcome);
}

/* A line that was begun will be finished, should there be a next time. */
static void drop_requests(struct ctx *c)
{
    struct gw_outcome outcome = {.verdict = GW_RETRY, .text = "standard output did not take it in time"};
    const char *from = c->out.data + c->written;
    const char *line = c->written && from[-1] != '\n' ? memchr(from, '\n', c->out.len - c->written) : NULL;
    c->out.len = line ? (size_t)(line + 1 - c->out.data) : c->written;
    while (c->first)
        finish(c, &outcome);
    c->cancelled = false;
    c->memory_at = 0;
}

/* A trace that waits for its logs. */
static bool is_held(const struct ctx *c, const struct request *r)
{
    return !r->rendered && r->due > gw_now() && !c->hurried && !c->closed;
}

static void write_some(struct ctx *c)
{
    release(c);
    if (c->cancelled)
        drop_requests(c);
    while (flush(c)) {
        struct request *r = c->first;
        if (!c->closed && c->memory_at <= gw_now() && selection_next(&c->selection) <= gw_now()) {
            if (r)
                settle(c, r);
            if (!tell(c, false))
                return;
        } else if (!r || is_held(c, r)) {
            return;
        } else if (c->closed) {
            release(c);
            reject_rest(c);
        } else if (settle(c, r), r->settled < r->batch->n) {
            if (!render(c))
                return;
        } else if (is_of_logs(r) && !buffered_batch_is_over(&r->logs)) {
            trace_buffer_add(&c->trace_buffer, &detach(c)->logs, gw_now());
            release(c);
        } else {
            struct gw_outcome outcome = {
                .verdict = GW_DONE, .rejected = r->rejected, .filtered = r->left_out};
            if (r->rejected)
                snprintf(outcome.text, sizeof outcome.text,
                         "could not be read back or is too large to print");
            finish(c, &outcome);
            release(c);
        }
    }
}

/* At the end, on the main thread: what would have been told later. A reader that does not read is not waited for long. */
static void tell_rest(struct ctx *c)
{
    gw_nsec until = gw_now() + LAST_LINES;
    bool told = selection_next(&c->selection) == GW_NEVER;
    while (!told && !c->closed && gw_now() < until) {
        if (!flush(c))
            poll(&(struct pollfd){.fd = c->fd, .events = POLLOUT}, 1, (int)(LAST_LINES / GW_MSEC));
        else if (selection_next(&c->selection) == GW_NEVER || !tell(c, true))
            told = true;
    }
}

static void close_stdout(void *ctx)
{
    struct ctx *c = ctx;
    if (!c->last) /* never opened */
        return;
    tell_rest(c);
    if (c->waker >= 0)
        close(c->waker);
    if (c->fd != STDOUT_FILENO)
        close(c->fd);
    out_fini(&c->out);
    gw_arena_fini(&c->arena);
    c->last = NULL;
}

/* --- the sender's side --- */

/* Nothing is written before the next wait: what was due at the same time is here by then. The timeout is not
 * used: printing the same again helps nobody. */
static void send_batch(void *ctx, const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done,
                       void *cookie)
{
    struct ctx *c = ctx;
    struct request *r = malloc(sizeof *r);
    bool logs = batch->signal == GW_LOGS && c->conf.format == PRETTY;
    bool waits = batch->signal == GW_TRACES && c->conf.format == PRETTY && c->linked_at &&
                 gw_now() < c->linked_at + LINKED_FOR;
    if (r)
        *r = (struct request){
            .batch = batch, .done = done, .cookie = cookie, .due = waits ? gw_now() + c->conf.log_wait : 0};
    if (!r || (logs && !buffered_batch_begin(&r->logs, batch, r))) {
        free(r);
        struct gw_outcome outcome = {.verdict = GW_RETRY, .text = "out of memory"};
        done(cookie, &outcome);
        return;
    }
    if (logs)
        append_logs(c, r);
    else
        append(c, r);
}

static void sleep_until(struct ctx *c, gw_nsec until)
{
    bool pending = c->written < c->out.len, full = gw_now() < c->buffer_until;
    bool write_next = pending && !full; /* else only an error counts: that the reader has gone */
    struct pollfd fds[2] = {
        {.fd = c->waker, .events = POLLIN},
        {.fd = c->closed || (c->terminal && !write_next) ? -1 : c->fd, .events = write_next ? POLLOUT : 0}};
    if (pending && full && c->buffer_until < until)
        until = c->buffer_until;
    if (trace_buffer_next(&c->trace_buffer) < until)
        until = trace_buffer_next(&c->trace_buffer);
    if (!pending && !c->closed && !c->memory_at && selection_next(&c->selection) < until)
        until = selection_next(&c->selection);
    if (!pending && c->first && is_held(c, c->first) && c->first->due < until)
        until = c->first->due;
    if (c->memory_at && c->memory_at < until)
        until = c->memory_at;
    gw_nsec left = until - gw_now();
    left = left < 0 ? 0 : left;
    struct timespec t = {.tv_sec = left / GW_SEC, .tv_nsec = left % GW_SEC};
    if (ppoll(fds, 2, until == GW_NEVER ? NULL : &t, NULL) > 0 && !write_next &&
        fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
        give_up(c, EPIPE);
}

static void wait_some(struct ctx *c, gw_nsec until)
{
    unsigned before = c->outcomes;
    uint64_t wakes;
    do {
        write_some(c);
        if (c->outcomes != before)
            return;
        sleep_until(c, until);
        if (read(c->waker, &wakes, sizeof wakes) > 0)
            return;
    } while (gw_now() < until);
    write_some(c);
}

static void wait_outcome(void *ctx, gw_nsec until)
{
    struct ctx *c = ctx;
    wait_some(c, until);
    c->hurried = false;
}

static void wake(void *ctx)
{
    struct ctx *c = ctx;
    uint64_t one = 1;
    ssize_t n = write(c->waker, &one, sizeof one);
    (void)n; /* full: it is awake already */
}

static void hurry(void *ctx)
{
    struct ctx *c = ctx;
    c->hurried = true;
}

static void cancel(void *ctx)
{
    struct ctx *c = ctx;
    c->cancelled = true;
}

static enum gw_attribute_schema schema(const void *ctx, enum gw_attribute_schema mode)
{
    const struct ctx *c = ctx;
    return c->conf.format == LINE_PROTOCOL ? GW_DATADOG : mode;
}

static void describe(void *ctx, FILE *to)
{
    (void)ctx;
    fputs("standard output", to);
}

const struct gw_exporter gw_exporter_stdout = {
    .name = "stdout",
    .summary = "Prints traces, logs and metrics to standard output: for people, or as OTLP/JSON or line "
               "protocol for tools.",
    .signals = 1u << GW_TRACES | 1u << GW_LOGS | 1u << GW_METRICS,
    .opts = opts,
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .shows = true,
    .drop_by_default = true,
    .in_flight = IN_FLIGHT,
    .schema = schema,
    .open = open_stdout,
    .close = close_stdout,
    .send = send_batch,
    .wait = wait_outcome,
    .hurry = hurry,
    .cancel = cancel,
    .wake = wake,
    .describe = describe,
};
