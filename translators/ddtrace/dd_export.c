/* Finds the resource and scope of each span of a scanned chunk, and writes the span there. If a plan for such
 * spans exists (dd_plan.h), the span takes the cached path; any other span takes the slow path: dd_load,
 * dd_derive, dd_write, once per attribute schema. The slow path may leave a plan.
 *
 * The state is in the call's struct dd_work. Called by dd_translate.c for each span that is kept.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_export.h"

#include "translators/ddtrace/dd_durations.h"
#include "translators/ddtrace/dd_learn.h"
#include "translators/ddtrace/dd_semconv.h"

enum { RESOURCE_ATTRIBUTES = 1 };

static gw_str own_text(const struct dd_fields *f, unsigned tag, gw_str otherwise)
{
    return dd_has(f, tag) && f->value[tag].text.len ? f->value[tag].text : otherwise;
}

static gw_str host_of(const struct dd_fields *f, const struct dd_scanned *c)
{
    if (!c->host.len)
        return GW_NOSTR;
    gw_str tracers = own_text(f, DD_T_DD_TRACER_HOST, own_text(f, DD_T_HOST, c->host));
    return own_text(f, DD_T_DD_HOSTNAME, own_text(f, DD_T_DD_TRACER_HOSTNAME, tracers));
}

/* Promoted tags as attributes of the resource; they distinguish resources. */
static gw_str promoted_attributes(const struct dd_work *w, const struct dd_span *s)
{
    struct otlp_buf *b = w->scratch;
    b->len = 0;
    for (size_t i = 0; i < w->opt->promote.n; i++)
        for (size_t k = s->meta_n; k-- > 0;)
            if (gw_str_eq(s->meta[k].key, w->opt->promote.items[i])) {
                otlp_attr_text(b, RESOURCE_ATTRIBUTES, s->meta[k].key, s->meta[k].value);
                break;
            }
    return gw_arena_dup(w->arena, gw_str_n((char *)b->data, b->len));
}

static gw_str language_of(const struct dd_work *w, const struct dd_fields *f, const struct dd_scanned *c)
{
    gw_str said = own_text(f, DD_T_LANGUAGE, c->language);
    return gw_str_eq(said, c->language) ? c->sdk_language : dd_language(w->arena, said);
}

static gw_str version_of(const struct dd_fields *f, const struct dd_scanned *c, gw_str service)
{
    gw_str said = own_text(f, DD_T_VERSION, GW_NOSTR);
    return said.len ? said : dd_scan_version(c, service);
}

static void identify_resource(const struct dd_work *w, const struct dd_scanned *c, struct dd_identity *id)
{
    const struct dd_fields *f = &w->writer->f;
    gw_str service = f->span->service, base = own_text(f, DD_T_BASE_SERVICE, GW_NOSTR);
    bool split = w->opt->service_override == DD_SERVICE_SPLIT || !base.len;
    gw_str named = split ? service : base;
    *id = (struct dd_identity){
        .service = named,
        .base_service = split && !gw_str_eq(base, service) ? base : GW_NOSTR,
        .env = own_text(f, DD_T_ENV, c->env),
        .version = version_of(f, c, named),
        .runtime_id = own_text(f, DD_T_RUNTIME_ID, c->runtime_id),
        .host = host_of(f, c),
        .language = language_of(w, f, c),
        .promoted = w->opt->promote.n ? promoted_attributes(w, f->span) : GW_NOSTR,
        .payload = c->chunk->payload,
    };
}

/* Keeps the span's service as an attribute if the resource is named after the base service. */
static void keep_service(struct dd_work *w, const struct dd_identity *id)
{
    struct dd_fields *f = &w->writer->f;
    if (gw_str_eq(id->service, f->span->service))
        return;
    if (f->kind != DD_KIND_CLIENT || !dd_set_text(f, DD_A_SERVICE_PEER_NAME, f->span->service, DD_RENAMED))
        dd_set_text(f, DD_A_DATADOG_SERVICE, f->span->service, DD_FIELD);
}

