/* Any bytes as a payload, through the whole translator, in every schema. The first two bytes choose the
 * format and the options. What comes out must be valid OTLP (tests/otlp_valid.h), be as many spans as the
 * ledger says, and say so in each schema. Then the same with plans and without (dd_plan.h): no byte may
 * differ, nor of the metric of the spans' durations (dd_durations.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/otlp_valid.h"
#include "translators/ddtrace/dd_durations.h"
#include "translators/ddtrace/dd_translate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(const char *wrong)
{
    if (!wrong)
        return;
    fprintf(stderr, "%s\n", wrong);
    abort();
}

static struct gw_map_item resource_items[] = {{GW_LIT("team"), GW_LIT("shop")},
                                              {GW_LIT("service.name"), GW_LIT("static")}};
static gw_str promote_items[] = {GW_LIT("team"), GW_LIT("env"), GW_LIT("http.method")};
static gw_str strip_items[] = {GW_LIT("_dd.*"), GW_LIT("http.url"), GW_LIT("language")};

static gw_str dimension_items[] = {GW_LIT("team"), GW_LIT("http.url"), GW_LIT("k")};
static gw_str exclude_items[] = {GW_LIT("span.kind"), GW_LIT("host.name")};
static struct dd_labels labels;

static struct dd_options options_of(unsigned bits)
{
    const struct gw_list dimensions = {dimension_items, 3}, exclude = {exclude_items, bits & 1 ? 2 : 0};
    dd_labels_init(&labels, &dimensions, &exclude, metric_attributes_field(METRIC_HISTOGRAM));
    struct dd_options o = {.span_name = (enum dd_span_name)((bits & 3) % 3),
                           .service_override = bits & 4 ? DD_SERVICE_BASE : DD_SERVICE_SPLIT,
                           .keep_rejected = bits & 8,
                           .trace_id_bits = bits & 16 ? 64 : 128,
                           .obfuscate = bits & 32,
                           .labels = &labels};
    if (bits & 64) {
        o.resource.items = resource_items;
        o.resource.n = 2;
    }
    if (bits & 128) {
        o.promote.items = promote_items;
        o.promote.n = 3;
        o.strip.items = strip_items;
        o.strip.n = 3;
    }
    return o;
}

/* Three bits of the first byte. */
static enum dd_format format_of(const uint8_t *data)
{
    unsigned format = data[0] & 7;
    return (enum dd_format)(format > DD_AGENT_PROTOBUF ? DD_V10_MSGPACK : format);
}

static size_t spans_of(const struct gw_frame *f)
{
    size_t spans = 0;
    valid_request *q = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
        NULL, f->len, f->data);
    must(q ? NULL : "a frame that is no protobuf");
    must(valid_of_request(q, &spans));
    must(spans == f->items ? NULL : "a frame that counts its spans wrongly");
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(q, NULL);
    return spans;
}

static void balance(const struct dd_result *out, enum gw_code code, gw_str body, const struct gw_err *err)
{
    uint64_t not_taken = 0;
    for (int why = 0; why < GW_REASONS; why++)
        not_taken += out->intake.not_taken[why];
    must(not_taken + gw_intake_accepted(&out->intake) == out->intake.received
             ? NULL
             : "an intake that does not add up");
    if (code == GW_OK)
        return;
    must(out->frames_n == 0 && not_taken == out->intake.received ? NULL : "a refused payload that was used");
    must(err->code == code && err->pos <= body.len && err->what[0] ? NULL
                                                                   : "an error without place or words");
}

/* ---- with plans (dd_plan.h) and without ---- */

/* A translator, and the metric of what it translates. */
struct counting {
    struct dd_translator *translator;
    struct dd_durations *durations;
    struct metric_store *store;
    uint8_t *points;
    size_t len;
};

static struct counting open_counting(const struct dd_options *opt)
{
    const struct metric_options o = {.shards = 1, .max_series = 50};
    return (struct counting){.translator = dd_translator_new(opt),
                             .durations = dd_durations_new(&labels, NULL),
                             .store = metric_store_new(&o, GW_SEC)};
}

static void close_counting(struct counting *c)
{
    dd_translator_drop(c->translator);
    dd_durations_drop(c->durations);
    metric_store_drop(c->store);
    free(c->points);
}

static enum gw_code keep_points(void *ctx, struct gw_frame *f)
{
    struct counting *c = ctx;
    c->points = realloc(c->points, c->len + f->len);
    memcpy(c->points + c->len, f->data, f->len);
    c->len += f->len;
    gw_frame_drop(f);
    return GW_OK;
}

