/* Finds out which process made statistics, from the payload, the agent's message around it and the request's
 * headers, and writes the resource.
 *
 * The state is the call's. Called by dd_stats.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_stats_internal.h"

#include "translators/ddtrace/dd_resource.h"
#include "translators/ddtrace/dd_scan.h"

/* Returns the texts of an array, and the image's tag, as one list. */
static gw_str container_tags(struct gw_arena *arena, const struct dd_stats_payload *p)
{
    struct dd_stats_array tags = dd_stats_array(p->tags);
    size_t n = p->tags.len + p->image_tag.len + 16, len = 0;
    char *list = gw_arena_raw(arena, n, 1);
    gw_str tag;
    while (list && dd_stats_next_text(&tags, &tag)) {
        len += (size_t)(otlp_put_bytes((uint8_t *)list + len, tag) - ((uint8_t *)list + len));
        list[len++] = ',';
    }
    if (list && p->image_tag.len)
        len += (size_t)snprintf(list + len, n - len, "image_tag:%.*s", GW_FMT(p->image_tag));
    return gw_str_n(list, list ? len : 0);
}

/* dd-trace-js sends its host's name in statistics even if that is not configured, but not in spans. Spans of a
 * local peer get this machine's name, so its statistics get it too. */
static gw_str host_of(const struct dd_stats_work *w, const struct dd_stats_process *p, gw_str agent)
{
    gw_str ours = w->request->peer_is_local ? w->env->host_name : GW_NOSTR;
    bool unasked = gw_str_eq(p->language, GW_STR("nodejs")) && ours.len;
    return dd_stats_first_of(unasked ? ours : p->said.host, dd_stats_first_of(agent, ours));
}

void dd_stats_describe_process(struct dd_stats_work *w, const struct dd_stats_agent *agent,
                               struct dd_stats_process *p)
{
    const struct dd_stats_payload *said = &p->said;
    const struct dd_request *r = w->request;
    p->language = dd_language(w->arena, dd_stats_first_of(said->language, r->lang));
    p->env = dd_stats_first_of(said->env, agent->env);
    p->host = host_of(w, p, agent->host);
    p->facts[DD_FACT_CONTAINER_ID] = dd_stats_first_of(said->container_id, r->container_id);
    p->facts[DD_FACT_CONTAINER_TAGS] = container_tags(w->arena, said);
    p->facts[DD_FACT_PROCESS_TAGS] = dd_stats_first_of(said->process_tags, r->process_tags);
    p->facts[DD_FACT_COMMIT] = said->commit;
    p->facts[DD_FACT_TRACER_VERSION] = dd_stats_first_of(said->tracer_version, r->tracer_version);
    p->facts[DD_FACT_LANGUAGE_VERSION] = r->lang_version;
    bool python = gw_str_eq(p->language, GW_STR("python")),
         counts_up = python || gw_str_eq(p->language, GW_STR("nodejs"));
    p->bound = counts_up && agent->client_computed ? DDSKETCH_UPPER : DDSKETCH_LOWER;
    p->may_be_remade = python && agent->payloads.len;
}

static struct dd_stats_resource *make_resource(struct dd_stats_work *w, const struct dd_stats_process *p,
                                               gw_str service, gw_str base)
{
    static const struct dd_payload nothing;
    bool split = w->options->service_override == DD_SERVICE_SPLIT || !base.len;
    gw_str named = split ? service : base;
    struct dd_group g = {.id = {.service = named,
                                .base_service = split && !gw_str_eq(base, service) ? base : GW_NOSTR,
                                .env = p->env,
                                .version = !base.len || gw_str_eq(base, named) ? p->said.version : GW_NOSTR,
                                .runtime_id = p->said.runtime_id,
                                .host = p->host,
                                .language = p->language,
                                .payload = (struct dd_payload *)&nothing}};
    memcpy(g.facts, p->facts, sizeof g.facts);
    w->scratch.len = 0;
    dd_resource_write(&w->scratch, &g, w->request, w->options);
    return w->scratch.failed ? NULL : dd_stats_resource(&w->points, otlp_written(&w->scratch));
}

/* Adjacent groups usually have the same service. */
struct dd_stats_resource *dd_stats_resource_of(struct dd_stats_work *w, struct dd_stats_process *p,
                                               gw_str service, gw_str base)
{
    if (p->resource && gw_str_eq(p->service, service) && gw_str_eq(p->base, base))
        return p->resource;
    p->service = service;
    p->base = base;
    return p->resource = make_resource(w, p, service, base);
}
