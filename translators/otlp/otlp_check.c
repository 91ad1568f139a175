/* otlp_check.c: walks over a request by the rows of otlp_schema. Nested messages are walked by recursion, at
 * most OTLP_DEPTH deep. The state is one struct on the caller's stack.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/otlp/otlp_check.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "core/base/protobuf_wire.h"

/* The unit that the walk is in. */
struct unit {
    enum otlp_fault fault;
    uint64_t items, refused; /* the walk's numbers when the unit began */
};

struct walk {
    const uint8_t *base, *end;
    struct otlp_contents *out;
    const struct otlp_observer *observer;
    uint64_t refused;
    struct unit unit;
    const uint8_t *trace_id, *span_id; /* of the span; NULL: missing or invalid */
    gw_str service;                    /* of the resource */
    bool has_points;                   /* of the metric: a field with points was found */
    /* Where and why the walk ended early. */
    const uint8_t *bad_at;
    const char *bad_message, *bad_what;
    unsigned bad_field;
};

const char *otlp_fault_text(enum otlp_fault f)
{
    static const char *const texts[OTLP_FAULTS] = {
        [OTLP_NO_FAULT] = "",
        [OTLP_BAD_TEXT] = "a text is not UTF-8",
        [OTLP_BAD_ID] = "an id has neither the length of one nor none",
        [OTLP_NO_TRACE_ID] = "the trace id is zero or absent",
        [OTLP_NO_SPAN_ID] = "the span id is zero or absent",
        [OTLP_TOO_DEEP] = "values nest too deep",
        [OTLP_MIXED_POINTS] = "a metric has points twice, or of two kinds",
    };
    return f < OTLP_FAULTS ? texts[f] : "";
}

uint64_t otlp_refused(const struct otlp_contents *c)
{
    uint64_t n = 0;
    for (int i = 0; i < OTLP_FAULTS; i++)
        n += c->refused[i];
    return n;
}

/* Marks the unit as one that must be left out. Its first fault is kept. `at` points into the body. */
static void fault(struct walk *w, enum otlp_fault f, const uint8_t *at)
{
    if (!w->out->faulty) {
        w->out->first = f;
        w->out->first_at = (size_t)(at - w->base);
    }
    w->out->faulty = true;
    if (!w->unit.fault)
        w->unit.fault = f;
}

/* Records why the walk ends here. Returns NULL. */
static const uint8_t *bad(struct walk *w, enum otlp_message m, unsigned field, const uint8_t *at,
                          const char *what)
{
    w->bad_at = at;
    w->bad_message = otlp_schema[m].name;
    w->bad_field = field;
    w->bad_what = what;
    return NULL;
}

/* Before: at < end. Returns the byte after the varint, or NULL if it does not end before `end` or within ten
 * bytes. */
static inline const uint8_t *skip_varint(const uint8_t *at, const uint8_t *end)
{
    if (__builtin_expect(*at < 0x80, 1))
        return at + 1;
    const uint8_t *last = end - at > 10 ? at + 10 : end;
    for (at++; at < last; at++)
        if (*at < 0x80)
            return at + 1;
    return NULL;
}

/* Before: at ≤ end. Sets *n to the varint and returns the byte after it; NULL as above. */
static inline const uint8_t *read_varint(const uint8_t *at, const uint8_t *end, uint64_t *n)
{
    struct wire_view v = {at, end};
    if (__builtin_expect(at < end && *at < 0x80, 1)) {
        *n = *at;
        return at + 1;
    }
    if (at + 1 < end && at[1] < 0x80) { /* lengths below 16 KiB */
        *n = (uint64_t)(at[0] & 0x7f) | (uint64_t)at[1] << 7;
        return at + 2;
    }
    return wire_read_varint(&v, n) ? v.at : NULL;
}

/* Before: at ≤ end. Returns true if the bytes are complete varints. */
static bool are_varints(const uint8_t *at, const uint8_t *end)
{
    while (at && at < end)
        at = skip_varint(at, end);
    return at == end;
}

