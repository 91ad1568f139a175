/* http_metrics.c: writes counters of the HTTP server as metrics: those of the server and those of each site.
 * Owns nothing; reads atomics. Called by pipeline_status.c and by HTTP receivers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/http/http_internal.h"

enum { M_REQUESTS, M_ANSWERS, M_WIRE, M_BODIES, M_HANDSHAKES, M_FAILED, M_CONNECTIONS, M_BODY_MEMORY };

const struct gw_metric gw_http_metrics[] = {
    [M_REQUESTS] = GW_COUNTER_ASKED("http_requests_total", "", "Requests whose headers were read."),
    [M_ANSWERS] = GW_COUNTER_ASKED(
        "http_answers_total", "status",
        "Answers by HTTP status, connections that were turned away before a request included."),
    [M_WIRE] = GW_COUNTER_ASKED("http_received_bytes_total", "", "Bytes of bodies as they were sent."),
    [M_BODIES] = GW_COUNTER_ASKED("http_body_bytes_total", "", "Bytes of whole bodies, decompressed."),
    [M_HANDSHAKES] = GW_COUNTER_ASKED("http_tls_handshakes_total", "", "TLS handshakes that were finished."),
    [M_FAILED] =
        GW_COUNTER_ASKED("http_tls_failed_handshakes_total", "", "TLS handshakes that began and failed."),
    [M_CONNECTIONS] =
        GW_GAUGE_ASKED("http_connections", "", "Connections that are open, over all HTTP receivers."),
    [M_BODY_MEMORY] = GW_GAUGE_ASKED("http_body_memory_bytes", "",
                                     "Memory of bodies that are being received or translated."),
    GW_METRICS_END,
};

static double value(const atomic_uint_least64_t *counter)
{
    return (double)atomic_load_explicit(counter, memory_order_relaxed);
}

static void measure(const struct gw_http_counts *c, struct gw_metrics *to)
{
    gw_metrics_add(to, &gw_http_metrics[M_REQUESTS], value(&c->requests));
    for (unsigned i = 0; i < GW_HTTP_STATUSES; i++)
        if (value(&c->status[i]) > 0)
            gw_metrics_add_for(to, &gw_http_metrics[M_ANSWERS], value(&c->status[i]),
                               gw_str_z(gw_http_status_name(i)));
    gw_metrics_add(to, &gw_http_metrics[M_WIRE], value(&c->wire_bytes));
    gw_metrics_add(to, &gw_http_metrics[M_BODIES], value(&c->body_bytes));
    gw_metrics_add(to, &gw_http_metrics[M_HANDSHAKES], value(&c->handshakes));
    gw_metrics_add(to, &gw_http_metrics[M_FAILED], value(&c->failed_handshakes));
}

void gw_http_measure_site(struct gw_http *h, const void *ctx, struct gw_metrics *to)
{
    gw_lock(&h->lock);
    const struct gw_http_site *site = gw_http_site_of(h, ctx);
    gw_unlock(&h->lock);
    if (site)
        measure(&site->counts, to);
}

void gw_http_measure(struct gw_http *h, struct gw_metrics *to)
{
    uint64_t connections = 0;
    gw_lock(&h->lock);
    for (unsigned i = 0; i < h->measured_n; i++)
        connections += atomic_load_explicit(&h->workers[i].connections, memory_order_relaxed);
    gw_unlock(&h->lock);
    gw_metrics_add(to, &gw_http_metrics[M_CONNECTIONS], (double)connections);
    gw_metrics_add(to, &gw_http_metrics[M_BODY_MEMORY],
                   (double)atomic_load_explicit(&h->bodies.used, memory_order_relaxed));
}
