/* Reads the sampling facts of a chunk, and derives from them the W3C trace state and the probability
 * (dd_sampling.h).
 *
 * The facts are in the caller's struct dd_sampling; texts are in the arena. Called by dd_scan.c and dd_put.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_sampling.h"

#include "translators/ddtrace/dd_tracestate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    VALUE_MAX = 256 /* bytes of a member's value */
};
enum { THRESHOLD_DIGITS = 14, PRECISION = 4 /* recommended by OpenTelemetry's specification */ };

#define UNDECIDED -1
#define TWO_TO_56 72057594037927936.0

/* ---- facts ---- */

void dd_sampling_init(struct dd_sampling *s)
{
    *s = (struct dd_sampling){.priority = DD_NO_PRIORITY,
                              .rule_psr = (double)NAN,
                              .agent_psr = (double)NAN,
                              .limit_psr = (double)NAN,
                              .ksr = (double)NAN,
                              .gateway_rate = 1};
}

void dd_sampling_chunk(struct dd_sampling *s, const struct dd_chunk *chunk)
{
    s->priority = chunk->priority;
    s->origin = chunk->origin;
}

void dd_sampling_chunk_mechanism(struct dd_sampling *s, struct gw_arena *arena, const struct dd_chunk *chunk)
{
    if (chunk->mechanism != DD_NO_MECHANISM && !s->mechanism.len)
        s->mechanism = gw_arena_printf(arena, "-%d", chunk->mechanism);
}

static void set_text(gw_str *field, gw_str value)
{
    if (field->len == 0)
        *field = value;
}

/* The first one that can be parsed is kept. */
static void set_tracestate(struct dd_sampling *s, gw_str value)
{
    if (s->tracestate.len)
        return;
    if (dd_tracestate_valid(value))
        s->tracestate = gw_str_trim(value);
    else
        s->bad_tracestates++;
}

static void set_number(double *field, double value)
{
    if (isnan(*field) && value >= 0)
        *field = value;
}

static void set_propagated(struct dd_sampling *s, gw_str key, gw_str value)
{
    if (value.len == 0)
        return;
    for (size_t i = 0; i < s->propagated_n; i++)
        if (gw_str_eq(s->propagated[i].key, key))
            return;
    if (s->propagated_n == DD_MAX_PROPAGATED)
        return;
    s->propagated[s->propagated_n].key = key;
    s->propagated[s->propagated_n++].value = value;
}

/* Handles entries "_dd.p.<key>". The rate is also propagated as the tracer wrote it. */
static bool see_propagated(struct dd_sampling *s, gw_str key, gw_str value)
{
    double rate;
    if (gw_str_eq(key, GW_STR("tid")) || key.len == 0)
        return false;
    if (gw_str_eq(key, GW_STR("dm"))) {
        set_text(&s->mechanism, value);
        return true;
    }
    if (gw_str_eq(key, GW_STR("ksr")) && gw_str_double(value, &rate))
        set_number(&s->ksr, rate);
    set_propagated(s, key, value);
    return true;
}

bool dd_sampling_text(struct dd_sampling *s, gw_str key, gw_str value)
{
    if (gw_str_starts(key, GW_STR("_dd.p.")))
        return see_propagated(s, gw_str_from(key, strlen("_dd.p.")), value);
    if (gw_str_eq(key, GW_STR("_dd.origin")))
        set_text(&s->origin, value);
    else if (gw_str_eq(key, GW_STR("tracestate")) || gw_str_eq(key, GW_STR("w3c.tracestate")))
        set_tracestate(s, value);
    else
        return false;
    return true;
}

bool dd_sampling_number(struct dd_sampling *s, gw_str key, double value)
{
    if (gw_str_eq(key, GW_STR("_sampling_priority_v1"))) {
        if (s->priority == DD_NO_PRIORITY && value > -100 && value < 100)
            s->priority = (int)value;
    } else if (gw_str_eq(key, GW_STR("_dd.rule_psr"))) {
        set_number(&s->rule_psr, value);
    } else if (gw_str_eq(key, GW_STR("_dd.agent_psr")) ||
               gw_str_eq(key, GW_STR("_sampling_priority_rate_v1"))) {
        set_number(&s->agent_psr, value);
    } else if (gw_str_eq(key, GW_STR("_dd.limit_psr"))) {
        set_number(&s->limit_psr, value);
    } else if (gw_str_eq(key, GW_STR("_dd.p.ksr"))) {
        set_number(&s->ksr, value);
    } else {
        return false;
    }
    return true;
}

/* ---- probability ---- */

