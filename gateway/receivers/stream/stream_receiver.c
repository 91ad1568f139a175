/* stream_receiver.c: opens a stream receiver by its row and its options, and starts, stops and closes it.
 * Owns the receiver's log configuration and its stream. modules.def's receivers tcp, udp, unix and syslog
 * call it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/stream/stream_receiver.h"

#include "core/config/config_diagnostic.h"

static struct stream *new_stream(struct stream_receiver *r, const struct stream_protocol *p, const char *path,
                                 struct gw_diagnostics *diagnostics)
{
    const struct stream_conf *c = &r->conf;
    const struct gw_listener_access_conf access = {STREAM_ACCESS_OPTS(GW_OPT_COPY)};
    struct stream_settings set = {
        .component = p->component,
        .name = p->name,
        .path = path,
        .logs = r->logs,
        .record = p->record,
        .ctx = r,
        .counts = &r->counts,
        .framing = (enum stream_frame)c->framing,
        .syslog = p->syslog,
        .max_line = p->max_line ? p->max_line : c->max_line,
        .connections = c->connections,
        .idle_timeout = c->idle_timeout,
        .receive_buffer = c->receive_buffer,
    };
    stream_multiline_conf_open(&set.multiline, c->multiline, path, diagnostics);
    gw_listener_access_open(&set.access, &access, set.component, path, diagnostics);
    return stream_new(r->host, &set);
}

enum { SOCKET_OF_DATAGRAMS, SOCKET_OF_STREAMS }; /* words of option socket_type */

static void open_socket(struct stream_receiver *r, const struct stream_protocol *p, const char *path,
                        struct gw_diagnostics *diagnostics)
{
    const struct stream_conf *c = &r->conf;
    bool streams = p->socket == STREAM_HAS_SOCKET || c->socket_type == SOCKET_OF_STREAMS;
    mode_t mode = stream_mode(c->mode, path, diagnostics);
    if (c->socket.len || p->socket == STREAM_HAS_SOCKET)
        stream_listen(r->stream, streams ? STREAM_UNIX : STREAM_UNIX_DGRAM, c->socket, mode, false, "socket",
                      diagnostics);
}

static void open_listeners(struct stream_receiver *r, const struct stream_protocol *p, const char *path,
                           struct gw_diagnostics *diagnostics)
{
    for (const struct stream_list *l = p->lists; l < p->lists + STREAM_LISTS && l->option; l++)
        stream_listen_all(r->stream, l->kind,
                          (const struct gw_list *)(const void *)((const char *)&r->conf + l->field), l->usual,
                          l->option, diagnostics);
    if (p->socket != STREAM_NO_SOCKET)
        open_socket(r, p, path, diagnostics);
    if (p->socket != STREAM_HAS_SOCKET && stream_listeners(r->stream) == 0 &&
        gw_diagnostics_errors(diagnostics) == 0)
        gw_config_error(diagnostics, path, "there is no address left to listen on");
}

enum gw_code stream_receiver_open(struct stream_receiver *r, const struct stream_protocol *p,
                                  const struct gw_host *host, const char *path,
                                  struct gw_diagnostics *diagnostics)
{
    const struct stream_conf *c = &r->conf;
    r->host = host;
    r->log_options = (struct log_options){LOG_OPTS(GW_OPT_COPY)};
    r->logs = log_conf_new(&r->log_options, &host->logs, path, p->name, diagnostics);
    r->stream = r->logs ? new_stream(r, p, path, diagnostics) : NULL;
    if (!r->stream)
        return GW_BUSY;
    open_listeners(r, p, path, diagnostics);
    return GW_OK;
}

void stream_receiver_start(void *ctx)
{
    struct stream_receiver *r = ctx;
    (void)stream_start(r->stream);
}

void stream_receiver_stop(void *ctx)
{
    struct stream_receiver *r = ctx;
    stream_stop(r->stream);
}

void stream_receiver_pause(void *ctx)
{
    struct stream_receiver *r = ctx;
    stream_pause(r->stream);
}

void stream_receiver_close(void *ctx)
{
    struct stream_receiver *r = ctx;
    stream_drop(r->stream);
    log_conf_drop(r->logs);
    r->stream = NULL;
    r->logs = NULL;
}

bool stream_receiver_text(void *ctx, struct gw_log_sink *sink, const struct stream_record *record)
{
    const struct stream_receiver *r = ctx;
    struct log_attr attrs[STREAM_ATTRS];
    const struct log_input in = {.form = LOG_TEXT,
                                 .text = record->text,
                                 .observed = record->observed,
                                 .host = stream_host(r->host, record),
                                 .attrs = attrs,
                                 .attrs_n = stream_attrs(record, attrs),
                                 .cut = record->cut};
    return gw_log_sink_add(sink, &in);
}

void stream_receiver_describe(void *ctx, FILE *to)
{
    const struct stream_receiver *r = ctx;
    if (r->logs)
        log_conf_describe(r->logs, to);
}

void stream_receiver_hint(const struct stream_receiver *r, enum stream_kind kind, FILE *to)
{
    const char *name = stream_name(r->stream, kind), *port = name ? strrchr(name, ':') : NULL;
    if (port)
        fprintf(to, "  echo hello > /dev/%s/%.*s/%s    # bash\n", kind == STREAM_UDP ? "udp" : "tcp",
                (int)(port - name), name, port + 1);
}
