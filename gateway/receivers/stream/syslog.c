/* syslog.c: syslog messages over UDP, TCP and Unix sockets. (stream.h, syslog_parse.h)
 *
 * Attributes are those of OpenTelemetry's log data model (appendix "RFC5424 Syslog"): syslog.facility, syslog.version, syslog.procid,
 * syslog.msgid, syslog.structured_data.…; APP-NAME is service.name where the receiver's options name none, HOSTNAME is host.name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "core/config/config_diagnostic.h"
#include "gateway/receivers/stream/stream.h"
#include "translators/logs/syslog_parse.h"

#define LISTEN "127.0.0.1:5514"

#define OPTS(X)                                                                                                                            \
    X(list, udp, "udp", LISTEN, "", "",                                                                                                    \
      "Addresses for UDP: host:port, [ipv6]:port or :port (every address); empty for none. One that is taken or absent ends the start, "   \
      "unless it is the default. Syslog's own port is 514, which takes the right to bind it (CAP_NET_BIND_SERVICE).")                      \
    X(list, tcp, "tcp", LISTEN, "", "", "The same for TCP. Syslog over TLS has port 6514.")                                                \
    X(str, socket, "socket", "", "", "",                                                                                                   \
      "Path of a Unix socket, such as /dev/log, to take the place of the machine's syslog; empty for none. Its folder must exist.")        \
    X(choice, socket_type, "socket_type", "datagram", "datagram|stream", "", "What kind of socket that is. /dev/log is of datagrams.")     \
    X(str, mode, "mode", "0666", "", "", "Mode of the socket's file, in octal.")                                                           \
    X(choice, framing, "framing", "auto", "auto|newline|octet", "",                                                                        \
      "How messages end on a connection: newline (LF, CR LF or NUL), octet counting (RFC 6587), or auto: decided for each message.")       \
    STREAM_MULTILINE_OPTS(X)                                                                                                               \
    STREAM_UDP_OPTS(X)                                                                                                                     \
    STREAM_OPTS(X)                                                                                                                         \
    STREAM_ACCESS_OPTS(X)                                                                                                                  \
    LOG_OPTS(X)

enum { OWN_ATTRS = 6, ATTRS = STREAM_ATTRS + OWN_ATTRS + SYSLOG_PARAMS + 1, SCRATCH = 256 * 1024, SCRATCH_KEPT = 8 * 1024 };

struct syslog_conf {
    OPTS(GW_FIELD)
};

struct syslog {
    struct syslog_conf conf;
    struct log_options log_options;
    const struct gw_host *host;
    struct log_conf *logs;
    struct stream *stream;
    struct stream_counts counts;
    /* the stream's thread only */
    const struct zone *zone;
    struct gw_arena arena; /* of one message */
    struct syslog_message message;
    struct log_attr attrs[ATTRS];
};

#define GW_CONF struct syslog_conf
static const struct gw_opt opts[] = {OPTS(GW_ROW) GW_OPT_END};

static const struct gw_metric metrics[] = {STREAM_RECORD_METRICS(struct syslog, counts), STREAM_CONNECTION_METRICS(struct syslog, counts),
                                           STREAM_UDP_METRICS(struct syslog, counts), GW_METRICS_END};

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
        s->attrs[n++] = (struct log_attr){.key = GW_STR("syslog.facility"), .is_int = true, .number = m->facility};
    if (m->version)
        s->attrs[n++] = (struct log_attr){.key = GW_STR("syslog.version"), .is_int = true, .number = m->version};
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
                           .host = m->host.len ? m->host : stream_host(s->host, r),
                           .service = s->log_options.service.len ? GW_NOSTR : m->app,
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

static struct stream *new_stream(struct syslog *s, const char *path, struct gw_diagnostics *diagnostics)
{
    const struct syslog_conf *c = &s->conf;
    const struct gw_listener_access_conf access = STREAM_ACCESS(*c);
    struct stream_settings set = {
        .component = "receiver=syslog",
        .name = "syslog",
        .path = path,
        .logs = s->logs,
        .record = record,
        .ctx = s,
        .counts = &s->counts,
        .framing = (enum stream_frame)c->framing,
        .whole_datagrams = true,
        .max_line = c->max_line,
        .connections = c->connections,
        .idle_timeout = c->idle_timeout,
        .receive_buffer = c->receive_buffer,
    };
    stream_multiline_conf_open(&set.multiline, c->multiline, path, diagnostics);
    gw_listener_access_open(&set.access, &access, set.component, path, diagnostics);
    return stream_new(s->host, &set);
}

static void open_listeners(struct syslog *s, const char *path, struct gw_diagnostics *diagnostics)
{
    const struct syslog_conf *c = &s->conf;
    mode_t mode = stream_mode(c->mode, path, diagnostics);
    stream_listen_all(s->stream, STREAM_UDP, &c->udp, LISTEN, "udp", diagnostics);
    stream_listen_all(s->stream, STREAM_TCP, &c->tcp, LISTEN, "tcp", diagnostics);
    if (c->socket.len)
        stream_listen(s->stream, c->socket_type == 0 ? STREAM_UNIX_DGRAM : STREAM_UNIX, c->socket, mode, false, "socket", diagnostics);
    if (stream_listeners(s->stream) == 0)
        gw_config_error(diagnostics, path, "there is no address left to listen on");
}

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path, struct gw_diagnostics *diagnostics)
{
    struct syslog *s = ctx;
    const struct syslog_conf *c = &s->conf;
    s->host = host;
    s->log_options = (struct log_options){LOG_OPTS(LOG_OPT_COPY)};
    s->logs = log_conf_new(&s->log_options, &host->logs, path, "syslog", diagnostics);
    s->stream = s->logs ? new_stream(s, path, diagnostics) : NULL;
    if (!s->stream)
        return GW_BUSY;
    s->zone = log_conf_zone(s->logs);
    gw_arena_init(&s->arena, SCRATCH);
    open_listeners(s, path, diagnostics);
    return GW_OK;
}

static void start(void *ctx)
{
    struct syslog *s = ctx;
    (void)stream_start(s->stream);
}

static void stop(void *ctx)
{
    struct syslog *s = ctx;
    stream_stop(s->stream);
}

static void close_(void *ctx)
{
    struct syslog *s = ctx;
    stream_drop(s->stream);
    log_conf_drop(s->logs);
    gw_arena_fini(&s->arena);
    s->stream = NULL;
    s->logs = NULL;
}

static void hint(void *ctx, FILE *to)
{
    const struct syslog *s = ctx;
    const char *udp = stream_name(s->stream, STREAM_UDP), *tcp = stream_name(s->stream, STREAM_TCP), *name = udp ? udp : tcp;
    if (name && (udp || !s->conf.tls_cert.len))
        fprintf(to, "  logger --%s --server %.*s --port %s hello\n", udp ? "udp" : "tcp", (int)(strrchr(name, ':') - name), name,
                strrchr(name, ':') + 1);
    if (s->conf.socket.len)
        fprintf(to, "  logger --socket %.*s hello\n", GW_FMT(s->conf.socket));
}

const struct gw_receiver gw_receiver_syslog = {
    .name = "syslog",
    .summary = "Syslog messages of RFC 3164 and RFC 5424 over UDP, TCP and Unix sockets.",
    .opts = opts,
    .conf_size = sizeof(struct syslog_conf),
    .ctx_size = sizeof(struct syslog),
    .open = open_,
    .start = start,
    .stop = stop,
    .close = close_,
    .hint = hint,
    .metrics = metrics,
};
