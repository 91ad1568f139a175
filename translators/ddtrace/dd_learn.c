/* Makes a plan (dd_plan.h) from a span that the slow path has just written: which values must be equal next
 * time, which of them the scan and the grouping read, and which bytes are written between those that differ.
 * If the result depends on something that a plan does not compare, no plan is made.
 *
 * Plans go to the translator's cache. Called by dd_export.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_learn.h"

#include "translators/ddtrace/dd_class.h"
#include "translators/ddtrace/dd_semconv.h"
#include "translators/ddtrace/dd_url.h"

enum { NOTED = DD_RESOURCE | DD_SPAN | DD_KEEP };

/* The span that a plan is made from, and the plan. */
struct learner {
    struct dd_fields *f;
    const struct dd_key *keys;
    const struct dd_group *group;
    const struct dd_trail *trail;
    const struct otlp_buf *b;
    struct dd_plan *plan;
    const struct dd_labels *labels;
};

static size_t entries_n(const struct learner *l)
{
    return l->f->span->meta_n + l->f->span->metrics_n;
}

static bool is_text(const struct learner *l, size_t entry)
{
    return entry < l->f->span->meta_n;
}

/* ---- spans without a plan ---- */

static bool has_rare_tags(const struct dd_fields *f)
{
    static const unsigned tags[] = {DD_T_DD_PARENT_ID, DD_T_SPAN_SAMPLING,  DD_T_SPAN_LINKS,
                                    DD_T_EVENTS,       DD_T_CLOUD_PROVIDER, DD_T_FUNCTION_NAME};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (dd_has(f, tags[i]))
            return true;
    return false;
}

static bool is_propagated(gw_str key)
{
    return gw_str_starts(key, GW_STR("_dd.p."));
}

/* Returns whether a key occurs twice, is a header, or is part of the trace state. */
static bool has_odd_keys(const struct learner *l)
{
    for (size_t i = 0; i < entries_n(l); i++) {
        unsigned name = l->keys[i].name;
        if (name >= DD_NAMES &&
            (name != DD_UNKNOWN || (is_text(l, i) && is_propagated(l->f->span->meta[i].key))))
            return true;
    }
    return false;
}

static bool can_have_plan(const struct dd_writer *w, const struct learner *l)
{
    const struct dd_fields *f = l->f;
    return !f->by_parent && f->own_common && !f->headers && !w->status.code && !w->events.len &&
           !w->links.len && l->trail->n <= sizeof l->trail->steps / sizeof *l->trail->steps &&
           !has_rare_tags(f) && !has_odd_keys(l);
}

/* ---- what must be equal ---- */

/* Attributes from whose values nothing is derived. */
static bool is_opaque(unsigned attr)
{
    switch (attr) {
    case DD_A_USER_AGENT_ORIGINAL:
    case DD_A_CLIENT_ADDRESS:
    case DD_A_CLIENT_PORT:
    case DD_A_NETWORK_PEER_ADDRESS:
    case DD_A_NETWORK_PEER_PORT:
    case DD_A_NETWORK_LOCAL_ADDRESS:
    case DD_A_NETWORK_LOCAL_PORT:
    case DD_A_HTTP_REQUEST_BODY_SIZE:
    case DD_A_HTTP_RESPONSE_BODY_SIZE:
    case DD_A_DB_RETURNED_ROWS:
    case DD_A_MESSAGING_KAFKA_OFFSET:
    case DD_A_MESSAGING_KAFKA_KEY:
    case DD_A_MESSAGING_BODY_SIZE:
    case DD_A_MESSAGING_MESSAGE_ID:
    case DD_A_MESSAGING_CONVERSATION_ID:
    case DD_A_MESSAGING_BATCH_COUNT:
    case DD_A_AWS_REQUEST_ID:
    case DD_A_AWS_S3_KEY:
    case DD_A_FAAS_INVOCATION_ID:
    case DD_A_GEN_AI_RESPONSE_ID:
    case DD_A_GEN_AI_INPUT_TOKENS:
    case DD_A_GEN_AI_OUTPUT_TOKENS:
    case DD_A_THREAD_ID:
    case DD_A_THREAD_NAME:
    case DD_A_CODE_LINE_NUMBER:
    case DD_A_CODE_COLUMN_NUMBER:
    case DD_A_USER_ID:
        return true;
    default:
        return false;
    }
}

