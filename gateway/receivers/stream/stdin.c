/* stdin.c: Implements the receiver `stdin`: lines of standard input, `application | ddgate -c …`. It owns its
 * thread, its sink and the line that has not ended.
 *
 * At the end of the input all lines have been offered. If nothing else is received, the gateway then drains
 * and exits, like a filter. A full queue stops the reading, so the application waits.
 *
 * At a stop, it reads the application's last output for a moment, because Ctrl-C reaches both processes.
 * Standard input may be a file, which epoll does not support, so poll(2) is used.
 *
 * The pipeline calls it on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/fanout.h"
#include "gateway/receiver_host.h"
#include "gateway/receivers/common/log_sink.h"
#include "gateway/receivers/stream/stream_framing.h"
#include "gateway/receivers/stream/stream_multiline.h"

#define OPTS(X)                                                                                              \
    X(choice, at_end, "at_end", "auto", "auto|exit|stay", "",                                                \
      "What the gateway does at the end of the input: exit drains the queues and exits, stay continues "     \
      "with the other receivers, auto is exit if there are none.")                                           \
    X(size, max_line, "max_line", "1MiB", "1KiB", "16MiB",                                                   \
      "Longest line; the rest of a longer one is cut off, and log.record.truncated_bytes is its length.")    \
    STREAM_MULTILINE_OPTS(X)                                                                                 \
    LOG_OPTS(X)

enum { READ = 64 * 1024, AUTO = 0, EXIT = 1 };
static const char component[] = "receiver=stdin";
static const gw_nsec LINGER = 20 * GW_MSEC, LAST_WORDS = GW_SEC, GRACE_PERIOD = 3 * GW_SEC;

struct input_conf {
    OPTS(GW_FIELD)
};

struct input {
    struct input_conf conf;
    struct log_options log_options;
    const struct gw_host *host;
    struct log_conf *logs;
    struct gw_log_sink *sink;
    int wake;
    bool is_alone, checked, opened, running;
    pthread_t thread;
    atomic_uint_least64_t lines, bytes;
    /* the thread's */
    struct stream_framing framing;
    struct stream_multiline_conf multiline;
    struct stream_multiline join;
    gw_nsec quiet;   /* when a record that waits for more lines is passed on; GW_NEVER: none waits */
    gw_nsec due;     /* when the sink is flushed; GW_NEVER: it is empty */
    gw_nsec stop_at; /* when a stop was requested; GW_NEVER: not yet */
    char *buffer;
};

#define GW_CONF struct input_conf
static const struct gw_opt opts[] = {OPTS(GW_ROW) GW_OPT_END};

static const struct gw_metric metrics[] = {
    GW_COUNTER_AT(struct input, lines, "stdin_lines_total", "Lines that were read."),
    GW_COUNTER_AT(struct input, bytes, "stdin_bytes_total", "Bytes of their text."), GW_METRICS_END};

static int milliseconds(gw_nsec span)
{
    return span == GW_NEVER ? -1 : span <= 0 ? 0 : (int)((span + GW_MSEC - 1) / GW_MSEC);
}

/* Waits for input, for a stop, or for so long. True: there is input. */
static bool wait_for(struct input *in, bool input, gw_nsec span)
{
    struct pollfd fds[] = {{.fd = in->stop_at == GW_NEVER ? in->wake : -1, .events = POLLIN},
                           {.fd = input ? STDIN_FILENO : -1, .events = POLLIN}};
    if (poll(fds, 2, milliseconds(span)) <= 0)
        return false;
    if (fds[0].revents) {
        in->stop_at = gw_now();
        gw_log_sink_stop(in->sink);
    }
    return fds[1].revents != 0;
}

/* Until the queues have taken all of it, or a stop does not wait any longer. */
static void offer(struct input *in)
{
    in->due = GW_NEVER;
    for (gw_nsec pause = gw_log_sink_pause(0); !gw_log_sink_empty(in->sink);
         pause = gw_log_sink_pause(pause)) {
        if (gw_log_sink_flush(in->sink, NULL, true) == GW_OK)
            return;
        if (pause == GW_LOG_SINK_LONGEST)
            gw_log(GW_WARNING, component,
                   "the exporters' queues are full: ddgate reads nothing until there is room");
        if (in->stop_at != GW_NEVER && gw_now() - in->stop_at > GRACE_PERIOD)
            return;
        wait_for(in, false, pause);
    }
}

static void on_record(void *ctx, gw_str text, uint64_t cut, uint64_t observed)
{
    struct input *in = ctx;
    const struct log_input record = {
        .form = LOG_TEXT, .text = text, .observed = observed, .host = in->host->host_name, .cut = cut};
    atomic_fetch_add_explicit(&in->lines, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&in->bytes, text.len, memory_order_relaxed);
    if (in->due == GW_NEVER)
        in->due = gw_now() + LINGER;
    if (gw_log_sink_add(in->sink, &record))
        offer(in);
}

static void on_line(void *ctx, gw_str text, uint64_t cut)
{
    struct input *in = ctx;
    if (in->multiline.how == STREAM_MULTILINE_NONE)
        on_record(in, text, cut, (uint64_t)gw_wall());
    else
        stream_multiline_line(&in->multiline, &in->join, text, cut, (uint64_t)gw_wall(), on_record, in);
}

static void end_record(struct input *in)
{
    stream_multiline_end(&in->multiline, &in->join, on_record, in);
    in->quiet = GW_NEVER;
}

