/* component.c: Makes a receiver or an exporter from an entry of a configuration, and calls its module's
 * functions in order. A component owns its context. Called by pipeline.c (start, stop) and by the files of a
 * reload, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/run/component.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/config/config_diagnostic.h"

/* A component's context begins with its configuration. */
static void *new_context(size_t ctx_size, const void *conf, size_t conf_size)
{
    void *ctx = calloc(1, ctx_size);
    if (ctx && conf_size)
        memcpy(ctx, conf, conf_size);
    return ctx;
}

/* `open` adds the mistakes. If a component fails without adding one, a general mistake is added, unless its
 * silence is about a mistake that was already reported. */
static bool opened(struct gw_diagnostics *diagnostics, size_t before, enum gw_code code, const char *path)
{
    if (code != GW_OK && gw_diagnostics_errors(diagnostics) == 0)
        gw_config_error(diagnostics, path, "cannot be opened: %s", gw_code_text(code));
    return code == GW_OK && gw_diagnostics_errors(diagnostics) == before;
}

enum { LARGEST = 16 << 20 };

/* Adds a file's content to a hash. A file that cannot be read, or only once (a pipe), or without end (a
 * device, or gigabytes), always counts as changed: it adds a unique number. */
static uint64_t hash_file(uint64_t hash, const char *name)
{
    static uint64_t unread;
    char part[4096];
    struct stat st;
    ssize_t n;
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool regular = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= LARGEST;
    if (!regular)
        hash = gw_hash_mix(hash + ++unread);
    while (regular && (n = read(fd, part, sizeof part)) > 0)
        hash = gw_hash_text(hash, gw_str_n(part, (size_t)n));
    if (fd >= 0)
        close(fd);
    return hash;
}

/* Files that options name are read when the component is opened; only reading them again shows whether they
 * changed. 0: none are named. */
static uint64_t hash_files(const struct gw_opt *row, const void *conf)
{
    uint64_t hash = 0;
    for (; row->type != GW_OPT_END_ROW; row++) {
        const gw_str *value = (const gw_str *)((const char *)conf + row->offset);
        if (strncmp(row->name, "tls.", 4) == 0 && row->type == GW_OPT_str &&
            strcmp(row->name, "tls.server_name") != 0 && value->len)
            hash = hash_file(hash, value->ptr);
    }
    return hash;
}

/* --- exporters --- */

bool gw_component_make_exporter(struct exporter *e, const struct gw_conf_exporter *c, struct gw_conf *conf)
{
    *e = (struct exporter){.module = c->module, .path = c->path, .entry = c, .conf = gw_conf_ref(conf)};
    e->ctx = new_context(c->module->ctx_size, c->conf, c->module->conf_size);
    return e->ctx;
}

bool gw_component_open_exporter(struct exporter *e, const struct gw_export_host *lent,
                                struct gw_diagnostics *diagnostics)
{
    struct gw_export_host host = *lent;
    host.signals = gw_sender_signals(&e->entry->sender, e->module);
    host.name = e->entry->sender.name.ptr;
    size_t before = gw_diagnostics_errors(diagnostics);
    e->files = hash_files(e->module->opts, e->entry->conf);
    gw_sender_check_files(&e->entry->sender, e->path, diagnostics);
    return opened(diagnostics, before, e->module->open(e->ctx, &host, e->path, diagnostics), e->path);
}

void gw_component_announce_exporter(const struct exporter *e)
{
    char component[96], *text = NULL;
    size_t n = 0;
    FILE *to = e->module->describe ? open_memstream(&text, &n) : NULL;
    if (!to)
        return;
    e->module->describe(e->ctx, to);
    fclose(to);
    snprintf(component, sizeof component, "exporter=%.*s", GW_FMT(e->entry->sender.name));
    if (text)
        gw_log_each(GW_INFO, component, "sends to %s", text);
    free(text);
}

void gw_component_drop_exporter(struct exporter *e)
{
    gw_sender_drop(e->sender);
    if (e->ctx)
        e->module->close(e->ctx);
    free(e->ctx);
    gw_conf_drop(e->conf);
    *e = (struct exporter){.module = e->module};
}

bool gw_component_same_exporter(const struct exporter *e, const struct gw_conf_exporter *c)
{
    const struct gw_conf_exporter *own = e->entry;
    return own->module == c->module && gw_opt_same_all(own->module->opts, own->conf, c->conf) &&
           gw_opt_same_all(gw_sender_opts, &own->sender, &c->sender) &&
           e->files == hash_files(own->module->opts, own->conf);
}

/* --- receivers --- */

bool gw_component_is_exclusive(const struct gw_receiver *module)
{
    return !module->on_http;
}

bool gw_component_make_receiver(struct receiver *r, const struct gw_conf_receiver *c, struct gw_conf *conf)
{
    *r = (struct receiver){.module = c->module, .path = c->path, .entry = c, .conf = gw_conf_ref(conf)};
    r->ctx = new_context(c->module->ctx_size, c->conf, c->module->conf_size);
    return r->ctx;
}

bool gw_component_open_receiver(struct receiver *r, const struct gw_host *host,
                                struct gw_diagnostics *diagnostics)
{
    size_t before = gw_diagnostics_errors(diagnostics);
    r->files = hash_files(r->module->opts, r->entry->conf);
    return opened(diagnostics, before, r->module->open(r->ctx, host, r->path, diagnostics), r->path);
}

void gw_component_start_receiver(struct receiver *r)
{
    r->module->start(r->ctx);
    atomic_store(&r->started, true);
}

void gw_component_reloaded_receiver(const struct receiver *r)
{
    if (r->module->reloaded && atomic_load(&r->started))
        r->module->reloaded(r->ctx);
}

void gw_component_stop_receiver(struct receiver *r)
{
    if (atomic_exchange(&r->started, false))
        r->module->stop(r->ctx);
}

bool gw_component_pause_receiver(struct receiver *r)
{
    if (r->module->pause && atomic_exchange(&r->started, false)) {
        r->module->pause(r->ctx);
        return true;
    }
    gw_component_stop_receiver(r);
    return false;
}

void gw_component_drop_receiver(struct receiver *r)
{
    if (r->ctx)
        r->module->close(r->ctx);
    free(r->ctx);
    gw_conf_drop(r->conf);
    *r = (struct receiver){.module = r->module};
}

/* An exclusive one is not disturbed for the sake of files that may be the same: that would cost its
 * connections. */
bool gw_component_same_receiver(const struct receiver *r, const struct gw_conf_receiver *c)
{
    const struct gw_opt *opts = r->module->opts;
    return r->module == c->module && gw_opt_same_all(opts, r->entry->conf, c->conf) &&
           (gw_component_is_exclusive(r->module) || r->files == hash_files(opts, c->conf));
}

void gw_component_move_counts(const struct gw_receiver *module, void *from_ctx, void *to_ctx)
{
    for (const struct gw_metric *row = module->metrics; row && row->type != GW_METRIC_END; row++)
        if (row->type == GW_COUNTER && row->offset != GW_METRIC_ASKED)
            atomic_fetch_add((atomic_uint_least64_t *)((char *)to_ctx + row->offset),
                             atomic_exchange((atomic_uint_least64_t *)((char *)from_ctx + row->offset), 0));
}
