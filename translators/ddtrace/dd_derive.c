/* Derives kind, status, attributes, events, links and name of a span from its tags. The areas of the semantic
 * conventions (dd_semconv_*.c) are applied in a fixed order; all other tags are renamed by the table
 * dd_attrs.def.
 *
 * Works on the span that dd_load has put into the writer's dd_fields. Called by dd_export.c on the slow path;
 * the cached path repeats its results (dd_plan.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_write.h"

#include "translators/ddtrace/dd_semconv.h"

#include <math.h>

static bool has_rare(const struct dd_fields *f)
{
    uint64_t any = 0;
    for (unsigned word = 0; word < DD_WORDS; word++)
        any |= f->seen[word] & dd_rare_tags[word];
    return any;
}

static void set_explicit(struct dd_fields *f)
{
    for (unsigned word = 0; word < DD_ATTR_WORDS; word++) {
        uint64_t bits = f->seen[word];
        if (word == DD_ATTRS / 64 && DD_ATTRS % 64 != 0)
            bits &= ((uint64_t)1 << (DD_ATTRS % 64)) - 1;
        for (; bits; bits &= bits - 1)
            dd_explicit(f, word * 64 + (unsigned)__builtin_ctzll(bits));
    }
}

static void rename_unless_used(struct dd_fields *f, unsigned tag)
{
    if (!dd_is_used(f, tag))
        dd_rename(f, tag);
}

/* Renames the tags that have a row and no code. Numbers come first, because they are more reliable than
 * text. */
static void rename_all(struct dd_fields *f)
{
    const uint64_t *renamed = dd_renamed_tags[f->when == DD_SERVER ? 0 : f->when == DD_CLIENT ? 1 : 2];
    uint16_t texts[DD_NAMES - DD_ATTRS];
    size_t n = 0;
    for (unsigned word = DD_ATTRS / 64; word < DD_WORDS; word++)
        for (uint64_t bits = f->seen[word] & renamed[word]; bits; bits &= bits - 1) {
            unsigned tag = word * 64 + (unsigned)__builtin_ctzll(bits);
            if (f->value[tag].number)
                rename_unless_used(f, tag);
            else
                texts[n++] = (uint16_t)tag;
        }
    for (size_t i = 0; i < n; i++)
        rename_unless_used(f, texts[i]);
}

/* Returns whether the span has a tag with the name of an attribute that is common to its chunk. */
static bool says_common(const struct dd_fields *f)
{
    return dd_has(f, DD_A_SAMPLING_PRIORITY) || dd_has(f, DD_A_ORIGIN) ||
           dd_has(f, DD_A_SAMPLING_MECHANISM) || dd_has(f, DD_A_SAMPLING_RATE) ||
           dd_has(f, DD_A_DROPPED_TRACE);
}

static void set_common(struct dd_fields *f, const struct dd_scanned *c)
{
    if (c->sampling.priority != DD_NO_PRIORITY)
        dd_set_int(f, DD_A_SAMPLING_PRIORITY, c->sampling.priority, DD_FIELD);
    dd_set_text(f, DD_A_ORIGIN, c->sampling.origin, DD_FIELD);
    if (c->chunk->dropped)
        dd_set_bool(f, DD_A_DROPPED_TRACE, true, DD_FIELD);
    if (c->mechanism >= 0)
        dd_set_int(f, DD_A_SAMPLING_MECHANISM, c->mechanism, DD_RENAMED);
    if (!isnan(c->rate))
        dd_set_double(f, DD_A_SAMPLING_RATE, c->rate, DD_RENAMED);
}

/* The span's own field takes precedence over every tag. */
static inline void set_field(struct dd_fields *f, unsigned attr, gw_str text)
{
    if (!text.len)
        return;
    f->set[attr / 64] |= (uint64_t)1 << (attr % 64);
    f->out[attr] = (struct dd_out){.sure = DD_FIELD, .type = DD_TY_STR, .tag = DD_UNKNOWN, .s = text};
}

/* Sets the attributes that come from the span's fields and from its trace. */
static void set_fields(struct dd_fields *f, const struct dd_scanned *c)
{
    set_field(f, DD_A_OPERATION_NAME, f->span->name);
    set_field(f, DD_A_RESOURCE_NAME, f->resource);
    set_field(f, DD_A_SPAN_TYPE, f->span->type);
    f->own_common = !says_common(f);
    if (!f->own_common)
        set_common(f, c);
    if (f->span->start < DD_YEAR_2000)
        dd_set_bool(f, DD_A_IMPLAUSIBLE_START, true, DD_DERIVED);
}

static bool is_text(const struct dd_fields *f, unsigned tag)
{
    return dd_has(f, tag) && !f->value[tag].number;
}

static gw_str text_of_tag(const struct dd_fields *f, unsigned tag)
{
    return dd_has(f, tag) ? f->value[tag].text : GW_NOSTR;
}

