/* Writes Span.events from the native list and the tag `events`, completes the event that the tags error.*
 * describe, or makes one from them (dd_events.h).
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
    /* how many native events a JSON event is compared with, besides the one at its own index */
    SEARCHED = 64,
    LIST = 8 /* initial room for events from JSON */
};

#define EXCEPTION GW_STR("exception")
#define EXCEPTION_TYPE GW_STR("exception.type")
#define EXCEPTION_MESSAGE GW_STR("exception.message")
#define EXCEPTION_STACK GW_STR("exception.stacktrace")

/* ---- reading ---- */

/* Reads nanoseconds. A float (JavaScript beyond 2^53) is rounded. Sets *can_be to false for an impossible
 * time. */
static bool read_time(struct gw_json *j, uint64_t *out, bool *can_be)
{
    struct gw_json_number n;
    if (gw_json_kind(j) != GW_JSON_NUMBER || !gw_json_number(j, &n))
        return false;
    if (n.type == GW_JSON_DOUBLE) {
        *can_be = n.d >= 0 && n.d < 0x1p63;
        *out = *can_be ? (uint64_t)(n.d + 0.5) : 0;
        return n.d == n.d;
    }
    *can_be = n.type == GW_JSON_INT && n.i >= 0;
    *out = n.u;
    return true;
}

/* Reads one element of the array. Returns false if it is not an event. */
static bool read_event(struct gw_json *j, struct dd_event_seen *e, bool *can_be)
{
    bool has_name = false, has_time = false;
    gw_str key;
    if (gw_json_kind(j) != GW_JSON_OBJECT)
        return false;
    gw_json_object(j);
    while (gw_json_member(j, &key)) {
        enum gw_json_kind kind = gw_json_kind(j);
        if (gw_str_eq(key, GW_STR("name"))) {
            if (kind != GW_JSON_STRING)
                return false;
            has_name = gw_json_text(j, &e->name);
        } else if (gw_str_eq(key, GW_STR("time_unix_nano"))) {
            if (!read_time(j, &e->time, can_be))
                return false;
            has_time = true;
        } else if (gw_str_eq(key, GW_STR("attributes"))) {
            if (kind != GW_JSON_OBJECT && kind != GW_JSON_NULL)
                return false;
            gw_json_raw(j, &e->attributes);
        } else {
            gw_json_skip(j);
        }
    }
    return has_name && has_time && !j->why;
}

static bool same_event(const struct dd_event_seen *a, const struct dd_event_seen *b)
{
    return a->time == b->time && gw_str_eq(a->name, b->name);
}

/* Tracers that send both lists send them in the same order. */
static bool is_native(const struct dd_events *e, size_t natives, const struct dd_event_seen *seen,
                      size_t place)
{
    if (place < natives && same_event(&e->list[place], seen))
        return true;
    for (size_t i = 0; i < natives && i < SEARCHED; i++)
        if (same_event(&e->list[i], seen))
            return true;
    return false;
}

/* Returns whether malformed text was meant as a list of objects: it begins with "[{". */
static bool looks_like_events(gw_str json)
{
    struct gw_json j;
    gw_json_init(&j, json, NULL);
    return gw_json_array(&j) && gw_json_item(&j) && gw_json_kind(&j) == GW_JSON_OBJECT;
}

/* Makes room for one more event. */
static bool make_room(struct dd_events *e, struct gw_arena *arena, size_t *room)
{
    if (e->n < *room)
        return true;
    size_t more = *room ? 2 * *room : LIST;
    struct dd_event_seen *list = gw_arena_raw(arena, more, sizeof *list);
    if (!list)
        return false;
    if (e->n)
        memcpy(list, e->list, e->n * sizeof *list);
    e->list = list;
    *room = more;
    return true;
}

