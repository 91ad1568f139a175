/* unix.c: Defines the receiver `unix`: lines, or records with counts before them, over a Unix stream socket.
 * Owns nothing; stream_receiver.c does the work. Called by the pipeline through modules.def.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/stream/stream_receiver.h"

#define OPTS(X)                                                                                              \
    X(str, socket, "socket", "/var/run/ddgate/logs.socket", "", "",                                          \
      "Path of the Unix stream socket. Its folder must exist. A socket file of a killed process is "         \
      "replaced.")                                                                                           \
    X(str, mode, "mode", "0722", "", "",                                                                     \
      "Mode of the socket's file, in octal. Connecting requires write permission.")                          \
    STREAM_FRAMING_OPT(X)                                                                                    \
    STREAM_MULTILINE_OPTS(X)                                                                                 \
    STREAM_OPTS(X)                                                                                           \
    LOG_OPTS(X)

#define GW_CONF struct stream_conf
static const struct gw_opt opts[] = {OPTS(GW_ROW) GW_OPT_END};
static const struct gw_metric metrics[] = {STREAM_RECORD_METRICS, STREAM_CONNECTION_METRICS, GW_METRICS_END};

static const struct stream_protocol protocol = {
    .name = "unix",
    .component = "receiver=unix",
    .record = stream_receiver_text,
    .socket = STREAM_HAS_SOCKET,
};

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    return stream_receiver_open(ctx, &protocol, host, path, diagnostics);
}

static void hint(void *ctx, FILE *to)
{
    const struct stream_receiver *r = ctx;
    fprintf(to, "  echo hello | socat - UNIX-CONNECT:%.*s\n", GW_FMT(r->conf.socket));
}

const struct gw_receiver gw_receiver_unix = {
    .name = "unix",
    .summary = "Log lines over a Unix stream socket.",
    .ctx_size = sizeof(struct stream_receiver),
    .close = stream_receiver_close,
    STREAM_RECEIVER,
};
