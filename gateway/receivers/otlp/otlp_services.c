/* otlp_services.c: gRPC services about the server itself: grpc.health.v1 and server reflection (v1 and
 * v1alpha, which have the same messages). Both use one list of services. Owns nothing beyond the call. Called
 * by HTTP workers (gateway/http/grpc.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/protobuf_wire.h"
#include "core/delivery/fanout.h"
#include "gateway/receivers/otlp/otlp_descriptors.h"
#include "gateway/receivers/otlp/otlp_receiver.h"

static const gw_str profiles_service =
    GW_LIT("opentelemetry.proto.collector.profiles.v1development.ProfilesService");

static const gw_str services[] = {
    GW_LIT("grpc.health.v1.Health"),
    GW_LIT("grpc.reflection.v1.ServerReflection"),
    GW_LIT("grpc.reflection.v1alpha.ServerReflection"),
    GW_LIT("opentelemetry.proto.collector.logs.v1.LogsService"),
    GW_LIT("opentelemetry.proto.collector.metrics.v1.MetricsService"),
    GW_LIT("opentelemetry.proto.collector.profiles.v1development.ProfilesService"),
    GW_LIT("opentelemetry.proto.collector.trace.v1.TraceService"),
};
enum { SERVICES = sizeof services / sizeof *services };

/* Profiles are served where an exporter takes them. */
static bool is_served(const struct otlp_receiver *o, gw_str service)
{
    return !gw_str_eq(service, profiles_service) || gw_fanout_schemas(o->host->fanout, GW_PROFILES);
}

static struct wire_view view_of(gw_str s)
{
    return (struct wire_view){(const uint8_t *)s.ptr, (const uint8_t *)s.ptr + s.len};
}

static uint8_t *put_text(uint8_t *p, unsigned field, gw_str s)
{
    p = wire_put_len_head(p, field, s.len);
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return p + s.len;
}

static gw_str written(const uint8_t *from, const uint8_t *to)
{
    return gw_str_n((const char *)from, (size_t)(to - from));
}

static void refuse(struct gw_grpc_reply *r, int status, gw_str words)
{
    r->status = status;
    r->words = words;
}

/* --- health: who may call us is served --- */

enum { SERVING = 1, SERVICE_UNKNOWN = 3 };

/* HealthCheckResponse { status = 1 } */
static gw_str health_answer(unsigned status)
{
    return status == SERVING ? GW_STR("\x08\x01") : GW_STR("\x08\x03");
}

/* HealthCheckRequest { service = 1 }; "": the server as a whole. */
static bool asks_for_served(const struct otlp_receiver *o, gw_str request)
{
    struct wire_view v = view_of(request);
    gw_str name = GW_NOSTR;
    for (struct wire_field f = {0}; wire_next(&v, &f);)
        if (f.number == 1 && f.type == WIRE_LEN)
            name = wire_text(f.body);
    for (size_t i = 0; i < SERVICES && name.len; i++)
        if (gw_str_eq(name, services[i]))
            return is_served(o, name);
    return !name.len;
}

/* A watch gets one answer and ends with the connection. */
void otlp_grpc_health(void *ctx, const struct gw_grpc_method *m, const struct gw_grpc_call *call,
                      struct gw_grpc_reply *r)
{
    bool known = asks_for_served(ctx, call->message);
    r->body = health_answer(known ? SERVING : SERVICE_UNKNOWN);
    if (!known && m->kind == GW_GRPC_UNARY)
        refuse(r, GW_GRPC_NOT_FOUND, GW_STR("no such service here"));
}

/* HealthListResponse { map<string, HealthCheckResponse> statuses = 1 } */
void otlp_grpc_health_list(void *ctx, const struct gw_grpc_method *m, const struct gw_grpc_call *call,
                           struct gw_grpc_reply *r)
{
    enum { STATUSES = 1, KEY = 1, VALUE = 2, ENTRY = 160 };
    uint8_t *out = gw_arena_raw(call->arena, SERVICES + 1, ENTRY), *p = out;
    for (size_t i = 0; out && i <= SERVICES; i++) {
        gw_str name = i < SERVICES ? services[i] : GW_NOSTR;
        uint8_t entry[ENTRY];
        if (name.len && !is_served(ctx, name))
            continue;
        p = put_text(p, STATUSES,
                     written(entry, put_text(put_text(entry, KEY, name), VALUE, health_answer(SERVING))));
    }
    r->body = out ? written(out, p) : GW_NOSTR;
    if (!out)
        refuse(r, GW_GRPC_RESOURCE_EXHAUSTED, GW_STR("no memory for the answer"));
}

/* --- reflection --- */

/* Of grpc/reflection/v1/reflection.proto. */
enum { HOST = 1, FILE_BY_NAME = 3, FILE_OF_SYMBOL, FILE_OF_EXTENSION, EXTENSIONS_OF_TYPE, LIST_SERVICES };
enum { VALID_HOST = 1, ORIGINAL = 2, FILES = 4, EXTENSIONS, SERVICE_LIST, ERROR_ANSWER };
enum { ERROR_CODE = 1, ERROR_WORDS = 2, IN_LIST = 1 };
enum { LONGEST = 1024, AROUND = 256 };

