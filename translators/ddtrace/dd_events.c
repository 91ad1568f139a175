/* Span.events, from the native list and from the tag `events`, and the exception event that is made of error
 * tags.
 *
 * Keeps no state; writes into the caller's buffer. Called by dd_derive.c and dd_write.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_events.h"

#include "core/base/json.h"
#include "translators/ddtrace/dd_any.h"

/* Field numbers of opentelemetry/proto/trace/v1/trace.proto. */
enum { SPAN_EVENTS = 11 };
enum { EVENT_TIME = 1, EVENT_NAME = 2, EVENT_ATTRIBUTES = 3 };

enum {
    SEARCHED = 64 /* native events that one of the JSON is compared with, past the one at its own place */
};

struct event {
    uint64_t time;
    gw_str name, attributes; /* JSON text */
    bool has_time, has_name;
};

static size_t open_event(struct otlp_buf *w, uint64_t time, gw_str name)
{
    size_t mark = otlp_open(w, SPAN_EVENTS, 2);
    otlp_fixed64(w, EVENT_TIME, time);
    otlp_text(w, EVENT_NAME, name);
    return mark;
}

static uint64_t native_time(const struct dd_event *e)
{
    return e->time_unix_nano < 0 ? 0 : (uint64_t)e->time_unix_nano;
}

static bool is_exception(gw_str name)
{
    return gw_str_eq(name, GW_STR("exception"));
}

static void write_native(struct otlp_buf *w, const struct dd_event *e)
{
    size_t mark = open_event(w, native_time(e), e->name);
    for (size_t i = 0; i < e->attrs_n; i++)
        dd_attr_value(w, EVENT_ATTRIBUTES, e->attrs[i].key, &e->attrs[i].value);
    otlp_close(w, mark, 2);
}

/* ---- the JSON ---- */

/* Nanoseconds; as a float (JavaScript beyond 2^53) to the nearest. */
static bool read_time(struct gw_json *j, uint64_t *out)
{
    const double two_to_64 = 18446744073709551616.0;
    struct gw_json_number n;
    if (gw_json_kind(j) != GW_JSON_NUMBER || !gw_json_number(j, &n))
        return false;
    if (n.type == GW_JSON_DOUBLE) {
        if (!(n.d >= 0 && n.d < two_to_64 - 1024))
            return false;
        *out = (uint64_t)(n.d + 0.5);
        return true;
    }
    *out = n.u;
    return n.type == GW_JSON_UINT || n.i >= 0;
}

/* One element of the array; false when it is no event. */
static bool read_event(struct gw_json *j, struct event *e)
{
    gw_str key;
    if (gw_json_kind(j) != GW_JSON_OBJECT)
        return false;
    gw_json_object(j);
    while (gw_json_member(j, &key)) {
        enum gw_json_kind kind = gw_json_kind(j);
        if (gw_str_eq(key, GW_STR("name"))) {
            if (kind != GW_JSON_STRING)
                return false;
            e->has_name = gw_json_text(j, &e->name);
        } else if (gw_str_eq(key, GW_STR("time_unix_nano"))) {
            if (!read_time(j, &e->time))
                return false;
            e->has_time = true;
        } else if (gw_str_eq(key, GW_STR("attributes"))) {
            if (kind != GW_JSON_OBJECT && kind != GW_JSON_NULL)
                return false;
            gw_json_raw(j, &e->attributes);
        } else {
            gw_json_skip(j);
        }
    }
    return e->has_name && e->has_time && !j->why;
}

static bool same_event(const struct dd_event *native, const struct event *e)
{
    return native_time(native) == e->time && gw_str_eq(native->name, e->name);
}

/* Tracers that send both send them in the same order. */
static bool is_native(const struct dd_event *native, size_t n, const struct event *e, size_t place)
{
    if (place < n && same_event(&native[place], e))
        return true;
    for (size_t i = 0; i < n && i < SEARCHED; i++)
        if (same_event(&native[i], e))
            return true;
    return false;
}

static void write_parsed(struct otlp_buf *w, struct gw_arena *arena, const struct event *e)
{
    struct gw_json attributes;
    size_t mark = open_event(w, e->time, e->name);
    gw_json_init(&attributes, e->attributes, arena);
    if (e->attributes.len)
        dd_attrs_json(w, EVENT_ATTRIBUTES, &attributes);
    otlp_close(w, mark, 2);
}

/* Whether text that is not well-formed was meant to be a list of objects: "[{" and what follows. */
static bool looks_like_events(gw_str json)
{
    struct gw_json j;
    gw_json_init(&j, json, NULL);
    return gw_json_array(&j) && gw_json_item(&j) && gw_json_kind(&j) == GW_JSON_OBJECT;
}

static enum dd_tag_fate write_json(struct otlp_buf *w, struct gw_arena *arena, const struct dd_event *native,
                                   size_t n, gw_str json, bool *has_exception)
{
    bool exception = false, events = true;
    size_t undo = w->len, count = 0;
    struct gw_json j;
    gw_json_init(&j, json, arena);
    gw_json_array(&j);
    for (; events && gw_json_item(&j); count++) {
        struct event e = {0};
        events = read_event(&j, &e);
        if (!events)
            break;
        exception |= is_exception(e.name);
        if (!is_native(native, n, &e, count))
            write_parsed(w, arena, &e);
    }
    if (events && count && gw_json_end(&j)) {
        *has_exception |= exception;
        return DD_TAG_TAKEN;
    }
    w->len = undo;
    return j.why && looks_like_events(json) ? DD_TAG_MALFORMED : DD_TAG_KEPT;
}

enum dd_tag_fate dd_write_events(struct otlp_buf *w, struct gw_arena *arena, const struct dd_event *native,
                                 size_t n, gw_str json, bool *has_exception)
{
    *has_exception = false;
    for (size_t i = 0; i < n; i++) {
        write_native(w, &native[i]);
        *has_exception |= is_exception(native[i].name);
    }
    return json.len ? write_json(w, arena, native, n, json, has_exception) : DD_TAG_TAKEN;
}

/* ---- our own ---- */

static void attr_unless_empty(struct otlp_buf *w, gw_str key, gw_str value)
{
    if (value.len)
        otlp_attr_text(w, EVENT_ATTRIBUTES, key, value);
}

void dd_write_exception(struct otlp_buf *w, uint64_t time_unix_nano, gw_str type, gw_str message,
                        gw_str stack)
{
    size_t mark = open_event(w, time_unix_nano, GW_STR("exception"));
    attr_unless_empty(w, GW_STR("exception.type"), type);
    attr_unless_empty(w, GW_STR("exception.message"), message);
    attr_unless_empty(w, GW_STR("exception.stacktrace"), stack);
    otlp_close(w, mark, 2);
}