/* Returns whether any of the n bytes at p has its upper bit set; n ≥ 1. Before: n bytes may be read at p, and
 * 32 if `wide`. */
static inline __attribute__((always_inline)) bool has_upper_bits(const uint8_t *p, size_t n, bool wide)
{
#ifdef __SSE2__
    if (__builtin_expect(wide && n <= 32, 1)) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p),
                b = _mm_loadu_si128((const __m128i *)(const void *)(p + 16));
        uint64_t bits = (uint32_t)_mm_movemask_epi8(a) | (uint64_t)(uint32_t)_mm_movemask_epi8(b) << 16;
        return bits & ((UINT64_C(1) << n) - 1);
    }
    if (n >= 16) {
        __m128i all = _mm_loadu_si128((const __m128i *)(const void *)(p + n - 16));
        for (size_t i = 0; i + 16 < n; i += 16)
            all = _mm_or_si128(all, _mm_loadu_si128((const __m128i *)(const void *)(p + i)));
        return _mm_movemask_epi8(all);
    }
#endif
    uint8_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= p[i];
    return all & 0x80;
}

/* Returns whether 32 bytes may be read at p, even if the message is shorter. */
static inline bool is_wide(const struct walk *w, const uint8_t *p)
{
    return (size_t)(w->end - p) >= 32;
}

static inline bool is_text(const struct walk *w, const uint8_t *p, size_t n)
{
    return !has_upper_bits(p, n, is_wide(w, p)) || gw_utf8_valid(gw_str_n((const char *)p, n));
}

/* Recognizes the usual KeyValue: a key and one value of type text, bool, int or double, less than 128
 * bytes in all, texts in ASCII. All bytes of such a pair with a text are below 128, so one test covers
 * text, tags and lengths.
 * Before: n bytes may be read at p. Returns true if this is such a pair and well-formed, false otherwise. */
static inline bool is_plain_pair(const struct walk *w, const uint8_t *p, size_t n)
{
    enum { KEY = 0x0a, VALUE = 0x12, TEXT = 0x0a, BOOL = 0x10, INT = 0x18, DOUBLE = 0x21 };
    if (n < 6 || p[0] != KEY || p[1] >= 0x80 || (size_t)p[1] + 6 > n)
        return false;
    const uint8_t *v = p + 2 + p[1], *end = p + n;
    if (v[0] != VALUE || v[1] != end - v - 2 || v[1] >= 0x80)
        return false;
    if (v[2] == TEXT)
        return v[3] == end - v - 4 && !has_upper_bits(p, n, is_wide(w, p));
    bool right =
        v[2] == INT || v[2] == BOOL ? skip_varint(v + 3, end) == end : v[2] == DOUBLE && end - v == 11;
    return right && !has_upper_bits(p, (size_t)(v - p), is_wide(w, p));
}

static bool is_zero(const uint8_t *p, size_t n)
{
    uint8_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= p[i];
    return all == 0;
}

static bool walk_message(struct walk *, const uint8_t *at, const uint8_t *end, enum otlp_message,
                         unsigned depth);

/* Before: the span has been walked. */
static void end_span(struct walk *w, const uint8_t *at)
{
    if (!w->trace_id)
        fault(w, OTLP_NO_TRACE_ID, at);
    else if (!w->span_id)
        fault(w, OTLP_NO_SPAN_ID, at);
    else if (w->observer && !w->unit.fault)
        w->observer->span(w->observer->ctx, w->trace_id, w->span_id, w->service);
}

/* Before: w->unit is this unit. If it has a fault, all of its items are counted as refused. */
static void settle_unit(struct walk *w)
{
    if (!w->unit.fault)
        return;
    uint64_t more = w->out->items - w->unit.items - (w->refused - w->unit.refused);
    w->out->refused[w->unit.fault] += more;
    w->refused += more;
}

