/* log_conf.c: Checks and compiles the configuration of a log receiver: zone, scripts, resource attributes. A
 * reload of the scripts replaces it as a whole. Owns a struct log_conf and the reference-counted setups that
 * batches use. Called by receivers on the main thread; setups are taken on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "translators/logs/log_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/config/config_diagnostic.h"
#include "core/config/did_you_mean.h"
#include "core/delivery/span_services.h"
#include "core/delivery/trace_ids.h"
#include "translators/logs/log_resource.h"

enum { OPTIONS_MEMORY = 1 << 20 };

struct log_setup *log_setup_take(const struct log_conf *c)
{
    struct log_conf *own = (struct log_conf *)(uintptr_t)c; /* the lock is not const */
    gw_lock(&own->lock);
    struct log_setup *s = own->now;
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    gw_unlock(&own->lock);
    return s;
}

void log_setup_drop(struct log_setup *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    log_library_drop(s->library);
    log_library_drop(s->own);
    otlp_fini(&s->resource);
    gw_arena_fini(&s->memory);
    free(s);
}

/* --- a setup --- */

static struct gw_map copy_map(struct gw_arena *a, const struct gw_map *m)
{
    struct gw_map copy = {.items = gw_new(a, struct gw_map_item, m->n)};
    for (size_t i = 0; copy.items && i < m->n; i++)
        copy.items[copy.n++] =
            (struct gw_map_item){gw_arena_dup(a, m->items[i].key), gw_arena_dup(a, m->items[i].value)};
    return copy;
}

static struct log_options copy_options(struct gw_arena *a, const struct log_options *o)
{
    return (struct log_options){.source = gw_arena_dup(a, o->source),
                                .service = gw_arena_dup(a, o->service),
                                .env = gw_arena_dup(a, o->env),
                                .version = gw_arena_dup(a, o->version),
                                .pipeline = gw_arena_dup(a, o->pipeline),
                                .timezone = gw_arena_dup(a, o->timezone),
                                .tags = copy_map(a, &o->tags),
                                .resource = copy_map(a, &o->resource),
                                .parse = o->parse,
                                .span_service = o->span_service};
}

static void write_maps(struct log_setup *s)
{
    const struct log_options *o = &s->options;
    for (size_t i = 0; i < o->resource.n; i++)
        otlp_attr_text(&s->resource, LOG_RESOURCE_ATTRIBUTES, o->resource.items[i].key,
                       o->resource.items[i].value);
}

static void find_zone(struct log_setup *s, const char *path, struct gw_diagnostics *diagnostics)
{
    gw_str name = s->options.timezone;
    s->zone = name.len ? zone_setting(name) : zone_local();
    if (s->zone)
        return;
    gw_option_error(
        diagnostics, path, "timezone",
        "\"%.*s\" is not a time zone: write a name of the database such as Asia/Shanghai (is tzdata "
        "installed?), an offset such as +8, or a "
        "POSIX string such as CST-8",
        GW_FMT(name));
    s->zone = zone_utc();
}

/* ": did you mean "nginx"?", or nothing. */
static const char *near_script(const struct log_library *l, gw_str name, char out[static 128])
{
    const char *near = gw_did_you_mean(name, log_library_names(l));
    out[0] = '\0';
    if (near)
        snprintf(out, 128, ": did you mean \"%.100s\"?", near);
    return out;
}

/* A configured source must have a script in the directory, unless the configuration says how its records are
 * read without one. */
static void check_source(const struct log_setup *s, const struct log_scripts *scripts, const char *path,
                         struct gw_diagnostics *diagnostics)
{
    char parse[GW_OPTION_PATH], hint[128];
    gw_str source = s->options.source;
    gw_option_path(parse, path, "parse");
    if (!source.len || !s->library || log_library_find(s->library, source) ||
        gw_diagnostics_is_written(diagnostics, parse))
        return;
    near_script(s->library, source, hint);
    if (log_scripts_are_strict(scripts))
        gw_option_error(diagnostics, path, "source",
                        "pipelines.directory has no script for \"%.*s\"%s (set parse = \"auto\" to read its "
                        "records without one)",
                        GW_FMT(source), hint);
    else if (*hint)
        gw_option_warning(diagnostics, path, "source", "pipelines.directory has no script for \"%.*s\"%s",
                          GW_FMT(source), hint);
}

