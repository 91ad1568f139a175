/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_conf.h"

#include <stdio.h>
#include <stdlib.h>

enum { RESOURCE_ATTRIBUTES = 1, RECORD_ATTRIBUTES = 6 };

struct log_setup *log_setup_take(const struct log_conf *c)
{
    struct log_conf *own = (struct log_conf *)(uintptr_t)c; /* the lock is no part of what is const */
    pthread_mutex_lock(&own->lock);
    struct log_setup *s = own->now;
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&own->lock);
    return s;
}

void log_setup_drop(struct log_setup *s)
{
    if (s && atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) == 1)
        free(s);
}

static struct log_setup *setup_new(const struct log_options *o, const char *path, struct gw_problems *problems)
{
    char where[160];
    struct log_setup *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    s->zone = o->timezone.len ? zone_find(o->timezone) : zone_local();
    if (!s->zone) {
        snprintf(where, sizeof where, "%s.timezone", path);
        gw_problem(problems, where, "there is no time zone of the name %.*s (is tzdata installed?)", GW_FMT(o->timezone));
        s->zone = zone_utc();
    }
    return s;
}

static void write_maps(struct log_conf *c)
{
    const struct log_options *o = c->options;
    for (size_t i = 0; i < o->tags.n; i++)
        otlp_attr_text(&c->tags, RECORD_ATTRIBUTES, o->tags.items[i].key, o->tags.items[i].value);
    for (size_t i = 0; i < o->resource.n; i++)
        otlp_attr_text(&c->resource, RESOURCE_ATTRIBUTES, o->resource.items[i].key, o->resource.items[i].value);
}

struct log_conf *log_conf_new(const struct log_options *o, const struct gw_host *host, const char *path, const char *receiver,
                              struct gw_problems *problems)
{
    struct log_conf *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    c->options = o;
    c->host = host;
    c->source = o->source.len ? o->source : gw_str_z(receiver);
    c->service = o->service.len ? o->service : o->source.len ? o->source : GW_STR("unknown_service");
    c->now = setup_new(o, path, problems);
    write_maps(c);
    if (c->now && !c->tags.failed && !c->resource.failed)
        return c;
    log_conf_drop(c);
    return NULL;
}

void log_conf_drop(struct log_conf *c)
{
    if (!c)
        return;
    log_setup_drop(c->now);
    otlp_fini(&c->tags);
    otlp_fini(&c->resource);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* Zones live as long as the process, so the setup need not. */
const struct zone *log_conf_zone(const struct log_conf *c)
{
    struct log_setup *s = log_setup_take(c);
    const struct zone *zone = s->zone;
    log_setup_drop(s);
    return zone;
}
