/* udp.c: log lines in datagrams. (stream.h)
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "gateway/receivers/stream/stream.h"

#include "core/config/config_diagnostic.h"

#define LISTEN "127.0.0.1:9531"

#define OPTS(X)                                                                                                                            \
    X(list, listen, "listen", LISTEN, "", "",                                                                                              \
      "Addresses to listen on: host:port, [ipv6]:port or :port (every address). One that is taken or absent ends the start, unless it is " \
      "the default.")                                                                                                                      \
    STREAM_UDP_OPTS(X)                                                                                                                     \
    LOG_OPTS(X)

enum { DATAGRAM = 64 * 1024 };

struct udp_conf {
    OPTS(GW_FIELD)
};

struct udp {
    struct udp_conf conf;
    struct log_options log_options;
    struct log_conf *logs;
    struct stream *stream;
    struct stream_counts counts;
};

#define GW_CONF struct udp_conf
static const struct gw_opt opts[] = {OPTS(GW_ROW) GW_OPT_END};

static const struct gw_metric metrics[] = {STREAM_RECORD_METRICS(struct udp, counts), STREAM_UDP_METRICS(struct udp, counts),
                                           GW_METRICS_END};

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path, struct gw_diagnostics *diagnostics)
{
    struct udp *u = ctx;
    const struct udp_conf *c = &u->conf;
    u->log_options = (struct log_options){LOG_OPTS(LOG_OPT_COPY)};
    u->logs = log_conf_new(&u->log_options, &host->logs, path, "udp", diagnostics);
    const struct stream_settings set = {
        .component = "receiver=udp",
        .name = "udp",
        .path = path,
        .logs = u->logs,
        .record = stream_add_text,
        .ctx = (void *)(uintptr_t)host,
        .counts = &u->counts,
        .max_line = DATAGRAM,
        .receive_buffer = c->receive_buffer,
    };
    u->stream = u->logs ? stream_new(host, &set) : NULL;
    if (!u->stream)
        return GW_BUSY;
    stream_listen_all(u->stream, STREAM_UDP, &c->listen, LISTEN, "listen", diagnostics);
    if (stream_listeners(u->stream) == 0)
        gw_config_error(diagnostics, path, "there is no address left to listen on");
    return GW_OK;
}

static void start(void *ctx)
{
    struct udp *u = ctx;
    (void)stream_start(u->stream);
}

static void stop(void *ctx)
{
    struct udp *u = ctx;
    stream_stop(u->stream);
}

static void close_(void *ctx)
{
    struct udp *u = ctx;
    stream_drop(u->stream);
    log_conf_drop(u->logs);
    u->stream = NULL;
    u->logs = NULL;
}

static void hint(void *ctx, FILE *to)
{
    const struct udp *u = ctx;
    const char *name = stream_name(u->stream, STREAM_UDP);
    if (name)
        fprintf(to, "  echo hello > /dev/udp/%.*s/%s    # bash\n", (int)(strrchr(name, ':') - name), name, strrchr(name, ':') + 1);
}

const struct gw_receiver gw_receiver_udp = {
    .name = "udp",
    .summary = "Log lines over UDP.",
    .opts = opts,
    .conf_size = sizeof(struct udp_conf),
    .ctx_size = sizeof(struct udp),
    .open = open_,
    .start = start,
    .stop = stop,
    .close = close_,
    .hint = hint,
    .metrics = metrics,
};
