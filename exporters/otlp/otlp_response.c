/* Reads the answers of backends: OTLP's partial success as protobuf and as JSON, google.rpc.Status with its
 * RetryInfo, delays. Owns nothing, and allocates only for JSON text with escapes. Called by grpc_status.c and
 * otlp_http_status.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/otlp_response.h"

#include "core/base/json.h"
#include "core/base/protobuf_wire.h"
#include "core/base/scrub.h"

enum { WORDS = 4096 /* the longest text of a backend that is read */ };

/* Field numbers. The answers to traces, logs and metrics differ only in names. */
enum { RESPONSE_PARTIAL = 1, PARTIAL_REJECTED = 1, PARTIAL_MESSAGE = 2 };
enum {
    STATUS_MESSAGE = 2,
    STATUS_DETAILS = 3,
    ANY_URL = 1,
    ANY_VALUE = 2,
    INFO_DELAY = 1,
    DURATION_SECONDS = 1,
    DURATION_NANOS = 2
};

/* Hides secrets that the backend repeats before the text is truncated, because a truncated secret would not
 * be found. */
void otlp_response_text(struct gw_outcome *out, gw_str words)
{
    char clean[WORDS];
    words.len = words.len < sizeof clean ? words.len : sizeof clean;
    if (words.len)
        memcpy(clean, words.ptr, words.len);
    words = gw_str_n(clean, gw_scrub(clean, words.len));
    size_t n = words.len < sizeof out->text - 1 ? words.len : sizeof out->text - 1;
    while (n < words.len && n > 0 && ((unsigned char)words.ptr[n] & 0xC0) == 0x80)
        n--; /* do not cut inside a character */
    for (size_t i = 0; i < n; i++)
        out->text[i] = (unsigned char)words.ptr[i] < ' ' || words.ptr[i] == 0x7F ? ' ' : words.ptr[i];
    out->text[n] = '\0';
}

/* --- protobuf --- */

static struct wire_view view(gw_str s)
{
    const uint8_t *at = (const uint8_t *)s.ptr;
    return (struct wire_view){at, s.len ? at + s.len : at}; /* arithmetic on a null pointer is undefined */
}

/* Returns the last field with that number, as protobuf requires. Returns false if there is none, or if the
 * message is malformed. */
static bool last_field(struct wire_view v, unsigned number, unsigned type, struct wire_field *out)
{
    bool found = false;
    struct wire_field f;
    while (v.at < v.end) {
        if (!wire_next(&v, &f))
            return false;
        if (f.number != number || f.type != type)
            continue;
        *out = f;
        found = true;
    }
    return found;
}

static gw_str last_text(struct wire_view v, unsigned number)
{
    struct wire_field f;
    return last_field(v, number, WIRE_LEN, &f) ? wire_text(f.body) : GW_NOSTR;
}

static int64_t last_integer(struct wire_view v, unsigned number)
{
    struct wire_field f;
    uint64_t tag, value = 0;
    if (!last_field(v, number, WIRE_VARINT, &f) || !wire_read_varint(&f.whole, &tag) ||
        !wire_read_varint(&f.whole, &value))
        return 0;
    return (int64_t)value;
}

void otlp_response_success(gw_str body, struct gw_outcome *out)
{
    struct wire_field partial;
    out->verdict = GW_DONE;
    if (!body.len || !last_field(view(body), RESPONSE_PARTIAL, WIRE_LEN, &partial))
        return;
    int64_t rejected = last_integer(partial.body, PARTIAL_REJECTED);
    out->rejected = rejected > 0 ? (uint64_t)rejected : 0;
    otlp_response_text(out, last_text(partial.body, PARTIAL_MESSAGE));
}

/* Protobuf forbids different signs, and nanoseconds beyond a second. If a backend sends them, the sum
 * counts. */
static gw_nsec delay_of(struct wire_view duration)
{
    const int64_t most = OTLP_LONGEST_WAIT / GW_SEC;
    int64_t seconds = last_integer(duration, DURATION_SECONDS);
    seconds = seconds > most ? most : seconds < -most ? -most : seconds;
    gw_nsec sum = seconds * GW_SEC + (int32_t)last_integer(duration, DURATION_NANOS);
    return sum < 0 ? 0 : sum > OTLP_LONGEST_WAIT ? OTLP_LONGEST_WAIT : sum;
}

/* Reads one element of Status.details if it is a RetryInfo. */
static bool read_retry_info(struct wire_view any, gw_nsec *wait)
{
    struct wire_field value, delay;
    if (!gw_str_ends(last_text(any, ANY_URL), GW_STR("/google.rpc.RetryInfo")))
        return false;
    bool has_value = last_field(any, ANY_VALUE, WIRE_LEN, &value);
    *wait = has_value && last_field(value.body, INFO_DELAY, WIRE_LEN, &delay) ? delay_of(delay.body) : 0;
    return true;
}

