/* payload.c: makes the request bodies that the benchmarks send. The caller owns them. Called by ddload and
 * the benchmarks.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/payload_writer.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct pair payload_common[PAYLOAD_COMMON] = {{"env", "prod"},
                                                    {"version", "1.42.7"},
                                                    {"runtime-id", "3f1c5b7e8a9d4c6fb2e1d0a987654321"},
                                                    {"language", "python"}};

enum { MOST_SPANS = 13 };

static uint64_t next(struct writer *w)
{
    w->random ^= w->random << 13; /* xorshift64 */
    w->random ^= w->random >> 7;
    w->random ^= w->random << 17;
    return w->random;
}

static unsigned below(struct writer *w, unsigned n)
{
    return (unsigned)(next(w) >> 33) % n;
}

static void pack_text(msgpack_packer *pk, const char *s)
{
    msgpack_pack_str_with_body(pk, s, strlen(s));
}

/* v0.5 has its texts in front; in v1.0 each stands where it is met first. */
uint32_t payload_text(struct writer *w, const char *s, bool *fresh)
{
    uint32_t hash = 2166136261u;
    for (const char *c = s; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    size_t at = hash % PAYLOAD_TABLE;
    for (; w->table[at].text; at = (at + 1) % PAYLOAD_TABLE)
        if (strcmp(w->table[at].text, s) == 0)
            return w->table[at].index;
    *fresh = true;
    if (w->api == PAYLOAD_AGENT)
        payload_agent_text(w, s);
    else
        pack_text(w->api == PAYLOAD_V10 && *s ? &w->packer : &w->texts, s);
    w->table[at].text = strdup(s);
    w->table[at].index = w->texts_n;
    return w->texts_n++;
}

static void text(struct writer *w, const char *s)
{
    bool fresh = false;
    if (w->api == PAYLOAD_V05) {
        msgpack_pack_uint32(&w->packer, payload_text(w, s, &fresh));
    } else if (w->api == PAYLOAD_V10) {
        uint32_t index = payload_text(w, s, &fresh);
        if (!fresh)
            msgpack_pack_uint32(&w->packer, index);
    } else {
        pack_text(&w->packer, s);
    }
}

/* v0.5 has no field names: their order says it; v1.0 has numbers. */
static void field(struct writer *w, const char *name)
{
    if (w->api == PAYLOAD_V04 || w->api == PAYLOAD_V07)
        pack_text(&w->packer, name);
}

void payload_note_trace_id(struct payload *p, size_t at)
{
    p->trace_ids = realloc(p->trace_ids, (p->trace_ids_n + 1) * sizeof *p->trace_ids);
    p->trace_ids[p->trace_ids_n++] = at;
}

/* The last 8 bytes are a trace id's lower half. */
static void note_trace_id(struct writer *w, struct payload *p)
{
    payload_note_trace_id(p, w->buffer.size - 8);
}

static void write_maps(struct writer *w, const struct span *s)
{
    field(w, "meta");
    msgpack_pack_map(&w->packer, s->meta_n + PAYLOAD_COMMON);
    for (unsigned i = 0; i < s->meta_n + PAYLOAD_COMMON; i++) {
        const struct pair *p = i < s->meta_n ? &s->meta[i] : &payload_common[i - s->meta_n];
        text(w, p->key);
        text(w, p->value);
    }
    field(w, "metrics");
    msgpack_pack_map(&w->packer, s->metrics_n);
    for (unsigned i = 0; i < s->metrics_n; i++) {
        text(w, s->metrics[i].key);
        msgpack_pack_double(&w->packer, s->metrics[i].value);
    }
}

/* ---- v1.0 ---- */

/* What is a field in v1.0, not an attribute: its number, or 0. */
int payload_promoted(const char *key)
{
    static const char *const keys[] = {"env", "version", "component", "span.kind"};
    for (int i = 0; i < 4; i++)
        if (strcmp(key, keys[i]) == 0)
            return 13 + i;
    return 0;
}

const char *payload_meta(const struct span *s, const char *key)
{
    for (unsigned i = 0; i < s->meta_n + PAYLOAD_COMMON; i++) {
        const struct pair *p = i < s->meta_n ? &s->meta[i] : &payload_common[i - s->meta_n];
        if (strcmp(p->key, key) == 0)
            return p->value;
    }
    return "";
}

static void write_attributes(struct writer *w, const struct span *s)
{
    msgpack_pack_array(&w->packer, 3 * (s->meta_n + PAYLOAD_COMMON - 4 + s->metrics_n));
    for (unsigned i = 0; i < s->meta_n + PAYLOAD_COMMON; i++) {
        const struct pair *p = i < s->meta_n ? &s->meta[i] : &payload_common[i - s->meta_n];
        if (payload_promoted(p->key))
            continue;
        text(w, p->key);
        msgpack_pack_int(&w->packer, 1);
        text(w, p->value);
    }
    for (unsigned i = 0; i < s->metrics_n; i++) {
        text(w, s->metrics[i].key);
        msgpack_pack_int(&w->packer, 3);
        msgpack_pack_double(&w->packer, s->metrics[i].value);
    }
}

static void key(struct writer *w, int number)
{
    msgpack_pack_int(&w->packer, number);
}

int payload_kind(const struct span *s)
{
    static const char *const kinds[] = {"", "internal", "server", "client", "producer", "consumer"};
    int kind = 5;
    while (kind && strcmp(kinds[kind], payload_meta(s, "span.kind")) != 0)
        kind--;
    return kind;
}

static void write_span_v10(struct writer *w, struct payload *p, const struct span *s)
{
    p->spans++;
    msgpack_pack_map(&w->packer, 16);
    key(w, 1), text(w, s->service);
    key(w, 2), text(w, s->name);
    key(w, 3), text(w, s->resource);
    key(w, 4), msgpack_pack_fix_uint64(&w->packer, s->span_id);
    key(w, 5), msgpack_pack_fix_uint64(&w->packer, s->parent_id);
    key(w, 6), msgpack_pack_fix_int64(&w->packer, (int64_t)s->start);
    key(w, 7), msgpack_pack_int64(&w->packer, (int64_t)s->duration);
    key(w, 8), (s->error ? msgpack_pack_true : msgpack_pack_false)(&w->packer);
    key(w, 9), write_attributes(w, s);
    key(w, 10), text(w, s->type);
    key(w, 11), msgpack_pack_array(&w->packer, 0);
    key(w, 12), msgpack_pack_array(&w->packer, 0);
    key(w, 13), text(w, payload_meta(s, "env"));
    key(w, 14), text(w, payload_meta(s, "version"));
    key(w, 15), text(w, payload_meta(s, "component"));
    key(w, 16), msgpack_pack_int(&w->packer, payload_kind(s));
}

static void write_span(struct writer *w, struct payload *p, const struct span *s)
{
    if (w->api == PAYLOAD_AGENT) {
        p->spans++;
        payload_agent_span(w, s);
        return;
    }
    if (w->api == PAYLOAD_V10) {
        write_span_v10(w, p, s);
        return;
    }
    if (w->api == PAYLOAD_V05)
        msgpack_pack_array(&w->packer, 12);
    else
        msgpack_pack_map(&w->packer, 12);
    field(w, "service"), text(w, s->service);
    field(w, "name"), text(w, s->name);
    field(w, "resource"), text(w, s->resource);
    field(w, "trace_id"), msgpack_pack_fix_uint64(&w->packer, s->trace_id);
    note_trace_id(w, p);
    p->spans++;
    field(w, "span_id"), msgpack_pack_fix_uint64(&w->packer, s->span_id);
    field(w, "parent_id"), msgpack_pack_fix_uint64(&w->packer, s->parent_id);
    field(w, "start"), msgpack_pack_fix_int64(&w->packer, (int64_t)s->start);
    field(w, "duration"), msgpack_pack_int64(&w->packer, (int64_t)s->duration);
    field(w, "error"), msgpack_pack_int(&w->packer, s->error);
    write_maps(w, s);
    field(w, "type"), text(w, s->type);
}
#define MAPS(s, m, n)                                                                                        \
    ((s)->meta = (m), (s)->meta_n = sizeof(m) / sizeof *(m), (s)->metrics = (n),                             \
     (s)->metrics_n = sizeof(n) / sizeof *(n))

static void request(struct writer *w, struct payload *p, struct span *s)
{
    static const char *const routes[] = {"/api/v1/users/<int:id>", "/api/v1/orders/<int:id>", "/api/v1/cart",
                                         "/api/v1/search", "/login"};
    const char *route = routes[below(w, 5)];
    char url[160], ip[32], resource[64], tid[20];
    snprintf(url, sizeof url, "https://shop.example.com%s?page=%u", route, below(w, 5000));
    snprintf(ip, sizeof ip, "10.%u.%u.%u", below(w, 256), below(w, 256), below(w, 256));
    snprintf(resource, sizeof resource, "GET %s", route);
    snprintf(tid, sizeof tid, "%08x00000000", (unsigned)(s->start / 1000000000));
    const struct pair meta[] = {
        {"http.method", "GET"},
        {"http.url", url},
        {"http.status_code", "200"},
        {"http.route", route},
        {"http.useragent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"},
        {"component", "flask"},
        {"span.kind", "server"},
        {"_dd.p.dm", "-1"},
        {"_dd.p.tid", tid},
        {"http.client_ip", ip},
    };
    static const struct number metrics[] = {{"_sampling_priority_v1", 1},
                                            {"process_id", 4242},
                                            {"_dd.top_level", 1},
                                            {"_dd.agent_psr", 1},
                                            {"_dd.tracer_kr", 1}};
    s->service = "shop-web", s->name = "flask.request", s->resource = resource, s->type = "web";
    MAPS(s, meta, metrics);
    write_span(w, p, s);
}

static void sql(struct writer *w, struct payload *p, struct span *s)
{
    static const char *const tables[] = {"users",    "orders",   "order_items",
                                         "products", "sessions", "payments"};
    char query[200];
    snprintf(query, sizeof query,
             "SELECT id, created_at, updated_at, status, total FROM %s WHERE id = %%s AND tenant_id = %%s "
             "ORDER BY created_at DESC LIMIT %u",
             tables[below(w, 6)], 10 + 10 * below(w, 5));
    const struct pair meta[] = {
        {"component", "psycopg"},
        {"span.kind", "client"},
        {"db.system", "postgresql"},
        {"db.name", "shop"},
        {"db.user", "shop_rw"},
        {"db.statement", query},
        {"out.host", "pg-primary.internal"},
        {"_dd.base_service", "shop-web"},
    };
    const struct number metrics[] = {
        {"db.row_count", below(w, 50)}, {"network.destination.port", 5432}, {"_dd.measured", 1}};
    s->service = "postgres", s->name = "postgres.query", s->resource = query, s->type = "sql";
    MAPS(s, meta, metrics);
    write_span(w, p, s);
}

static void redis(struct writer *w, struct payload *p, struct span *s)
{
    char command[64];
    snprintf(command, sizeof command, "GET session:%u", below(w, 1000000));
    const struct pair meta[] = {
        {"component", "redis"},
        {"span.kind", "client"},
        {"db.system", "redis"},
        {"redis.raw_command", command},
        {"out.host", "redis.internal"},
        {"_dd.base_service", "shop-web"},
        {"peer.service", "redis-sessions"},
    };
    static const struct number metrics[] = {
        {"redis.args_length", 2}, {"network.destination.port", 6379}, {"out.redis_db", 0}};
    s->service = "redis", s->name = "redis.command", s->resource = "GET", s->type = "redis";
    MAPS(s, meta, metrics);
    write_span(w, p, s);
}

static void call(struct writer *w, struct payload *p, struct span *s)
{
    char url[100];
    snprintf(url, sizeof url, "http://inventory.internal/stock/%u?warehouse=%u&expand=reservations",
             below(w, 10000), below(w, 9));
    struct pair meta[] = {
        {"http.method", "GET"},
        {"http.url", url},
        {"http.status_code", "200"},
        {"component", "requests"},
        {"span.kind", "client"},
        {"out.host", "inventory.internal"},
        {"peer.service", "inventory"},
        {"_dd.peer.service.source", "out.host"},
        {"_dd.base_service", "shop-web"},
        {"error.type", "requests.exceptions.ConnectionError"},
        {"error.message", "Connection refused"},
    };
    static const struct number metrics[] = {{"_dd.measured", 1}, {"_dd.top_level", 1}};
    s->service = "inventory-client", s->name = "requests.request", s->resource = "GET /stock/?",
    s->type = "http";
    s->error = below(w, 50) == 0;
    MAPS(s, meta, metrics);
    s->meta_n -= s->error ? 0 : 2;
    write_span(w, p, s);
}

static void function(struct writer *w, struct payload *p, struct span *s)
{
    char line[12], tenant[12];
    snprintf(line, sizeof line, "%u", below(w, 900));
    snprintf(tenant, sizeof tenant, "t-%u", below(w, 200));
    const struct pair meta[] = {
        {"component", "shop"},
        {"span.kind", "internal"},
        {"code.function", "load"},
        {"code.namespace", "shop.services.order"},
        {"code.lineno", line},
        {"tenant", tenant},
        {"feature.flag", "new-checkout"},
    };
    static const struct number metrics[] = {{"process_id", 4242}, {"_dd.measured", 1}};
    s->service = "shop-web", s->name = "shop.service.call", s->resource = "OrderService.load_order",
    s->type = "";
    MAPS(s, meta, metrics);
    write_span(w, p, s);
}

/* What stands before the n spans of a chunk. */
static void open_chunk(struct writer *w, struct payload *p, unsigned n, uint64_t trace_id, uint64_t start)
{
    uint64_t id[2] = {htobe64(start / 1000000000 << 32), htobe64(trace_id)};
    if (w->api == PAYLOAD_AGENT) {
        payload_agent_open_chunk(w, id);
        return;
    }
    if (w->api == PAYLOAD_V10) {
        msgpack_pack_map(&w->packer, 5);
        key(w, 1), msgpack_pack_int(&w->packer, 1);
        key(w, 2), text(w, "");
        key(w, 6), msgpack_pack_bin(&w->packer, sizeof id);
        msgpack_pack_bin_body(&w->packer, id, sizeof id);
        note_trace_id(w, p);
        key(w, 7), msgpack_pack_int(&w->packer, 1);
        key(w, 4);
    } else if (w->api == PAYLOAD_V07) {
        msgpack_pack_map(&w->packer, 3);
        field(w, "priority"), msgpack_pack_int(&w->packer, 1);
        field(w, "origin"), text(w, "");
        field(w, "spans");
    }
    msgpack_pack_array(&w->packer, n);
}

/* What stands before the chunks. */
static void open_payload(struct writer *w)
{
    static const char *const facts[][2] = {{"language_name", "python"},
                                           {"language_version", "3.12.3"},
                                           {"tracer_version", "2.21.0"},
                                           {"runtime_id", "3f1c5b7e8a9d4c6fb2e1d0a987654321"}};
    bool fresh = false;
    if (w->api == PAYLOAD_V05 || w->api == PAYLOAD_V10 || w->api == PAYLOAD_AGENT)
        (void)payload_text(w, "", &fresh);
    if (w->api != PAYLOAD_V07 && w->api != PAYLOAD_V10)
        return;
    msgpack_pack_map(&w->packer, 5);
    for (int i = 0; i < 4; i++) {
        if (w->api == PAYLOAD_V10)
            key(w, 3 + i);
        field(w, facts[i][0]), text(w, facts[i][1]);
    }
    if (w->api == PAYLOAD_V10)
        key(w, 11);
    field(w, "chunks");
}

static void write_trace(struct writer *w, struct payload *p, uint64_t now)
{
    static void (*const kinds[])(struct writer *, struct payload *, struct span *) = {function, sql, redis,
                                                                                      call};
    uint64_t ids[MOST_SPANS], trace_id = next(w) >> 1, start = now - below(w, 1000000000),
                              duration = 20000000 + below(w, 200000000);
    unsigned n = 10 + below(w, 3);
    open_chunk(w, p, n, trace_id, start);
    for (unsigned i = 0; i < n; i++) {
        ids[i] = next(w) >> 1;
        struct span s = {.trace_id = trace_id, .span_id = ids[i], .start = start, .duration = duration};
        if (i == 0) {
            request(w, p, &s);
            continue;
        }
        s.parent_id = ids[below(w, i)];
        s.start += below(w, (unsigned)(duration / 2));
        s.duration = below(w, (unsigned)(duration / 2));
        kinds[i % 4](w, p, &s);
    }
    if (w->api == PAYLOAD_AGENT)
        payload_agent_close_chunk(w, p);
}

/* v0.5: [dictionary, traces]. */
static void prepend_dictionary(struct writer *w, struct payload *p)
{
    msgpack_sbuffer head;
    msgpack_packer pk;
    msgpack_sbuffer_init(&head);
    msgpack_packer_init(&pk, &head, msgpack_sbuffer_write);
    msgpack_pack_array(&pk, 2);
    msgpack_pack_array(&pk, w->texts_n);
    msgpack_sbuffer_write(&head, w->dictionary.data, w->dictionary.size);
    for (unsigned i = 0; i < p->trace_ids_n; i++)
        p->trace_ids[i] += head.size;
    msgpack_sbuffer_write(&head, w->buffer.data, w->buffer.size);
    free(msgpack_sbuffer_release(&w->buffer));
    w->buffer = head;
}

bool payload_api_of(const char *name, enum payload_api *api)
{
    static const char *const names[] = {"v0.4", "v0.5", "v0.7", "v1.0", "agent"};
    for (int i = 0; i <= PAYLOAD_AGENT; i++)
        if (strcmp(name, names[i]) == 0) {
            *api = (enum payload_api)i;
            return true;
        }
    return false;
}

void payload_make(struct payload *p, enum payload_api api, unsigned traces, uint64_t seed, uint64_t now_ns)
{
    struct writer *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    *p = (struct payload){.traces = traces};
    w->api = api;
    w->random = seed * 0x9E3779B97F4A7C15u + 1;
    msgpack_sbuffer_init(&w->buffer);
    msgpack_sbuffer_init(&w->dictionary);
    msgpack_sbuffer_init(&w->chunk);
    msgpack_packer_init(&w->packer, &w->buffer, msgpack_sbuffer_write);
    msgpack_packer_init(&w->texts, &w->dictionary, msgpack_sbuffer_write);
    open_payload(w);
    if (api != PAYLOAD_AGENT)
        msgpack_pack_array(&w->packer, traces);
    for (unsigned i = 0; i < traces; i++)
        write_trace(w, p, now_ns);
    if (api == PAYLOAD_V05)
        prepend_dictionary(w, p);
    if (api == PAYLOAD_AGENT)
        payload_agent_finish(w, p);
    p->len = w->buffer.size;
    p->data = (uint8_t *)msgpack_sbuffer_release(&w->buffer);
    msgpack_sbuffer_destroy(&w->dictionary);
    for (size_t i = 0; i < PAYLOAD_TABLE; i++)
        free(w->table[i].text);
    free(w);
}

void payload_free(struct payload *p)
{
    free(p->data);
    free(p->trace_ids);
}

void payload_refresh(struct payload *p, uint64_t step)
{
    for (unsigned i = 0; i < p->trace_ids_n; i++) {
        uint64_t id;
        memcpy(&id, p->data + p->trace_ids[i], sizeof id);
        id = (be64toh(id) + step) & INT64_MAX;
        id = htobe64(id);
        memcpy(p->data + p->trace_ids[i], &id, sizeof id);
    }
}
