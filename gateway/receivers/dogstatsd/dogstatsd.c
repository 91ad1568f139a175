/* dogstatsd.c: the dogstatsd receiver: its options, its sockets, and the hand-over at a reload. Owns the
 * stream, the metric store and the log configuration for events. The pipeline opens and closes it; datagrams
 * arrive on the stream's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/dogstatsd/dogstatsd.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "gateway/dogstatsd_proxy.h"

#define GW_CONF struct dogstatsd_conf
static const struct gw_opt opts[] = {DOGSTATSD_OPTS(GW_ROW) GW_OPT_END};

enum { LONGEST = 64 * 1024, CUMULATIVE = 1 /* word of option temporality */ };

static struct dogstatsd *paused; /* main thread: a paused receiver whose series were not taken over yet */

/* --- lines --- */

static void log_refused(void *ctx, gw_str line, enum dsd_reason why)
{
    const struct dogstatsd_way *w = ctx;
    enum { SHOWN = 60 };
    gw_log(GW_WARNING, DOGSTATSD_COMPONENT,
           "a line from %s is not well-formed and is left out: \"%.*s%s\": %s", w->from,
           (int)(line.len < SHOWN ? line.len : SHOWN), line.ptr, line.len < SHOWN ? "" : "…",
           dsd_reason_text(why));
}

/* Returns the complete lines of a truncated datagram: its last, incomplete one is dropped. */
static gw_str whole_lines(struct dogstatsd *d, const struct stream_record *r)
{
    gw_str text = r->text;
    if (!r->cut && !r->torn)
        return text;
    while (text.len && text.ptr[text.len - 1] != '\n')
        text.len--;
    atomic_fetch_add_explicit(&d->counts.lines, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&d->counts.refused[DSD_CUT], 1, memory_order_relaxed);
    return text;
}

/* What came over a socket. */
static bool take(void *ctx, struct gw_log_sink *sink, const struct stream_record *r)
{
    struct dogstatsd *d = ctx;
    struct dogstatsd_way *w = &d->sockets;
    w->sink = sink;
    w->host = stream_host(d->host, r);
    w->observed = r->observed;
    w->from = r->peer->is_unix ? "a Unix socket" : r->peer->address;
    w->transport = r->peer->is_unix ? "unix" : "udp";
    w->worth = false;
    dsd_take(&w->taker, whole_lines(d, r), w->host);
    return w->worth;
}

/* What came over HTTP: its events are offered at once, and counted where there is no room. */
static void take_http(void *ctx, gw_str lines, bool local)
{
    struct dogstatsd *d = ctx;
    struct dogstatsd_way *w = &d->http;
    w->host = local ? d->host->host_name : GW_NOSTR;
    w->observed = (uint64_t)gw_wall();
    w->from = "HTTP";
    w->transport = "http";
    dsd_take(&w->taker, lines, w->host);
    if (!gw_log_sink_empty(w->sink))
        (void)!gw_log_sink_flush(w->sink, NULL, false);
}

/* --- opening --- */

static struct stream *new_stream(struct dogstatsd *d, const char *path)
{
    struct stream_settings set = {.component = DOGSTATSD_COMPONENT,
                                  .name = "dogstatsd",
                                  .path = path,
                                  .logs = d->logs,
                                  .record = take,
                                  .ctx = d,
                                  .counts = &d->stream_counts,
                                  .framing = STREAM_PREFIX,
                                  .syslog = true, /* a datagram is one record */
                                  .max_line = LONGEST,
                                  .connections = d->conf.connections,
                                  .idle_timeout = GW_SEC * 3600,
                                  .receive_buffer = d->conf.receive_buffer};
    return stream_new(d->host, &set);
}

static bool folder_exists(gw_str socket)
{
    char folder[4096];
    struct stat st;
    const char *slash = socket.len < sizeof folder ? strrchr(socket.ptr, '/') : NULL;
    if (!slash)
        return false;
    memcpy(folder, socket.ptr, (size_t)(slash - socket.ptr) + 1);
    folder[slash - socket.ptr + 1] = '\0';
    return stat(folder, &st) == 0;
}

/* 0: none is open. */
static int udp_port(const struct dogstatsd *d)
{
    const char *udp = stream_name(d->stream, STREAM_UDP), *port = udp ? strrchr(udp, ':') : NULL;
    int64_t n;
    return port && gw_str_i64(gw_str_z(port + 1), &n) ? (int)n : 0;
}

