/* Any bytes as the body of a log request. First byte: form; second: the longest record. What is looked at and
 * what is taken is the same; no record is longer than it may be or out of nothing, and what is handed on as
 * an item is a JSON object, cut or not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/log_http/http_log_formats.h"

#include "core/base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    size_t max;
    uint64_t records;
    struct gw_arena arena;
};

static void check_item(struct seen *s, gw_str text)
{
    struct gw_json j;
    gw_json_init(&j, text, &s->arena);
    GW_ASSERT(gw_json_kind(&j) == GW_JSON_OBJECT);
    gw_json_skip(&j);
    GW_ASSERT(gw_json_end(&j));
}

static void see(void *to, const struct log_input *in)
{
    struct seen *s = to;
    s->records++;
    GW_ASSERT(in->text.len <= s->max && (in->text.len || in->cut));
    for (size_t i = 0; i < in->attrs_n; i++)
        GW_ASSERT(in->attrs[i].key.len);
    if (in->form == LOG_ITEM)
        check_item(s, in->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gw_arena arena;
    struct seen seen = {0};
    struct log_input like = {.form = LOG_TEXT, .observed = 1};
    uint64_t looked, taken;
    struct gw_err err;
    if (size < 2)
        return 0;
    gw_arena_init(&arena, 1 << 20);
    gw_arena_init(&seen.arena, 1 << 20);
    seen.max = 8 + data[1];
    struct http_log body = {.form = (enum http_log_form)(data[0] % (HTTP_LOG_POINTS_JSON + 1)),
                            .text = gw_str_n((const char *)data + 2, size - 2),
                            .max_record = seen.max,
                            .like = &like,
                            .arena = &arena};
    enum gw_code code = http_log_read(&body, NULL, NULL, &looked, &err);
    GW_ASSERT(code == GW_OK || err.pos <= size);
    if (code == GW_OK) {
        GW_ASSERT(http_log_read(&body, see, &seen, &taken, &err) == GW_OK || arena.spent);
        GW_ASSERT(arena.spent || (taken == looked && seen.records == looked));
    }
    gw_arena_fini(&seen.arena);
    gw_arena_fini(&arena);
    return 0;
}
