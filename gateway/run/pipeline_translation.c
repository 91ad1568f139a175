/* pipeline_translation.c: Copies the options of the receiver of spans for the API, which explains a span by them. Owns nothing: the
 * copies are the caller's. Called by api_span.c, on the admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/run/pipeline_internal.h"

#include "gateway/api/api_translation.h"
#include "gateway/receivers/ddtrace/ddtrace.h"

static struct gw_list copy_list(struct gw_arena *a, const struct gw_list *from)
{
    struct gw_list to = {gw_new(a, gw_str, from->n + 1), from->n};
    for (size_t i = 0; i < from->n && to.items; i++)
        to.items[i] = gw_arena_dup(a, from->items[i]);
    return to.items ? to : (struct gw_list){NULL, 0};
}

static struct gw_map copy_map(struct gw_arena *a, const struct gw_map *from)
{
    struct gw_map to = {gw_new(a, struct gw_map_item, from->n + 1), from->n};
    for (size_t i = 0; i < from->n && to.items; i++) {
        to.items[i].key = gw_arena_dup(a, from->items[i].key);
        to.items[i].value = gw_arena_dup(a, from->items[i].value);
    }
    return to.items ? to : (struct gw_map){NULL, 0};
}

static struct gw_groups copy_groups(struct gw_arena *a, const struct gw_groups *from)
{
    struct gw_groups to = {gw_new(a, struct gw_map, from->n + 1), from->n};
    for (size_t i = 0; i < from->n && to.items; i++)
        to.items[i] = copy_map(a, &from->items[i]);
    return to.items ? to : (struct gw_groups){NULL, 0};
}

static void copy(struct gw_arena *a, const struct ddtrace_conf *c, struct gw_api_translation *to)
{
    to->options = ddtrace_options(c);
    to->options.resource = copy_map(a, &c->resource);
    to->options.promote = copy_list(a, &c->promote);
    to->options.strip = copy_list(a, &c->strip);
    to->privacy.privacy_credit_cards = c->privacy_credit_cards;
    to->privacy.privacy_replace_tags = copy_groups(a, &c->privacy_replace_tags);
    to->privacy.privacy_keep_values = copy_list(a, &c->privacy_keep_values);
}

struct gw_api_translation *gw_pipeline_translation(void *pipeline, struct gw_arena *a)
{
    struct gw_pipeline *p = pipeline;
    struct gw_api_translation *found = NULL, *to = gw_new(a, struct gw_api_translation, 1);
    gw_lock(&p->lock);
    for (size_t i = 0; i < p->receivers_n && to && !found; i++)
        if (strcmp(p->receivers[i].module->name, "ddtrace") == 0) {
            copy(a, p->receivers[i].entry->conf, to);
            to->host_name = gw_arena_dup(a, p->host.host_name);
            found = to;
        }
    gw_unlock(&p->lock);
    return a->spent ? NULL : found;
}
