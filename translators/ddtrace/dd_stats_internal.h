/* dd_stats_internal.h: definitions shared by dd_stats.c and dd_stats_process.c: the state of a translation,
 * and the process that made the statistics, whose points get the same resource as its spans (dd_resource.h).
 *
 * Threads: one at a time. Ownership: in the arena, or views of the body and the request.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_STATS_INTERNAL_H
#define DD_STATS_INTERNAL_H

#include "translators/ddtrace/dd_payload.h"
#include "translators/ddtrace/dd_stats.h"
#include "translators/ddtrace/dd_stats_points.h"
#include "translators/ddtrace/dd_stats_read.h"
#include "translators/metrics/ddsketch.h"
#include "translators/otlp/otlp_write.h"

struct dd_stats_work {
    struct gw_arena *arena;
    const struct dd_request *request;
    const struct dd_env *env;
    const struct dd_options *options;
    struct dd_stats_result *out;
    struct dd_stats_points points;
    struct otlp_buf scratch;
};

/* The process that made the statistics; the values that its groups share. */
struct dd_stats_process {
    struct dd_stats_payload said;
    gw_str language, facts[DD_FACTS], host, env;
    enum ddsketch_bound bound;
    bool may_be_remade; /* the agent that sends them may have merged them */
    /* The resource of the last group, and the values it was made from. */
    struct dd_stats_resource *resource;
    gw_str service, base;
};

static inline gw_str dd_stats_first_of(gw_str a, gw_str b)
{
    return a.len ? a : b;
}

/* `said` has been read; fills in the rest. If a tracer sent the payload, the agent struct is empty. */
void dd_stats_describe_process(struct dd_stats_work *, const struct dd_stats_agent *,
                               struct dd_stats_process *);
/* Returns the resource for points of a service; `base` is the service of the process, if known. NULL: no
 * memory. */
struct dd_stats_resource *dd_stats_resource_of(struct dd_stats_work *, struct dd_stats_process *,
                                               gw_str service, gw_str base);

#endif
