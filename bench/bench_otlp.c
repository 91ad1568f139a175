/* bench_otlp: what OTLP costs that comes as OTLP: the walk over a request's bytes, the walk with the tables of trace ids
 * and the copy into frames; and a request in JSON. One thread, the best of several rounds, in ns of CPU time a span of
 * 12 texts and 3 numbers (about 650 bytes), 1,000 a request.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "translators/otlp/otlp_cut.h"
#include "translators/otlp/otlp_json_in.h"

enum { ROUNDS = 30, SPANS = 1000 };

static const struct {
    const char *key, *value;
} texts[] = {
    {"http.request.method", "GET"},
    {"url.path", "/api/v1/orders/12345"},
    {"url.scheme", "https"},
    {"server.address", "shop.example.com"},
    {"user_agent.original", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/120.0 Safari/537.36"},
    {"http.route", "/api/v1/orders/{id}"},
    {"client.address", "10.1.2.3"},
    {"network.protocol.version", "1.1"},
    {"enduser.id", "user-12345"},
    {"thread.name", "worker-3"},
    {"db.system.name", "postgresql"},
    {"code.function.name", "orders.views.get"},
};

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void put_span(struct otlp_buf *w, unsigned i)
{
    uint8_t id[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, (uint8_t)(i >> 8), (uint8_t)(i | 1)};
    size_t span = otlp_open(w, 2, 2);
    otlp_bytes(w, 1, gw_str_n((char *)id, 16));
    otlp_bytes(w, 2, gw_str_n((char *)id + 8, 8));
    otlp_bytes(w, 4, gw_str_n((char *)id, 8));
    otlp_text(w, 5, GW_STR("GET /api/v1/orders/{id}"));
    otlp_uint(w, 6, 2);
    otlp_fixed64(w, 7, 1764000000000000000u + i);
    otlp_fixed64(w, 8, 1764000000100000000u + i);
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        otlp_attr_text(w, 9, gw_str_z(texts[k].key), gw_str_z(texts[k].value));
    otlp_attr_int(w, 9, GW_STR("http.response.status_code"), 200);
    otlp_attr_int(w, 9, GW_STR("server.port"), 443);
    otlp_attr_int(w, 9, GW_STR("thread.id"), 140000000);
    otlp_fixed32(w, 16, 257);
    otlp_close(w, span, 2);
}

static void put_request(struct otlp_buf *w)
{
    size_t resource_spans = otlp_open(w, 1, 3), resource = otlp_open(w, 1, 1);
    otlp_attr_text(w, 1, GW_STR("service.name"), GW_STR("shop"));
    otlp_close(w, resource, 1);
    size_t scope_spans = otlp_open(w, 2, 3);
    for (unsigned i = 0; i < SPANS; i++)
        put_span(w, i);
    otlp_close(w, scope_spans, 3);
    otlp_close(w, resource_spans, 3);
}

static void see(void *n, const uint8_t *trace_id, const uint8_t *span_id, gw_str service)
{
    ++*(size_t *)n;
}

static bool take(void *bytes, struct otlp_buf *piece, uint64_t items)
{
    *(size_t *)bytes += piece->len;
    otlp_fini(piece);
    return true;
}

static struct otlp_contents contents;

static void check(gw_str body)
{
    struct gw_err err;
    if (otlp_check(OTLP_TRACES_REQUEST, body, NULL, &contents, &err))
        exit(1);
}

static void check_and_cut(gw_str body)
{
    size_t seen = 0, bytes = 0;
    const struct otlp_observer observer = {see, &seen};
    const struct otlp_cut how = {
        .request = OTLP_TRACES_REQUEST, .piece = 1 << 20, .take = take, .ctx = &bytes};
    struct gw_err err;
    if (otlp_check(OTLP_TRACES_REQUEST, body, &observer, &contents, &err) || !otlp_cut(&how, body, &contents))
        exit(1);
}

static void read_json(gw_str text)
{
    struct otlp_buf w = {0};
    struct gw_arena arena;
    struct gw_err err;
    gw_arena_init(&arena, 1 << 20);
    if (otlp_json_read(OTLP_TRACES_REQUEST, text, &arena, &w, &err))
        exit(1);
    otlp_fini(&w);
    gw_arena_fini(&arena);
}

static void put_json_span(FILE *f, unsigned i)
{
    fprintf(f, "%s{\"traceId\":\"0102030405060708090a0b0c0d0e%02x%02x\",\"spanId\":\"01020304050607%02x\",",
            i ? "," : "", i >> 8, i & 255, i & 255 ? i & 255 : 1);
    fprintf(f,
            "\"name\":\"GET /api/v1/orders/{id}\",\"kind\":2,\"startTimeUnixNano\":\"%llu\",\"attributes\":[",
            1764000000000000000ull + i);
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        fprintf(f, "{\"key\":\"%s\",\"value\":{\"stringValue\":\"%s\"}},", texts[k].key, texts[k].value);
    fputs("{\"key\":\"server.port\",\"value\":{\"intValue\":\"443\"}}]}", f);
}

static char *json_request(size_t *len)
{
    char *text;
    FILE *f = open_memstream(&text, len);
    fputs("{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[", f);
    for (unsigned i = 0; i < SPANS; i++)
        put_json_span(f, i);
    fputs("]}]}]}", f);
    fclose(f);
    return text;
}

static void row(const char *name, void (*run)(gw_str), gw_str body)
{
    double best = 1e18;
    for (int i = 0; i < ROUNDS; i++) {
        double since = cpu_ns();
        run(body);
        double took = cpu_ns() - since;
        best = took < best ? took : best;
    }
    printf("%-28s %8.0f ns/span  %5.0f bytes\n", name, best / SPANS, (double)body.len / SPANS);
}

int main(void)
{
    struct otlp_buf w = {0};
    gw_str json = GW_NOSTR;
    put_request(&w);
    json.ptr = json_request(&json.len);
    row("walk", check, otlp_written(&w));
    row("walk, ids, frames", check_and_cut, otlp_written(&w));
    row("JSON to protobuf", read_json, json);
    otlp_fini(&w);
    free((char *)(uintptr_t)json.ptr);
    return 0;
}
