/* Reads a whole chunk before any of it is written, because values that apply to all its spans may be on any
 * of them: the upper half of the trace id, the sampling decision, env, version, runtime id, host. Looks up
 * each key once and finds the plan of each span.
 *
 * Results are in the caller's struct dd_scanned and the chunk's arena; guesses of keys stay with the
 * translator. Called by dd_translate.c, and by dd_export.c for a span whose plan did not fit.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_scan.h"

#include "translators/ddtrace/dd_fields.h"
#include "translators/ddtrace/dd_strings.h"

#include <math.h>

enum { MAX_PROBES = 32 };

gw_str dd_language(struct gw_arena *arena, gw_str said)
{
    static const struct {
        gw_str said, name;
    } names[] = {{GW_LIT("jvm"), GW_LIT("java")},    {GW_LIT("javascript"), GW_LIT("nodejs")},
                 {GW_LIT("node"), GW_LIT("nodejs")}, {GW_LIT(".net"), GW_LIT("dotnet")},
                 {GW_LIT("golang"), GW_LIT("go")},   {GW_LIT("c++"), GW_LIT("cpp")}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gw_str_ieq(said, names[i].said))
            return names[i].name;
    return dd_lower(arena, said);
}

static void build_index(struct dd_scanned *s, struct gw_arena *arena)
{
    size_t slots = 16;
    while (slots < 2 * s->chunk->n)
        slots *= 2;
    s->by_id = gw_new(arena, uint32_t, slots);
    s->by_id_slots = s->by_id ? slots : 0;
    for (size_t i = 0; i < s->chunk->n && s->by_id; i++) {
        size_t at = dd_hash_fold(s->chunk->spans[i].span_id, 0x9E3779B97F4A7C15u) & (slots - 1);
        for (int probe = 0; probe < MAX_PROBES; probe++, at = (at + 1) & (slots - 1))
            if (!s->by_id[at]) {
                s->by_id[at] = (uint32_t)i + 1;
                break;
            }
    }
}

const struct dd_span *dd_scan_find(struct dd_scanned *s, struct gw_arena *arena, uint64_t span_id)
{
    if (!s->by_id)
        build_index(s, arena);
    if (!s->by_id)
        return NULL;
    size_t at = dd_hash_fold(span_id, 0x9E3779B97F4A7C15u) & (s->by_id_slots - 1);
    for (int probe = 0; probe < MAX_PROBES && s->by_id[at]; probe++, at = (at + 1) & (s->by_id_slots - 1)) {
        const struct dd_span *span = &s->chunk->spans[s->by_id[at] - 1];
        if (span->span_id == span_id)
            return span;
    }
    return NULL;
}

static void find_local_root(struct dd_scanned *s, struct gw_arena *arena)
{
    const struct dd_chunk *c = s->chunk;
    for (size_t i = 0; i < c->n; i++)
        if (c->spans[i].parent_id == 0 || c->spans[i].parent_id == c->spans[i].span_id) {
            s->has_root = true;
            s->local_root = i;
            return;
        }
    for (size_t i = 0; i < c->n; i++)
        if (!dd_scan_find(s, arena, c->spans[i].parent_id)) {
            s->local_root = i;
            return;
        }
}

static void set_first(gw_str *to, gw_str value)
{
    if (!to->len)
        *to = value;
}

static void note_version(struct dd_scanned *s, gw_str service, gw_str version)
{
    if (s->versions_n == sizeof s->versions / sizeof *s->versions)
        return;
    for (size_t i = 0; i < s->versions_n; i++)
        if (gw_str_eq(s->versions[i].service, service))
            return;
    s->versions[s->versions_n++] = (struct dd_version){service, version};
}

gw_str dd_scan_version(const struct dd_scanned *s, gw_str service)
{
    for (size_t i = 0; i < s->versions_n; i++)
        if (gw_str_eq(s->versions[i].service, service))
            return s->versions[i].version;
    return GW_NOSTR;
}

/* The state for choosing one upper half. */
struct halves {
    uint64_t root, candidate;
    bool has_root;
    size_t lead; /* lead of the candidate, by majority vote (Boyer and Moore) */
    bool conflict;
    uint64_t whole; /* the upper half of otel.trace_id, used if nothing else provides one */
    bool has_whole;
};