int dd_sampling_mechanism(const struct dd_sampling *s)
{
    uint64_t n;
    gw_str digits = gw_str_starts(s->mechanism, GW_STR("-")) ? gw_str_from(s->mechanism, 1) : s->mechanism;
    return gw_str_u64(digits, &n) && n <= 255 ? (int)n : UNDECIDED;
}

/* Returns whether a person, AppSec, Data Jobs or AI Guard decided, regardless of the probability. */
static bool is_forced(int mechanism)
{
    return mechanism == 4 || mechanism == 5 || mechanism == 10 || mechanism == 13;
}

static bool kept_by_force(const struct dd_sampling *s)
{
    return s->regardless || is_forced(dd_sampling_mechanism(s));
}

/* Returns whether rules decided: the application's (3), remote ones (6, 7, 11, 12), or OpenTelemetry's
 * sampler (9). */
static bool is_rule(int mechanism)
{
    return mechanism == 3 || mechanism == 6 || mechanism == 7 || mechanism == 9 || mechanism == 11 ||
           mechanism == 12;
}

bool dd_sampling_is_manual(const struct dd_sampling *s)
{
    int m = dd_sampling_mechanism(s);
    bool by_rule = is_rule(m) || (m == UNDECIDED && !isnan(s->rule_psr));
    return is_forced(m) || m == 8 || (s->priority > 1 && !by_rule);
}

bool dd_sampling_follows_rates(const struct dd_sampling *s)
{
    int m = dd_sampling_mechanism(s);
    return m == 1 || m == 2 || (m == UNDECIDED && isnan(s->rule_psr) && !isnan(s->agent_psr));
}

static bool is_probability(double p)
{
    return p > 0 && p <= 1; /* false for NAN */
}

/* Returns whether the rate limiter took part in the decision. */
static bool was_limited(const struct dd_sampling *s)
{
    return is_probability(s->limit_psr) && s->limit_psr < 1;
}

/* NAN: none was sent. */
static double said_rate(const struct dd_sampling *s)
{
    return !isnan(s->rule_psr) ? s->rule_psr : !isnan(s->agent_psr) ? s->agent_psr : s->ksr;
}

bool dd_sampling_says_rate(const struct dd_sampling *s)
{
    return !isnan(said_rate(s));
}

/* Returns (1 − p) × 2^56, rounded to that many significant digits. Leading digits that are all 0 or all f are
 * not counted; otherwise probabilities near 0 and 1 would be rounded to 0 and 1. */
static uint64_t threshold_of(double p, int precision)
{
    int above, below;
    frexp(p, &above);
    frexp(1 - p, &below);
    int lost = (above < below ? above : below) / -4, digits = precision + (lost > 0 ? lost : 0);
    uint64_t kept = (uint64_t)llround(p * TWO_TO_56), t = (UINT64_C(1) << 56) - (kept ? kept : 1);
    if (digits >= THRESHOLD_DIGITS)
        return t;
    int shift = 4 * (THRESHOLD_DIGITS - digits);
    return (t + (UINT64_C(1) << (shift - 1))) >> shift << shift;
}

/* Returns the randomness by which Datadog's samplers decide. */
static uint64_t randomness_of(uint64_t trace_id_low)
{
    return ~(trace_id_low * UINT64_C(1111111111111111111)) >> 8;
}

static gw_str find_member(gw_str list, gw_str name)
{
    gw_str member;
    while (gw_str_next(&list, ',', &member)) {
        member = gw_str_trim(member);
        if (gw_str_starts(member, name))
            return gw_str_from(member, name.len);
    }
    return GW_NOSTR;
}

/* Reads the digits of an entry of the ot member and adds trailing zeros; returns false if there are none. */
static bool find_digits(gw_str ot, gw_str name, uint64_t *value_56)
{
    gw_str entry;
    while (gw_str_next(&ot, ';', &entry)) {
        gw_str digits = gw_str_from(entry, name.len);
        if (!gw_str_starts(entry, name) || digits.len > THRESHOLD_DIGITS || !gw_str_hex64(digits, value_56))
            continue;
        *value_56 <<= 4 * (THRESHOLD_DIGITS - digits.len);
        return true;
    }
    return false;
}

/* Reads the incoming ot member: its probability, and whether its randomness is that of Datadog's hash. */
static bool incoming_rate(const struct dd_sampling *s, uint64_t trace_id_low, double *p, bool *same_hash)
{
    uint64_t th, rv;
    gw_str ot = find_member(s->tracestate, GW_STR("ot="));
    if (!find_digits(ot, GW_STR("th:"), &th))
        return false;
    *p = 1 - (double)th / TWO_TO_56;
    *same_hash = find_digits(ot, GW_STR("rv:"), &rv) && rv == randomness_of(trace_id_low);
    return true;
}

