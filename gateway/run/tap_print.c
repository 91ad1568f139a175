/* tap_print.c: Reads the objects of the API and writes lines for people. Owns nothing. Called by tap.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/run/tap_print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "exporters/encoding/otlp_read.h"
#include "exporters/stdout/pretty_log.h"
#include "exporters/stdout/pretty_span.h"
#include "gateway/run/admin_client.h"
#include "translators/otlp/otlp_json_in.h"

typedef Opentelemetry__Proto__Collector__Logs__V1__ExportLogsServiceRequest logs_request;

/* Columns of names and texts; attributes of a record that are shown; what a request's structs may take, as many
 * times as its bytes. */
enum { NAME = 100, TEXT = 400, VALUE = 40, ATTRIBUTES = 6, TIME = 9, SCRATCH = 64 * 1024, ID_DIGITS = 8 };

/* --- JSON --- */

static gw_str raw(struct gw_json *j)
{
    gw_str s = GW_NOSTR;
    gw_json_raw(j, &s);
    return s;
}

/* --- traces --- */

static void trace_member(struct gw_json *j, gw_str key, struct tap_trace *t)
{
    if (gw_str_eq(key, GW_STR("trace_id")))
        t->trace_id = gw_client_text(j);
    else if (gw_str_eq(key, GW_STR("service")))
        t->service = gw_client_text(j);
    else if (gw_str_eq(key, GW_STR("root")))
        t->root = gw_client_text(j);
    else if (gw_str_eq(key, GW_STR("services")))
        t->services = raw(j);
    else if (gw_str_eq(key, GW_STR("start")))
        t->start = gw_client_count(j);
    else if (gw_str_eq(key, GW_STR("duration")))
        t->duration = gw_client_count(j);
    else if (gw_str_eq(key, GW_STR("spans")))
        t->spans = gw_client_count(j);
    else if (gw_str_eq(key, GW_STR("errors")))
        t->errors = gw_client_count(j);
    else if (gw_str_eq(key, GW_STR("logs")))
        t->logs = gw_client_count(j);
    else
        gw_json_skip(j);
}

bool tap_read_trace(struct gw_arena *arena, gw_str line, struct tap_trace *t)
{
    struct gw_json j;
    gw_str key;
    *t = (struct tap_trace){.services = GW_NOSTR};
    gw_json_init(&j, line, arena);
    if (gw_json_kind(&j) != GW_JSON_OBJECT || !gw_json_object(&j))
        return false;
    while (gw_json_member(&j, &key))
        trace_member(&j, key, t);
    return gw_json_end(&j) && t->trace_id.len;
}

/* The time of the day: lines stand below each other. */
static void put_time(struct pretty_line *l, uint64_t unix_ns)
{
    char when[64];
    enum { DATE = 11, CLOCK = 12 };
    if (!pretty_when(when, unix_ns))
        return;
    pretty_put_text(l, PRETTY_DIM, gw_str_n(when + DATE, CLOCK), CLOCK);
    pretty_put(l, PRETTY_PLAIN, " ");
}

static void put_right(struct pretty_line *l, enum pretty_style style, const char *z, size_t columns)
{
    for (; columns < TIME; columns++)
        pretty_put(l, PRETTY_PLAIN, " ");
    pretty_put(l, style, z);
}

static struct pretty_line begin(struct out *o, struct out *scratch, const struct pretty *how)
{
    return (struct pretty_line){o, scratch, how->color ? "" : NULL,
                                how->columns ? how->columns : SIZE_MAX / 2};
}

static void put_count(struct pretty_line *l, enum pretty_style style, const char *before, uint64_t n,
                      const char *what)
{
    char words[64];
    snprintf(words, sizeof words, "%" PRIu64 " %s%s", n, what, n == 1 ? "" : "s");
    pretty_put(l, PRETTY_DIM, before);
    pretty_put(l, style, words);
}

/* Those besides its own. */
static void put_services(struct pretty_line *l, struct gw_arena *arena, const struct tap_trace *t)
{
    struct gw_json j;
    const char *before = " · ";
    gw_json_init(&j, t->services, arena);
    if (gw_json_kind(&j) != GW_JSON_ARRAY || !gw_json_array(&j))
        return;
    while (gw_json_item(&j)) {
        gw_str service = gw_client_text(&j);
        if (!service.len || gw_str_eq(service, t->service))
            continue;
        pretty_put(l, PRETTY_DIM, before);
        pretty_put_service(l, service);
        before = ", ";
    }
}

