/* Any bytes as a payload, explained: the corpus is that of dd_translate_fuzz, the first two bytes choose format and options as there.
 * What is explained must be what dd_translate sends, each part of it must have an origin or the word that ddgate made it, and each
 * part that was received a fate. An explanation ends, whatever comes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "translators/ddtrace/dd_explain.h"
#include "translators/ddtrace/dd_explain_sent.h"

enum { SPANS = 2, MOST_BYTES = 64 << 10 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good, const char *wrong)
{
    if (good)
        return;
    fprintf(stderr, "%s\n", wrong);
    abort();
}

static struct gw_map_item resource_items[] = {{GW_LIT("team"), GW_LIT("shop")},
                                              {GW_LIT("service.name"), GW_LIT("static")}};
static gw_str promote_items[] = {GW_LIT("team"), GW_LIT("env"), GW_LIT("http.method")};
static gw_str strip_items[] = {GW_LIT("_dd.*"), GW_LIT("http.url"), GW_LIT("language")};

static struct dd_options options_of(unsigned bits)
{
    struct dd_options o = {.span_name = (enum dd_span_name)((bits & 3) % 3),
                           .service_override = bits & 4 ? DD_SERVICE_BASE : DD_SERVICE_SPLIT,
                           .keep_rejected = bits & 8,
                           .trace_id_bits = bits & 16 ? 64 : 128,
                           .obfuscate = bits & 32};
    if (bits & 64)
        o.resource = (struct gw_map){resource_items, 2};
    if (bits & 128) {
        o.promote = (struct gw_list){promote_items, 3};
        o.strip = (struct gw_list){strip_items, 3};
    }
    return o;
}

static void check(const struct dd_explained *e, const struct dd_result *result,
                  const struct dd_explain_row *row)
{
    for (size_t s = 0; s < e->sent_n; s++) {
        struct dd_sent sent;
        must(dd_sent_find(result->frames, result->frames_n, e->sent[s].schema, row->trace_id, row->span_id,
                          &sent),
             "a span that was not sent is explained as sent");
        for (size_t i = 0; i < e->sent[s].n; i++)
            must(e->sent[s].items[i].why.len > 0, "a part that was sent without a reason");
    }
    for (size_t i = 0; i < e->received_n; i++)
        must(e->received[i].why.len > 0, "a part that was received without a fate");
    must(e->sent_n > 0 || e->not_sent.len > 0, "a span that is neither sent nor not sent");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_arena arena;
    struct dd_result result;
    struct gw_err err = {0};
    const struct dd_explain_row *rows;
    if (size < 2 || size > MOST_BYTES)
        return 0;
    unsigned format = data[0] & 7;
    struct dd_options opt = options_of(data[1]);
    struct dd_request req = {
        .lang = GW_STR("python"), .tracer_version = GW_STR("4.16.0"), .peer_is_local = data[0] & 8};
    struct dd_env env = {.now = GW_SEC,
                         .wall = 1700000000 * GW_SEC,
                         .host_name = GW_STR("here"),
                         .schemas = data[0] & 64 ? 7 : 1};
    const struct dd_explain_input in = {
        .format = (enum dd_format)(format > DD_AGENT_PROTOBUF ? DD_V10_MSGPACK : format),
        .body = gw_str_n((const char *)data + 2, size - 2),
        .request = &req,
        .options = &opt,
        .env = &env};
    struct dd_explain *x = dd_explain_new(&in, &result, &err);
    if (!x) {
        must(err.code != GW_OK && result.frames_n == 0, "a refusal without a reason");
        return 0;
    }
    size_t n = dd_explain_rows(x, &rows);
    gw_arena_init(&arena, 256 << 20);
    for (size_t i = 0; i < n && i < SPANS; i++) {
        struct dd_explained e;
        if (dd_explain_span(x, i, &arena, &e))
            check(&e, &result, &rows[i]);
        gw_arena_reset(&arena, 1 << 20);
    }
    gw_arena_fini(&arena);
    for (size_t i = 0; i < result.frames_n; i++)
        gw_frame_drop(result.frames[i]);
    dd_explain_drop(x);
    return 0;
}