static void group_facts(struct dd_work *w, struct dd_group *g, const struct dd_scanned *c)
{
    struct dd_fields *f = &w->writer->f;
    if (g->told != c->number) {
        g->told = c->number;
        dd_group_fact(w->groups, g, DD_FACT_CONTAINER_ID, c->chunk->payload->facts[DD_FACT_CONTAINER_ID]);
        dd_group_fact(w->groups, g, DD_FACT_CONTAINER_ID, w->req->container_id);
        for (int i = 0; i < DD_FACTS; i++)
            dd_group_fact(w->groups, g, (enum dd_fact)i, c->facts[i]);
        dd_group_fact(w->groups, g, DD_FACT_PROCESS_TAGS, w->req->process_tags);
    }
    if (dd_has(f, DD_T_CLOUD_PROVIDER)) {
        dd_group_fact(w->groups, g, DD_FACT_CLOUD_REGION, own_text(f, DD_T_REGION, GW_NOSTR));
        dd_group_fact(w->groups, g, DD_FACT_CLOUD_ZONE, own_text(f, DD_T_ZONE, GW_NOSTR));
    }
    if (dd_has(f, DD_T_FUNCTION_NAME) && f->when != DD_CLIENT)
        dd_group_fact(w->groups, g, DD_FACT_FUNCTION_NAME, own_text(f, DD_T_FUNCTION_NAME, GW_NOSTR));
}

/* Drops a tag of the span whose value the resource has too. */
static void use_fact(struct dd_fields *f, const struct dd_group *g, unsigned tag, enum dd_fact fact)
{
    if (g->facts[fact].len && gw_str_eq(dd_text_of(f, tag), g->facts[fact]))
        dd_use(f, tag);
    else if (fact == DD_FACT_PID)
        dd_rename(f, tag);
}

static void use_tag(struct dd_fields *f, const struct dd_group *g, unsigned tag)
{
    switch (tag) {
    case DD_T_DD_HOSTNAME:
    case DD_T_DD_TRACER_HOSTNAME:
    case DD_T_DD_TRACER_HOST:
    case DD_T_HOST:
        if (!f->value[tag].number && gw_str_eq(f->value[tag].text, g->id.host))
            dd_use(f, tag);
        break;
    case DD_T_ENV:
    case DD_T_VERSION:
    case DD_T_RUNTIME_ID:
    case DD_T_LANGUAGE:
    case DD_T_BASE_SERVICE:
        if (!f->value[tag].number) /* a number in `metrics` under that name is the application's own */
            dd_use(f, tag);
        break;
    default:
        if (dd_fact_of(tag) >= 0)
            use_fact(f, g, tag, (enum dd_fact)dd_fact_of(tag));
    }
}

static void use_resource(struct dd_fields *f, const struct dd_group *g)
{
    for (unsigned word = 0; word < DD_WORDS; word++)
        for (uint64_t bits = f->seen[word] & dd_resource_tags[word]; bits; bits &= bits - 1)
            use_tag(f, g, word * 64 + (unsigned)__builtin_ctzll(bits));
    if (dd_has(f, DD_T_CLOUD_PROVIDER)) {
        use_fact(f, g, DD_T_REGION, DD_FACT_CLOUD_REGION);
        use_fact(f, g, DD_T_ZONE, DD_FACT_CLOUD_ZONE);
    }
    if (dd_has(f, DD_T_FUNCTION_NAME) && f->when != DD_CLIENT)
        use_fact(f, g, DD_T_FUNCTION_NAME, DD_FACT_FUNCTION_NAME);
}

/* A span made with OpenTelemetry's API inside a tracer names its library. */
static struct dd_scope_id scope_of(const struct dd_fields *f)
{
    bool says = dd_has(f, DD_T_SCOPE_NAME) || dd_has(f, DD_T_LIBRARY_NAME);
    gw_str library = says ? own_text(f, DD_T_SCOPE_NAME, own_text(f, DD_T_LIBRARY_NAME, GW_NOSTR)) : GW_NOSTR;
    if (library.len)
        return (struct dd_scope_id){
            library, own_text(f, DD_T_SCOPE_VERSION, own_text(f, DD_T_LIBRARY_VERSION, GW_NOSTR)), true};
    return (struct dd_scope_id){.name = own_text(f, DD_T_COMPONENT, own_text(f, DD_T_INTEGRATION, GW_NOSTR))};
}

