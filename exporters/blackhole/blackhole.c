/* blackhole.c: Implements the exporter `blackhole`, which accepts everything at once and discards it. It is
 * for benchmarks of the way up to this point, and for trying a receiver. Owns only a wakeup. Called by its
 * sender, on the sender's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>

#include "core/base/wakeup.h"
#include "core/config/option.h"
#include "core/delivery/exporter.h"

struct blackhole {
    bool open;
    struct gw_wakeup wakeup;
};

static enum gw_code blackhole_open(void *ctx, const struct gw_export_host *host, const char *path,
                                   struct gw_diagnostics *diagnostics)
{
    struct blackhole *b = ctx;
    gw_wakeup_init(&b->wakeup);
    b->open = true;
    return GW_OK;
}

static void blackhole_close(void *ctx)
{
    struct blackhole *b = ctx;
    if (b->open)
        gw_wakeup_fini(&b->wakeup);
    b->open = false;
}

static void blackhole_send(void *ctx, const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done,
                           void *cookie)
{
    struct gw_outcome taken = {.verdict = GW_DONE};
    done(cookie, &taken);
}

static void blackhole_wait(void *ctx, gw_nsec until)
{
    struct blackhole *b = ctx;
    gw_wakeup_wait(&b->wakeup, until);
}

static void blackhole_wake(void *ctx)
{
    struct blackhole *b = ctx;
    gw_wakeup_signal(&b->wakeup);
}

/* No request outlives its send. */
static void blackhole_cancel(void *ctx)
{
}

static void blackhole_describe(void *ctx, FILE *to)
{
    (void)ctx;
    fputs("nowhere: everything is taken and forgotten", to);
}

static const struct gw_opt no_opts[] = {GW_OPT_END};

const struct gw_exporter gw_exporter_blackhole = {
    .name = "blackhole",
    .summary = "Discards everything: for benchmarks, and to try a receiver.",
    .signals = 1u << GW_TRACES | 1u << GW_LOGS | 1u << GW_METRICS | 1u << GW_PROFILES,
    .opts = no_opts,
    .conf_size = 0,
    .ctx_size = sizeof(struct blackhole),
    .open = blackhole_open,
    .close = blackhole_close,
    .send = blackhole_send,
    .wait = blackhole_wait,
    .cancel = blackhole_cancel,
    .wake = blackhole_wake,
    .describe = blackhole_describe,
};
