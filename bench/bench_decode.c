/* bench_decode: what it costs to decode a span, and nothing else.
 *
 *     bench_decode [body.bin …]      the format is told from the name: …v0.5-traces.bin is v0.5, other .bin v0.4, .json JSON
 *
 * Without arguments: spans of some 640 bytes as Python sends them (12 meta, 4 metrics; 10 spans a chunk, 100
 * chunks), as v0.4 and as v0.5, and every recording under tests/data. Prints the best of several rounds, in
 * nanoseconds of CPU time for each span.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <glob.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "translators/ddtrace/dd_span.h"

enum { CHUNKS = 100, SPANS = 10, ROUNDS = 15, ROUND_SPANS = 100000 };

static const char *const metas[][2] = {
    {"runtime-id", "26e73e6793f54949972857a1bb0461c9"},
    {"component", "flask"},
    {"span.kind", "server"},
    {"language", "python"},
    {"http.method", "GET"},
    {"http.url", "http://shop.example.com:8080/api/v1/orders/12345?expand=items"},
    {"http.status_code", "200"},
    {"http.route", "/api/v1/orders/<int:order_id>"},
    {"http.useragent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101"},
    {"flask.endpoint", "orders.get_order"},
    {"_dd.p.dm", "-0"},
    {"_dd.p.tid", "6b00e75e00000000"},
};
static const char *const metrics[] = {"_dd.top_level", "_dd.measured", "process_id", "_sampling_priority_v1"};
static const char *const texts[] = {"orders-service", "flask.request", "GET /api/v1/orders/<int:order_id>",
                                    "web"};

static void text(msgpack_packer *pk, const char *s)
{
    msgpack_pack_str_with_body(pk, s, strlen(s));
}

static void v04_span(msgpack_packer *pk, uint64_t trace, uint64_t span)
{
    static const char *const names[] = {"service", "name", "resource", "type"};
    msgpack_pack_map(pk, 12);
    for (size_t i = 0; i < 4; i++) {
        text(pk, names[i]);
        text(pk, texts[i]);
    }
    text(pk, "trace_id");
    msgpack_pack_uint64(pk, trace);
    text(pk, "span_id");
    msgpack_pack_uint64(pk, span);
    text(pk, "parent_id");
    msgpack_pack_uint64(pk, span ^ 0x5555);
    text(pk, "start");
    msgpack_pack_int64(pk, 1795221342959593989);
    text(pk, "duration");
    msgpack_pack_int64(pk, 15690059);
    text(pk, "error");
    msgpack_pack_int(pk, 0);
    text(pk, "meta");
    msgpack_pack_map(pk, sizeof metas / sizeof *metas);
    for (size_t i = 0; i < sizeof metas / sizeof *metas; i++) {
        text(pk, metas[i][0]);
        text(pk, metas[i][1]);
    }
    text(pk, "metrics");
    msgpack_pack_map(pk, 4);
    for (size_t i = 0; i < 4; i++) {
        text(pk, metrics[i]);
        msgpack_pack_double(pk, i == 2 ? 23430 : 1);
    }
}

/* The dictionary is: "", texts, then metas' keys and values in turn, then metrics. */
static void v05_dictionary(msgpack_packer *pk)
{
    msgpack_pack_array(pk, 1 + 4 + 2 * sizeof metas / sizeof *metas + 4);
    text(pk, "");
    for (size_t i = 0; i < 4; i++)
        text(pk, texts[i]);
    for (size_t i = 0; i < 2 * sizeof metas / sizeof *metas; i++)
        text(pk, metas[i / 2][i % 2]);
    for (size_t i = 0; i < 4; i++)
        text(pk, metrics[i]);
}

static void v05_span(msgpack_packer *pk, uint64_t trace, uint64_t span)
{
    unsigned n = sizeof metas / sizeof *metas;
    msgpack_pack_array(pk, 12);
    for (unsigned i = 1; i <= 3; i++)
        msgpack_pack_unsigned_int(pk, i);
    msgpack_pack_uint64(pk, trace);
    msgpack_pack_uint64(pk, span);
    msgpack_pack_uint64(pk, span ^ 0x5555);
    msgpack_pack_int64(pk, 1795221342959593989);
    msgpack_pack_int64(pk, 15690059);
    msgpack_pack_int(pk, 0);
    msgpack_pack_map(pk, n);
    for (unsigned i = 0; i < 2 * n; i++)
        msgpack_pack_unsigned_int(pk, 5 + i);
    msgpack_pack_map(pk, 4);
    for (unsigned i = 0; i < 4; i++) {
        msgpack_pack_unsigned_int(pk, 5 + 2 * n + i);
        msgpack_pack_double(pk, i == 2 ? 23430 : 1);
    }
    msgpack_pack_unsigned_int(pk, 4);
}