/* A name in the directory, else a file. */
static void find_script(struct log_setup *s, struct log_scripts *scripts, const char *path,
                        struct gw_diagnostics *diagnostics)
{
    char where[GW_OPTION_PATH], hint[128], file[256];
    gw_str name = s->options.pipeline;
    s->library = log_scripts_library(scripts);
    if (!name.len) {
        check_source(s, scripts, path, diagnostics);
        return;
    }
    gw_option_path(where, path, "pipeline");
    if (gw_str_find(name, '/') == name.len && (s->fixed = log_library_find(s->library, name)))
        return; /* the directory's mistake was already reported */
    snprintf(file, sizeof file, "%.*s", GW_FMT(name));
    if (gw_str_find(name, '/') == name.len && access(file, F_OK) != 0) {
        gw_config_error(diagnostics, where,
                        "%.*s: there is no such file, nor a script of that name in pipelines.directory%s",
                        GW_FMT(name), near_script(s->library, name, hint));
        return;
    }
    s->own = log_library_file(name, where, diagnostics);
    log_scripts_watch(scripts, s->own);
    const char *slash = memrchr(name.ptr, '/', name.len);
    if (s->own && (s->fixed = log_library_find(
                       s->own, slash ? gw_str_from(name, (size_t)(slash + 1 - name.ptr)) : name)))
        log_library_report(s->own, s->fixed, where, log_scripts_are_strict(scripts), diagnostics);
}

void log_conf_describe(const struct log_conf *c, FILE *to)
{
    struct log_setup *s = log_setup_take(c);
    gw_str source = s->source, name = s->options.pipeline;
    if (name.len)
        fprintf(to, "script %.*s", GW_FMT(name));
    else if (log_library_find(s->library, source))
        fprintf(to, "script %.*s%s of pipelines.directory", GW_FMT(source),
                gw_str_ends(source, GW_STR(".p")) ? "" : ".p");
    else
        fprintf(to, "no script");
    log_setup_drop(s);
}

static struct log_setup *setup_new(const struct log_conf *c, const struct log_options *o, const char *path,
                                   struct gw_diagnostics *diagnostics)
{
    struct log_setup *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    gw_arena_init(&s->memory, OPTIONS_MEMORY);
    s->options = copy_options(&s->memory, o);
    if (o->span_service && c->environment->ids)
        gw_span_services_ask(gw_trace_ids_services(c->environment->ids));
    s->source = o->source.len ? s->options.source : gw_str_z(c->receiver);
    s->service = o->service.len  ? s->options.service
                 : o->source.len ? s->options.source
                                 : GW_STR("unknown_service");
    find_zone(s, path, diagnostics);
    find_script(s, c->environment->scripts, path, diagnostics);
    write_maps(s);
    if (!s->memory.spent && !s->resource.failed)
        return s;
    log_setup_drop(s);
    return NULL;
}

/* --- the configuration of a receiver --- */

static void replace_setup(struct log_conf *c, struct log_setup *next)
{
    gw_lock(&c->lock);
    struct log_setup *before = c->now;
    c->now = next;
    atomic_fetch_add_explicit(&c->generation, 1, memory_order_release);
    gw_unlock(&c->lock);
    log_setup_drop(before);
}

/* The scripts were read again: makes a new setup with the same options. Without memory the old one stays. */
static void renew_setup(struct log_scripts_user *user, struct gw_diagnostics *diagnostics)
{
    struct log_conf *c = (struct log_conf *)((char *)user - offsetof(struct log_conf, user));
    struct log_setup *next = setup_new(c, &c->now->options, c->path, diagnostics);
    if (next)
        replace_setup(c, next);
}

struct log_conf *log_conf_new(const struct log_options *o, const struct log_environment *environment,
                              const char *path, const char *receiver, struct gw_diagnostics *diagnostics)
{
    struct log_conf *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    gw_lock_init(&c->lock, GW_LOCK_LOG_CONF);
    c->environment = environment;
    c->counts = environment->scripts ? log_scripts_counts(environment->scripts) : &c->own;
    snprintf(c->receiver, sizeof c->receiver, "%s", receiver);
    snprintf(c->path, sizeof c->path, "%s", path);
    c->user.renew = renew_setup;
    if (environment->scripts)
        log_scripts_enter(environment->scripts, &c->user);
    c->now = setup_new(c, o, path, diagnostics);
    if (c->now)
        return c;
    log_conf_drop(c);
    return NULL;
}

void log_conf_drop(struct log_conf *c)
{
    if (!c)
        return;
    if (c->environment->scripts)
        log_scripts_leave(c->environment->scripts, &c->user);
    log_setup_drop(c->now);
    gw_lock_fini(&c->lock);
    free(c);
}

const struct log_counts *log_conf_counts(const struct log_conf *c)
{
    return c->counts;
}

/* Zones live as long as the process, so the setup need not. */
const struct zone *log_conf_zone(const struct log_conf *c)
{
    struct log_setup *s = log_setup_take(c);
    const struct zone *zone = s->zone;
    log_setup_drop(s);
    return zone;
}
