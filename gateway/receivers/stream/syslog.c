/* syslog.c: Defines the receiver `syslog` (UDP, TCP, Unix sockets) and turns a message into a record. The
 * attributes are those of OpenTelemetry's log data model (appendix "RFC5424 Syslog"): syslog.facility,
 * syslog.version, syslog.procid, syslog.msgid, syslog.structured_data.…; APP-NAME is service.name if the
 * receiver's options name none, HOSTNAME is host.name. Owns nothing. stream_receiver.c and stream.c call it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/stream/stream_receiver.h"
#include "translators/logs/syslog_parse.h"

#define LISTEN "127.0.0.1:5514"

#define OPTS(X)                                                                                              \
    X(list, udp, "udp", LISTEN, "", "",                                                                      \
      "Addresses for UDP: host:port, [ipv6]:port or :port (every address); empty for none. If a configured " \
      "address cannot be bound, ddgate does not start; the default address only causes a warning. Syslog's " \
      "own port is 514, which requires CAP_NET_BIND_SERVICE.")                                               \
    X(list, tcp, "tcp", LISTEN, "", "", "The same for TCP. Syslog over TLS has port 6514.")                  \
    X(str, socket, "socket", "", "", "",                                                                     \
      "Path of a Unix socket, such as /dev/log, to replace the machine's syslog; empty for none. Its "       \
      "folder must exist.")                                                                                  \
    X(choice, socket_type, "socket_type", "datagram", "datagram|stream", "",                                 \
      "Type of that socket. /dev/log is a datagram socket.")                                                 \
    X(str, mode, "mode", "0666", "", "", "Mode of the socket's file, in octal.")                             \
    X(choice, framing, "framing", "auto", "auto|newline|octet", "",                                          \
      "How messages end on a connection: newline (LF, CR LF or NUL), octet counting (RFC 6587), or auto: "   \
      "decided for each message.")                                                                           \
    STREAM_MULTILINE_OPTS(X)                                                                                 \
    STREAM_UDP_OPTS(X)                                                                                       \
    STREAM_OPTS(X)                                                                                           \
    STREAM_ACCESS_OPTS(X)                                                                                    \
    LOG_OPTS(X)

enum {
    OWN_ATTRS = 6,
    ATTRS = STREAM_ATTRS + OWN_ATTRS + SYSLOG_PARAMS + 1,
    SCRATCH = 256 * 1024,
    SCRATCH_KEPT = 8 * 1024
};

struct syslog {
    struct stream_receiver base; /* first: the context of the functions that all share */
    /* the stream's thread only */
    const struct zone *zone;
    struct gw_arena arena; /* of one message */
    struct syslog_message message;
    struct log_attr attrs[ATTRS];
};

#define GW_CONF struct stream_conf
static const struct gw_opt opts[] = {OPTS(GW_ROW) GW_OPT_END};
static const struct gw_metric metrics[] = {STREAM_RECORD_METRICS, STREAM_CONNECTION_METRICS,
                                           STREAM_UDP_METRICS, GW_METRICS_END};

static void text_attr(struct syslog *s, size_t *n, gw_str key, gw_str text)
{
    if (text.len)
        s->attrs[(*n)++] = (struct log_attr){.key = key, .text = text};
}

static size_t write_attrs(struct syslog *s, const struct stream_record *r)
{
    const struct syslog_message *m = &s->message;
    size_t n = stream_attrs(r, s->attrs);
    if (m->facility >= 0)
        s->attrs[n++] =
            (struct log_attr){.key = GW_STR("syslog.facility"), .is_int = true, .number = m->facility};
    if (m->version)
        s->attrs[n++] =
            (struct log_attr){.key = GW_STR("syslog.version"), .is_int = true, .number = m->version};
    text_attr(s, &n, GW_STR("syslog.appname"), m->app);
    text_attr(s, &n, GW_STR("syslog.procid"), m->procid);
    text_attr(s, &n, GW_STR("syslog.msgid"), m->msgid);
    text_attr(s, &n, GW_STR("syslog.sequence"), m->sequence);
    for (size_t i = 0; i < m->data_n; i++)
        s->attrs[n++] = m->data[i];
    return n;
}

/* A message without text (structured data may be all of it) is its own body. */
static bool record(void *ctx, struct gw_log_sink *sink, const struct stream_record *r)
{
    struct syslog *s = ctx;
    const struct syslog_message *m = &s->message;
    const struct syslog_ground ground = {(gw_nsec)r->observed, s->zone, r->peer->is_unix};
    syslog_parse(r->text, &ground, &s->arena, &s->message);
    struct log_input in = {.form = LOG_TEXT,
                           .text = m->text.len ? m->text : r->text,
                           .observed = r->observed,
                           .time = m->time,
                           .host = m->host.len ? m->host : stream_host(s->base.host, r),
                           .service = s->base.log_options.service.len ? GW_NOSTR : m->app,
                           .attrs = s->attrs,
                           .attrs_n = write_attrs(s, r),
                           .cut = r->cut};
    if (m->severity >= 0) {
        in.severity = syslog_severity((unsigned)m->severity, &in.severity_text);
    }
    bool worth = gw_log_sink_add(sink, &in);
    gw_arena_reset(&s->arena, SCRATCH_KEPT);
    return worth;
}

static const struct stream_protocol protocol = {
    .name = "syslog",
    .component = "receiver=syslog",
    .record = record,
    .syslog = true,
    .lists = {{STREAM_UDP, "udp", LISTEN, offsetof(struct stream_conf, udp)},
              {STREAM_TCP, "tcp", LISTEN, offsetof(struct stream_conf, tcp)}},
    .socket = STREAM_MAY_HAVE_SOCKET,
};

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    struct syslog *s = ctx;
    enum gw_code code = stream_receiver_open(&s->base, &protocol, host, path, diagnostics);
    if (code)
        return code;
    s->zone = log_conf_zone(s->base.logs);
    gw_arena_init(&s->arena, SCRATCH);
    return GW_OK;
}

static void close_(void *ctx)
{
    struct syslog *s = ctx;
    stream_receiver_close(&s->base);
    gw_arena_fini(&s->arena);
}

static void hint(void *ctx, FILE *to)
{
    const struct syslog *s = ctx;
    const struct stream_conf *c = &s->base.conf;
    const char *udp = stream_name(s->base.stream, STREAM_UDP), *tcp = stream_name(s->base.stream, STREAM_TCP),
               *name = udp ? udp : tcp;
    if (name && (udp || !c->tls_cert.len))
        fprintf(to, "  logger --%s --server %.*s --port %s hello\n", udp ? "udp" : "tcp",
                (int)(strrchr(name, ':') - name), name, strrchr(name, ':') + 1);
    if (c->socket.len)
        fprintf(to, "  logger --socket %.*s hello\n", GW_FMT(c->socket));
}

const struct gw_receiver gw_receiver_syslog = {
    .name = "syslog",
    .summary = "Syslog messages of RFC 3164 and RFC 5424 over UDP, TCP and Unix sockets.",
    .ctx_size = sizeof(struct syslog),
    .close = close_,
    STREAM_RECEIVER,
};