/* Returns the attribute that a name becomes on this span. */
static unsigned attr_of(const struct dd_fields *f, unsigned name)
{
    if (name == DD_T_PEER_PORT && f->kind == DD_KIND_SERVER)
        return DD_A_NETWORK_PEER_PORT;
    return name < DD_ATTRS ? name : dd_names[name].to;
}

/* Returns whether the name occurs once and no other name becomes the attribute. */
static bool is_only_source(const struct learner *l, unsigned name, unsigned attr)
{
    int n = 0;
    for (size_t i = 0; i < entries_n(l); i++) {
        unsigned other = l->keys[i].name;
        if (other == name)
            n++;
        else if (other < DD_NAMES && (other == attr || attr_of(l->f, other) == attr))
            return false;
    }
    return n == 1;
}

/* Returns whether the attribute is exactly the entry's value. */
static bool passed_on(const struct learner *l, size_t entry)
{
    const struct dd_fields *f = l->f;
    unsigned name = l->keys[entry].name, attr = attr_of(f, name);
    if (name == DD_T_PEER_ADDRESS) /* a port may follow the address */
        return false;
    if (attr >= DD_ATTRS || !is_opaque(attr) || !dd_is_set(f, attr) || !is_only_source(l, name, attr))
        return false;
    const struct dd_out *o = &f->out[attr];
    if (o->type != dd_names[attr].type || o->type == DD_TY_INT)
        return o->type == dd_names[attr].type;
    return o->type == DD_TY_STR && is_text(l, entry) && o->s.len &&
           o->s.ptr == f->span->meta[entry].value.ptr && o->s.len == f->span->meta[entry].value.len;
}

/* Returns whether the parts of the URL come only from this entry and the entry is used up for them. */
static bool is_url(const struct learner *l, size_t entry)
{
    static const unsigned parts[] = {DD_A_URL_FULL, DD_A_URL_SCHEME, DD_A_URL_PATH, DD_A_URL_QUERY};
    const struct dd_fields *f = l->f;
    if (l->keys[entry].name != DD_T_HTTP_URL || !is_text(l, entry) || !dd_is_used(f, DD_T_HTTP_URL))
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!is_only_source(l, DD_T_HTTP_URL, parts[i]))
            return false;
    return f->span->meta[entry].value.len;
}

static bool learn_url(const struct learner *l, size_t entry)
{
    struct dd_url u;
    struct dd_plan_url *url = &l->plan->url;
    dd_url_split(l->f->span->meta[entry].value, &u);
    *url = (struct dd_plan_url){.scheme = u.scheme, .host = u.host, .port = u.port, .absolute = u.absolute};
    url->whole = u.absolute && l->f->kind != DD_KIND_SERVER;
    url->path = dd_is_set(l->f, DD_A_URL_PATH);
    url->query = dd_is_set(l->f, DD_A_URL_QUERY);
    l->plan->has_url = true;
    l->plan->url_at = (uint16_t)entry;
    return dd_plan_keep(l->plan, &url->scheme) && dd_plan_keep(l->plan, &url->host);
}

/* Returns whether this is the span's only query, and it contained data. */
static bool is_query(const struct learner *l, size_t entry)
{
    const struct dd_fields *f = l->f;
    unsigned name = l->keys[entry].name;
    if (name < DD_ATTRS || dd_names[name].to != DD_A_DB_QUERY_TEXT || !is_text(l, entry) ||
        !is_only_source(l, name, DD_A_DB_QUERY_TEXT))
        return false;
    gw_str raw = f->span->meta[entry].value;
    return dd_is_used(f, name) && !gw_str_eq(f->value[name].text, raw) && !gw_str_eq(f->span->resource, raw);
}

static bool learn_query(const struct learner *l, size_t entry)
{
    unsigned name = l->keys[entry].name;
    l->plan->has_query = true;
    l->plan->query_at = (uint16_t)entry;
    l->plan->how = dd_db_how(l->f, name);
    l->plan->query = l->f->value[name].text;
    return dd_plan_keep(l->plan, &l->plan->query);
}

static bool is_upper_half(const struct learner *l, size_t entry)
{
    uint64_t upper;
    return l->keys[entry].name == DD_T_TID && is_text(l, entry) &&
           gw_str_hex64(l->f->span->meta[entry].value, &upper) && is_only_source(l, DD_T_TID, DD_UNKNOWN);
}

