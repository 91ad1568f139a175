/* udp.c: Defines the receiver `udp`: log lines in datagrams. Owns nothing; stream_receiver.c does the work.
 * Called by the pipeline through modules.def.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/stream/stream_receiver.h"

#define LISTEN "127.0.0.1:9531"

#define OPTS(X)                                                                                              \
    STREAM_LISTEN_OPT(X, LISTEN)                                                                             \
    STREAM_UDP_OPTS(X)                                                                                       \
    X(str, multiline, "multiline", "auto", "", "",                                                           \
      "Lines of one datagram that belong together: auto joins stack traces and indented lines to the line "  \
      "before them, none joins nothing; anything else is a regular expression that a record's first line "   \
      "matches.")                                                                                            \
    LOG_OPTS(X)

enum { DATAGRAM = 64 * 1024 };

#define GW_CONF struct stream_conf
static const struct gw_opt opts[] = {OPTS(GW_ROW) GW_OPT_END};
static const struct gw_metric metrics[] = {STREAM_RECORD_METRICS, STREAM_UDP_METRICS, GW_METRICS_END};

static const struct stream_protocol protocol = {
    .name = "udp",
    .component = "receiver=udp",
    .record = stream_receiver_text,
    .max_line = DATAGRAM,
    .lists = {{STREAM_UDP, "listen", LISTEN, offsetof(struct stream_conf, listen)}},
};

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    return stream_receiver_open(ctx, &protocol, host, path, diagnostics);
}

static void hint(void *ctx, FILE *to)
{
    stream_receiver_hint(ctx, STREAM_UDP, to);
}

const struct gw_receiver gw_receiver_udp = {
    .name = "udp",
    .summary = "Log lines over UDP.",
    .ctx_size = sizeof(struct stream_receiver),
    .close = stream_receiver_close,
    STREAM_RECEIVER,
};
