/* JSON in tags as links and as events: what is written is what protobuf would pack, and a tag that is not
 * taken leaves nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "trace.pb-c.h"
#include "translators/ddtrace/dd_events.h"
#include "translators/ddtrace/dd_links.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static void packs_the_same(const struct otlp_buf *w)
{
    Opentelemetry__Proto__Trace__V1__Span *span =
        opentelemetry__proto__trace__v1__span__unpack(NULL, w->len, w->data);
    check(span != NULL);
    uint8_t *packed = malloc(w->len + 1);
    check(opentelemetry__proto__trace__v1__span__get_packed_size(span) == w->len);
    opentelemetry__proto__trace__v1__span__pack(span, packed);
    check(w->len == 0 || memcmp(packed, w->data, w->len) == 0);
    free(packed);
    opentelemetry__proto__trace__v1__span__free_unpacked(span, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct dd_link link = {
        .trace_id = 0xabcdef, .trace_id_high = 0x1234, .span_id = 0x8000000000000005};
    static const struct dd_event event = {.time_unix_nano = 5, .name = GW_LIT("a")};
    gw_str json = gw_str_n((const char *)data, size);
    struct gw_arena arena;
    struct otlp_buf w;
    struct dd_oddities odd = {0};
    struct dd_events events;
    const struct dd_error tags = {GW_LIT("E"), GW_LIT("m"), GW_LIT("s")};
    gw_arena_init(&arena, 16 << 20);
    w = (struct otlp_buf){0};
    check(otlp_room(&w, 1));

    dd_write_links(&w, &arena, NULL, 0, json, size & 1, &odd);
    packs_the_same(&w);
    w.len = 0;
    dd_write_links(&w, &arena, &link, 1, json, false, &odd);
    check(w.len > 0);
    packs_the_same(&w);
    w.len = 0;
    enum dd_tag_fate fate = dd_events_read(&events, &arena, NULL, 0, json, 7, &odd);
    check(fate == DD_TAG_TAKEN || events.n == 0);
    for (int natives = 0; natives < 2; natives++) {
        dd_events_read(&events, &arena, &event, (size_t)natives, json, 7, &odd);
        dd_events_match(&events, &arena, &tags);
        for (int completed = 0; completed < 2; completed++) {
            dd_events_write(&w, &arena, &events, completed, &odd);
            packs_the_same(&w);
            w.len = 0;
        }
    }

    otlp_fini(&w);
    gw_arena_fini(&arena);
    return 0;
}