/* Returns whether the entry is used up for the trace id. */
static bool is_trace_id(const struct learner *l, size_t entry)
{
    return l->keys[entry].name == DD_T_OTEL_TRACE_ID && is_text(l, entry) &&
           dd_is_used(l->f, DD_T_OTEL_TRACE_ID) && is_only_source(l, DD_T_OTEL_TRACE_ID, DD_UNKNOWN);
}

/* Returns whether the entry's value distinguishes spans. Values of the trace do not count. */
static bool is_label(const struct learner *l, size_t entry)
{
    const struct dd_span *s = l->f->span;
    gw_str key = is_text(l, entry) ? s->meta[entry].key : s->metrics[entry - s->meta_n].key;
    return l->labels && l->keys[entry].name != DD_T_TID && l->keys[entry].name != DD_T_OTEL_TRACE_ID &&
           dd_is_label(l->labels, l->keys[entry].name, key);
}

static bool learn_demand(const struct learner *l, size_t entry, enum dd_demand *demand)
{
    *demand = DD_EQUAL;
    if (is_label(l, entry))
        return true;
    if (l->keys[entry].name == DD_UNKNOWN || passed_on(l, entry))
        *demand = DD_ANY_VALUE;
    else if (is_upper_half(l, entry))
        *demand = DD_ITS_UPPER;
    else if (is_trace_id(l, entry))
        *demand = DD_ITS_TRACE;
    else if (is_url(l, entry))
        *demand = DD_ITS_URL;
    else if (is_query(l, entry))
        *demand = DD_ITS_QUERY;
    if (*demand == DD_ITS_TRACE) {
        l->plan->has_trace_id = true;
        l->plan->trace_id_at = (uint16_t)entry;
    }
    if (*demand == DD_ITS_URL)
        return learn_url(l, entry);
    return *demand != DD_ITS_QUERY || learn_query(l, entry);
}

static bool learn_entry(const struct learner *l, size_t i)
{
    const struct dd_span *s = l->f->span;
    struct dd_expected *e = &l->plan->entries[i];
    *e = (struct dd_expected){.key = is_text(l, i) ? s->meta[i].key : s->metrics[i - s->meta_n].key};
    if (!learn_demand(l, i, &e->demand) || !dd_plan_keep(l->plan, &e->key))
        return false;
    if (!is_text(l, i)) {
        e->number.kind = s->metrics[i - s->meta_n].kind;
        e->number.bits = s->metrics[i - s->meta_n].u;
        return true;
    }
    e->text = s->meta[i].value;
    return e->demand != DD_EQUAL || dd_plan_keep(l->plan, &e->text);
}

static bool learn_entries(const struct learner *l)
{
    struct dd_plan *p = l->plan;
    const struct dd_span *s = l->f->span;
    p->service = s->service;
    p->name = s->name;
    p->resource = s->resource;
    p->type = s->type;
    p->meta_n = (uint16_t)s->meta_n;
    p->metrics_n = (uint16_t)s->metrics_n;
    p->entries = dd_plan_room(p, entries_n(l) * sizeof *p->entries);
    if (!p->entries || !dd_plan_keep(p, &p->service) || !dd_plan_keep(p, &p->name) ||
        !dd_plan_keep(p, &p->resource) || !dd_plan_keep(p, &p->type))
        return false;
    for (size_t i = 0; i < entries_n(l); i++)
        if (!learn_entry(l, i))
            return false;
    return true;
}

/* ---- who looks at them ---- */

static bool says_where(unsigned name)
{
    switch (name) {
    case DD_T_ENV:
    case DD_T_VERSION:
    case DD_T_RUNTIME_ID:
    case DD_T_LANGUAGE:
    case DD_T_BASE_SERVICE:
    case DD_T_DD_HOSTNAME:
    case DD_T_DD_TRACER_HOSTNAME:
    case DD_T_DD_TRACER_HOST:
    case DD_T_HOST:
    case DD_T_COMPONENT:
    case DD_T_INTEGRATION:
    case DD_T_SCOPE_NAME:
    case DD_T_SCOPE_VERSION:
    case DD_T_LIBRARY_NAME:
    case DD_T_LIBRARY_VERSION:
        return true;
    default:
        return false;
    }
}

static bool note_entry(struct dd_noted *list, uint16_t *n, unsigned name, size_t entry)
{
    if (*n == DD_PLAN_NOTED)
        return false;
    list[(*n)++] = (struct dd_noted){(uint16_t)name, (uint16_t)entry};
    return true;
}