static void note_tid(struct dd_scanned *s, struct halves *h, bool is_root, gw_str text,
                     struct dd_oddities *odd)
{
    uint64_t high;
    if (!gw_str_hex64(text, &high)) {
        odd->malformed_tid++;
        return;
    }
    if (is_root) {
        h->root = high;
        h->has_root = true;
    }
    h->conflict |= s->has_tid && high != s->high;
    if (h->lead == 0)
        h->candidate = high;
    h->lead = h->candidate == high ? h->lead + 1 : h->lead - 1;
    if (!s->has_tid)
        s->high = high;
    s->has_tid = true;
}

/* Records the whole id: the Rust SDK sends no _dd.p.tid. */
static void note_whole_id(const struct dd_scanned *s, struct halves *h, gw_str text)
{
    uint64_t high, low;
    if (!dd_hex128(text, &high, &low) || low != s->trace_id)
        return;
    h->whole = high;
    h->has_whole = true;
}

static void settle_tid(struct dd_scanned *s, const struct halves *h, struct dd_oddities *odd)
{
    if (s->chunk->high) {
        s->has_tid = true;
        s->high = s->chunk->high;
        return;
    }
    if (!s->has_tid && h->has_whole) {
        s->has_tid = true;
        s->high = h->whole;
    }
    if (!h->conflict)
        return;
    odd->conflicting_tid++;
    s->high = h->has_root ? h->root : h->candidate;
}

static void note_sampling(struct dd_scanned *s, const struct dd_text *t)
{
    double number;
    if (!dd_sampling_text(&s->sampling, t->key, t->value) && gw_str_double(t->value, &number))
        dd_sampling_number(&s->sampling, t->key, number);
}

static void note_text(struct dd_scanned *s, const struct dd_span *span, unsigned name,
                      const struct dd_text *t)
{
    int fact;
    int64_t pid;
    switch (name) {
    case DD_T_ENV:
        set_first(&s->env, t->value);
        return;
    case DD_T_VERSION:
        note_version(s, span->service, t->value);
        return;
    case DD_T_RUNTIME_ID:
        set_first(&s->runtime_id, t->value);
        return;
    case DD_T_LANGUAGE:
        set_first(&s->language, t->value);
        return;
    case DD_T_DD_HOSTNAME:
    case DD_T_DD_TRACER_HOSTNAME:
    case DD_T_DD_TRACER_HOST:
    case DD_T_HOST:
        set_first(&s->host, t->value);
        return;
    case DD_T_PRIORITY:
    case DD_T_DD_ORIGIN:
    case DD_T_P_DM:
    case DD_T_P_KSR:
    case DD_T_RULE_PSR:
    case DD_T_AGENT_PSR:
    case DD_T_PRIORITY_RATE:
    case DD_T_LIMIT_PSR:
    case DD_T_TRACESTATE:
    case DD_T_W3C_TRACESTATE:
        note_sampling(s, t);
        return;
    default:
        fact = dd_fact_of(name);
        if (fact >= 0 && (fact != DD_FACT_PID || gw_str_i64(t->value, &pid)))
            set_first(&s->facts[fact], t->value);
    }
}

static bool is_propagated(gw_str key)
{
    return key.len > 6 && memcmp(key.ptr, "_dd.p.", 6) == 0;
}

/* Keys with invalid UTF-8 are repaired before they are compared, because two of them may become equal. */
static void repair_key(gw_str *key, struct gw_arena *arena, uint64_t *hash, struct dd_oddities *odd)
{
    *key = dd_utf8(arena, *key);
    *hash = dd_hash(*key);
    odd->repaired_text++;
}

enum { NOTED = DD_RESOURCE | DD_SPAN | DD_KEEP };