void tap_put_trace(struct out *o, struct gw_arena *arena, const struct pretty *how, const struct tap_trace *t)
{
    char duration[16];
    struct pretty_line l = begin(o, NULL, how);
    put_time(&l, t->start);
    size_t columns = pretty_duration(duration, t->duration);
    put_right(&l, PRETTY_PLAIN, duration, columns);
    pretty_put(&l, PRETTY_PLAIN, "  ");
    pretty_put_service(&l, t->service);
    pretty_put(&l, PRETTY_PLAIN, "  ");
    pretty_put_text(&l, t->errors ? PRETTY_RED : PRETTY_BOLD, t->root.len ? t->root : GW_STR("(no root yet)"),
                    NAME);
    put_count(&l, PRETTY_PLAIN, "  ", t->spans, "span");
    if (t->errors)
        put_count(&l, PRETTY_RED, " · ", t->errors, "error");
    if (t->logs)
        put_count(&l, PRETTY_PLAIN, " · ", t->logs, "log");
    put_services(&l, arena, t);
    if (t->grown)
        pretty_put(&l, PRETTY_DIM, " · more of it came");
    pretty_put(&l, PRETTY_DIM, "  ");
    pretty_put_text(&l, PRETTY_DIM, t->trace_id, 2 * 16);
    pretty_end(&l);
}

/* --- log records --- */

struct record {
    gw_str service, severity, body, attributes, trace_id;
    uint64_t time, severity_number;
    bool has_body;
};

static void log_member(struct gw_json *j, gw_str key, struct record *r)
{
    if (gw_str_eq(key, GW_STR("time")))
        r->time = gw_client_count(j);
    else if (gw_str_eq(key, GW_STR("service")))
        r->service = gw_client_text(j);
    else if (gw_str_eq(key, GW_STR("severity")))
        r->severity = gw_client_text(j);
    else if (gw_str_eq(key, GW_STR("severity_number")))
        r->severity_number = gw_client_count(j);
    else if (gw_str_eq(key, GW_STR("attributes")))
        r->attributes = raw(j);
    else if (gw_str_eq(key, GW_STR("trace_id")))
        r->trace_id = gw_client_text(j);
    else if (gw_str_eq(key, GW_STR("body"))) {
        r->has_body = true;
        r->body = gw_json_kind(j) == GW_JSON_STRING ? gw_client_text(j) : raw(j);
    } else
        gw_json_skip(j);
}

/* An AnyValue: {"stringValue":"x"}; what is inside of a list or a map stays JSON. */
static gw_str any_value(struct gw_json *j)
{
    gw_str key, value = GW_NOSTR;
    if (gw_json_kind(j) != GW_JSON_OBJECT)
        return gw_json_kind(j) == GW_JSON_STRING ? gw_client_text(j) : raw(j);
    if (gw_json_object(j))
        while (gw_json_member(j, &key))
            value = gw_json_kind(j) == GW_JSON_STRING ? gw_client_text(j) : raw(j);
    return value;
}

static void put_attributes(struct pretty_line *l, struct gw_arena *arena, gw_str attributes)
{
    struct gw_json j;
    gw_str key;
    size_t n = 0;
    gw_json_init(&j, attributes, arena);
    if (gw_json_kind(&j) != GW_JSON_OBJECT || !gw_json_object(&j))
        return;
    while (gw_json_member(&j, &key)) {
        gw_str value = any_value(&j);
        if (n++ >= ATTRIBUTES)
            continue;
        pretty_put(l, PRETTY_DIM, n == 1 ? "  " : " ");
        pretty_put_text(l, PRETTY_DIM, key, VALUE);
        pretty_put(l, PRETTY_DIM, "=");
        pretty_put_text(l, PRETTY_DIM, value, VALUE);
    }
    if (n > ATTRIBUTES) {
        char words[32];
        snprintf(words, sizeof words, " +%zu more", n - ATTRIBUTES);
        pretty_put(l, PRETTY_DIM, words);
    }
}

static void put_record(struct pretty_line *l, struct gw_arena *arena, const struct record *r)
{
    static const enum pretty_style styles[] = {PRETTY_DIM,    PRETTY_DIM, PRETTY_DIM, PRETTY_GREEN,
                                               PRETTY_YELLOW, PRETTY_RED, PRETTY_RED};
    size_t range = r->severity_number && r->severity_number <= 24 ? (size_t)(r->severity_number + 3) / 4 : 0;
    put_time(l, r->time);
    for (size_t columns = out_columns(r->severity); columns < TIME; columns++)
        pretty_put(l, PRETTY_PLAIN, " ");
    pretty_put_text(l, styles[range], r->severity, TIME);
    pretty_put(l, PRETTY_PLAIN, "  ");
    pretty_put_service(l, r->service);
    pretty_put(l, PRETTY_PLAIN, "  ");
    pretty_put_text(l, PRETTY_PLAIN, r->body, TEXT);
    put_attributes(l, arena, r->attributes);
    if (r->trace_id.len >= ID_DIGITS) {
        pretty_put(l, PRETTY_DIM, "  · trace …");
        pretty_put_text(l, PRETTY_DIM, gw_str_from(r->trace_id, r->trace_id.len - ID_DIGITS), ID_DIGITS);
    }
    pretty_end(l);
}

