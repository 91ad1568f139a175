/* pipeline_print.c: Prints the result of `ddgate check` for a correct configuration: addresses, destinations,
 * scripts, and the options that are set, each with its origin. Owns nothing. Called by main.c, on a pipeline
 * that was opened with `check`.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/config/config_diagnostic.h"
#include "gateway/net/listen_claims.h"
#include "gateway/run/pipeline_internal.h"

enum { VALUE_COLUMN = 60 };

/* "    timeout = "5s"      ddgate.conf:12", and the heading above the first of them. */
static void print_options(const char *heading, const struct gw_opt *row, const void *conf, const char *path,
                          const struct gw_diagnostics *diagnostics, FILE *to)
{
    for (; row->type != GW_OPT_END_ROW; row++) {
        char at[GW_OPTION_PATH], where[512], *text = NULL;
        size_t n = 0;
        gw_option_path(at, path, row->name);
        gw_diagnostics_where(diagnostics, at, where, sizeof where);
        FILE *value = *where ? open_memstream(&text, &n) : NULL;
        if (!value)
            continue;
        fprintf(value, "    %s = ", row->name);
        gw_opt_print(row, conf, value);
        fclose(value);
        if (text)
            fprintf(to, "%s%-*s  %s\n", heading, VALUE_COLUMN, text, where);
        heading = "";
        free(text);
    }
}

static void print_receiver(const struct gw_pipeline *p, const struct receiver *r,
                           const struct gw_diagnostics *diagnostics, FILE *to)
{
    fprintf(to, "  %s: %s: ", r->path, r->module->name);
    bool listens = gw_listen_claims_print(p->claims, r->path, to);
    if (r->module->describe) {
        fputs(listens ? "; " : "", to);
        r->module->describe(r->ctx, to);
    }
    fputc('\n', to);
    print_options("", r->module->opts, r->entry->conf, r->path, diagnostics, to);
}

static void print_exporter(const struct exporter *e, const struct gw_diagnostics *diagnostics, FILE *to)
{
    fprintf(to, "  %s: %s: ", e->path, e->module->name);
    if (e->module->describe)
        e->module->describe(e->ctx, to);
    fputc('\n', to);
    print_options("", e->module->opts, e->entry->conf, e->path, diagnostics, to);
    print_options("", gw_sender_opts, &e->entry->sender, e->path, diagnostics, to);
}

void gw_pipeline_print(const struct gw_pipeline *p, const struct gw_diagnostics *diagnostics, FILE *to)
{
    for (size_t i = 0; i < p->receivers_n; i++)
        print_receiver(p, &p->receivers[i], diagnostics, to);
    for (size_t i = 0; i < p->exporters_n; i++)
        print_exporter(&p->exporters[i], diagnostics, to);
    fputs("  admin: ", to);
    if (!gw_listen_claims_print(p->claims, "admin.listen", to))
        fputs("none", to);
    fputc('\n', to);
    print_options("  process\n", gw_process_opts, &p->conf->process, "", diagnostics, to);
}
