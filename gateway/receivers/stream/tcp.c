/* tcp.c: Defines the receiver `tcp`: lines, or records with counts before them, over TCP. Owns nothing;
 * stream_receiver.c does the work. Called by the pipeline through modules.def.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/stream/stream_receiver.h"

#define LISTEN "127.0.0.1:9530"

#define OPTS(X)                                                                                              \
    STREAM_LISTEN_OPT(X, LISTEN)                                                                             \
    STREAM_FRAMING_OPT(X)                                                                                    \
    STREAM_MULTILINE_OPTS(X)                                                                                 \
    STREAM_OPTS(X)                                                                                           \
    STREAM_ACCESS_OPTS(X)                                                                                    \
    LOG_OPTS(X)

#define GW_CONF struct stream_conf
static const struct gw_opt opts[] = {OPTS(GW_ROW) GW_OPT_END};
static const struct gw_metric metrics[] = {STREAM_RECORD_METRICS, STREAM_CONNECTION_METRICS, GW_METRICS_END};

static const struct stream_protocol protocol = {
    .name = "tcp",
    .component = "receiver=tcp",
    .record = stream_receiver_text,
    .lists = {{STREAM_TCP, "listen", LISTEN, offsetof(struct stream_conf, listen)}},
};

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    return stream_receiver_open(ctx, &protocol, host, path, diagnostics);
}

static void hint(void *ctx, FILE *to)
{
    const struct stream_receiver *r = ctx;
    if (!r->conf.tls_cert.len)
        stream_receiver_hint(r, STREAM_TCP, to);
}

const struct gw_receiver gw_receiver_tcp = {
    .name = "tcp",
    .summary = "Log lines over TCP.",
    .ctx_size = sizeof(struct stream_receiver),
    .close = stream_receiver_close,
    STREAM_RECEIVER,
};
