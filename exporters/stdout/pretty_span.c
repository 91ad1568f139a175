/* pretty_span.c: writes the details of one span, resource or value. Owns nothing. Called by pretty.c and
 * pretty_log.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* memmem */
#include "exporters/stdout/pretty_span.h"

#include <inttypes.h>
#include <stdio.h>

typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;
typedef Opentelemetry__Proto__Common__V1__KeyValue key_value;

/* Columns of one value, and tags shown behind what is known to matter. */
enum { VALUE = 100, TAG_VALUE = 40, TAGS = 8, NESTED = 4 };

static const char *const escapes[PRETTY_STYLES] = {"",         "\033[2m",  "\033[1m", "\033[31m",
                                                   "\033[32m", "\033[33m", "\033[36m"};

static void set_look(struct pretty_line *l, const char *escape)
{
    if (!l->look || l->look == escape)
        return;
    if (*l->look)
        out_word(l->o, "\033[0m");
    out_word(l->o, escape);
    l->look = escape;
}

static void styled(struct pretty_line *l, const char *escape, gw_str s, size_t columns)
{
    if (!s.len || !l->left)
        return;
    set_look(l, escape);
    l->left -= out_shown(l->o, s, columns < l->left ? columns : l->left);
}

void pretty_end(struct pretty_line *l)
{
    set_look(l, escapes[PRETTY_PLAIN]);
    out_char(l->o, '\n');
}

void pretty_put(struct pretty_line *l, enum pretty_style style, const char *z)
{
    styled(l, escapes[style], gw_str_z(z), SIZE_MAX);
}

void pretty_put_text(struct pretty_line *l, enum pretty_style style, gw_str s, size_t columns)
{
    styled(l, escapes[style], s, columns);
}

void pretty_put_service(struct pretty_line *l, gw_str service)
{
    static const char *const palette[] = {"\033[36m", "\033[35m", "\033[34m", "\033[33m",
                                          "\033[32m", "\033[96m", "\033[95m", "\033[94m"};
    uint32_t hash = 2166136261u; /* FNV-1a: the same service has the same colour in every run */
    for (size_t i = 0; i < service.len; i++)
        hash = (hash ^ (unsigned char)service.ptr[i]) * 16777619u;
    styled(l, palette[(hash ^ hash >> 16) % (sizeof palette / sizeof *palette)], service, VALUE);
}

gw_str pretty_bytes(ProtobufCBinaryData b)
{
    return gw_str_n((const char *)b.data, b.len);
}