static gw_str text_or(gw_str a, gw_str b)
{
    return a.len ? a : b;
}

static gw_str without_prefix(gw_str s, gw_str prefix)
{
    return gw_str_ieq(gw_str_n(s.ptr, s.len < prefix.len ? s.len : prefix.len), prefix)
               ? gw_str_from(s, prefix.len)
               : s;
}

/* Reads the status code from otel.status_code in any spelling: Ok, STATUS_CODE_OK, StatusCode.OK, 1. */
static bool read_status_code(struct dd_fields *f, unsigned *code)
{
    static const char *const words[] = {"unset", "ok", "error"};
    int64_t number;
    if (dd_int_of(f, DD_T_OTEL_STATUS_CODE, &number) && number >= 0 && number <= 2) {
        *code = (unsigned)number;
        return true;
    }
    gw_str said = gw_str_trim(text_of_tag(f, DD_T_OTEL_STATUS_CODE));
    said = without_prefix(without_prefix(said, GW_STR("STATUS_CODE_")), GW_STR("StatusCode."));
    for (unsigned i = 0; i < 3; i++)
        if (gw_str_ieq(said, gw_str_z(words[i]))) {
            *code = i;
            return true;
        }
    return false;
}

/* otel.status_code is set by the application and is followed. Unset leaves the decision to the span's own
 * field. */
static void find_code(struct dd_fields *f, struct dd_status *st)
{
    unsigned code;
    st->code = f->span->error ? 2 : 0;
    if (!dd_has(f, DD_T_OTEL_STATUS_CODE) || !read_status_code(f, &code))
        return;
    dd_use(f, DD_T_OTEL_STATUS_CODE);
    if (code)
        st->code = code;
}

static void find_status(struct dd_fields *f, struct dd_status *st)
{
    *st = (struct dd_status){
        .said = {.type = text_of_tag(f, DD_A_ERROR_TYPE),
                 .message = text_or(text_of_tag(f, DD_T_ERROR_MESSAGE), text_of_tag(f, DD_T_ERROR_MSG)),
                 .stack = text_or(text_of_tag(f, DD_T_ERROR_STACK), text_of_tag(f, DD_T_ERROR_STACKTRACE))}};
    find_code(f, st);
    if (st->code != 2)
        return;
    st->message = text_or(text_of_tag(f, DD_T_OTEL_STATUS_TEXT), text_or(st->said.message, st->said.type));
    if (is_text(f, DD_T_OTEL_STATUS_TEXT))
        dd_use(f, DD_T_OTEL_STATUS_TEXT);
}

/* A text in the status or in the exception event is not repeated as an attribute. */
static void use_errors(struct dd_fields *f, const struct dd_status *st, bool message, bool stack)
{
    static const unsigned texts[] = {DD_T_ERROR_MESSAGE, DD_T_ERROR_MSG},
                          stacks[] = {DD_T_ERROR_STACK, DD_T_ERROR_STACKTRACE};
    for (int i = 0; i < 2; i++) {
        if (message && is_text(f, texts[i]) && gw_str_eq(text_of_tag(f, texts[i]), st->said.message))
            dd_use(f, texts[i]);
        if (stack && is_text(f, stacks[i]) && gw_str_eq(text_of_tag(f, stacks[i]), st->said.stack))
            dd_use(f, stacks[i]);
    }
}

/* Reads and writes the span's events. */
static void write_events(struct dd_writer *w, struct dd_events *events, struct dd_oddities *odd)
{
    struct dd_fields *f = &w->f;
    struct dd_oddities again = {0};
    enum dd_tag_fate fate = dd_events_read(events, f->arena, f->span->events, f->span->events_n,
                                           text_of_tag(f, DD_T_EVENTS), (uint64_t)f->span->start, odd);
    odd->bad_events += fate == DD_TAG_MALFORMED;
    if (fate == DD_TAG_TAKEN && is_text(f, DD_T_EVENTS))
        dd_use(f, DD_T_EVENTS);
    dd_events_match(events, f->arena, &w->status.said);
    dd_events_write(&w->events, f->arena, events, true, odd);
    if (dd_events_lack(events))
        dd_events_write(&w->sent_events, f->arena, events, false, &again);
}

/* A class or a stack makes an exception. A status text alone does not, nor does the number of an HTTP status
 * as the type. */
static bool is_exception(const struct dd_error *said)
{
    int64_t number;
    return said->stack.len || (said->type.len && !gw_str_i64(said->type, &number));
}

