/* unix.c: lines, or records with counts before them, over a Unix stream socket. (stream.h)
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "gateway/receivers/stream/stream.h"

#define SOCKET "/var/run/ddgate/logs.socket"

#define OPTS(X)                                                                                                                            \
    X(str, socket, "socket", SOCKET, "", "",                                                                                               \
      "Path of the Unix stream socket. Its folder must exist. A file that a killed process left there is replaced.")                       \
    X(str, mode, "mode", "0722", "", "", "Mode of the socket's file, in octal. Connecting takes the right to write.")                      \
    X(choice, framing, "framing", "auto", "auto|newline|octet", "",                                                                        \
      "How records end: newline (LF, CR LF or NUL); octet: LEN SP TEXT; auto: octet where LEN is followed by a syslog priority, newline "  \
      "else, decided for each record.")                                                                                                    \
    STREAM_MULTILINE_OPTS(X)                                                                                                               \
    STREAM_OPTS(X)                                                                                                                         \
    LOG_OPTS(X)

struct local_conf {
    OPTS(GW_FIELD)
};

struct local {
    struct local_conf conf;
    struct log_options log_options;
    struct log_conf *logs;
    struct stream *stream;
    struct stream_counts counts;
};

#define GW_CONF struct local_conf
static const struct gw_opt opts[] = {OPTS(GW_ROW) GW_OPT_END};

static const struct gw_metric metrics[] = {STREAM_RECORD_METRICS(struct local, counts), STREAM_CONNECTION_METRICS(struct local, counts),
                                           GW_METRICS_END};

static struct stream *new_stream(struct local *u, const struct gw_host *host, const char *path, struct gw_diagnostics *diagnostics)
{
    const struct local_conf *c = &u->conf;
    struct stream_settings set = {
        .component = "receiver=unix",
        .name = "unix",
        .path = path,
        .logs = u->logs,
        .record = stream_add_text,
        .ctx = (void *)(uintptr_t)host,
        .counts = &u->counts,
        .framing = (enum stream_frame)c->framing,
        .max_line = c->max_line,
        .connections = c->connections,
        .idle_timeout = c->idle_timeout,
    };
    stream_multiline_conf_open(&set.multiline, c->multiline, path, diagnostics);
    return stream_new(host, &set);
}

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path, struct gw_diagnostics *diagnostics)
{
    struct local *u = ctx;
    const struct local_conf *c = &u->conf;
    u->log_options = (struct log_options){LOG_OPTS(LOG_OPT_COPY)};
    u->logs = log_conf_new(&u->log_options, &host->logs, path, "unix", diagnostics);
    u->stream = u->logs ? new_stream(u, host, path, diagnostics) : NULL;
    if (!u->stream)
        return GW_BUSY;
    stream_listen(u->stream, STREAM_UNIX, c->socket, stream_mode(c->mode, path, diagnostics), false, "socket", diagnostics);
    return GW_OK;
}

static void start(void *ctx)
{
    struct local *u = ctx;
    (void)stream_start(u->stream);
}

static void stop(void *ctx)
{
    struct local *u = ctx;
    stream_stop(u->stream);
}

static void close_(void *ctx)
{
    struct local *u = ctx;
    stream_drop(u->stream);
    log_conf_drop(u->logs);
    u->stream = NULL;
    u->logs = NULL;
}

static void hint(void *ctx, FILE *to)
{
    const struct local *u = ctx;
    fprintf(to, "  echo hello | socat - UNIX-CONNECT:%.*s\n", GW_FMT(u->conf.socket));
}

const struct gw_receiver gw_receiver_unix = {
    .name = "unix",
    .summary = "Log lines over a Unix stream socket.",
    .opts = opts,
    .conf_size = sizeof(struct local_conf),
    .ctx_size = sizeof(struct local),
    .open = open_,
    .start = start,
    .stop = stop,
    .close = close_,
    .hint = hint,
    .metrics = metrics,
};