/* False: the input has ended. */
static bool read_some(struct input *in)
{
    ssize_t n = read(STDIN_FILENO, in->buffer, READ);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    if (n < 0)
        gw_log(GW_WARNING, component, "standard input cannot be read: %s", strerror(errno));
    if (n <= 0)
        return false;
    stream_framing_push(&in->framing, gw_str_n(in->buffer, (size_t)n), on_line, in);
    in->quiet = in->join.open ? gw_now() + STREAM_QUIET : GW_NEVER;
    return true;
}

/* A person at a terminal has no last words. */
static gw_nsec until_next(const struct input *in, gw_nsec now)
{
    gw_nsec last = isatty(STDIN_FILENO) ? 0 : LAST_WORDS;
    gw_nsec until = in->due < in->quiet ? in->due : in->quiet;
    if (in->stop_at != GW_NEVER && in->stop_at + last < until)
        until = in->stop_at + last;
    return until == GW_NEVER ? GW_NEVER : until - now;
}

static void at_end(struct input *in)
{
    bool leave = in->conf.at_end == EXIT || (in->conf.at_end == AUTO && in->is_alone);
    if (!leave || in->stop_at != GW_NEVER)
        return;
    gw_log(GW_INFO, component, "standard input has ended: the gateway drains and ends");
    kill(getpid(), SIGTERM); /* main waits for it */
}

static void *run(void *ctx)
{
    struct input *in = ctx;
    bool ended = false;
    while (!ended) {
        gw_nsec left = until_next(in, gw_now());
        if (wait_for(in, true, left))
            ended = !read_some(in);
        else if (in->stop_at != GW_NEVER && until_next(in, gw_now()) <= 0 && in->due > gw_now() &&
                 in->quiet > gw_now())
            break;
        if (gw_now() >= in->quiet)
            end_record(in);
        if (gw_now() >= in->due)
            offer(in);
    }
    stream_framing_end(&in->framing, on_line, in);
    end_record(in);
    offer(in);
    if (ended)
        at_end(in);
    return NULL;
}

/* Only one receiver can read standard input. One that is only checked does not count: a reload checks options
 * before the predecessor is closed. */
static atomic_bool taken[2];

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    struct input *in = ctx;
    const struct input_conf *c = &in->conf;
    in->host = host;
    in->wake = -1;
    stream_multiline_conf_open(&in->multiline, c->multiline, path, diagnostics);
    in->log_options = (struct log_options){LOG_OPTS(GW_OPT_COPY)};
    in->logs = log_conf_new(&in->log_options, &host->logs, path, "stdin", diagnostics);
    in->is_alone = host->receivers == 1;
    in->checked = host->check;
    in->opened = !atomic_exchange(&taken[in->checked], true);
    if (!in->opened)
        gw_config_error(diagnostics, path, "another receiver reads standard input already");
    return in->logs ? GW_OK : GW_BUSY;
}

static bool start_thread(struct input *in)
{
    in->running = gw_thread_start(&in->thread, &(struct gw_thread){"log/stdin", component, run, in}, NULL);
    return in->running;
}

static void start(void *ctx)
{
    struct input *in = ctx;
    in->framing = (struct stream_framing){.mode = STREAM_NEWLINE,
                                          .max = in->conf.max_line,
                                          .blanks = in->multiline.how != STREAM_MULTILINE_NONE,
                                          .budget = in->host->budget};
    in->multiline.max = in->conf.max_line;
    in->multiline.budget = in->host->budget;
    in->due = in->stop_at = in->quiet = GW_NEVER;
    in->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    in->buffer = malloc(READ);
    in->sink = gw_log_sink_new(in->logs, in->host->fanout, component);
    if (in->wake < 0 || !in->buffer || !in->sink || !start_thread(in))
        gw_log(GW_ERROR, component, "standard input cannot be read: no memory, descriptors or threads");
}

static void stop(void *ctx)
{
    struct input *in = ctx;
    uint64_t one = 1;
    if (in->running) {
        while (write(in->wake, &one, sizeof one) < 0 && errno == EINTR)
            ;
        pthread_join(in->thread, NULL);
    }
    in->running = false;
    stream_framing_fini(&in->framing);
    gw_log_sink_drop(in->sink);
    in->sink = NULL;
}

static void hint(void *ctx, FILE *to)
{
    const struct input *in = ctx;
    if (in->running)
        fputs("  its lines on standard input\n", to);
}

static void close_(void *ctx)
{
    struct input *in = ctx;
    if (in->opened) {
        atomic_store(&taken[in->checked], false);
        if (in->wake >= 0)
            close(in->wake);
    }
    free(in->buffer);
    stream_multiline_conf_close(&in->multiline);
    log_conf_drop(in->logs);
    in->buffer = NULL;
    in->logs = NULL;
    in->opened = false;
}

static void describe(void *ctx, FILE *to)
{
    const struct input *in = ctx;
    if (in->logs)
        log_conf_describe(in->logs, to);
}

const struct gw_receiver gw_receiver_stdin = {
    .name = "stdin",
    .summary = "Lines of standard input.",
    .opts = opts,
    .conf_size = sizeof(struct input_conf),
    .ctx_size = sizeof(struct input),
    .open = open_,
    .start = start,
    .stop = stop,
    .close = close_,
    .hint = hint,
    .describe = describe,
    .metrics = metrics,
};