static void open_sockets(struct dogstatsd *d, const char *path, struct gw_diagnostics *diagnostics)
{
    const struct dogstatsd_conf *c = &d->conf;
    mode_t mode = stream_mode(c->mode, path, diagnostics);
    char where[GW_OPTION_PATH];
    gw_option_path(where, path, "socket");
    bool asked =
        gw_diagnostics_is_written(diagnostics, where) || !gw_str_eq(c->socket, GW_STR(DOGSTATSD_SOCKET));
    stream_listen_all(d->stream, STREAM_UDP, &c->listen, DOGSTATSD_LISTEN, "listen", diagnostics);
    if (c->socket.len && (asked || folder_exists(c->socket)))
        stream_listen(d->stream, STREAM_UNIX_DGRAM, c->socket, mode, !asked, "socket", diagnostics);
    if (c->stream_socket.len)
        stream_listen(d->stream, STREAM_UNIX, c->stream_socket, mode, false, "stream_socket", diagnostics);
    if (d->host->dogstatsd && !d->host->check)
        gw_dogstatsd_list(d->host->dogstatsd, &d->listener, udp_port(d));
    if (stream_listeners(d->stream) == 0 && gw_diagnostics_errors(diagnostics) == 0 && !d->host->unasked)
        gw_config_error(diagnostics, path, "there is no address left to listen on");
}

static struct dogstatsd_series *new_series(const struct dogstatsd *d)
{
    struct dogstatsd_series *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->held = (struct gw_budget){.limit = d->host->budget->limit / 2, .parent = d->host->budget};
    const struct metric_options o = {.shards = 1,
                                     .max_series = (size_t)d->conf.max_series,
                                     .cumulative = d->conf.temporality == CUMULATIVE,
                                     .scope_name = GW_STR("dogstatsd"),
                                     .scope_version = GW_STR(DDGATE_VERSION),
                                     .account = &s->held};
    s->store = metric_store_new(&o, gw_wall());
    if (s->store)
        return s;
    free(s);
    return NULL;
}

static void drop_series(struct dogstatsd_series *s)
{
    if (!s)
        return;
    metric_store_drop(s->store);
    free(s);
}

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    struct dogstatsd *d = ctx;
    /* texts of events are not parsed */
    const struct log_options plain = {
        .source = GW_STR("dogstatsd"), .parse = 1, .resource = d->conf.resource};
    d->host = host;
    metric_flusher_init(&d->flusher);
    d->logs = log_conf_new(&plain, &host->logs, path, "dogstatsd", diagnostics);
    d->stream = d->logs ? new_stream(d, path) : NULL;
    if (!d->stream)
        return GW_BUSY;
    open_sockets(d, path, diagnostics);
    return GW_OK;
}

/* --- life --- */

/* Takes over the series of a receiver that a reload paused, if its points are of the same kind. */
static struct dogstatsd_series *take_over(const struct dogstatsd *d)
{
    for (struct dogstatsd *from = paused; from; from = from->next_paused) {
        struct dogstatsd_series *s = from->series;
        if (!s || from->conf.temporality != d->conf.temporality)
            continue;
        from->series = NULL;
        metric_store_relearn(s->store, (size_t)d->conf.max_series);
        return s;
    }
    return new_series(d);
}

static void init_way(struct dogstatsd *d, struct dogstatsd_way *w)
{
    w->receiver = d;
    w->taker = (struct dsd_taker){
        .shard = metric_store_shard(d->series->store, 0),
        .series = {.as_resource = &d->conf.tags_as_resource, .resource = &d->conf.resource},
        .counts = &d->counts,
        .notice = dogstatsd_notice,
        .refused = log_refused,
        .client = dogstatsd_client,
        .ctx = w};
}

static void init_flusher(struct dogstatsd *d)
{
    struct metric_flusher *f = &d->flusher;
    f->store = d->series->store;
    f->fanout = d->host->fanout;
    f->component = DOGSTATSD_COMPONENT;
    f->thread = "dogstatsd/flush";
    atomic_store(&f->interval, d->conf.interval);
}

static void start(void *ctx)
{
    struct dogstatsd *d = ctx;
    d->series = take_over(d);
    if (!d->series) {
        gw_log(GW_ERROR, DOGSTATSD_COMPONENT, "cannot start: no memory");
        return;
    }
    init_way(d, &d->sockets);
    init_way(d, &d->http);
    d->http.sink = gw_log_sink_new(d->logs, d->host->fanout, DOGSTATSD_COMPONENT);
    init_flusher(d);
    if (metric_flusher_start(&d->flusher) && stream_start(d->stream) && d->http.sink && d->host->dogstatsd)
        (void)gw_dogstatsd_proxy_open(d->host->dogstatsd, take_http, d);
}

/* Nothing comes over HTTP any more. */
static void close_proxy(struct dogstatsd *d)
{
    if (d->host && d->host->dogstatsd)
        gw_dogstatsd_proxy_close(d->host->dogstatsd, d);
    gw_log_sink_drop(d->http.sink);
    d->http.sink = NULL;
}

static void unlist(struct dogstatsd *d)
{
    if (d->host && d->host->dogstatsd)
        gw_dogstatsd_unlist(d->host->dogstatsd, &d->listener);
}

static void pause_(void *ctx)
{
    struct dogstatsd *d = ctx;
    close_proxy(d);
    stream_pause(d->stream);
    metric_flusher_stop(&d->flusher);
    d->next_paused = paused;
    paused = d;
}

static void leave_paused(struct dogstatsd *d)
{
    struct dogstatsd **at = &paused;
    while (*at && *at != d)
        at = &(*at)->next_paused;
    if (*at)
        *at = d->next_paused;
}

