/* exporter_health.h: the log lines about a backend: when trouble begins, every minute while it lasts, and
 * when it is over.
 *
 * While a backend is away, hundreds of requests fail and are retried. One line reports it, with the remedy if
 * there is one. Threads: the sender's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_EXPORTER_HEALTH_H
#define GW_EXPORTER_HEALTH_H

#include "core/delivery/exporter.h"

struct gw_exporter_health {
    const char *component; /* for the log: "exporter=sls" */
    bool troubled;         /* the last outcome was a failure (gw_is_failure) … */
    bool told;             /* … and it was logged */
    gw_nsec since, said;   /* said: when it was last logged; 0: never */
    gw_nsec suspect_said;  /* 0: never */
};

/* `quiet`: the backend accepts other requests, so nothing is logged, except a refusal that only a person can
 * fix, once a minute. */
void gw_exporter_health_trouble(struct gw_exporter_health *, const struct gw_outcome *, bool quiet,
                                gw_nsec now);
void gw_exporter_health_recovered(struct gw_exporter_health *, gw_nsec now);
/* For a successor with another configuration: continues with what was logged. If the backend accepts data
 * again, that is logged; if not, the reason is logged at once. */
void gw_exporter_health_inherit(struct gw_exporter_health *, const struct gw_exporter_health *predecessor);
/* Logs that this request is refused repeatedly and others are not; at most once a minute. */
void gw_exporter_health_suspect(struct gw_exporter_health *, const struct gw_batch *,
                                const struct gw_outcome *, gw_nsec now);
/* Logs that `items` of a batch will never be accepted; at most a few times a second. */
void gw_exporter_health_rejected(struct gw_exporter_health *, const struct gw_batch *, uint64_t items,
                                 const struct gw_outcome *);

#endif