/* The guess is nearly always right, and cheaper than the table. */
static inline struct dd_key look_up(uint16_t *guess, gw_str *key, struct gw_arena *arena,
                                    struct dd_oddities *odd)
{
    if (*guess < DD_NAMES && dd_same(dd_names[*guess].name, *key))
        return (struct dd_key){.name = *guess};
    uint64_t hash = dd_hash(*key);
    unsigned name = dd_name_of(*key, hash);
    *guess = (uint16_t)name;
    if (name == DD_UNKNOWN && !gw_utf8_valid(*key))
        repair_key(key, arena, &hash, odd);
    return (struct dd_key){(uint32_t)hash, (uint16_t)name};
}

/* Returns the guesses for the keys of a span; keys beyond the last slot share it. */
static uint16_t *guesses_of(struct dd_scanned *s, const struct dd_span *span)
{
    size_t shape = (span->name.len * 7 + (span->name.len ? (unsigned char)*span->name.ptr : 0)) % DD_SHAPES;
    return s->shapes->names[shape];
}

static size_t guess_index(size_t i)
{
    return i < DD_SHAPE_KEYS ? i : DD_SHAPE_KEYS - 1;
}

static void scan_texts(struct dd_scanned *s, const struct dd_span *span, struct dd_key *keys,
                       struct halves *h, bool is_root, struct gw_arena *arena, struct dd_oddities *odd)
{
    uint16_t *guesses = guesses_of(s, span);
    for (size_t i = 0; i < span->meta_n; i++) {
        struct dd_text *t = &span->meta[i];
        keys[i] = look_up(&guesses[guess_index(i)], &t->key, arena, odd);
        unsigned name = keys[i].name;
        if (name == DD_UNKNOWN) {
            if (is_propagated(t->key))
                dd_sampling_text(&s->sampling, t->key, t->value);
        } else if (name == DD_T_TID) {
            note_tid(s, h, is_root, t->value, odd);
        } else if (name == DD_T_OTEL_TRACE_ID) {
            note_whole_id(s, h, t->value);
        } else if (dd_names[name].when & NOTED) {
            note_text(s, span, name, t);
        }
    }
}

static void note_number(struct dd_scanned *s, unsigned name, const struct dd_number *n,
                        struct gw_arena *arena)
{
    int64_t pid;
    switch (name) {
    case DD_T_PRIORITY:
    case DD_T_RULE_PSR:
    case DD_T_AGENT_PSR:
    case DD_T_PRIORITY_RATE:
    case DD_T_LIMIT_PSR:
        dd_sampling_number(&s->sampling, n->key, dd_number_as_double(n));
        return;
    case DD_T_CLIENT_RATE:
        if (!s->client_rate)
            s->client_rate = dd_number_as_double(n);
        return;
    case DD_T_PROCESS_ID:
    case DD_T_SYSTEM_PID:
        if (!s->facts[DD_FACT_PID].len && dd_number_is_int(n, &pid))
            s->facts[DD_FACT_PID] = dd_decimal(arena, pid);
        return;
    default:
        return;
    }
}

static void scan_numbers(struct dd_scanned *s, const struct dd_span *span, struct dd_key *keys,
                         struct gw_arena *arena, struct dd_oddities *odd)
{
    uint16_t *guesses = guesses_of(s, span);
    for (size_t i = 0; i < span->metrics_n; i++) {
        struct dd_number *n = &span->metrics[i];
        keys[i] = look_up(&guesses[guess_index(span->meta_n + i)], &n->key, arena, odd);
        unsigned name = keys[i].name;
        if (name != DD_UNKNOWN && dd_names[name].when & NOTED)
            note_number(s, name, n, arena);
    }
}

/* meta_struct is rare; its keys are looked up when the span is loaded. */
static void scan_structs(const struct dd_span *span, struct gw_arena *arena, struct dd_oddities *odd)
{
    uint64_t hash;
    for (size_t i = 0; i < span->meta_struct_n; i++)
        if (!gw_utf8_valid(span->meta_struct[i].key))
            repair_key(&span->meta_struct[i].key, arena, &hash, odd);
}