static enum dd_tag_fate read_json(struct dd_events *e, struct gw_arena *arena, gw_str json, uint64_t instead,
                                  struct dd_oddities *odd)
{
    size_t natives = e->n, room = e->n, count = 0, bad_times = 0;
    bool events = true;
    struct gw_json j;
    gw_json_init(&j, json, arena);
    gw_json_array(&j);
    for (; events && gw_json_item(&j); count++) {
        struct dd_event_seen seen = {0};
        bool can_be = true;
        events = read_event(&j, &seen, &can_be) && make_room(e, arena, &room);
        seen.time = can_be ? seen.time : instead;
        if (!events)
            break;
        if (is_native(e, natives, &seen, count))
            continue;
        bad_times += !can_be;
        e->list[e->n++] = seen;
    }
    if (events && count && gw_json_end(&j)) {
        odd->bad_times += bad_times;
        return DD_TAG_TAKEN;
    }
    e->n = natives;
    return j.why && looks_like_events(json) ? DD_TAG_MALFORMED : DD_TAG_KEPT;
}

enum dd_tag_fate dd_events_read(struct dd_events *e, struct gw_arena *arena, const struct dd_event *native,
                                size_t n, gw_str json, uint64_t instead, struct dd_oddities *odd)
{
    *e = (struct dd_events){.list = n ? gw_arena_raw(arena, n, sizeof *e->list) : NULL};
    for (; e->list && e->n < n; e->n++) {
        /* the decoder turned a time past 2^63 into the maximum */
        bool can_be = native[e->n].time_unix_nano >= 0 && native[e->n].time_unix_nano < INT64_MAX;
        odd->bad_times += !can_be;
        e->list[e->n] =
            (struct dd_event_seen){.native = &native[e->n],
                                   .time = can_be ? (uint64_t)native[e->n].time_unix_nano : instead,
                                   .name = native[e->n].name};
    }
    enum dd_tag_fate fate = json.len ? read_json(e, arena, json, instead, odd) : DD_TAG_TAKEN;
    e->meant = e->n;
    for (size_t i = 0; i < e->n; i++)
        e->has_exception |= gw_str_eq(e->list[i].name, EXCEPTION);
    return fate;
}

/* ---- the exception ---- */

static void note_part(struct dd_error *says, gw_str key, gw_str value)
{
    if (gw_str_eq(key, EXCEPTION_TYPE))
        says->type = value;
    else if (gw_str_eq(key, EXCEPTION_MESSAGE))
        says->message = value;
    else if (gw_str_eq(key, EXCEPTION_STACK))
        says->stack = value;
}

/* Returns what the event contains under the conventions' names. */
static struct dd_error exception_of(const struct dd_event_seen *e, struct gw_arena *arena)
{
    struct dd_error says = {0};
    struct gw_json j;
    gw_str key, text;
    for (size_t i = 0; e->native && i < e->native->attrs_n; i++)
        if (e->native->attrs[i].value.type == DD_V_STRING)
            note_part(&says, e->native->attrs[i].key, e->native->attrs[i].value.s);
    gw_json_init(&j, e->attributes, arena);
    if (!e->attributes.len || gw_json_kind(&j) != GW_JSON_OBJECT)
        return says;
    gw_json_object(&j);
    while (gw_json_member(&j, &key)) {
        if (gw_json_kind(&j) != GW_JSON_STRING)
            gw_json_skip(&j);
        else if (gw_json_text(&j, &text))
            note_part(&says, key, text);
    }
    return says;
}

/* "ValueError" and "builtins.ValueError" count as one class. */
static bool same_class(gw_str a, gw_str b)
{
    gw_str longer = a.len > b.len ? a : b, shorter = a.len > b.len ? b : a;
    size_t head = longer.len - shorter.len;
    return shorter.len && gw_str_ends(longer, shorter) && (!head || longer.ptr[head - 1] == '.');
}

/* Rates how well this event matches the tags; 0: not at all. */
static unsigned likeness(const struct dd_event_seen *e, const struct dd_error *says,
                         const struct dd_error *tags)
{
    bool same_text = !says->message.len || !tags->message.len || gw_str_eq(says->message, tags->message);
    if (gw_str_eq(e->name, EXCEPTION)) {
        bool other = says->type.len && tags->type.len && !same_class(says->type, tags->type);
        return other ? 0 : 1 + same_text;
    }
    /* dd-trace-js names the event after the class, or "Error" if there is none */
    if (tags->type.len ? gw_str_eq(e->name, tags->type)
                       : gw_str_eq(e->name, GW_STR("Error")) && says->message.len && same_text)
        return 1 + same_text;
    return 0;
}

static gw_str unless_said(gw_str said, gw_str otherwise)
{
    return said.len ? GW_NOSTR : otherwise;
}