void tap_put_log(struct out *o, struct gw_arena *arena, const struct pretty *how, bool alone, gw_str line)
{
    struct record r = {.attributes = GW_NOSTR};
    struct pretty_line l = begin(o, NULL, how);
    struct gw_json j;
    gw_str key;
    gw_json_init(&j, line, arena);
    if (gw_json_kind(&j) != GW_JSON_OBJECT || !gw_json_object(&j))
        return;
    while (gw_json_member(&j, &key))
        log_member(&j, key, &r);
    if (gw_json_end(&j) && r.has_body && !(alone && r.trace_id.len))
        put_record(&l, arena, &r);
}

/* --- trees --- */

/* OTLP/JSON of one signal as structs; NULL when it cannot be read. */
static const ProtobufCMessage *read_request(struct gw_arena *arena, gw_str json, enum gw_signal signal,
                                            enum otlp_message message)
{
    struct otlp_buf bytes = {0};
    struct gw_err err;
    const ProtobufCMessage *request = NULL;
    if (otlp_json_read(message, json, arena, &bytes, &err) == GW_OK) {
        gw_str copy = gw_arena_dup(arena, gw_str_n((const char *)bytes.data, bytes.len));
        request = arena->spent ? NULL : otlp_read(arena, signal, copy);
    }
    otlp_fini(&bytes);
    return request;
}

static struct pretty_log *list_logs(struct gw_arena *arena, const logs_request *q, size_t *n)
{
    size_t most = 0;
    *n = 0;
    for (size_t i = 0; i < q->n_resource_logs; i++)
        for (size_t j = 0; j < q->resource_logs[i]->n_scope_logs; j++)
            most += q->resource_logs[i]->scope_logs[j]->n_log_records;
    struct pretty_log *logs = most ? gw_new(arena, struct pretty_log, most) : NULL;
    for (size_t i = 0; logs && i < q->n_resource_logs; i++)
        for (size_t j = 0; j < q->resource_logs[i]->n_scope_logs; j++) {
            const Opentelemetry__Proto__Logs__V1__ScopeLogs *scope = q->resource_logs[i]->scope_logs[j];
            for (size_t k = 0; k < scope->n_log_records; k++, ++*n)
                logs[*n] =
                    (struct pretty_log){.record = scope->log_records[k],
                                        .resource = q->resource_logs[i]->resource,
                                        .logger = scope->scope ? pretty_bytes(scope->scope->name) : GW_NOSTR,
                                        .place = *n};
        }
    return logs;
}

bool tap_put_tree(struct out *o, struct gw_arena *arena, const struct pretty *how, gw_str json)
{
    const pretty_request *traces =
        (const pretty_request *)read_request(arena, json, GW_TRACES, OTLP_TRACES_REQUEST);
    const logs_request *records = (const logs_request *)read_request(arena, json, GW_LOGS, OTLP_LOGS_REQUEST);
    size_t n = 0;
    struct pretty_log *logs = records ? list_logs(arena, records, &n) : NULL;
    return traces && pretty_traces(o, arena, how, &traces, 1, logs, n);
}

/* --- other objects --- */

uint64_t tap_read_missed(struct gw_arena *arena, gw_str line)
{
    struct gw_json j;
    gw_str key;
    gw_json_init(&j, line, arena);
    return gw_json_kind(&j) == GW_JSON_OBJECT && gw_json_object(&j) && gw_json_member(&j, &key) &&
                   gw_str_eq(key, GW_STR("missed"))
               ? gw_client_count(&j)
               : 0;
}

/* --- JSON as it is --- */

/* Between its tokens JSON may have line breaks; in a text they are escaped. */
void tap_put_json(struct out *o, gw_str line)
{
    while (line.len) {
        uint32_t rune = out_next_rune(&line);
        if (rune == '\n' || rune == '\r' || rune == '\t')
            continue;
        if (out_rune_hidden(rune))
            out_printf(o, "\\u%04x", (unsigned)rune);
        else
            out_rune(o, rune);
    }
    out_char(o, '\n');
}
