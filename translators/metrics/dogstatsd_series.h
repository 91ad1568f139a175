/* dogstatsd_series.h: finds the series that a DogStatsD line belongs to. The line's tags and origin become
 * attributes of the resource and of the point.
 *
 *     service, env, version, host, runtime-id    resource: service.name, deployment.environment.name, …
 *     container and Kubernetes tags              resource: attributes by dd_tags.def
 *     c:, e:, dd.internal.entity_id              resource: container.id, k8s.container.name, k8s.pod.uid
 *     tags named in the option tags_as_resource  resource: unchanged
 *     every other tag                            point: attribute k for "k:v"; for "k" with an empty value
 *
 * Attributes are sorted by key, whatever the order of the tags. A key with several values becomes an array.
 * The option `resource` wins over tags.
 *
 * Ownership: results are in the buffers of the caller's struct until the next call. Threads: one at a time
 * per struct.
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
    /* Scratch buffers, reused from line to line. */
    struct otlp_buf raw, attributes, resource_bytes;
    struct dsd_tag *tags;
    size_t tags_cap;
};

void dsd_series_fini(struct dsd_series *);
/* Returns the bytes under which a shard remembers the series of a line: the whole line without its values and
 * its rate. The result is empty if the line has a time of its own, or if there is no memory. */
gw_str dsd_series_raw(struct dsd_series *, const struct dsd_line *, gw_str peer_host);
/* Builds the full id of a metric's series. Returns false if there is no memory. */
bool dsd_series_id(struct dsd_series *, const struct dsd_line *, gw_str peer_host, struct metric_id *);

#endif