static bool learn_noted(const struct learner *l)
{
    struct dd_plan *p = l->plan;
    for (size_t i = 0; i < entries_n(l); i++) {
        unsigned name = l->keys[i].name;
        if (name >= DD_ATTRS && name < DD_NAMES && dd_names[name].when & NOTED &&
            !note_entry(p->noted, &p->noted_n, name, i))
            return false;
        if (says_where(name) && !note_entry(p->own, &p->own_n, name, i))
            return false;
    }
    return true;
}

/* Records the entries that are read although they are equal. */
static void learn_looked_at(const struct learner *l)
{
    struct dd_plan *p = l->plan;
    for (size_t i = 0; i < entries_n(l); i++) {
        bool is = false;
        for (unsigned k = 0; k < p->noted_n; k++)
            is |= p->noted[k].entry == i;
        for (unsigned k = 0; k < p->own_n; k++)
            is |= p->own[k].entry == i;
        if (is && p->entries[i].demand == DD_EQUAL)
            p->looked_at[p->looked_at_n++] = (uint16_t)i;
    }
}

/* ---- as it stands in v0.4 ---- */

static bool add_run(const struct learner *l, struct dd_run *run, const uint8_t *from, const uint8_t *to,
                    size_t entry)
{
    *run = (struct dd_run){gw_str_n((const char *)from, (size_t)(to - from)), (uint16_t)entry};
    return dd_plan_keep(l->plan, &run->bytes);
}

/* Returns the runs of a map with the entries first … first + n − 1. NULL if there is no room, or if
 * unreadable tags were left out. */
static struct dd_run *learn_map(const struct learner *l, gw_str raw, size_t first, size_t n)
{
    struct dd_msgpack in;
    uint32_t count;
    gw_str key;
    size_t runs = 0;
    struct dd_run *run = dd_plan_room(l->plan, (n + 1) * sizeof *run);
    dd_msgpack_init(&in, raw, DD_MAX_ELEMENTS);
    if (!run || dd_msgpack_map(&in, &count) || count != n)
        return NULL;
    const uint8_t *from = in.begin;
    for (size_t i = first; i < first + n; i++) {
        const struct dd_expected *e = &l->plan->entries[i];
        if (dd_msgpack_text(&in, &key) || !gw_str_eq(key, e->key))
            return NULL;
        if (e->demand != DD_EQUAL && !add_run(l, &run[runs++], from, in.at, i))
            return NULL;
        if (dd_msgpack_skip(&in))
            return NULL;
        if (e->demand != DD_EQUAL)
            from = in.at;
    }
    return add_run(l, &run[runs], from, in.at, DD_PLAN_ENTRIES) ? run : NULL;
}

/* If there is no memory for this, the plan is still valid. */
static void learn_maps(const struct learner *l)
{
    const struct dd_span *s = l->f->span;
    if (!s->meta_raw.len)
        return;
    l->plan->meta = learn_map(l, s->meta_raw, 0, s->meta_n);
    l->plan->metrics = s->metrics_n ? learn_map(l, s->metrics_raw, s->meta_n, s->metrics_n) : NULL;
}

/* ---- what the resource says ---- */

static bool learn_fact(const struct learner *l, unsigned tag)
{
    struct dd_plan *p = l->plan;
    int fact = dd_fact_of(tag);
    gw_str text = dd_text_of(l->f, tag), said = fact >= 0 ? l->group->facts[fact] : GW_NOSTR;
    if (fact < 0)
        return true;
    if (!said.len || !gw_str_eq(text, said) || p->facts_n == sizeof p->facts / sizeof *p->facts)
        return false;
    p->facts[p->facts_n].fact = (enum dd_fact)fact;
    p->facts[p->facts_n].text = text;
    return dd_plan_keep(p, &p->facts[p->facts_n++].text);
}

/* A host tag is on the resource. The resource is found by it, so it will also be on the resource of the next
 * span. */
static bool learn_host(const struct learner *l, unsigned tag)
{
    if (tag != DD_T_DD_HOSTNAME && tag != DD_T_DD_TRACER_HOSTNAME && tag != DD_T_DD_TRACER_HOST &&
        tag != DD_T_HOST)
        return true;
    gw_str host = l->group->id.host;
    return host.len && !l->f->value[tag].number && gw_str_eq(l->f->value[tag].text, host);
}