static gw_str made(enum dd_format format)
{
    msgpack_sbuffer out;
    msgpack_packer pk;
    uint64_t id = 0x9E3779B97F4A7C15;
    msgpack_sbuffer_init(&out);
    msgpack_packer_init(&pk, &out, msgpack_sbuffer_write);
    if (format == DD_V05_MSGPACK) {
        msgpack_pack_array(&pk, 2);
        v05_dictionary(&pk);
    }
    msgpack_pack_array(&pk, CHUNKS);
    for (int c = 0; c < CHUNKS; c++) {
        uint64_t trace = id *= 6364136223846793005u;
        msgpack_pack_array(&pk, SPANS);
        for (int s = 0; s < SPANS; s++)
            (format == DD_V05_MSGPACK ? v05_span : v04_span)(&pk, trace, id *= 6364136223846793005u);
    }
    return gw_str_n(out.data, out.size);
}

/* Decodes the body once; the number of spans. */
static size_t decode(enum dd_format format, gw_str body, struct gw_arena *arena)
{
    struct dd_decoder d;
    struct gw_err err;
    struct gw_intake intake = {0};
    struct dd_chunk chunk;
    size_t spans = 0;
    bool more = true;
    if (dd_decode_begin(&d, format, body, arena, &err))
        return 0;
    struct gw_snap snap = gw_arena_snap(arena);
    while (more) {
        if (dd_decode_next(&d, &chunk, &more, &intake, &err)) {
            fprintf(stderr, "offset %zu: %s\n", err.pos, err.what);
            exit(1);
        }
        spans += chunk.n;
        gw_arena_back(arena, snap);
    }
    gw_arena_reset(arena, 1 << 20);
    return spans;
}

static void measure(const char *name, enum dd_format format, gw_str body)
{
    struct gw_arena arena;
    gw_arena_init(&arena, 1 << 28);
    size_t spans = decode(format, body, &arena);
    size_t repeats = spans ? ROUND_SPANS / spans + 1 : 1;
    gw_nsec best = GW_NEVER;
    for (int round = 0; round < ROUNDS && spans; round++) {
        gw_nsec begin = gw_clock_read(CLOCK_PROCESS_CPUTIME_ID);
        for (size_t i = 0; i < repeats; i++)
            decode(format, body, &arena);
        gw_nsec took = gw_clock_read(CLOCK_PROCESS_CPUTIME_ID) - begin;
        best = took < best ? took : best;
    }
    if (spans)
        printf("%7.1f ns/span  %6zu spans  %6.1f bytes/span  %s\n", (double)best / (double)(spans * repeats),
               spans, (double)body.len / (double)spans, name);
    gw_arena_fini(&arena);
}

static void measure_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        exit(1);
    }
    fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f);
    char *bytes = malloc(len + 1);
    rewind(f);
    len = fread(bytes, 1, len, f);
    fclose(f);
    bool json = gw_str_ends(gw_str_z(path), GW_STR(".json"));
    measure(path,
            json                              ? DD_V04_JSON
            : strstr(path, "v0.5-traces.bin") ? DD_V05_MSGPACK
                                              : DD_V04_MSGPACK,
            gw_str_n(bytes, len));
    free(bytes);
}

int main(int argc, char **argv)
{
    glob_t found;
    for (int i = 1; i < argc; i++)
        measure_file(argv[i]);
    if (argc > 1)
        return 0;
    for (int format = 0; format < 2; format++) {
        gw_str body = made(format ? DD_V05_MSGPACK : DD_V04_MSGPACK);
        measure(format ? "made, v0.5" : "made, v0.4", format ? DD_V05_MSGPACK : DD_V04_MSGPACK, body);
        free((void *)body.ptr);
    }
    if (glob("tests/data/recordings/*/*/*v0.[345]-traces.bin", 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            measure_file(found.gl_pathv[i]);
    return 0;
}
