/* In modes both and datadog, without obfuscation, a span comes back as it was: on spans made up of every tag
 * that the tables know and of others, with every kind of value. What went in is what the decoder reads, which
 * has tests of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/translators/ddtrace/translate_bed.h"

#include "translators/ddtrace/dd_fields.h"

enum { ROUNDS = 300, SPANS = 10, TAGS = 14 };

static uint64_t state_of_chance = 0x9E3779B97F4A7C15u;

static size_t chance(size_t n)
{
    state_of_chance ^= state_of_chance << 13;
    state_of_chance ^= state_of_chance >> 7;
    state_of_chance ^= state_of_chance << 17;
    return (size_t)(state_of_chance >> 11) % n;
}

/* What the span itself says: a tag of these names gives way to it. */
static bool is_field(gw_str key)
{
    static const char *const fields[] = {"operation.name", "resource.name", "span.type", "sampling.priority",
                                         "datadog.origin"};
    for (size_t i = 0; i < COUNT(fields); i++)
        if (gw_str_eq(key, gw_str_z(fields[i])))
            return true;
    return false;
}

static const char *a_text(void)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "200",
                                        "-7",
                                        "0.25",
                                        "true",
                                        "get",
                                        "server",
                                        "client",
                                        "http://u:p@h:81/a?token=1#f",
                                        "/a/{b}",
                                        "SELECT 1 FROM t WHERE a = `x`",
                                        "postgres",
                                        "66aa000000000000",
                                        "[]",
                                        "{}",
                                        "[{\\\"name\\\":\\\"e\\\",\\\"time_unix_nano\\\":1}]",
                                        "[{\\\"trace_id\\\":\\\"1\\\",\\\"span_id\\\":\\\"2\\\"}]",
                                        "k:v,pod_name:p",
                                        "arn:aws:x",
                                        "ok",
                                        "caf\u00e9",
                                        "StatusCode.OK",
                                        "/p.S/M",
                                        "kafka"};
    return texts[chance(COUNT(texts))];
}

static const char *a_number(void)
{
    static const char *const numbers[] = {
        "0", "1", "2", "-1", "200", "0.5", "1e300", "9007199254740993", "-0.25", "4294967296", "5432"};
    return numbers[chance(COUNT(numbers))];
}

static gw_str a_key(char *room, size_t size)
{
    static const char *const others[] = {
        "team",  "a.b",    "http.request.headers.X-A", "http.response.headers.b", "_dd.p.usr",
        "_dd.x", "runtime"};
    if (chance(4) == 0) {
        size_t which = chance(COUNT(others) + 3);
        if (which < COUNT(others))
            return gw_str_z(others[which]);
        return gw_str_n(room, (size_t)snprintf(room, size, "own.%zu", which));
    }
    return dd_names[chance(DD_NAMES)].name;
}

/* Each key at most once in a span. */
static size_t some_tags(char *to, size_t room, gw_str *keys, size_t *keys_n, bool numbers)
{
    static char names[2 * TAGS][32];
    size_t len = 0, n = chance(TAGS);
    for (size_t i = 0; i < n; i++) {
        gw_str key = a_key(names[*keys_n], sizeof *names);
        bool taken = is_field(key);
        for (size_t k = 0; k < *keys_n; k++)
            taken |= gw_str_eq(keys[k], key);
        if (taken)
            continue;
        keys[(*keys_n)++] = key;
        len += (size_t)snprintf(to + len, room - len, numbers ? "%s'%.*s':%s" : "%s'%.*s':'%s'",
                                len ? "," : "", GW_FMT(key), numbers ? a_number() : a_text());
    }
    return len;
}

static const char *a_payload(void)
{
    static char text[64 << 10];
    static const char *const types[] = {"",        "web",   "http", "sql",    "redis",
                                        "mongodb", "queue", "grpc", "custom", "elasticsearch"};
    size_t len = (size_t)sprintf(text, "[[");
    for (int i = 0; i < SPANS; i++) {
        char meta[8192] = "", metrics[2048] = "";
        gw_str keys[2 * TAGS];
        size_t keys_n = 0;
        some_tags(meta, sizeof meta, keys, &keys_n, false);
        some_tags(metrics, sizeof metrics, keys, &keys_n, true);
        len += (size_t)snprintf(
            text + len, sizeof text - len,
            "%s{'trace_id':77,'span_id':%d,'parent_id':%zu,'service':'s%zu','name':'n%zu','resource':'%s','"
            "type':'%s',"
            "'start':" BED_START ",'duration':%zu,'error':%zu,'meta':{%s},'metrics':{%s}}",
            i ? "," : "", i + 1, chance(3) ? (size_t)0 : chance(SPANS) + 20, chance(3), chance(9), a_text(),
            types[chance(COUNT(types))], chance(1000), chance(2), meta, metrics);
    }
    assert_true(len < sizeof text - 3);
    strcpy(text + len, "]]");
    return text;
}