/* Resets the state that belongs to one unit of this kind. */
static void begin_unit(struct walk *w, enum otlp_message m)
{
    w->unit = (struct unit){OTLP_NO_FAULT, w->out->items, w->refused};
    if (m == OTLP_SPAN)
        w->trace_id = w->span_id = NULL;
    else if (m == OTLP_METRIC)
        w->has_points = false;
    else if (m == OTLP_RESOURCE_SPANS)
        w->service = GW_NOSTR;
}

/* Walks a unit. Its faults do not affect the unit that contains it. Returns false if it is malformed. */
static bool walk_unit(struct walk *w, const uint8_t *at, const uint8_t *end, enum otlp_message m,
                      unsigned depth)
{
    struct unit outer = w->unit;
    begin_unit(w, m);
    bool ok = walk_message(w, at, end, m, depth);
    if (ok && m == OTLP_SPAN)
        end_span(w, at);
    w->out->items += otlp_schema[m].is_item;
    settle_unit(w);
    w->unit = outer;
    return ok;
}

/* Before: at … end is a KeyValue that has been walked. Notes what it tells about the sender. */
static void see_resource_attribute(struct walk *w, const uint8_t *at, const uint8_t *end)
{
    struct wire_view v = {at, end}, any;
    gw_str key = GW_NOSTR, text = GW_NOSTR;
    for (struct wire_field f = {0}, inner = {0}; wire_next(&v, &f);) {
        if (f.number == 1 && f.type == WIRE_LEN)
            key = wire_text(f.body);
        else if (f.number == 2 && f.type == WIRE_LEN)
            for (any = f.body; wire_next(&any, &inner);)
                text = inner.number == 1 && inner.type == WIRE_LEN ? wire_text(inner.body) : GW_NOSTR;
    }
    if (gw_str_starts(key, GW_STR("sls.otel.")))
        w->out->says |= OTLP_SAYS_CREDENTIALS;
    else if (gw_str_eq(key, GW_STR("service.name")))
        w->service = text;
    else if ((gw_str_eq(key, GW_STR("_dd.sdk.otlp_export")) && gw_str_eq(text, GW_STR("true"))) ||
             (gw_str_eq(key, GW_STR("datadog.sdk.semantics")) && gw_str_eq(text, GW_STR("datadog"))) ||
             (gw_str_eq(key, GW_STR("telemetry.sdk.name")) && gw_str_eq(text, GW_STR("datadog"))))
        w->out->says |= OTLP_SAYS_DATADOG;
}

static bool walk_nested(struct walk *w, const uint8_t *at, const uint8_t *end, struct otlp_field f,
                        unsigned depth)
{
    if (__builtin_expect(depth >= OTLP_DEPTH, 0)) {
        fault(w, OTLP_TOO_DEEP, at); /* deeper messages are not checked and not passed on */
        return true;
    }
    if (otlp_schema[f.message].is_unit)
        return walk_unit(w, at, end, f.message, depth + 1);
    return walk_message(w, at, end, f.message, depth + 1);
}

static void check_id(struct walk *w, const uint8_t *at, size_t len, size_t want)
{
    if (len && len != want)
        fault(w, OTLP_BAD_ID, at);
}

/* If an id occurs twice, the last one counts, as in every protobuf reader. */
static const uint8_t *own_id(struct walk *w, const uint8_t *at, size_t len, size_t want)
{
    check_id(w, at, len, want);
    return len == want && !is_zero(at, len) ? at : NULL;
}

/* Checks that a packed field consists of whole values of eight bytes. */
static bool check_packed(struct walk *w, const uint8_t *at, const uint8_t *end, struct otlp_field f)
{
    return f.kind == OTLP_FIXED64S ? (end - at) % 8 == 0 : are_varints(at, end);
}

/* Before: at … end is the body of a length-delimited field that the message may have. Returns false if it is
 * malformed; then w->bad_… tell why. */