/* Records what a span with a plan contains about its trace and process. */
static void scan_known(struct dd_scanned *s, const struct dd_span *span, struct dd_plan *plan,
                       struct halves *h, bool is_root, struct gw_arena *arena, struct dd_oddities *odd)
{
    /* a span of this trace with the same values was recorded before */
    if (plan->noted_in == s->shapes->plans.trace && !plan->has_upper)
        return;
    plan->noted_in = s->shapes->plans.trace;
    for (unsigned i = 0; i < plan->noted_n; i++) {
        unsigned name = plan->noted[i].name, entry = plan->noted[i].entry;
        if (entry >= span->meta_n)
            note_number(s, name, &span->metrics[entry - span->meta_n], arena);
        else if (name == DD_T_TID)
            note_tid(s, h, is_root, span->meta[entry].value, odd);
        else if (name == DD_T_OTEL_TRACE_ID)
            note_whole_id(s, h, span->meta[entry].value);
        else
            note_text(s, span, name, &span->meta[entry]);
    }
}

static bool find_plan(struct dd_scanned *s, size_t i)
{
    const struct dd_span *span = &s->chunk->spans[i];
    struct dd_plans *plans = &s->shapes->plans;
    s->known[i] = (struct dd_known){0};
    if (plans->off || !dd_plan_plain(span))
        return false;
    s->known[i].hash = span->plan ? span->plan->hash : dd_plan_hash(span);
    s->known[i].plan = span->plan || span->attributes_raw.len /* it has been looked up */
                           ? span->plan
                           : dd_plan_find(plans, span, s->known[i].hash);
    return s->known[i].plan;
}

struct dd_key *dd_scan_keys(struct dd_scanned *s, size_t i, struct gw_arena *arena, struct dd_oddities *odd)
{
    struct dd_span *span = &s->chunk->spans[i];
    if (span->plan && !dd_v04_maps(span, arena))
        return NULL;
    uint16_t *guesses = guesses_of(s, span);
    struct dd_key *keys = gw_arena_raw(arena, span->meta_n + span->metrics_n, sizeof *keys);
    for (size_t k = 0; keys && k < span->meta_n; k++)
        keys[k] = look_up(&guesses[guess_index(k)], &span->meta[k].key, arena, odd);
    for (size_t k = span->meta_n; keys && k < span->meta_n + span->metrics_n; k++)
        keys[k] = look_up(&guesses[guess_index(k)], &span->metrics[k - span->meta_n].key, arena, odd);
    return s->keys[i] = keys;
}

static bool scan_span(struct dd_scanned *s, size_t i, struct halves *h, struct gw_arena *arena,
                      struct dd_oddities *odd)
{
    const struct dd_span *span = &s->chunk->spans[i];
    s->keys[i] = NULL;
    if (find_plan(s, i)) {
        scan_known(s, span, s->known[i].plan, h, i == s->local_root, arena, odd);
        return true;
    }
    struct dd_key *keys =
        gw_arena_raw(arena, span->meta_n + span->metrics_n + span->meta_struct_n, sizeof *keys);
    if (!keys)
        return false;
    s->keys[i] = keys;
    scan_texts(s, span, keys, h, i == s->local_root, arena, odd);
    scan_numbers(s, span, keys + span->meta_n, arena, odd);
    scan_structs(span, arena, odd);
    return true;
}

/* The chunk's tags become tags of its local root. The root's own tags come after them and so win. */
static bool give_tags(const struct dd_chunk *c, struct dd_span *root, struct gw_arena *arena)
{
    if (root->plan && !dd_v04_maps(root, arena))
        return false;
    struct dd_text *meta = gw_arena_raw(arena, c->meta_n + root->meta_n, sizeof *meta);
    struct dd_number *metrics = gw_arena_raw(arena, c->metrics_n + root->metrics_n, sizeof *metrics);
    if (!meta || !metrics)
        return false;
    for (size_t i = 0; i < c->meta_n + root->meta_n; i++)
        meta[i] = i < c->meta_n ? c->meta[i] : root->meta[i - c->meta_n];
    for (size_t i = 0; i < c->metrics_n + root->metrics_n; i++)
        metrics[i] = i < c->metrics_n ? c->metrics[i] : root->metrics[i - c->metrics_n];
    root->attributes_raw = GW_NOSTR;
    root->meta = meta;
    root->meta_n += c->meta_n;
    root->metrics = metrics;
    root->metrics_n += c->metrics_n;
    return true;
}