static const valid_any *attribute(const valid_span *s, gw_str key)
{
    for (size_t i = 0; i < s->n_attributes; i++)
        if (gw_str_eq(valid_text(s->attributes[i]->key), key))
            return s->attributes[i]->value;
    return NULL;
}

static bool is_text(const valid_any *v, gw_str want)
{
    return v && v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE &&
           gw_str_eq(valid_text(v->string_value), want);
}

static bool is_number(const valid_any *v, const struct dd_number *want)
{
    int64_t i;
    if (!v)
        return false;
    if (dd_number_is_int(want, &i))
        return v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE &&
               v->int_value == i;
    double d = dd_number_as_double(want);
    return v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_DOUBLE_VALUE &&
           memcmp(&v->double_value, &d, sizeof d) == 0;
}

/* Ids, times, names and error of a span. */
static bool same_fields(const struct bed_at *at, const struct dd_span *s)
{
    uint64_t low, parent = 0;
    const valid_span *o = at->span;
    memcpy(&low, o->trace_id.data + 8, 8);
    if (o->parent_span_id.len)
        memcpy(&parent, o->parent_span_id.data, 8);
    bool error = o->status && o->status->code == 2, ordered = attribute(o, GW_STR("otel.status_code"));
    const valid_any *service = NULL;
    for (size_t i = 0; i < at->resource->resource->n_attributes; i++)
        if (bed_is(at->resource->resource->attributes[i], "service.name"))
            service = at->resource->resource->attributes[i]->value;
    return __builtin_bswap64(low) == s->trace_id && __builtin_bswap64(parent) == s->parent_id &&
           is_text(service, s->service) && o->start_time_unix_nano == (uint64_t)s->start &&
           o->end_time_unix_nano == (uint64_t)(s->start + s->duration) && (ordered || error == s->error) &&
           is_text(attribute(o, GW_STR("operation.name")), s->name) &&
           (!s->resource.len || is_text(attribute(o, GW_STR("resource.name")), s->resource)) &&
           (!s->type.len || is_text(attribute(o, GW_STR("span.type")), s->type));
}

/* The first tag that did not come back. */
static gw_str lost_tag(const valid_span *o, const struct dd_span *s)
{
    for (size_t i = 0; i < s->meta_n; i++)
        if (!is_text(attribute(o, s->meta[i].key), s->meta[i].value))
            return s->meta[i].key;
    for (size_t i = 0; i < s->metrics_n; i++)
        if (!is_number(attribute(o, s->metrics[i].key), &s->metrics[i]))
            return s->metrics[i].key;
    return GW_NOSTR;
}

static size_t fields_of(const valid_span *o)
{
    size_t n = 0;
    for (size_t i = 0; i < o->n_attributes; i++)
        n += is_field(valid_text(o->attributes[i]->key));
    return n;
}

static void compare(struct bed *b, const char *payload, const struct dd_span *s)
{
    for (int r = GW_BOTH; r <= GW_DATADOG; r++) {
        struct bed_at at = bed_find(b, (enum gw_attribute_schema)r, s->span_id);
        assert_non_null(at.span);
        gw_str lost = lost_tag(at.span, s);
        if (lost.len || !same_fields(&at, s))
            fail_msg("%s: span %llu: %.*s is not what it was: %s", bed_modes[r],
                     (unsigned long long)s->span_id, GW_FMT(lost.len ? lost : GW_STR("a field")), payload);
        if (r == GW_DATADOG && at.span->n_attributes != s->meta_n + s->metrics_n + fields_of(at.span))
            fail_msg("datadog: span %llu has attributes that are nobody's: %s\n%s",
                     (unsigned long long)s->span_id,
                     bed_show(b, GW_DATADOG, s->span_id, (const char *const[]){NULL}), payload);
    }
}

static void what_comes_back(void **state)
{
    struct bed *b = *state;
    b->opt.obfuscate = false;
    b->opt.keep_rejected = true;
    bed_reopen(b);
    b->env.schemas = 7;
    for (int round = 0; round < ROUNDS; round++) {
        struct gw_arena arena;
        struct dd_decoder d;
        struct dd_chunk chunk;
        struct gw_intake intake = {0};
        bool more;
        char body[64 << 10];
        const char *payload = a_payload();
        size_t len = strlen(payload);
        for (size_t i = 0; i <= len; i++)
            body[i] = payload[i] == '\'' ? '"' : payload[i] == '`' ? '\'' : payload[i];
        bed_run(b, payload);
        gw_arena_init(&arena, 16 << 20);
        assert_int_equal(dd_decode_begin(&d, DD_V04_JSON, gw_str_n(body, len), &arena, &b->err), GW_OK);
        assert_int_equal(dd_decode_next(&d, &chunk, &more, &intake, &b->err), GW_OK);
        assert_int_equal(chunk.n, SPANS);
        for (size_t i = 0; i < chunk.n; i++)
            compare(b, payload, &chunk.spans[i]);
        gw_arena_fini(&arena);
    }
}