static void use_text(struct dd_fields *f, unsigned tag, gw_str text)
{
    if (text.len && dd_has(f, tag) && gw_str_eq(f->value[tag].text, text))
        dd_use(f, tag);
}

/* Drops tags whose value the scope has; a tag with another value is kept. */
static void use_scope(struct dd_fields *f, const struct dd_scope_id *scope)
{
    if (!scope->names_itself)
        return;
    use_text(f, DD_T_SCOPE_NAME, scope->name);
    use_text(f, DD_T_LIBRARY_NAME, scope->name);
    use_text(f, DD_T_SCOPE_VERSION, scope->version);
    use_text(f, DD_T_LIBRARY_VERSION, scope->version);
}

/* Records that the upper half of the trace id may come later. */
static bool note_pending(struct dd_work *w, const struct dd_scanned *c, struct dd_scope *scope,
                         enum gw_attribute_schema r, size_t id_at)
{
    if (c->has_tid || c->has_root || w->opt->trace_id_bits == 64)
        return true;
    w->ids.pending++;
    return dd_scope_pending(w->groups, &scope->spans[r], (uint32_t)id_at, c->trace_id);
}

static bool write_schema(struct dd_work *w, const struct dd_scanned *c, struct dd_scope *scope,
                         enum gw_attribute_schema r)
{
    size_t id_at;
    struct otlp_buf *b = dd_scope_buf(w->groups, scope, r);
    return b && dd_write(w->writer, c, b, r, &id_at) && note_pending(w, c, scope, r, id_at);
}

static struct dd_group *group_of(struct dd_work *w, const struct dd_identity *id)
{
    size_t at = id->service.len ? (id->service.len + (unsigned char)*id->service.ptr) % DD_RECENT : 0;
    struct dd_group *g = w->recent[at];
    if (!g || !dd_group_is(g, id))
        w->recent[at] = g = dd_group_of(w->groups, id);
    return g;
}

/* Returns the scope of a span with a plan; NULL if its resource differs from what the plan expects. */
static struct dd_scope *planned_scope(struct dd_work *w, const struct dd_scanned *c, struct dd_plan *p,
                                      const struct dd_span *s)
{
    struct dd_identity id;
    struct dd_fields *f = &w->writer->f;
    f->span = s;
    memset(f->seen, 0, sizeof f->seen);
    for (unsigned i = 0; i < p->own_n; i++) {
        unsigned name = p->own[i].name, entry = p->own[i].entry;
        f->seen[name / 64] |= (uint64_t)1 << (name % 64);
        f->value[name] = entry < s->meta_n ? (struct dd_said){.text = s->meta[entry].value}
                                           : (struct dd_said){.number = &s->metrics[entry - s->meta_n]};
    }
    identify_resource(w, c, &id);
    struct dd_group *g = group_of(w, &id);
    if (!g)
        return NULL;
    group_facts(w, g, c);
    for (unsigned i = 0; i < p->facts_n; i++)
        if (!gw_str_eq(g->facts[p->facts[i].fact], p->facts[i].text))
            return NULL;
    struct dd_scope_id library = scope_of(f);
    return dd_scope_of(w->groups, g, &library);
}

/* Returns the plan's scope if it was used in the current trace. */
static struct dd_scope *scope_of_trace(struct dd_work *w, const struct dd_scanned *c, struct dd_plan *p,
                                       const struct dd_span *s)
{
    uint64_t trace = w->writer->shapes.plans.trace;
    if (p->scope_in != trace) {
        p->scope = planned_scope(w, c, p, s);
        p->scope_in = trace;
    }
    return p->scope;
}

/* The cached path. Returns false, with nothing done, if the plan does not fit or if there is no memory, which
 * the slow path then reports. */