/* The probability, and how the decision was made. */
struct effective {
    double p;     /* NAN: unknown */
    bool by_hash; /* by Datadog's hash and nothing else */
    bool foreign; /* the incoming rv was not used for the decision */
};

static struct effective effective_of(const struct dd_sampling *s, uint64_t trace_id_low)
{
    struct effective e = {.p = (double)NAN, .by_hash = !was_limited(s)};
    double said = said_rate(s), incoming;
    bool same_hash;
    if (kept_by_force(s))
        return e;
    if (is_probability(said)) {
        e.p = fmin(said, s->gateway_rate) * (was_limited(s) ? s->limit_psr : 1);
    } else if (s->gateway_rate >= 1) {
        return e;
    } else if (incoming_rate(s, trace_id_low, &incoming, &same_hash)) {
        e.p = same_hash ? fmin(incoming, s->gateway_rate) : incoming * s->gateway_rate;
        e.by_hash = same_hash;
        e.foreign = !same_hash;
    } else if (s->whole_before) {
        e.p = s->gateway_rate;
    }
    return e;
}

double dd_sampling_rate(const struct dd_sampling *s, uint64_t trace_id_low)
{
    return effective_of(s, trace_id_low).p;
}

/* ---- the text ---- */

struct text {
    char *at, *begin, *end;
};

static void append_text(struct text *t, gw_str s)
{
    size_t room = (size_t)(t->end - t->at), n = s.len < room ? s.len : room;
    t->at = (char *)memcpy(t->at, s.ptr ? s.ptr : "", n) + n;
}

static size_t text_len(const struct text *t)
{
    return (size_t)(t->at - t->begin);
}

/* Characters that are not allowed in a key or value of the dd member become '_', one for each UTF-8
 * character; '=' becomes '~'. */
static char encode_char(char c, bool in_key)
{
    if (c == '=')
        return in_key ? '_' : '~';
    if (c < 0x20 || c > 0x7E || c == ',' || c == ';')
        return '_';
    if (in_key ? c == ' ' || c == ':' : c == '~')
        return '_';
    return c;
}

static void put_encoded(struct text *t, gw_str s, bool in_key)
{
    for (size_t i = 0; i < s.len && t->at < t->end; i++)
        if (((unsigned char)s.ptr[i] & 0xC0) != 0x80)
            *t->at++ = encode_char(s.ptr[i], in_key);
}

/* Appends "key:value" to the dd member, or nothing if it does not fit. */
static void put_entry(struct text *t, gw_str prefix, gw_str key, gw_str value)
{
    char *undo = t->at;
    if (value.len == 0)
        return;
    if (text_len(t))
        append_text(t, GW_STR(";"));
    append_text(t, prefix);
    put_encoded(t, key, true);
    append_text(t, GW_STR(":"));
    put_encoded(t, value, false);
    if (t->at == t->end)
        t->at = undo;
    else if (t->at[-1] == ' ') /* a member's value may not end with a blank */
        t->at[-1] = '_';
}

static void put_priority(struct text *t, int priority)
{
    char text[16], digit = (char)('0' + priority);
    if (priority >= 0 && priority <= 9)
        put_entry(t, GW_NOSTR, GW_STR("s"), gw_str_n(&digit, 1));
    else
        put_entry(t, GW_NOSTR, GW_STR("s"),
                  gw_str_n(text, (size_t)snprintf(text, sizeof text, "%d", priority)));
}

/* Writes the value of the dd member, or nothing if there are no facts for it. */
static void put_dd(struct text *t, const struct dd_sampling *s, gw_str last_parent)
{
    uint64_t parent;
    if (s->priority != DD_NO_PRIORITY)
        put_priority(t, s->priority);
    put_entry(t, GW_NOSTR, GW_STR("o"), s->origin);
    if (gw_str_hex64(last_parent, &parent) && parent)
        put_entry(t, GW_NOSTR, GW_STR("p"), last_parent);
    put_entry(t, GW_STR("t."), GW_STR("dm"), s->mechanism);
    for (size_t i = 0; i < s->propagated_n; i++)
        put_entry(t, GW_STR("t."), s->propagated[i].key, s->propagated[i].value);
}

static void hex_56(uint64_t value, char digits[THRESHOLD_DIGITS])
{
    for (int i = THRESHOLD_DIGITS; i-- > 0; value >>= 4)
        digits[i] = "0123456789abcdef"[value & 15];
}