static bool check_body(struct walk *w, const uint8_t *at, const uint8_t *end, enum otlp_message m,
                       unsigned number, struct otlp_field f, unsigned depth)
{
    size_t len = (size_t)(end - at);
    switch (f.kind) {
    case OTLP_TEXT:
        if (!is_text(w, at, len))
            fault(w, OTLP_BAD_TEXT, at);
        return true;
    case OTLP_ATTRIBUTE:
        if (is_plain_pair(w, at, len) && depth + 2 <= OTLP_DEPTH)
            return true;
        return walk_nested(w, at, end, f, depth);
    case OTLP_MESSAGE:
        return walk_nested(w, at, end, f, depth);
    case OTLP_TRACE_ID:
        check_id(w, at, len, 16);
        return true;
    case OTLP_SPAN_ID:
        check_id(w, at, len, 8);
        return true;
    case OTLP_OWN_TRACE_ID:
        w->trace_id = own_id(w, at, len, 16);
        return true;
    case OTLP_OWN_SPAN_ID:
        w->span_id = own_id(w, at, len, 8);
        return true;
    case OTLP_RESOURCE_ATTRIBUTE:
        if (!walk_nested(w, at, end, f, depth))
            return false;
        see_resource_attribute(w, at, end);
        return true;
    case OTLP_POINTS:
        if (w->has_points)
            fault(w, OTLP_MIXED_POINTS, at);
        w->has_points = true;
        return walk_nested(w, at, end, f, depth);
    case OTLP_VARINTS:
    case OTLP_FIXED64S:
        return check_packed(w, at, end, f) || bad(w, m, number, at, "is not a whole number of values");
    default:
        return true;
    }
}

/* By kind of field: the wire types that are allowed, as bits. */
static const uint8_t wire_types[OTLP_FIELD_KINDS] = {
    [OTLP_UNNAMED] = 1 << WIRE_VARINT | 1 << WIRE_FIXED64 | 1 << WIRE_LEN | 1 << WIRE_FIXED32,
    [OTLP_VARINT] = 1 << WIRE_VARINT,
    [OTLP_VARINTS] = 1 << WIRE_VARINT | 1 << WIRE_LEN,
    [OTLP_FIXED32] = 1 << WIRE_FIXED32,
    [OTLP_FIXED64] = 1 << WIRE_FIXED64,
    [OTLP_FIXED64S] = 1 << WIRE_FIXED64 | 1 << WIRE_LEN,
    [OTLP_TEXT] = 1 << WIRE_LEN,
    [OTLP_BYTES] = 1 << WIRE_LEN,
    [OTLP_TRACE_ID] = 1 << WIRE_LEN,
    [OTLP_SPAN_ID] = 1 << WIRE_LEN,
    [OTLP_OWN_TRACE_ID] = 1 << WIRE_LEN,
    [OTLP_OWN_SPAN_ID] = 1 << WIRE_LEN,
    [OTLP_MESSAGE] = 1 << WIRE_LEN,
    [OTLP_ATTRIBUTE] = 1 << WIRE_LEN,
    [OTLP_RESOURCE_ATTRIBUTE] = 1 << WIRE_LEN,
    [OTLP_POINTS] = 1 << WIRE_LEN,
};

/* Skips a field that is not length-delimited. Before: at ≤ end. Returns the byte after it, or NULL if it is
 * cut short. */
static inline const uint8_t *skip_number(const uint8_t *at, const uint8_t *end, unsigned type)
{
    if (type == WIRE_VARINT)
        return at < end ? skip_varint(at, end) : NULL;
    size_t size = type == WIRE_FIXED64 ? 8 : 4;
    return (size_t)(end - at) >= size ? at + size : NULL;
}

/* Walks one field. Before: at < end. Returns the byte after it, ≤ end; or NULL, and w->bad_… tell why. */
static const uint8_t *walk_field(struct walk *w, const uint8_t *at, const uint8_t *end, enum otlp_message m,
                                 unsigned depth)
{
    static const struct otlp_field unnamed = {OTLP_UNNAMED, 0, false};
    const uint8_t *start = at;
    uint64_t tag, len;
    at = read_varint(at, end, &tag);
    if (!at || tag < 8 || tag > UINT32_MAX)
        return bad(w, m, 0, start, "has a field without a number");
    unsigned number = (unsigned)(tag >> 3), type = tag & 7;
    struct otlp_field f = number < OTLP_FIELDS ? otlp_schema[m].fields[number] : unnamed;
    if (!(wire_types[f.kind] >> type & 1))
        return bad(w, m, number, start, "has another wire type");
    if (type != WIRE_LEN) {
        at = skip_number(at, end, type);
        return at ? at : bad(w, m, number, start, "is cut short");
    }
    at = read_varint(at, end, &len);
    if (!at || len > (uint64_t)(end - at))
        return bad(w, m, number, start, "is longer than what is left of it");
    return check_body(w, at, at + len, m, number, f, depth) ? at + len : NULL;
}