static bool is_whole(struct wire_view v)
{
    struct wire_field f;
    while (v.at < v.end)
        if (!wire_next(&v, &f))
            return false;
    return true;
}

bool otlp_response_is_message(gw_str body)
{
    return is_whole(view(body));
}

bool otlp_response_status(gw_str bytes, struct gw_outcome *out)
{
    struct wire_view v = view(bytes);
    if (!bytes.len || !is_whole(v))
        return false;
    gw_str message = last_text(v, STATUS_MESSAGE);
    if (message.len)
        otlp_response_text(out, message);
    for (struct wire_field f; wire_next(&v, &f);)
        if (f.number == STATUS_DETAILS && f.type == WIRE_LEN && read_retry_info(f.body, &out->retry_after))
            return true;
    return false;
}

/* --- JSON --- */

/* Reads decimal digits. Returns 0 for any other text, and for a number that does not fit. */
static uint64_t whole_number(gw_str digits)
{
    int64_t n;
    return gw_str_i64(digits, &n) && n > 0 ? (uint64_t)n : 0;
}

/* Returns any value as it is written, a string without its quotes. */
static gw_str written(struct gw_json *j)
{
    gw_str raw = GW_NOSTR;
    bool quoted = gw_json_kind(j) == GW_JSON_STRING;
    if (!gw_json_raw(j, &raw))
        return GW_NOSTR;
    return quoted ? gw_str_n(raw.ptr + 1, raw.len - 2) : raw;
}

/* Appends a string without its escapes, or with them if there is no memory. `inside`: the text between the
 * quotes. */
static void put_words(struct gw_outcome *out, struct gw_arena *arena, gw_str inside)
{
    struct gw_json j;
    gw_str words;
    gw_json_init(&j, gw_str_n(inside.ptr - 1, inside.len + 2), arena);
    otlp_response_text(out, gw_json_text(&j, &words) ? words : inside);
}

/* OTLP/JSON writes 64-bit integers as strings; numbers are accepted too. */
static void read_partial_success(struct gw_json *j, struct gw_outcome *out)
{
    gw_str key;
    if (gw_json_kind(j) != GW_JSON_OBJECT) {
        gw_json_skip(j);
        return;
    }
    gw_json_object(j);
    while (gw_json_member(j, &key)) {
        bool is_text = gw_json_kind(j) == GW_JSON_STRING;
        gw_str value = written(j);
        if (gw_str_eq(key, GW_STR("rejectedSpans")) || gw_str_eq(key, GW_STR("rejectedLogRecords")) ||
            gw_str_eq(key, GW_STR("rejectedDataPoints")) || gw_str_eq(key, GW_STR("rejectedProfiles")))
            out->rejected = whole_number(value);
        else if (gw_str_eq(key, GW_STR("errorMessage")) && is_text && value.len)
            put_words(out, j->arena, value);
    }
}

void otlp_response_success_json(gw_str body, struct gw_outcome *out)
{
    struct gw_arena arena;
    struct gw_outcome read = {.verdict = GW_DONE};
    struct gw_json j;
    gw_str key;
    gw_arena_init(&arena, 2 * OTLP_ANSWER_BYTES);
    gw_json_init(&j, body, &arena);
    gw_json_object(&j);
    while (gw_json_member(&j, &key)) {
        if (gw_str_eq(key, GW_STR("partialSuccess")))
            read_partial_success(&j, &read);
        else
            gw_json_skip(&j);
    }
    bool whole = gw_json_end(&j);
    gw_arena_fini(&arena);
    out->verdict = GW_DONE;
    if (!whole)
        return;
    out->rejected = read.rejected;
    memcpy(out->text, read.text, sizeof out->text);
}

/* --- delays --- */

bool otlp_response_delay(gw_str text, gw_nsec unit, gw_nsec *out)
{
    size_t dot = gw_str_find(text, '.'), digits = 0;
    gw_nsec most = OTLP_LONGEST_WAIT / unit, n = 0;
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)(text.ptr[i] - '0');
        if (i == dot)
            continue;
        if (digit > 9)
            return false;
        digits++;
        if (i < dot)
            n = n * 10 + digit < most ? n * 10 + digit : most;
        else if (digit && n < most) {
            n++; /* a fraction of a unit is rounded up */
            most = n;
        }
    }
    *out = n * unit;
    return digits > 0;
}
