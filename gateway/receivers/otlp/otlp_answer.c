/* otlp_answer.c: The messages of answers, in protobuf and in JSON. They are written into a small buffer on the stack and copied
 * into the request's arena. Pure; called by who answers, on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "core/base/protobuf_wire.h"
#include "gateway/receivers/otlp/otlp_receiver.h"

/* Of opentelemetry/proto/collector/…: the same numbers in all three. */
enum { PARTIAL_SUCCESS = 1, REJECTED = 1, ERROR_MESSAGE = 2 };
/* Of google/rpc/status.proto, error_details.proto and google/protobuf/any.proto. */
enum { STATUS_CODE = 1, STATUS_MESSAGE = 2, STATUS_DETAILS = 3, ANY_TYPE = 1, ANY_VALUE = 2 };
enum { RETRY_DELAY = 1, DURATION_SECONDS = 1 };
/* Of gRPC. */
enum { INVALID_ARGUMENT = 3, NOT_FOUND = 5, PERMISSION_DENIED = 7, RESOURCE_EXHAUSTED = 8 };
enum { FAILED_PRECONDITION = 9, UNIMPLEMENTED = 12, INTERNAL = 13, UNAVAILABLE = 14, UNAUTHENTICATED = 16 };

enum { TEXT = 512, MESSAGE = TEXT + 256 };

static uint8_t *put_text(uint8_t *p, unsigned field, gw_str s)
{
    p = wire_put_len_head(p, field, s.len);
    memcpy(p, s.ptr, s.len);
    return p + s.len;
}

static uint8_t *put_number(uint8_t *p, unsigned field, uint64_t v)
{
    return wire_put_varint(wire_put_tag(p, field, WIRE_VARINT), v);
}

static gw_str keep(struct gw_arena *arena, const uint8_t *from, const uint8_t *to)
{
    return gw_arena_dup(arena, gw_str_n((const char *)from, (size_t)(to - from)));
}

/* Makes "2 of 7 items are refused: a text is not UTF-8 (2)", and the position of the first. */
static gw_str reason_text(const struct otlp_taken *t, char *out)
{
    const struct otlp_contents *c = &t->contents;
    int n = snprintf(out, TEXT, "%llu of %llu items are refused:", (unsigned long long)t->refused,
                     (unsigned long long)c->items);
    const char *comma = "";
    for (int i = OTLP_NO_FAULT + 1; i < OTLP_FAULTS; i++) {
        if (!c->refused[i])
            continue;
        n += snprintf(out + n, TEXT - (size_t)n, "%s %s (%llu)", comma, otlp_fault_text((enum otlp_fault)i),
                      (unsigned long long)c->refused[i]);
        comma = ",";
    }
    n += snprintf(out + n, TEXT - (size_t)n, "; the first at offset %zu", c->first_at);
    return gw_str_n(out, (size_t)n);
}

/* Text within quotes of JSON. Twice its length is room enough: control characters become blanks. */
static gw_str quotable(gw_str s, struct gw_arena *arena)
{
    char *out = gw_arena_raw(arena, 2 * s.len + 1, 1), *p = out;
    for (size_t i = 0; out && i < s.len; i++) {
        if (s.ptr[i] == '"' || s.ptr[i] == '\\')
            *p++ = '\\';
        *p++ = (unsigned char)s.ptr[i] < ' ' ? ' ' : s.ptr[i];
    }
    return out ? gw_str_n(out, (size_t)(p - out)) : GW_NOSTR;
}

static gw_str taken_json(const struct otlp_taken *t, enum gw_signal signal, struct gw_arena *arena)
{
    static const char *const rejected[GW_SIGNALS] = {[GW_TRACES] = "rejectedSpans",
                                                     [GW_LOGS] = "rejectedLogRecords",
                                                     [GW_METRICS] = "rejectedDataPoints",
                                                     [GW_PROFILES] = "rejectedProfiles"};
    char text[TEXT];
    if (!t->refused)
        return GW_STR("{}");
    gw_str why = quotable(reason_text(t, text), arena);
    return gw_arena_printf(arena, "{\"partialSuccess\":{\"%s\":\"%llu\",\"errorMessage\":\"%.*s\"}}",
                           rejected[signal], (unsigned long long)t->refused, GW_FMT(why));
}

gw_str otlp_answer_taken(const struct otlp_taken *t, enum gw_signal signal, bool json, struct gw_arena *arena)
{
    if (json)
        return taken_json(t, signal, arena);
    uint8_t inner[MESSAGE], outer[MESSAGE], *p = inner;
    char text[TEXT];
    if (!t->refused)
        return GW_NOSTR;
    p = put_number(p, REJECTED, t->refused);
    p = put_text(p, ERROR_MESSAGE, reason_text(t, text));
    gw_str partial = gw_str_n((const char *)inner, (size_t)(p - inner));
    return keep(arena, outer, put_text(outer, PARTIAL_SUCCESS, partial));
}

int otlp_answer_code(enum gw_code code)
{
    switch (gw_code_http(code)) {
    case 400:
    case 415:
        return INVALID_ARGUMENT;
    case 401:
        return UNAUTHENTICATED;
    case 403:
        return PERMISSION_DENIED;
    case 404:
    case 405:
        return UNIMPLEMENTED;
    case 408:
    case 503:
        return UNAVAILABLE;
    case 413:
    case 429:
        return RESOURCE_EXHAUSTED;
    default:
        return INTERNAL;
    }
}

/* google.protobuf.Any with a RetryInfo. */
static uint8_t *put_retry_info(uint8_t *p, int seconds)
{
    static const gw_str type = GW_LIT("type.googleapis.com/google.rpc.RetryInfo");
    uint8_t duration[16], info[24], any[96], *end = put_number(duration, DURATION_SECONDS, (uint64_t)seconds);
    end = put_text(info, RETRY_DELAY, gw_str_n((char *)duration, (size_t)(end - duration)));
    gw_str written = gw_str_n((char *)info, (size_t)(end - info));
    end = put_text(put_text(any, ANY_TYPE, type), ANY_VALUE, written);
    return put_text(p, STATUS_DETAILS, gw_str_n((char *)any, (size_t)(end - any)));
}

gw_str otlp_answer_status(const struct gw_err *err, int retry_after, bool json, struct gw_arena *arena)
{
    char text[TEXT];
    gw_http_error_text(err, text, sizeof text);
    if (json)
        return gw_arena_printf(arena, "{\"code\":%d,\"message\":\"%.*s\"}", otlp_answer_code(err->code),
                               GW_FMT(quotable(gw_str_z(text), arena)));
    uint8_t out[MESSAGE], *p = put_number(out, STATUS_CODE, (unsigned)otlp_answer_code(err->code));
    p = put_text(p, STATUS_MESSAGE, gw_str_z(text));
    if (retry_after)
        p = put_retry_info(p, retry_after);
    return keep(arena, out, p);
}