static bool learn_resource(const struct learner *l)
{
    for (unsigned word = 0; word < DD_WORDS; word++)
        for (uint64_t bits = l->f->seen[word] & dd_resource_tags[word]; bits; bits &= bits - 1) {
            unsigned tag = word * 64 + (unsigned)__builtin_ctzll(bits);
            if (!learn_fact(l, tag) || !learn_host(l, tag))
                return false;
        }
    return true;
}

/* ---- what is written ---- */

static enum dd_gap_kind url_gap(unsigned attr)
{
    return attr == DD_A_URL_FULL    ? DD_GAP_URL
           : attr == DD_A_URL_PATH  ? DD_GAP_PATH
           : attr == DD_A_URL_QUERY ? DD_GAP_QUERY
                                    : DD_GAP_END;
}

/* Returns the gap for what the step wrote if that is the span's own value; otherwise its kind is
 * DD_GAP_END. */
static struct dd_gap gap_of(const struct learner *l, const struct dd_step *step)
{
    struct dd_gap gap = {.attr = (uint16_t)step->number, .entry = (uint16_t)step->number};
    if (step->source == DD_FROM_REST && l->plan->entries[step->number].demand != DD_EQUAL)
        gap.kind = DD_GAP_REST;
    if (step->source != DD_FROM_ATTR)
        return gap;
    if (l->plan->has_url)
        gap.kind = url_gap(step->number);
    for (size_t i = 0; i < entries_n(l) && !gap.kind; i++) {
        unsigned name = l->keys[i].name;
        if (name < DD_NAMES && l->plan->entries[i].demand == DD_ANY_VALUE &&
            attr_of(l->f, name) == step->number) {
            gap.kind = l->f->out[step->number].type == DD_TY_INT ? DD_GAP_INT : DD_GAP_TEXT;
            gap.entry = (uint16_t)i;
        }
    }
    return gap;
}

static gw_str written_bytes(const struct learner *l, size_t from, size_t to)
{
    return gw_str_n((const char *)l->b->data + from + l->trail->width - 2, to - from);
}

static bool add_gap(const struct learner *l, struct dd_gap gap, size_t from, size_t to)
{
    struct dd_plan *p = l->plan;
    if (p->gaps_n == DD_PLAN_GAPS)
        return false;
    gap.bytes = written_bytes(l, from, to);
    p->gaps[p->gaps_n++] = gap;
    return dd_plan_keep(p, &p->gaps[p->gaps_n - 1].bytes);
}

static bool learn_bytes(const struct learner *l)
{
    const struct dd_trail *t = l->trail;
    size_t from = t->attrs_at;
    l->plan->gaps = dd_plan_room(l->plan, DD_PLAN_GAPS * sizeof *l->plan->gaps);
    l->plan->span_name = written_bytes(l, t->name_at, t->name_end);
    if (!l->plan->gaps || !dd_plan_keep(l->plan, &l->plan->span_name))
        return false;
    for (size_t i = 0; i < t->n; i++) {
        struct dd_gap gap = gap_of(l, &t->steps[i]);
        if (gap.kind == DD_GAP_END)
            continue;
        if (!add_gap(l, gap, from, t->steps[i].at))
            return false;
        from = i + 1 < t->n ? t->steps[i + 1].at : t->attrs_end;
    }
    return add_gap(l, (struct dd_gap){0}, from, t->attrs_end);
}

void dd_learn(struct dd_writer *w, const struct dd_scanned *c, const struct dd_group *g,
              const struct otlp_buf *b, uint64_t hash)
{
    struct dd_plans *plans = &w->shapes.plans;
    struct learner l = {
        .f = &w->f, .keys = w->keys, .group = g, .trail = w->trail, .b = b, .labels = w->opt->labels};
    if (!can_have_plan(w, &l) || !(l.plan = dd_plan_take(plans, hash)))
        return;
    l.plan->kind = (uint8_t)w->f.kind;
    l.plan->has_upper = dd_has(&w->f, DD_T_TID);
    l.plan->has_rate = dd_has(&w->f, DD_T_P_KSR);
    l.plan->trace_says = (uint8_t)dd_trace_says(c, l.plan->has_rate);
    l.plan->safe_resource = w->f.resource;
    if (!learn_entries(&l) || !dd_plan_keep(l.plan, &l.plan->safe_resource) || !learn_noted(&l) ||
        !learn_resource(&l) || !learn_bytes(&l)) {
        dd_plan_forget(plans, l.plan);
        return;
    }
    learn_looked_at(&l);
    learn_maps(&l);
}
