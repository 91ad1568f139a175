/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_export.h"

#include "translators/ddtrace/dd_semconv.h"

enum { RESOURCE_ATTRIBUTES = 1 };

static gw_str own(const struct dd_fields *f, unsigned tag, gw_str otherwise)
{
    return dd_has(f, tag) && f->value[tag].text.len ? f->value[tag].text : otherwise;
}

static gw_str host_of(const struct dd_fields *f, const struct dd_scanned *c)
{
    if (!c->host.len)
        return GW_NOSTR;
    return own(f, DD_T_DD_HOSTNAME, own(f, DD_T_DD_TRACER_HOSTNAME, own(f, DD_T_HOST, c->host)));
}

/* Promoted tags as attributes of the resource: part of what tells resources apart. */
static gw_str promoted(const struct dd_work *w, const struct dd_span *s)
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
    gw_str said = own(f, DD_T_LANGUAGE, c->language);
    return gw_str_eq(said, c->language) ? c->sdk_language : dd_language(w->arena, said);
}

static gw_str version_of(const struct dd_fields *f, const struct dd_scanned *c, gw_str service)
{
    gw_str said = own(f, DD_T_VERSION, GW_NOSTR);
    return said.len ? said : dd_scan_version(c, service);
}

static void identify(const struct dd_work *w, const struct dd_scanned *c, struct dd_identity *id)
{
    const struct dd_fields *f = &w->writer->f;
    gw_str service = f->span->service, base = own(f, DD_T_BASE_SERVICE, GW_NOSTR);
    bool split = w->opt->service_override == DD_SERVICE_SPLIT || !base.len;
    gw_str named = split ? service : base;
    *id = (struct dd_identity){
        .service = named,
        .base_service = split && !gw_str_eq(base, service) ? base : GW_NOSTR,
        .env = own(f, DD_T_ENV, c->env),
        .version = version_of(f, c, named),
        .runtime_id = own(f, DD_T_RUNTIME_ID, c->runtime_id),
        .host = host_of(f, c),
        .language = language_of(w, f, c),
        .promoted = w->opt->promote.n ? promoted(w, f->span) : GW_NOSTR,
    };
}

/* The span's service, where the resource is named after the base service. */
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
        dd_group_fact(w->groups, g, DD_FACT_CONTAINER_ID, w->req->container_id);
        for (int i = 0; i < DD_FACTS; i++)
            dd_group_fact(w->groups, g, (enum dd_fact)i, c->facts[i]);
        dd_group_fact(w->groups, g, DD_FACT_PROCESS_TAGS, w->req->process_tags);
    }
    if (dd_has(f, DD_T_CLOUD_PROVIDER)) {
        dd_group_fact(w->groups, g, DD_FACT_CLOUD_REGION, own(f, DD_T_REGION, GW_NOSTR));
        dd_group_fact(w->groups, g, DD_FACT_CLOUD_ZONE, own(f, DD_T_ZONE, GW_NOSTR));
    }
    if (dd_has(f, DD_T_FUNCTION_NAME) && f->when != DD_CLIENT)
        dd_group_fact(w->groups, g, DD_FACT_FUNCTION_NAME, own(f, DD_T_FUNCTION_NAME, GW_NOSTR));
}

/* A tag that the resource says, too, need not stand on the span. */
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
    case DD_T_HOST:
        if (!f->value[tag].number && gw_str_eq(f->value[tag].text, g->id.host))
            dd_use(f, tag);
        break;
    case DD_T_ENV:
    case DD_T_VERSION:
    case DD_T_RUNTIME_ID:
    case DD_T_LANGUAGE:
    case DD_T_BASE_SERVICE:
        if (!f->value[tag].number) /* a metric of that name is the application's own */
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

static gw_str scope_of(const struct dd_fields *f)
{
    return own(f, DD_T_COMPONENT, own(f, DD_T_INTEGRATION, GW_NOSTR));
}

static bool write_rendering(struct dd_work *w, const struct dd_scanned *c, struct dd_scope *scope, enum gw_rendering r)
{
    size_t id_at;
    struct otlp_buf *b = dd_scope_buf(w->groups, scope, r);
    if (!b || !dd_write(w->writer, c, b, r, &id_at))
        return false;
    if (c->has_tid || c->has_root || w->opt->trace_id_bits == 64)
        return true;
    w->join.pending++;
    return dd_scope_pending(w->groups, &scope->spans[r], (uint32_t)id_at, c->trace_id);
}

static struct dd_group *group_of(struct dd_work *w, const struct dd_identity *id)
{
    size_t at = id->service.len ? (id->service.len + (unsigned char)*id->service.ptr) % DD_RECENT : 0;
    struct dd_group *g = w->recent[at];
    if (!g || !dd_group_is(g, id))
        w->recent[at] = g = dd_group_of(w->groups, id);
    return g;
}

bool dd_export(struct dd_work *w, struct dd_scanned *c, size_t i)
{
    struct dd_identity id;
    struct dd_fields *f = &w->writer->f;
    if (!dd_load(w->writer, &c->chunk->spans[i], c->keys[i], w->arena))
        return false;
    dd_derive(w->writer, c, &w->out->odd);
    identify(w, c, &id);
    struct dd_group *group = group_of(w, &id);
    struct dd_scope *scope = group ? dd_scope_of(w->groups, group, scope_of(f)) : NULL;
    if (!scope)
        return false;
    keep_service(w, &id);
    group_facts(w, group, c);
    use_resource(f, group);
    for (int r = 0; r < GW_RENDERINGS; r++)
        if (w->env->renderings & 1u << r && !write_rendering(w, c, scope, (enum gw_rendering)r))
            return false;
    return !w->arena->spent;
}