static void put_threshold(struct text *t, uint64_t threshold_56)
{
    char digits[THRESHOLD_DIGITS];
    size_t n = sizeof digits;
    hex_56(threshold_56, digits);
    while (n > 1 && digits[n - 1] == '0')
        n--;
    append_text(t, GW_STR("th:"));
    append_text(t, gw_str_n(digits, n));
}

/* Appends an entry, or nothing if it does not fit. */
static void put_separated(struct text *t, gw_str entry)
{
    if ((size_t)(t->end - t->at) <= entry.len)
        return;
    if (text_len(t))
        append_text(t, GW_STR(";"));
    append_text(t, entry);
}

/* Copies the incoming ot member without th and, if it is replaced, rv. */
static void put_other_ot(struct text *t, gw_str incoming, bool without_rv)
{
    gw_str entry;
    while (gw_str_next(&incoming, ';', &entry)) {
        entry = gw_str_trim(entry); /* an entry may not end with a blank or consist of one */
        if (entry.len && !gw_str_starts(entry, GW_STR("th:")) &&
            !(without_rv && gw_str_starts(entry, GW_STR("rv:"))))
            put_separated(t, entry);
    }
}

/* Writes the value of the ot member. A trace that the tracer rejected has no threshold. If the hash agrees
 * with the threshold, the hash decided and rv is written; the threshold is written at full precision if only
 * rounding makes them disagree. */
static void put_ot(struct text *t, const struct dd_sampling *s, uint64_t trace_id_low, gw_str incoming)
{
    struct effective e = effective_of(s, trace_id_low);
    double p = e.p;
    if (isnan(p) || (s->priority != DD_NO_PRIORITY && s->priority <= 0)) {
        if (kept_by_force(s))
            put_other_ot(t, incoming, false);
        else
            append_text(t, incoming);
        return;
    }
    uint64_t rv = randomness_of(trace_id_low), th = threshold_of(p, PRECISION);
    if (rv < th)
        th = threshold_of(p, THRESHOLD_DIGITS);
    bool by_hash = rv >= th && e.by_hash;
    put_threshold(t, by_hash ? th : threshold_of(p, PRECISION));
    if (by_hash) {
        char text[3 + THRESHOLD_DIGITS] = "rv:";
        hex_56(rv, text + 3);
        put_separated(t, gw_str_n(text, sizeof text));
    }
    put_other_ot(t, incoming, by_hash || e.foreign);
}

/* ---- W3C's list ---- */

static void put_member(struct text *t, gw_str name, gw_str value)
{
    if (value.len == 0)
        return;
    if (text_len(t))
        append_text(t, GW_STR(","));
    append_text(t, name);
    append_text(t, value);
}

static void put_others(struct text *t, gw_str list, size_t room)
{
    gw_str member;
    while (room && gw_str_next(&list, ',', &member)) {
        member = gw_str_trim(member);
        if (member.len == 0 || gw_str_starts(member, GW_STR("dd=")) || gw_str_starts(member, GW_STR("ot=")))
            continue;
        put_member(t, GW_NOSTR, member);
        room--;
    }
}

gw_str dd_sampling_state(const struct dd_sampling *s, struct gw_arena *arena, uint64_t trace_id_low,
                         gw_str last_parent)
{
    gw_str incoming_ot = find_member(s->tracestate, GW_STR("ot="));
    char dd_room[VALUE_MAX + 1], ot_room[VALUE_MAX];
    size_t size = s->tracestate.len + sizeof dd_room + sizeof ot_room + 16;
    char *room = gw_arena_raw(arena, size, 1);
    if (!room)
        return GW_NOSTR;
    struct text dd = {dd_room, dd_room, dd_room + sizeof dd_room},
                ot = {ot_room, ot_room, ot_room + sizeof ot_room}, all = {room, room, room + size};
    put_dd(&dd, s, last_parent);
    put_ot(&ot, s, trace_id_low, incoming_ot);
    gw_str dd_value =
        text_len(&dd) ? gw_str_n(dd_room, text_len(&dd)) : find_member(s->tracestate, GW_STR("dd="));
    put_member(&all, GW_STR("dd="), dd_value);
    put_member(&all, GW_STR("ot="), gw_str_n(ot_room, text_len(&ot)));
    put_others(&all, s->tracestate, DD_TRACESTATE_MEMBERS - (dd_value.len > 0) - (text_len(&ot) > 0));
    return gw_str_n(room, text_len(&all));
}