size_t pretty_duration(char out[16], uint64_t ns)
{
    static const struct {
        uint64_t size;
        const char *unit;
        int dress; /* bytes of the unit that take no column */
    } units[] = {{1000000000, "s", 0}, {1000000, "ms", 0}, {1000, "µs", 1}};
    if (ns >= UINT64_C(60000000000)) {
        uint64_t s = ns / 1000000000;
        return (size_t)(s < 3600 ? snprintf(out, 16, "%" PRIu64 "m%02us", s / 60, (unsigned)(s % 60))
                                 : snprintf(out, 16, "%" PRIu64 "h%02um", s / 3600, (unsigned)(s / 60 % 60)));
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (ns < units[i].size)
            continue;
        double value = (double)ns / (double)units[i].size; /* below 60 000: three digits that matter */
        int n = snprintf(out, 16, "%.*f%s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[i].unit);
        return (size_t)(n - units[i].dress);
    }
    return (size_t)snprintf(out, 16, "%uns", (unsigned)ns);
}

/* --- attributes --- */

const any_value *pretty_find(key_value *const *attributes, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (attributes[i]->value && gw_str_eq(pretty_bytes(attributes[i]->key), gw_str_z(key)))
            return attributes[i]->value;
    return NULL;
}

static gw_str text_of(const any_value *v)
{
    bool is_text = v && v->value_case == OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE;
    return is_text ? pretty_bytes(v->string_value) : GW_NOSTR;
}

static void write_value(struct out *o, const any_value *v, unsigned depth);

static void write_list(struct out *o, const Opentelemetry__Proto__Common__V1__ArrayValue *list,
                       unsigned depth)
{
    out_char(o, '[');
    for (size_t i = 0; i < list->n_values; i++) {
        if (i)
            out_word(o, ", ");
        write_value(o, list->values[i], depth);
    }
    out_char(o, ']');
}

static void write_map(struct out *o, const Opentelemetry__Proto__Common__V1__KeyValueList *map,
                      unsigned depth)
{
    out_char(o, '{');
    for (size_t i = 0; i < map->n_values; i++) {
        if (i)
            out_word(o, ", ");
        out_bytes(o, pretty_bytes(map->values[i]->key));
        out_char(o, '=');
        write_value(o, map->values[i]->value, depth);
    }
    out_char(o, '}');
}

static void write_value(struct out *o, const any_value *v, unsigned depth)
{
    switch (v && depth ? v->value_case : OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE__NOT_SET) {
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_STRING_VALUE:
        out_bytes(o, pretty_bytes(v->string_value));
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BOOL_VALUE:
        out_word(o, v->bool_value ? "true" : "false");
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_INT_VALUE:
        out_printf(o, "%" PRId64, v->int_value);
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_DOUBLE_VALUE:
        out_printf(o, "%.9g", v->double_value);
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_ARRAY_VALUE:
        write_list(o, v->array_value, depth - 1);
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_KVLIST_VALUE:
        write_map(o, v->kvlist_value, depth - 1);
        break;
    case OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_BYTES_VALUE:
        out_printf(o, "(%zu bytes)", v->bytes_value.len);
        break;
    default:
        out_word(o, "…");
    }
}

gw_str pretty_value(struct pretty_line *l, const any_value *v)
{
    out_reset(l->scratch);
    if (v)
        write_value(l->scratch, v, NESTED);
    return gw_str_n(l->scratch->data, l->scratch->len);
}

/* --- resources --- */

gw_str pretty_resource_text(const pretty_resource *r, const char *key)
{
    return r ? text_of(pretty_find(r->attributes, r->n_attributes, key)) : GW_NOSTR;
}

void pretty_put_resource(struct pretty_line *l, const pretty_resource *r)
{
    static const struct {
        const char *key, *label;
    } rows[] = {
        {"deployment.environment.name", "env="},
        {"service.version", "version="},
        {"service.instance.id", "instance="},
        {"telemetry.sdk.language", "lang="},
        {"telemetry.sdk.version", "ddtrace="},
        {"host.name", "host="},
        {"container.id", "container="},
        {"k8s.pod.name", "pod="},
        {"process.pid", "pid="},
    };
    gw_str sdk = pretty_resource_text(r, "telemetry.sdk.name");
    bool is_other = sdk.len && !gw_str_eq(sdk, GW_STR("datadog"));
    for (size_t i = 0; r && i < sizeof rows / sizeof *rows; i++) {
        bool is_version = is_other && strcmp(rows[i].key, "telemetry.sdk.version") == 0;
        gw_str value = pretty_value(l, pretty_find(r->attributes, r->n_attributes, rows[i].key));
        if (!value.len)
            continue;
        pretty_put(l, PRETTY_DIM, " ");
        pretty_put(l, PRETTY_DIM, is_version ? "sdk=" : rows[i].label);
        pretty_put_text(l, PRETTY_DIM, value, TAG_VALUE);
    }
}

/* --- errors --- */

static const any_value *exception_part(const pretty_span *s, const char *event_key)
{
    for (size_t i = s->n_events; i-- > 0;)
        if (gw_str_eq(pretty_bytes(s->events[i]->name), GW_STR("exception")))
            return pretty_find(s->events[i]->attributes, s->events[i]->n_attributes, event_key);
    return NULL;
}

static gw_str first_text(const pretty_span *s, const char *event_key, const char *const *keys)
{
    gw_str found = text_of(exception_part(s, event_key));
    for (; !found.len && *keys; keys++)
        found = text_of(pretty_find(s->attributes, s->n_attributes, *keys));
    return found;
}

struct pretty_error pretty_error(const pretty_span *s)
{
    static const char *const type[] = {"error.type", NULL};
    static const char *const message[] = {"error.message", "error.msg", NULL};
    static const char *const stack[] = {"error.stack", NULL};
    struct pretty_error e = {first_text(s, "exception.type", type),
                             first_text(s, "exception.message", message),
                             first_text(s, "exception.stacktrace", stack)};
    if (!e.message.len && s->status)
        e.message = pretty_bytes(s->status->message);
    return e;
}

bool pretty_is_underline(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!gw_char_in(s.ptr[i], " ^~"))
            return false;
    return true;
}