static void stop(void *ctx)
{
    struct dogstatsd *d = ctx;
    close_proxy(d);
    unlist(d);
    stream_stop(d->stream);
    metric_flusher_stop(&d->flusher);
    if (d->series)
        metric_flusher_last(&d->flusher);
}

static void close_(void *ctx)
{
    struct dogstatsd *d = ctx;
    leave_paused(d);
    unlist(d);
    close_proxy(d);
    stream_drop(d->stream);
    if (d->series && d->stream) /* paused, and its series were not taken over */
        metric_flusher_last(&d->flusher);
    drop_series(d->series);
    dsd_series_fini(&d->sockets.taker.series);
    dsd_series_fini(&d->http.taker.series);
    log_conf_drop(d->logs);
    if (d->host)
        metric_flusher_fini(&d->flusher);
    *d = (struct dogstatsd){.conf = d->conf};
}

static void hint(void *ctx, FILE *to)
{
    const struct dogstatsd *d = ctx;
    const char *udp = stream_name(d->stream, STREAM_UDP), *port = udp ? strrchr(udp, ':') : NULL;
    if (port)
        fprintf(to, "  echo 'page.views:1|c' > /dev/udp/%.*s/%s    # bash; or DD_DOGSTATSD_URL=udp://%s\n",
                (int)(port - udp), udp, port + 1, udp);
}

/* --- metrics --- */

#define COUNT(field, name, help)                                                                             \
    GW_COUNTER_AT(struct dogstatsd, counts.field, "dogstatsd_" name "_total", help)
enum {
    ROW_LINES,
    ROW_EVENTS,
    ROW_CHECKS,
    ROW_DATAGRAMS,
    ROW_DROPS,
    ROW_REFUSED,
    ROW_SERIES,
    ROW_HELD,
    ROW_SAMPLES,
    ROW_DROPPED
};
static const struct gw_metric metrics[] = {
    [ROW_LINES] = COUNT(lines, "lines", "Lines that came: metrics, events and service checks."),
    [ROW_EVENTS] = COUNT(events, "events", "Events among them."),
    [ROW_CHECKS] = COUNT(checks, "service_checks", "Service checks among them."),
    [ROW_DATAGRAMS] = GW_COUNTER_AT(struct dogstatsd, stream_counts.records, "dogstatsd_datagrams_total",
                                    "Datagrams that were read."),
    [ROW_DROPS] =
        GW_COUNTER_AT(struct dogstatsd, stream_counts.kernel_drops, "dogstatsd_kernel_drops_total",
                      "Datagrams that the kernel dropped, for they came faster than they were read."),
    [ROW_REFUSED] = GW_COUNTER_ASKED("dogstatsd_refused_lines_total", "reason",
                                     "Lines that are not well-formed, by what is wrong with them."),
    [ROW_SERIES] = GW_GAUGE_ASKED("dogstatsd_series", "", "Series that are known."),
    [ROW_HELD] = GW_GAUGE_ASKED("dogstatsd_held_bytes", "",
                                "Memory of series and of what came of them in this interval."),
    [ROW_SAMPLES] = GW_COUNTER_ASKED("dogstatsd_samples_total", "", "Values that went into a point."),
    [ROW_DROPPED] =
        GW_COUNTER_ASKED("dogstatsd_dropped_samples_total", "reason",
                         "Values of well-formed lines that went into no point: of a new series past "
                         "max_series, or for want of memory."),
    GW_METRICS_END};

static double read_count(const atomic_uint_least64_t *n)
{
    return (double)atomic_load_explicit(n, memory_order_relaxed);
}

static void measure(void *ctx, struct gw_metrics *to)
{
    const struct dogstatsd *d = ctx;
    const struct metric_counts *c = d->series ? metric_store_counts(d->series->store) : NULL;
    for (enum dsd_reason r = 0; r < DSD_REASON_N; r++)
        gw_metrics_add_for(to, &metrics[ROW_REFUSED], read_count(&d->counts.refused[r]),
                           gw_str_z(dsd_reason_label(r)));
    if (!c)
        return;
    gw_metrics_add(to, &metrics[ROW_SERIES], read_count(&c->series));
    gw_metrics_add(to, &metrics[ROW_HELD], (double)atomic_load(&d->series->held.used));
    gw_metrics_add(to, &metrics[ROW_SAMPLES], read_count(&c->samples));
    gw_metrics_add_for(to, &metrics[ROW_DROPPED], read_count(&c->over_limit), GW_STR("max_series"));
    gw_metrics_add_for(to, &metrics[ROW_DROPPED], read_count(&c->no_memory), GW_STR("memory"));
}

const struct gw_receiver gw_receiver_dogstatsd = {
    .name = "dogstatsd",
    .summary = "Metrics, events and service checks of DogStatsD, over UDP and Unix sockets.",
    .by_default = true,
    .opts = opts,
    .metrics = metrics,
    .measure = measure,
    .conf_size = sizeof(struct dogstatsd_conf),
    .ctx_size = sizeof(struct dogstatsd),
    .open = open_,
    .start = start,
    .stop = stop,
    .pause = pause_,
    .close = close_,
    .hint = hint,
};