static enum gw_code otel(struct counting *c, const uint8_t *data, gw_str body, struct dd_result *out)
{
    static const struct dd_durations_points points = {.kind = METRIC_HISTOGRAM};
    struct gw_arena arena;
    struct gw_err err;
    struct dd_request req = {
        .lang = GW_STR("python"), .tracer_version = GW_STR("4.16.0"), .peer_is_local = data[0] & 8};
    struct dd_env env = {
        .now = GW_SEC, .wall = 1700000000 * GW_SEC, .host_name = GW_STR("here"), .schemas = 1u << GW_OTEL};
    req.computed_top_level = data[0] & 16;
    req.dropped_p0_traces = data[0] & 32 ? 7 : 0;
    env.durations = c->durations;
    gw_arena_init(&arena, 1 << 24);
    enum gw_code code = dd_translate(c->translator, &arena, format_of(data), body, &req, &env, out, &err);
    if (code == GW_OK)
        (void)dd_durations_commit(c->durations, metric_store_shard(c->store, 0), &points);
    c->len = 0;
    must(metric_store_flush(c->store, 2 * GW_SEC, keep_points, c) ? NULL : "points that were kept");
    gw_arena_fini(&arena);
    return code;
}

/* Both write the same. */
static void compare(struct counting *planning, struct counting *plain, const uint8_t *data, gw_str body)
{
    struct dd_result a, b;
    enum gw_code code = otel(planning, data, body, &a);
    must(code == otel(plain, data, body, &b) ? NULL : "a plan that changes what is refused");
    must(a.frames_n == b.frames_n && memcmp(&a.intake, &b.intake, sizeof a.intake) == 0
             ? NULL
             : "a plan that loses spans");
    must(code != GW_OK || memcmp(&a.odd, &b.odd, sizeof a.odd) == 0 ? NULL : "a plan that hides oddities");
    must(planning->len == plain->len &&
                 (!plain->len || memcmp(planning->points, plain->points, plain->len) == 0)
             ? NULL
             : "a plan that counts otherwise");
    for (size_t i = 0; i < a.frames_n; i++) {
        const struct gw_frame *f = a.frames[i], *g = b.frames[i];
        must(f->len == g->len && memcmp(f->data, g->data, f->len) == 0 ? NULL
                                                                       : "a plan that writes something else");
        gw_frame_drop(a.frames[i]);
        gw_frame_drop(b.frames[i]);
    }
}

/* The payload until its spans are familiar, then with a byte changed here and there. */
static void with_and_without_plans(const uint8_t *data, size_t size)
{
    enum { FAMILIAR = 3, CHANGES = 4 };
    struct dd_options opt = options_of(data[1] & 127);
    struct counting planning = open_counting(&opt), plain = open_counting(&opt);
    size_t n = size - 2;
    char *body = malloc(n ? n : 1);
    uint32_t random = (uint32_t)size * 2654435761u;
    dd_translator_without_plans(plain.translator);
    memcpy(body, data + 2, n);
    for (int i = 0; i < FAMILIAR; i++)
        compare(&planning, &plain, data, gw_str_n(body, n));
    for (int i = 0; i < CHANGES && n; i++) {
        random = random * 1664525u + 1013904223u;
        body[(random >> 4) % n] ^= (char)(1 << (random >> 29));
        compare(&planning, &plain, data, gw_str_n(body, n));
    }
    free(body);
    close_counting(&planning);
    close_counting(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gw_trace_ids *ids;
    struct gw_arena arena;
    struct dd_result out;
    struct gw_err err = {0};
    size_t spans[GW_ATTRIBUTE_SCHEMAS] = {0};
    if (size < 2)
        return 0;
    if (!ids)
        ids = gw_trace_ids_new(1024, 60 * GW_SEC);
    struct dd_options opt = options_of(data[1]);
    struct dd_request req = {
        .lang = GW_STR("python"), .tracer_version = GW_STR("4.16.0"), .peer_is_local = data[0] & 8};
    struct dd_env env = {
        .now = GW_SEC, .wall = 1700000000 * GW_SEC, .host_name = GW_STR("here"), .schemas = 7};
    env.ids = data[0] & 16 ? ids : NULL;
    if (data[0] & 32)
        req.container_id = GW_STR("c0ffee");
    gw_str body = gw_str_n((const char *)data + 2, size - 2);
    struct dd_translator *t = dd_translator_new(&opt);
    gw_arena_init(&arena, 1 << 24);
    enum gw_code code = dd_translate(t, &arena, format_of(data), body, &req, &env, &out, &err);
    balance(&out, code, body, &err);
    for (size_t i = 0; i < out.frames_n; i++) {
        gw_frame_complete_ids(out.frames[i], ids, true);
        spans[out.frames[i]->schema] += spans_of(out.frames[i]);
        gw_frame_drop(out.frames[i]);
    }
    for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++)
        must(spans[r] == gw_intake_accepted(&out.intake) ? NULL : "spans that were lost on the way");
    dd_translator_drop(t);
    gw_arena_fini(&arena);
    with_and_without_plans(data, size);
    return 0;
}