/* Orders to the tracer, which the priority answers; and lists, whose parts become names. */
static bool is_consumed(gw_str key)
{
    return gw_str_starts(key, GW_STR("manual.")) || gw_str_starts(key, GW_STR("_dd.tags."));
}

static bool value_says(const valid_any *v, gw_str text, int64_t number)
{
    switch (v->value_case) {
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE:
        for (size_t i = 0; i + text.len <= v->string_value.len; i++)
            if (gw_str_ieq(gw_str_n((char *)v->string_value.data + i, text.len), text))
                return true;
        return false;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE:
        return v->int_value == number;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_DOUBLE_VALUE:
        return v->double_value == (double)number;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_ARRAY_VALUE:
        return v->array_value->n_values && value_says(v->array_value->values[0], text, number);
    default:
        return false;
    }
}

static bool attrs_read(valid_attr **attrs, size_t n, gw_str text, int64_t number)
{
    for (size_t i = 0; i < n; i++)
        if (value_says(attrs[i]->value, text, number))
            return true;
    return false;
}

static bool scope_says(const valid_scope *s, gw_str text)
{
    return (s->scope->name.len && memmem(s->scope->name.data, s->scope->name.len, text.ptr, text.len)) ||
           (s->scope->version.len &&
            memmem(s->scope->version.data, s->scope->version.len, text.ptr, text.len));
}

/* Anywhere in the span, its events, its scope or its resource. */
static bool is_said(const struct bed_at *at, gw_str text, int64_t number)
{
    const valid_span *s = at->span;
    if (scope_says(at->scope, text))
        return true;
    if (attrs_read(s->attributes, s->n_attributes, text, number) ||
        attrs_read(at->resource->resource->attributes, at->resource->resource->n_attributes, text, number))
        return true;
    for (size_t i = 0; i < s->n_events; i++)
        if (attrs_read(s->events[i]->attributes, s->events[i]->n_attributes, text, number))
            return true;
    if (s->status && s->status->message.len &&
        memmem(s->status->message.data, s->status->message.len, text.ptr, text.len))
        return true;
    return s->trace_state.len && memmem(s->trace_state.data, s->trace_state.len, text.ptr, text.len);
}

/* Mode otel renames and moves, but loses nothing: every tag of the tables in pairs with every other, each
 * with a value of its own. */
static void what_mode_otel_still_says(void **state)
{
    static const char *const types[] = {"web", "http", "sql", "redis", "queue", "grpc", "custom"};
    struct bed *b = *state;
    b->opt.obfuscate = false;
    b->opt.keep_rejected = true;
    bed_reopen(b);
    for (unsigned name = 0; name < DD_NAMES; name++)
        for (int round = 0; round < 40; round++) {
            char members[1024];
            gw_str key = dd_names[name].name, other = dd_names[chance(DD_NAMES)].name;
            bool number = round & 1, other_number = round & 2;
            if (is_field(key) || is_field(other) || is_consumed(key) || gw_str_eq(key, other))
                continue;
            /* a trace state that does not parse is dropped */
            const char *text = gw_str_ends(key, GW_STR("tracestate")) ? "'k=xfirst'" : "'xfirst'";
            const char *said = number ? "37" : text, *also = other_number ? "38" : "'xsecond'";
            const char *between = number == other_number ? ","
                                  : other_number         ? "},'metrics':{"
                                                         : "},'meta':{";
            snprintf(members, sizeof members, "'name':'n','type':'%s','error':%d,'%s':{'%.*s':%s%s'%.*s':%s}",
                     types[chance(COUNT(types))], round >> 2 & 1, number ? "metrics" : "meta", GW_FMT(key),
                     said, between, GW_FMT(other), also);
            bed_span(b, members);
            struct bed_at at = bed_find(b, GW_OTEL, 2);
            assert_non_null(at.span);
            if (!is_said(&at, number ? GW_STR("37") : GW_STR("xfirst"), 37))
                bed_compare_fact(b, members, "the first value",
                                 bed_show(b, GW_OTEL, 2, (const char *const[]){NULL}), "still there");
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {BED_TEST(what_comes_back), BED_TEST(what_mode_otel_still_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