/* A tag that announces an event is ignored if the event is not there. */
static void derive_events(struct dd_writer *w, struct dd_oddities *odd)
{
    struct dd_fields *f = &w->f;
    struct dd_status *st = &w->status;
    struct dd_events events = {0};
    if (f->span->events_n || is_text(f, DD_T_EVENTS))
        write_events(w, &events, odd);
    bool meant = events.meant < events.n, announced = dd_bool_of(f, DD_T_HAS_EXCEPTION);
    st->exception = st->code == 2 && !events.has_exception && !announced && is_exception(&st->said);
    bool in_status = st->code == 2 && gw_str_eq(st->message, st->said.message);
    if (events.has_exception || !announced)
        use_errors(f, st, st->exception || in_status || (meant && events.says_message),
                   st->exception || (meant && events.says_stack));
}

static void derive_links(struct dd_writer *w, struct dd_oddities *odd)
{
    struct dd_fields *f = &w->f;
    if (!f->span->links_n && !is_text(f, DD_T_SPAN_LINKS))
        return;
    enum dd_tag_fate fate = dd_write_links(&w->links, f->arena, f->span->links, f->span->links_n,
                                           text_of_tag(f, DD_T_SPAN_LINKS), w->opt->trace_id_bits == 64, odd);
    odd->bad_links += fate == DD_TAG_MALFORMED;
    if (fate == DD_TAG_TAKEN && is_text(f, DD_T_SPAN_LINKS))
        dd_use(f, DD_T_SPAN_LINKS);
}

static bool in_state(gw_str state, gw_str key)
{
    for (size_t i = 0; i + key.len + 3 <= state.len; i++)
        if (memcmp(state.ptr + i, "t.", 2) == 0 && memcmp(state.ptr + i + 2, key.ptr, key.len) == 0 &&
            state.ptr[i + 2 + key.len] == ':')
            return true;
    return false;
}

unsigned dd_trace_says(const struct dd_scanned *c, bool has_rate)
{
    return (c->sampling.priority != DD_NO_PRIORITY) | (c->mechanism >= 0) << 1 |
           (has_rate && in_state(c->state, GW_STR("ksr"))) << 2;
}

bool dd_says_trace_id(const struct dd_scanned *c, const struct dd_span *s, gw_str text)
{
    uint64_t high, low;
    return dd_hex128(text, &high, &low) && low == s->trace_id && high == c->high;
}

/* Drops tags whose value is in the trace state or in the trace's attributes. */
static void use_trace_tags(struct dd_writer *w, const struct dd_scanned *c)
{
    static const unsigned texts[] = {DD_T_TRACESTATE, DD_T_W3C_TRACESTATE, DD_T_DD_ORIGIN};
    struct dd_fields *f = &w->f;
    uint64_t high;
    if (dd_says_trace_id(c, f->span, text_of_tag(f, DD_T_OTEL_TRACE_ID)))
        dd_use(f, DD_T_OTEL_TRACE_ID);
    dd_use(f, DD_T_MANUAL_KEEP);
    dd_use(f, DD_T_MANUAL_DROP);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (is_text(f, texts[i]))
            dd_use(f, texts[i]);
    if (is_text(f, DD_T_TID) && gw_str_hex64(f->value[DD_T_TID].text, &high))
        dd_use(f, DD_T_TID);
    static const unsigned said[] = {DD_T_PRIORITY, DD_T_P_DM, DD_T_P_KSR};
    unsigned says = dd_trace_says(c, dd_has(f, DD_T_P_KSR));
    for (unsigned i = 0; i < 3; i++)
        if (says >> i & 1)
            dd_use(f, said[i]);
    for (size_t i = 0; i < f->span->meta_n && c->sampling.propagated_n; i++) {
        gw_str key = f->span->meta[i].key;
        if (w->keys[i].name == DD_UNKNOWN && key.len > 6 && memcmp(key.ptr, "_dd.p.", 6) == 0 &&
            in_state(c->state, gw_str_from(key, 6)))
            w->keys[i].name = DD_PROMOTED;
    }
}

void dd_derive(struct dd_writer *w, struct dd_scanned *c, struct dd_oddities *odd)
{
    struct dd_fields *f = &w->f;
    f->rare = has_rare(f);
    f->kind = dd_kind_of(f, c);
    f->when = f->kind == DD_KIND_SERVER                                  ? DD_SERVER
              : f->kind == DD_KIND_CLIENT || f->kind == DD_KIND_PRODUCER ? DD_CLIENT
                                                                         : DD_OTHER;
    find_status(f, &w->status);
    derive_events(w, odd);
    derive_links(w, odd);
    odd->repaired_text += w->events.repaired + w->links.repaired;
    use_trace_tags(w, c);
    set_explicit(f);
    dd_http(f);
    dd_network(f);
    rename_all(f);
    dd_first_server(f);
    gw_str http_name = f->name;
    f->name = GW_NOSTR;
    dd_messaging(f);
    if (!dd_is_set(f, DD_A_MESSAGING_SYSTEM))
        dd_db(f);
    dd_rpc(f);
    dd_other(f);
    dd_propose_name(f, http_name);
    set_fields(f, c);
}