static gw_str trim_end(gw_str s)
{
    while (s.len && gw_char_in(s.ptr[s.len - 1], " \t\r\n"))
        s.len--;
    return s;
}

/* Python's stand last, before the message; elsewhere they follow the message. */
size_t pretty_stack(gw_str text, gw_str picked[PRETTY_STACK])
{
    bool python = gw_str_starts(text, GW_STR("Traceback"));
    gw_str at, rest = trim_end(text);
    size_t n = 0;
    for (size_t i = 0; gw_str_next(&rest, '\n', &at); i++) {
        bool message = python ? !rest.ptr : i == 0 && rest.ptr;
        if (message || pretty_is_underline(trim_end(at)))
            continue;
        if (n == PRETTY_STACK && !python)
            break;
        if (n == PRETTY_STACK)
            memmove(picked, picked + 1, --n * sizeof *picked);
        while (at.len && *at.ptr == '\t')
            at = gw_str_from(at, 1);
        picked[n++] = trim_end(at);
    }
    return n;
}

/* --- details --- */

struct details {
    struct pretty_line *l;
    const pretty_span *span;
    bool any;
};

static const any_value *attribute(const struct details *d, const char *key)
{
    return pretty_find(d->span->attributes, d->span->n_attributes, key);
}

/* The first of the two names that is there: OpenTelemetry's, Datadog's (mode `datadog`). */
static const any_value *either(const struct details *d, const char *otel, const char *datadog)
{
    const any_value *v = attribute(d, otel);
    return v || !datadog ? v : attribute(d, datadog);
}

static bool in_name(const struct details *d, gw_str s)
{
    return s.len && d->span->name.len >= s.len &&
           memmem(d->span->name.data, d->span->name.len, s.ptr, s.len) != NULL;
}

static void item(struct details *d, enum pretty_style style, gw_str s)
{
    if (!s.len || in_name(d, s))
        return;
    pretty_put(d->l, PRETTY_PLAIN, d->any ? " · " : "  ");
    pretty_put_text(d->l, style, s, VALUE);
    d->any = true;
}

static void http_status(struct details *d)
{
    gw_str code = pretty_value(d->l, either(d, "http.response.status_code", "http.status_code"));
    if (!code.len)
        return;
    enum pretty_style style = *code.ptr == '5'   ? PRETTY_RED
                              : *code.ptr == '4' ? PRETTY_YELLOW
                              : *code.ptr == '2' ? PRETTY_GREEN
                                                 : PRETTY_CYAN;
    pretty_put(d->l, PRETTY_PLAIN, "  ");
    pretty_put_text(d->l, style, code, TAG_VALUE);
    d->any = true;
}

/* host:port, where no URL says it. */
static void peer(struct details *d)
{
    gw_str host = text_of(attribute(d, "server.address"));
    if (!host.len || attribute(d, "url.full") ||
        d->span->kind == OPENTELEMETRY__PROTO__TRACE__V1__SPAN__SPAN_KIND__SPAN_KIND_SERVER)
        return;
    item(d, PRETTY_PLAIN, host);
    gw_str port = pretty_value(d->l, attribute(d, "server.port"));
    if (port.len) {
        pretty_put(d->l, PRETTY_PLAIN, ":");
        pretty_put_text(d->l, PRETTY_PLAIN, port, TAG_VALUE);
    }
}

/* What is said already, or says little to a reader of trees. Ends in '.' or begins with '_': all that begin
 * so. */