void dd_events_match(struct dd_events *e, struct gw_arena *arena, const struct dd_error *tags)
{
    struct dd_error says = {0};
    unsigned best = 0;
    if (!tags->type.len && !tags->message.len && !tags->stack.len)
        return;
    for (size_t i = 0; i < e->n; i++) {
        if (!gw_str_eq(e->list[i].name, EXCEPTION) && !gw_str_eq(e->list[i].name, tags->type) &&
            !gw_str_eq(e->list[i].name, GW_STR("Error")))
            continue;
        struct dd_error these = exception_of(&e->list[i], arena);
        unsigned like = likeness(&e->list[i], &these, tags);
        if (!like || like < best) /* among equals the last, because error.* describe the last exception */
            continue;
        best = like;
        e->meant = i;
        says = these;
    }
    if (!best)
        return;
    gw_str name = e->list[e->meant].name;
    e->has_exception = true;
    e->renamed = !gw_str_eq(name, EXCEPTION);
    e->missing =
        (struct dd_error){unless_said(says.type, e->renamed && !tags->type.len ? name : tags->type),
                          unless_said(says.message, tags->message), unless_said(says.stack, tags->stack)};
    e->says_message = !says.message.len || gw_str_eq(says.message, tags->message);
    e->says_stack = !says.stack.len || gw_str_eq(says.stack, tags->stack);
}

/* ---- writing ---- */

static size_t open_event(struct otlp_buf *w, uint64_t time, gw_str name)
{
    size_t mark = otlp_open(w, SPAN_EVENTS, 2);
    otlp_fixed64(w, EVENT_TIME, time);
    otlp_text(w, EVENT_NAME, name);
    return mark;
}

static void attr_unless_empty(struct otlp_buf *w, gw_str key, gw_str value)
{
    if (value.len)
        otlp_attr_text(w, EVENT_ATTRIBUTES, key, value);
}

static void write_parts(struct otlp_buf *w, const struct dd_error *e)
{
    attr_unless_empty(w, EXCEPTION_TYPE, e->type);
    attr_unless_empty(w, EXCEPTION_MESSAGE, e->message);
    attr_unless_empty(w, EXCEPTION_STACK, e->stack);
}

/* Returns the keys that will be completed; an empty value under such a key is removed first. */
static size_t missing_keys(const struct dd_error *missing, gw_str keys[3])
{
    size_t n = 0;
    if (missing && missing->type.len)
        keys[n++] = EXCEPTION_TYPE;
    if (missing && missing->message.len)
        keys[n++] = EXCEPTION_MESSAGE;
    if (missing && missing->stack.len)
        keys[n++] = EXCEPTION_STACK;
    return n;
}

static void write_event(struct otlp_buf *w, struct gw_arena *arena, const struct dd_event_seen *e,
                        const struct dd_error *missing, struct dd_oddities *odd)
{
    struct gw_json attributes;
    struct dd_keys keys = {0};
    gw_str without[3];
    size_t without_n = missing_keys(missing, without),
           mark = open_event(w, e->time, missing ? EXCEPTION : e->name);
    for (size_t i = 0; e->native && i < e->native->attrs_n; i++) {
        dd_keys_note(&keys, arena, w, e->native->attrs[i].key);
        dd_attr_value(w, arena, EVENT_ATTRIBUTES, &e->native->attrs[i], odd);
    }
    dd_keys_finish(&keys, arena, w, without, without_n, odd);
    gw_json_init(&attributes, e->attributes, arena);
    if (e->attributes.len)
        dd_attrs_json(w, EVENT_ATTRIBUTES, &attributes, without, without_n, odd);
    if (missing)
        write_parts(w, missing);
    otlp_close(w, mark, 2);
}

void dd_events_write(struct otlp_buf *w, struct gw_arena *arena, const struct dd_events *e, bool completed,
                     struct dd_oddities *odd)
{
    for (size_t i = 0; i < e->n; i++)
        write_event(w, arena, &e->list[i], completed && i == e->meant ? &e->missing : NULL, odd);
}

void dd_write_exception(struct otlp_buf *w, uint64_t time_unix_nano, const struct dd_error *e)
{
    size_t mark = open_event(w, time_unix_nano, EXCEPTION);
    write_parts(w, e);
    otlp_close(w, mark, 2);
}
