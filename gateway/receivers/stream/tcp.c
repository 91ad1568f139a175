/* tcp.c: lines, or records with counts before them, over TCP. (stream.h)
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "gateway/receivers/stream/stream.h"

#include "core/config/config_diagnostic.h"

#define LISTEN "127.0.0.1:9530"

#define OPTS(X)                                                                                                                            \
    X(list, listen, "listen", LISTEN, "", "",                                                                                              \
      "Addresses to listen on: host:port, [ipv6]:port or :port (every address). One that is taken or absent ends the start, unless it is " \
      "the default.")                                                                                                                      \
    X(choice, framing, "framing", "auto", "auto|newline|octet", "",                                                                        \
      "How records end: newline (LF, CR LF or NUL); octet: LEN SP TEXT; auto: octet where LEN is followed by a syslog priority, newline "  \
      "else, decided for each record.")                                                                                                    \
    STREAM_MULTILINE_OPTS(X)                                                                                                               \
    STREAM_OPTS(X)                                                                                                                         \
    STREAM_ACCESS_OPTS(X)                                                                                                                  \
    LOG_OPTS(X)

struct tcp_conf {
    OPTS(GW_FIELD)
};

struct tcp {
    struct tcp_conf conf;
    struct log_options log_options;
    struct log_conf *logs;
    struct stream *stream;
    struct stream_counts counts;
};

#define GW_CONF struct tcp_conf
static const struct gw_opt opts[] = {OPTS(GW_ROW) GW_OPT_END};

static const struct gw_metric metrics[] = {STREAM_RECORD_METRICS(struct tcp, counts), STREAM_CONNECTION_METRICS(struct tcp, counts),
                                           GW_METRICS_END};

static struct stream *new_stream(struct tcp *t, const struct gw_host *host, const char *path, struct gw_diagnostics *diagnostics)
{
    const struct tcp_conf *c = &t->conf;
    const struct gw_listener_access_conf access = STREAM_ACCESS(*c);
    struct stream_settings set = {
        .component = "receiver=tcp",
        .name = "tcp",
        .path = path,
        .logs = t->logs,
        .record = stream_add_text,
        .ctx = (void *)(uintptr_t)host,
        .counts = &t->counts,
        .framing = (enum stream_frame)c->framing,
        .max_line = c->max_line,
        .connections = c->connections,
        .idle_timeout = c->idle_timeout,
    };
    stream_multiline_conf_open(&set.multiline, c->multiline, path, diagnostics);
    gw_listener_access_open(&set.access, &access, set.component, path, diagnostics);
    return stream_new(host, &set);
}

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path, struct gw_diagnostics *diagnostics)
{
    struct tcp *t = ctx;
    const struct tcp_conf *c = &t->conf;
    t->log_options = (struct log_options){LOG_OPTS(LOG_OPT_COPY)};
    t->logs = log_conf_new(&t->log_options, &host->logs, path, "tcp", diagnostics);
    t->stream = t->logs ? new_stream(t, host, path, diagnostics) : NULL;
    if (!t->stream)
        return GW_BUSY;
    stream_listen_all(t->stream, STREAM_TCP, &c->listen, LISTEN, "listen", diagnostics);
    if (stream_listeners(t->stream) == 0)
        gw_config_error(diagnostics, path, "there is no address left to listen on");
    return GW_OK;
}

static void start(void *ctx)
{
    struct tcp *t = ctx;
    (void)stream_start(t->stream);
}

static void stop(void *ctx)
{
    struct tcp *t = ctx;
    stream_stop(t->stream);
}

static void close_(void *ctx)
{
    struct tcp *t = ctx;
    stream_drop(t->stream);
    log_conf_drop(t->logs);
    t->stream = NULL;
    t->logs = NULL;
}

static void hint(void *ctx, FILE *to)
{
    const struct tcp *t = ctx;
    const char *name = stream_name(t->stream, STREAM_TCP);
    if (name && !t->conf.tls_cert.len)
        fprintf(to, "  echo hello > /dev/tcp/%.*s/%s    # bash\n", (int)(strrchr(name, ':') - name), name, strrchr(name, ':') + 1);
}

const struct gw_receiver gw_receiver_tcp = {
    .name = "tcp",
    .summary = "Log lines over TCP.",
    .opts = opts,
    .conf_size = sizeof(struct tcp_conf),
    .ctx_size = sizeof(struct tcp),
    .open = open_,
    .start = start,
    .stop = stop,
    .close = close_,
    .hint = hint,
    .metrics = metrics,
};
