/* exporter_health.h: what the log says of a backend: when trouble begins, every minute while it lasts, and
 * when it is over.
 *
 * Requests fail and are retried by the hundred while a backend is away; one line says so, with the remedy
 * where there is one. Threads: the sender's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_EXPORTER_HEALTH_H
#define GW_EXPORTER_HEALTH_H

#include "core/delivery/exporter.h"

struct gw_exporter_health {
    const char *component; /* of the log: "exporter=sls" */
    bool troubled;         /* the last outcome was a failure (gw_is_failure) … */
    bool told;             /* … and the log says so */
    gw_nsec since, said;   /* said: 0, never */
    gw_nsec suspect_said;  /* 0: never */
};

/* `quiet`: the backend takes other requests, so this is not worth a line; a refusal that only a person can
 * mend is worth one a minute. */
void gw_exporter_health_trouble(struct gw_exporter_health *, const struct gw_outcome *, bool quiet,
                                gw_nsec now);
void gw_exporter_health_recovered(struct gw_exporter_health *, gw_nsec now);
/* A successor with another configuration goes on with what was said: when the backend takes data again that
 * is said, and if it does not, why not is said at once. */
void gw_exporter_health_inherit(struct gw_exporter_health *, const struct gw_exporter_health *predecessor);
/* This request is refused again and again, others are not; said every minute at most. */
void gw_exporter_health_suspect(struct gw_exporter_health *, const struct gw_batch *,
                                const struct gw_outcome *, gw_nsec now);
/* `items` of a batch will never be taken. Said at most a few times a second, however often it happens. */
void gw_exporter_health_rejected(struct gw_exporter_health *, const struct gw_batch *, uint64_t items,
                                 const struct gw_outcome *);

#endif
