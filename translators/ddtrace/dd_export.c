/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_export.h"

#include "translators/ddtrace/dd_semconv.h"

enum { RESOURCE_ATTRIBUTES = 1 };

gw_str dd_language(struct gw_arena *arena, gw_str said)
{
    static const struct {
        gw_str said, name;
    } names[] = {{GW_LIT("jvm"), GW_LIT("java")},    {GW_LIT("javascript"), GW_LIT("nodejs")}, {GW_LIT("node"), GW_LIT("nodejs")},
                 {GW_LIT(".net"), GW_LIT("dotnet")}, {GW_LIT("golang"), GW_LIT("go")},         {GW_LIT("c++"), GW_LIT("cpp")}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gw_str_ieq(said, names[i].said))
            return names[i].name;
    return dd_lower(arena, said);
}

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

static void identify(const struct dd_work *w, const struct dd_scanned *c, struct dd_identity *id)
{
    const struct dd_fields *f = &w->writer->f;
    gw_str service = f->span->service, base = own(f, DD_T_BASE_SERVICE, GW_NOSTR);
    bool split = w->opt->service_override == DD_SERVICE_SPLIT || !base.len;
    *id = (struct dd_identity){
        .service = split ? service : base,
        .base_service = split && !gw_str_eq(base, service) ? base : GW_NOSTR,
        .env = own(f, DD_T_ENV, c->env),
        .version = own(f, DD_T_VERSION, dd_scan_version(c, service)),
        .runtime_id = own(f, DD_T_RUNTIME_ID, c->runtime_id),
        .host = host_of(f, c),
        .language = dd_language(w->arena, own(f, DD_T_LANGUAGE, c->language.len ? c->language : w->req->lang)),
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
    dd_group_fact(w->groups, g, DD_FACT_CONTAINER_ID, w->req->container_id);
    for (int i = 0; i < DD_FACTS; i++)
        dd_group_fact(w->groups, g, (enum dd_fact)i, c->facts[i]);
    dd_group_fact(w->groups, g, DD_FACT_PROCESS_TAGS, w->req->process_tags);
    if (dd_has(f, DD_T_CLOUD_PROVIDER)) {
        dd_group_fact(w->groups, g, DD_FACT_CLOUD_REGION, own(f, DD_T_REGION, GW_NOSTR));
        dd_group_fact(w->groups, g, DD_FACT_CLOUD_ZONE, own(f, DD_T_ZONE, GW_NOSTR));
    }
    if (f->when != DD_CLIENT)
        dd_group_fact(w->groups, g, DD_FACT_FUNCTION_NAME, own(f, DD_T_FUNCTION_NAME, GW_NOSTR));
}

/* A tag that the resource says, too, need not stand on the span. */
static void use_fact(struct dd_fields *f, const struct dd_group *g, unsigned tag, enum dd_fact fact)
{
    if (!dd_has(f, tag))
        return;
    if (g->facts[fact].len && gw_str_eq(dd_text_of(f, tag), g->facts[fact]))
        dd_use(f, tag);
    else if (dd_names[tag].to != DD_A_NONE && fact == DD_FACT_PID)
        dd_rename(f, tag);
}

static void use_resource(struct dd_fields *f, const struct dd_group *g)
{
    static const unsigned identity[] = {DD_T_ENV, DD_T_VERSION, DD_T_RUNTIME_ID, DD_T_LANGUAGE, DD_T_BASE_SERVICE};
    static const unsigned hosts[] = {DD_T_DD_HOSTNAME, DD_T_DD_TRACER_HOSTNAME, DD_T_HOST};
    static const struct {
        unsigned tag;
        enum dd_fact fact;
    } facts[] = {{DD_T_PROCESS_ID, DD_FACT_PID},
                 {DD_T_SYSTEM_PID, DD_FACT_PID},
                 {DD_T_DD_GIT_COMMIT, DD_FACT_COMMIT},
                 {DD_T_GIT_COMMIT, DD_FACT_COMMIT},
                 {DD_T_DD_GIT_REPOSITORY, DD_FACT_REPOSITORY},
                 {DD_T_GIT_REPOSITORY, DD_FACT_REPOSITORY},
                 {DD_T_CONTAINER_ID, DD_FACT_CONTAINER_ID},
                 {DD_T_CONTAINER_TAGS, DD_FACT_CONTAINER_TAGS},
                 {DD_T_PROCESS_TAGS, DD_FACT_PROCESS_TAGS},
                 {DD_T_CLOUD_PROVIDER, DD_FACT_CLOUD_PROVIDER},
                 {DD_T_FUNCTION_ARN, DD_FACT_FUNCTION_ARN}};
    for (size_t i = 0; i < sizeof identity / sizeof *identity; i++)
        dd_use(f, identity[i]);
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (dd_has(f, hosts[i]) && gw_str_eq(f->value[hosts[i]].text, g->id.host))
            dd_use(f, hosts[i]);
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        use_fact(f, g, facts[i].tag, facts[i].fact);
    if (dd_has(f, DD_T_CLOUD_PROVIDER)) {
        use_fact(f, g, DD_T_REGION, DD_FACT_CLOUD_REGION);
        use_fact(f, g, DD_T_ZONE, DD_FACT_CLOUD_ZONE);
    }
    if (f->when != DD_CLIENT)
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

bool dd_export(struct dd_work *w, struct dd_scanned *c, size_t i)
{
    struct dd_identity id;
    struct dd_fields *f = &w->writer->f;
    if (!dd_load(w->writer, &c->chunk->spans[i], c->keys[i], w->arena))
        return false;
    dd_derive(w->writer, c, &w->out->odd);
    identify(w, c, &id);
    struct dd_group *group = dd_group_of(w->groups, &id);
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