struct question {
    unsigned kind; /* 0: none that is known */
    gw_str host, text;
};

/* False: it is not well-formed. */
static bool read_question(gw_str message, struct question *q)
{
    struct wire_view v = view_of(message);
    *q = (struct question){.kind = 0};
    for (struct wire_field f = {0}; wire_next(&v, &f);) {
        if (f.type != WIRE_LEN)
            continue;
        if (f.number == HOST)
            q->host = wire_text(f.body);
        if (f.number < FILE_BY_NAME || f.number > LIST_SERVICES)
            continue;
        q->kind = f.number;
        q->text = wire_text(f.body);
    }
    return v.at == v.end;
}

/* The answer's own field is written into the arena; empty: there is no memory. */

static gw_str put_files(const struct otlp_descriptors *d, struct gw_arena *arena)
{
    size_t n = AROUND;
    for (size_t i = 0; i < d->n; i++)
        n += wire_len_field_size(d->files[i].len);
    uint8_t *list = gw_arena_raw(arena, n, 1), *out = gw_arena_raw(arena, n, 1), *p = list;
    if (!list || !out)
        return GW_NOSTR;
    for (size_t i = 0; i < d->n; i++)
        p = put_text(p, IN_LIST, d->files[i]);
    return written(out, put_text(out, FILES, written(list, p)));
}

static gw_str put_services(const struct otlp_receiver *o, struct gw_arena *arena)
{
    enum { ROOM = SERVICES * 128 };
    uint8_t list[ROOM], *p = list, *out = gw_arena_raw(arena, ROOM + AROUND, 1);
    for (size_t i = 0; i < SERVICES; i++) {
        uint8_t one[128];
        if (is_served(o, services[i]))
            p = put_text(p, IN_LIST, written(one, put_text(one, IN_LIST, services[i])));
    }
    return out ? written(out, put_text(out, SERVICE_LIST, written(list, p))) : GW_NOSTR;
}

/* None of our messages has extensions. */
static gw_str put_extensions(gw_str type, struct gw_arena *arena)
{
    uint8_t inner[LONGEST + AROUND], *out = gw_arena_raw(arena, LONGEST + 2 * AROUND, 1);
    return out ? written(out, put_text(out, EXTENSIONS, written(inner, put_text(inner, IN_LIST, type))))
               : GW_NOSTR;
}

static gw_str put_error(int code, gw_str words, struct gw_arena *arena)
{
    uint8_t inner[AROUND], *out = gw_arena_raw(arena, 2 * AROUND, 1);
    uint8_t *p = wire_put_varint(wire_put_tag(inner, ERROR_CODE, WIRE_VARINT), (uint64_t)code);
    return out ? written(out, put_text(out, ERROR_ANSWER, written(inner, put_text(p, ERROR_WORDS, words))))
               : GW_NOSTR;
}

static gw_str answer_to(const struct otlp_receiver *o, const struct question *q, struct gw_arena *arena)
{
    struct otlp_descriptors d;
    switch (q->kind) {
    case LIST_SERVICES:
        return put_services(o, arena);
    case FILE_BY_NAME:
        return otlp_descriptors_of_file(q->text, &d)
                   ? put_files(&d, arena)
                   : put_error(GW_GRPC_NOT_FOUND, GW_STR("no such file here"), arena);
    case FILE_OF_SYMBOL:
        return otlp_descriptors_of_symbol(q->text, &d)
                   ? put_files(&d, arena)
                   : put_error(GW_GRPC_NOT_FOUND, GW_STR("no such symbol here"), arena);
    case EXTENSIONS_OF_TYPE:
        return otlp_descriptors_has_message(q->text)
                   ? put_extensions(q->text, arena)
                   : put_error(GW_GRPC_NOT_FOUND, GW_STR("no such message here"), arena);
    case FILE_OF_EXTENSION:
        return put_error(GW_GRPC_NOT_FOUND, GW_STR("no message here has extensions"), arena);
    default:
        return put_error(GW_GRPC_INVALID_ARGUMENT, GW_STR("the request asks for nothing that is known"),
                         arena);
    }
}

void otlp_grpc_reflect(void *ctx, const struct gw_grpc_method *m, const struct gw_grpc_call *call,
                       struct gw_grpc_reply *r)
{
    struct question q;
    if (call->message.len > LONGEST || !read_question(call->message, &q)) {
        refuse(r, GW_GRPC_INVALID_ARGUMENT, GW_STR("this is no ServerReflectionRequest"));
        return;
    }
    gw_str own = answer_to(ctx, &q, call->arena);
    uint8_t *out = gw_arena_raw(call->arena, own.len + 2 * LONGEST + AROUND, 1), *p = out;
    if (!own.len || !out) {
        refuse(r, GW_GRPC_RESOURCE_EXHAUSTED, GW_STR("no memory for the answer"));
        return;
    }
    p = put_text(p, VALID_HOST, q.host);
    p = put_text(p, ORIGINAL, call->message);
    memcpy(p, own.ptr, own.len);
    r->body = written(out, p + own.len);
}