/* Skips the usual field: tag and length take one byte each, and its kind needs no check. Before: at < end.
 * Returns the byte after it, or NULL if walk_field must read it. */
static inline const uint8_t *skip_plain(const struct walk *w, const uint8_t *at, const uint8_t *end,
                                        const struct otlp_field *fields, unsigned depth)
{
    size_t left = (size_t)(end - at);
    if (left < 2 || *at >= 0x80 || at[1] >= 0x80)
        return NULL;
    unsigned kind = fields[*at >> 3].kind, type = *at & 7;
    size_t len = at[1];
    if (type == WIRE_VARINT && kind == OTLP_VARINT)
        return at + 2;
    if (type == WIRE_FIXED64 && kind == OTLP_FIXED64)
        return left >= 9 ? at + 9 : NULL;
    if (type != WIRE_LEN || len > left - 2)
        return NULL;
    at += 2;
    bool plain = kind == OTLP_ATTRIBUTE ? depth + 2 <= OTLP_DEPTH && is_plain_pair(w, at, len)
                                        : kind == OTLP_TEXT && !has_upper_bits(at, len, is_wide(w, at));
    return plain ? at + len : NULL;
}

/* Before: at ≤ end, and the bytes between may be read. Returns true if they are a message of kind m; false if
 * not, and w->bad_… tell why. */
static bool walk_message(struct walk *w, const uint8_t *at, const uint8_t *end, enum otlp_message m,
                         unsigned depth)
{
    while (at < end) {
        const uint8_t *next = skip_plain(w, at, end, otlp_schema[m].fields, depth);
        at = next ? next : walk_field(w, at, end, m, depth);
        if (!at)
            return false;
    }
    return true;
}

static enum gw_code fail(const struct walk *w, struct gw_err *err)
{
    size_t at = (size_t)(w->bad_at - w->base);
    if (!w->bad_field)
        return gw_fail(err, GW_BAD_PROTOBUF, at, "%s %s", w->bad_message, w->bad_what);
    return gw_fail(err, GW_BAD_PROTOBUF, at, "field %u of %s %s", w->bad_field, w->bad_message, w->bad_what);
}

enum gw_code otlp_check(enum otlp_message request, gw_str body, const struct otlp_observer *observer,
                        struct otlp_contents *out, struct gw_err *err)
{
    const uint8_t *at = (const uint8_t *)(body.ptr ? body.ptr : "");
    struct walk w = {.base = at, .end = at + body.len, .out = out, .observer = observer};
    *out = (struct otlp_contents){0};
    if (body.len && !walk_message(&w, at, at + body.len, request, 0))
        return fail(&w, err);
    /* a fault in the request's own fields, such as a text of the profiles' dictionary, refuses the whole
     * request */
    settle_unit(&w);
    return GW_OK;
}

bool otlp_check_unit(enum otlp_message m, gw_str body, unsigned depth, struct otlp_contents *out)
{
    const uint8_t *at = (const uint8_t *)(body.ptr ? body.ptr : "");
    struct walk w = {.base = at, .end = at + body.len, .out = out};
    *out = (struct otlp_contents){0};
    begin_unit(&w, m);
    bool ok = !body.len || walk_message(&w, at, at + body.len, m, depth);
    GW_ASSERT(ok);
    if (m == OTLP_SPAN)
        end_span(&w, at);
    out->items += otlp_schema[m].is_item;
    settle_unit(&w);
    return !w.unit.fault;
}