static bool export_cached(struct dd_work *w, const struct dd_scanned *c, struct dd_plan *p,
                          const struct dd_span *s)
{
    size_t id_at;
    if (dd_trace_says(c, p->has_rate) != p->trace_says ||
        (p->has_trace_id && !dd_says_trace_id(c, s, s->meta[p->trace_id_at].value)))
        return false;
    struct dd_scope *scope = scope_of_trace(w, c, p, s);
    struct otlp_buf *b = scope ? dd_scope_buf(w->groups, scope, GW_OTEL) : NULL;
    return b && dd_write_cached(w->writer, c, p, s, w->arena, b, &id_at) &&
           note_pending(w, c, scope, GW_OTEL, id_at);
}

/* The span was just written: makes a plan from it, unless a text had to be repaired. */
static void leave_plan(struct dd_work *w, const struct dd_scanned *c, size_t i, const struct dd_group *g,
                       struct dd_scope *scope, size_t repaired)
{
    const struct otlp_buf *b = scope->spans[GW_OTEL].buf;
    if (b->repaired == repaired)
        dd_learn(w->writer, c, g, b, c->known[i].hash);
}

/* The slow path. */
static bool export_slow(struct dd_work *w, struct dd_scanned *c, size_t i, bool wanted)
{
    struct dd_identity id;
    struct dd_trail trail; /* large, so its steps are not cleared */
    struct dd_fields *f = &w->writer->f;
    if (!dd_load(w->writer, &c->chunk->spans[i], c->keys[i], w->arena))
        return false;
    dd_derive(w->writer, c, &w->out->odd);
    identify_resource(w, c, &id);
    struct dd_group *group = group_of(w, &id);
    struct dd_scope_id library = scope_of(f);
    struct dd_scope *scope = group ? dd_scope_of(w->groups, group, &library) : NULL;
    if (!scope)
        return false;
    use_scope(f, &library);
    keep_service(w, &id);
    group_facts(w, group, c);
    use_resource(f, group);
    trail.n = 0;
    w->writer->trail = wanted ? &trail : NULL;
    size_t repaired = wanted && scope->spans[GW_OTEL].buf ? scope->spans[GW_OTEL].buf->repaired : 0;
    for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++)
        if (w->env->schemas & 1u << r && !write_schema(w, c, scope, (enum gw_attribute_schema)r))
            return false;
    if (wanted)
        leave_plan(w, c, i, group, scope, repaired);
    if (w->durations)
        dd_durations_span(w->durations, c, i, f->resource, group, w->arena);
    return !w->arena->spent;
}

bool dd_export(struct dd_work *w, struct dd_scanned *c, size_t i)
{
    const struct dd_span *s = &c->chunk->spans[i];
    struct dd_known known = c->known[i];
    if (known.plan && export_cached(w, c, known.plan, s)) {
        w->out->planned++;
        if (w->durations)
            dd_durations_planned(w->durations, c, i, known.plan, known.plan->scope->group, w->arena);
        return !w->arena->spent;
    }
    if (known.plan && !dd_scan_keys(c, i, w->arena, &w->out->odd))
        return false;
    bool wanted = !known.plan && known.hash && dd_plan_wanted(&w->writer->shapes.plans, known.hash);
    return export_slow(w, c, i, wanted);
}

bool dd_count_dropped(struct dd_work *w, struct dd_scanned *c, size_t i)
{
    const struct dd_span *s = &c->chunk->spans[i];
    struct dd_plan *plan = c->known[i].plan;
    struct dd_scope *scope = plan ? scope_of_trace(w, c, plan, s) : NULL;
    struct dd_identity id;
    if (scope) {
        dd_durations_planned(w->durations, c, i, plan, scope->group, w->arena);
        return !w->arena->spent;
    }
    if ((plan && !dd_scan_keys(c, i, w->arena, &w->out->odd)) || !dd_load(w->writer, s, c->keys[i], w->arena))
        return false;
    dd_derive(w->writer, c, &w->out->odd);
    identify_resource(w, c, &id);
    struct dd_group *group = group_of(w, &id);
    if (!group)
        return false;
    group_facts(w, group, c);
    dd_durations_span(w->durations, c, i, w->writer->f.resource, group, w->arena);
    return !w->arena->spent;
}