static bool is_detail(gw_str key)
{
    static const char *const known[] = {"_",           "datadog.",    "http.",          "url.",
                                        "db.",         "sql.",        "messaging.",     "rpc.",
                                        "error.",      "exception.",  "server.",        "client.",
                                        "network.",    "user_agent.", "thread.",        "process.",
                                        "peer.",       "out.",        "operation.name", "resource.name",
                                        "span.type",   "span.kind",   "component",      "language",
                                        "runtime-id",  "sampling.",   "telemetry.",     "service",
                                        "env",         "version",     "flask.version",  "otel.",
                                        "system.pid",  "service.",    "code.",          "process_id",
                                        "traceparent", "tracestate",  "flask.url_rule"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        gw_str k = gw_str_z(known[i]);
        if (k.ptr[k.len - 1] == '.' || k.ptr[0] == '_' ? gw_str_starts(key, k) : gw_str_eq(key, k))
            return true;
    }
    return false;
}

/* Of a log record. */
static bool is_log_detail(gw_str key)
{
    static const char *const known[] = {"exception.", "datadog.log.source", "code.",
                                        "thread.",    "log.file.",          "log.record.original"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gw_str_starts(key, gw_str_z(known[i])))
            return true;
    return false;
}

static void put_attributes(struct pretty_line *l, key_value *const *attributes, size_t n,
                           bool (*hidden)(gw_str key))
{
    size_t shown = 0, more = 0;
    for (size_t i = 0; i < n; i++) {
        gw_str key = pretty_bytes(attributes[i]->key);
        if (hidden(key))
            continue;
        if (shown++ >= TAGS) {
            more++;
            continue;
        }
        pretty_put(l, PRETTY_DIM, shown == 1 ? "  " : " ");
        pretty_put_text(l, PRETTY_DIM, key, TAG_VALUE);
        pretty_put(l, PRETTY_DIM, "=");
        pretty_put_text(l, PRETTY_DIM, pretty_value(l, attributes[i]->value), TAG_VALUE);
    }
    if (more) {
        char words[32];
        snprintf(words, sizeof words, " +%zu more", more);
        pretty_put(l, PRETTY_DIM, words);
    }
}

static bool is_nothing(gw_str key)
{
    return false;
}

void pretty_put_all_attributes(struct pretty_line *l, key_value *const *attributes, size_t n)
{
    put_attributes(l, attributes, n, is_nothing);
}

void pretty_put_attributes(struct pretty_line *l, key_value *const *attributes, size_t n)
{
    put_attributes(l, attributes, n, is_detail);
}

void pretty_put_log_attributes(struct pretty_line *l, key_value *const *attributes, size_t n)
{
    put_attributes(l, attributes, n, is_log_detail);
}

void pretty_put_details(struct pretty_line *l, const pretty_span *span)
{
    static const struct {
        const char *otel, *datadog;
        enum pretty_style style;
    } rows[] = {
        {"http.request.method", "http.method", PRETTY_PLAIN},
        {"url.full", "http.url", PRETTY_PLAIN},
        {"url.path", NULL, PRETTY_PLAIN},
        {"url.query", NULL, PRETTY_DIM},
        {"db.system.name", "db.type", PRETTY_PLAIN},
        {"db.namespace", "db.name", PRETTY_PLAIN},
        {"db.query.text", "sql.query", PRETTY_PLAIN},
        {"messaging.system", NULL, PRETTY_PLAIN},
        {"messaging.destination.name", NULL, PRETTY_PLAIN},
        {"rpc.service", NULL, PRETTY_PLAIN},
        {"rpc.method", NULL, PRETTY_PLAIN},
        {"rpc.response.status_code", "grpc.status.code", PRETTY_PLAIN},
    };
    struct details d = {l, span, false};
    http_status(&d);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        item(&d, rows[i].style, pretty_value(l, either(&d, rows[i].otel, rows[i].datadog)));
    peer(&d);
    if (!attribute(&d, "db.query.text"))
        item(&d, PRETTY_DIM, pretty_value(l, attribute(&d, "resource.name")));
    item(&d, PRETTY_DIM, pretty_value(l, attribute(&d, "operation.name")));
    pretty_put_attributes(l, span->attributes, span->n_attributes);
}
