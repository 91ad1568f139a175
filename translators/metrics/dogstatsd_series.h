/* dogstatsd_series.h: which series a DogStatsD line is about: its tags and its origin become attributes of
 * the resource and of the point.
 *
 *     service, env, version, host, runtime-id    service.name, deployment.environment.name, … of the resource
 *     container and Kubernetes tags              by dd_tags.def, to the resource
 *     c:, e:, dd.internal.entity_id              container.id, k8s.container.name, k8s.pod.uid
 *     the option tags_as_resource                to the resource, as they are
 *     every other tag                            to the point: "k:v" the attribute k, "k" the attribute k with an empty value
 *
 * Attributes stand in the order of their keys, whatever order the tags came in; a key with several values has
 * an array of them. What the option `resource` says wins.
 *
 * Ownership: what is written lives in the caller's buffers until the next call. Threads: pure but for these.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DOGSTATSD_SERIES_H
#define DOGSTATSD_SERIES_H

#include "core/config/option.h"
#include "translators/metrics/dogstatsd_line.h"
#include "translators/metrics/metric_store.h"
#include "translators/otlp/otlp_write.h"

struct dsd_tag {
    gw_str key, value;
    unsigned where; /* enum in dogstatsd_series.c */
};

struct dsd_series {
    const struct gw_list *as_resource;
    const struct gw_map *resource;
    /* scratch, reused from line to line */
    struct otlp_buf raw, attributes, resource_bytes;
    struct dsd_tag *tags;
    size_t tags_cap;
};

void dsd_series_fini(struct dsd_series *);
/* The bytes under which a shard remembers the series of a line: all of it but its values and its rate.
 * Empty: the line names a time of its own, or there is no memory. */
gw_str dsd_series_raw(struct dsd_series *, const struct dsd_line *, gw_str peer_host);
/* The whole id of a metric. False: no memory. */
bool dsd_series_id(struct dsd_series *, const struct dsd_line *, gw_str peer_host, struct metric_id *);

#endif