enum { SPAN_ATTRIBUTES = 9 };

/* Writes the attributes that all spans of the chunk have. */
static void write_common(struct dd_scanned *s, struct gw_arena *arena, struct otlp_buf *w)
{
    w->len = 0;
    if (s->sampling.priority != DD_NO_PRIORITY)
        otlp_attr_int(w, SPAN_ATTRIBUTES, dd_names[DD_A_SAMPLING_PRIORITY].name, s->sampling.priority);
    if (s->sampling.origin.len)
        otlp_attr_text(w, SPAN_ATTRIBUTES, dd_names[DD_A_ORIGIN].name, s->sampling.origin);
    if (s->chunk->dropped)
        otlp_attr_bool(w, SPAN_ATTRIBUTES, dd_names[DD_A_DROPPED_TRACE].name, true);
    s->common_own = w->len;
    if (s->mechanism >= 0)
        otlp_attr_int(w, SPAN_ATTRIBUTES, dd_names[DD_A_SAMPLING_MECHANISM].name, s->mechanism);
    if (!isnan(s->rate))
        otlp_attr_double(w, SPAN_ATTRIBUTES, dd_names[DD_A_SAMPLING_RATE].name, s->rate);
    s->common = gw_arena_dup(arena, gw_str_n((const char *)w->data, w->len));
}

bool dd_scan(struct dd_scanned *s, const struct dd_chunk *c, struct gw_arena *arena, gw_str lang,
             struct dd_shapes *shapes, struct dd_oddities *odd)
{
    struct halves h = {0};
    memset(s, 0, offsetof(struct dd_scanned, versions));
    s->versions_n = 0;
    s->by_id = NULL;
    s->chunk = c;
    s->shapes = shapes;
    s->keys = gw_arena_raw(arena, c->n, sizeof *s->keys);
    s->known = gw_arena_raw(arena, c->n, sizeof *s->known);
    if (!s->keys || !s->known)
        return false;
    s->trace_id = c->spans[0].trace_id;
    dd_sampling_init(&s->sampling);
    dd_sampling_chunk(&s->sampling, c);
    find_local_root(s, arena);
    if (c->meta_n + c->metrics_n && !give_tags(c, &c->spans[s->local_root], arena))
        return false;
    if (!scan_span(s, s->local_root, &h, arena, odd))
        return false;
    for (size_t i = 0; i < c->n; i++)
        if (i != s->local_root && !scan_span(s, i, &h, arena, odd))
            return false;
    settle_tid(s, &h, odd);
    dd_sampling_chunk_mechanism(&s->sampling, arena, c);
    odd->bad_tracestate += s->sampling.bad_tracestates;
    gw_str sdk = s->language.len ? s->language : c->payload->language.len ? c->payload->language : lang;
    s->sdk_language = dd_language(arena, sdk);
    s->rejected = !c->delivered &&
                  (c->dropped || (s->sampling.priority != DD_NO_PRIORITY && s->sampling.priority <= 0));
    s->mechanism = dd_sampling_mechanism(&s->sampling);
    return !arena->spent;
}

bool dd_scan_finish(struct dd_scanned *s, struct gw_arena *arena, struct otlp_buf *scratch)
{
    s->rate = dd_sampling_rate(&s->sampling, s->trace_id);
    s->state = dd_utf8(arena, dd_sampling_state(&s->sampling, arena, s->trace_id, GW_NOSTR));
    write_common(s, arena, scratch);
    return !arena->spent;
}
