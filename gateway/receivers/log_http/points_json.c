/* Points as JSON, which Datakit takes beside line protocol:
 *
 *     [ { "measurement": "nginx", "tags": { "host": "web-1" }, "fields": { "message": "GET /", "code": 200 },
 *         "time": 1700000000000000000 } ]
 *
 * A point becomes the JSON object of its tags and fields, as one of line protocol does (line_protocol.c).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/json.h"
#include "core/base/text.h"
#include "gateway/receivers/log_http/http_log_formats.h"

/* The members of an object, behind those that *out has. */
static bool add_members(struct gw_json *j, struct gw_text *out, bool tags)
{
    gw_str key, value;
    if (gw_json_kind(j) == GW_JSON_NULL)
        return gw_json_null(j);
    if (gw_json_kind(j) != GW_JSON_OBJECT || !gw_json_object(j))
        return gw_json_bad(j, "tags and fields want to be objects");
    while (gw_json_member(j, &key)) {
        if (!gw_json_raw(j, &value))
            return false;
        gw_text_put_char(out, out->len > 1 ? ',' : ' ');
        gw_text_put_json(out, tags ? http_log_tag(key) : key);
        gw_text_put_char(out, ':');
        gw_text_put_str(out, value);
    }
    return !j->why;
}

static bool read_time(struct gw_json *j, uint64_t precision, uint64_t *ns)
{
    struct gw_json_number n;
    if (gw_json_kind(j) != GW_JSON_NUMBER || !gw_json_number(j, &n))
        return gw_json_bad(j, "the time is not a number of units since 1970");
    uint64_t time = n.type == GW_JSON_UINT ? n.u : n.type == GW_JSON_INT && n.i > 0 ? (uint64_t)n.i : 0;
    if (n.type == GW_JSON_DOUBLE ||
        __builtin_mul_overflow(time, precision ? precision : http_log_time_unit(time), ns))
        return gw_json_bad(j, "the time is not a number of units since 1970");
    return true;
}

static bool read_point(struct http_log_reader *r, struct gw_json *j, struct gw_text *out,
                       struct log_input *in)
{
    gw_str key;
    gw_text_put_char(out, '{');
    if (gw_json_kind(j) != GW_JSON_OBJECT || !gw_json_object(j))
        return gw_json_bad(j, "want a point, an object");
    in->source = GW_NOSTR;
    while (gw_json_member(j, &key)) {
        bool good = gw_str_eq(key, GW_STR("measurement")) ? gw_json_text(j, &in->source)
                    : gw_str_eq(key, GW_STR("tags"))      ? add_members(j, out, true)
                    : gw_str_eq(key, GW_STR("fields"))    ? add_members(j, out, false)
                    : gw_str_eq(key, GW_STR("time"))      ? read_time(j, r->body->precision, &in->time)
                                                          : gw_json_skip(j);
        if (!good)
            return false;
    }
    gw_text_put_char(out, '}');
    return !j->why && (in->source.len || gw_json_bad(j, "a point has no measurement"));
}

enum gw_code points_json_read(struct http_log_reader *r)
{
    struct gw_json j;
    struct gw_snap snap = gw_arena_snap(r->body->arena);
    gw_json_init(&j, r->body->text, r->body->arena);
    bool list = gw_json_kind(&j) == GW_JSON_ARRAY;
    if (list)
        gw_json_array(&j);
    while (list ? gw_json_item(&j) : gw_json_kind(&j) != GW_JSON_NONE) {
        struct gw_text object = {.arena = r->body->arena};
        struct log_input in = *r->body->like;
        if (!read_point(r, &j, &object, &in))
            break;
        if (r->body->arena->spent || !http_log_item(r, &in, gw_text_result(&object)))
            return gw_fail(r->err, GW_BUDGET, (size_t)(j.at - j.begin), "a point is too large");
        gw_arena_back(r->body->arena, snap);
    }
    if (gw_json_end(&j))
        return GW_OK;
    r->records++;
    return gw_json_fail(&j, r->err);
}
