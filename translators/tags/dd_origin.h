/* dd_origin.h: finds the container that sent a payload, from what Datadog's clients send.
 *
 *   Datadog-Entity-ID header, c: of DogStatsD      ci-<container id>,in-<inode of its cgroup>     (older clients: cid-)
 *   Datadog-External-Env header, e: of DogStatsD   it-<is it an init container>,cn-<container name>,pu-<pod uid>
 *
 * The values come from Datadog's admission controller, or the client's library reads them from /proc. Unknown
 * items are ignored. The results are views of the input.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_ORIGIN_H
#define DD_ORIGIN_H

#include "core/base/str.h"

/* A member is set if the text contains it; otherwise it is left unchanged. */
struct dd_origin {
    gw_str container_id;
    gw_str k8s_container; /* the container's name in the pod */
    gw_str k8s_pod_uid;
    uint64_t inode; /* of the container's cgroup folder; 0: unknown */
};

void dd_origin_read_entity(gw_str text, struct dd_origin *);
void dd_origin_read_external(gw_str text, struct dd_origin *);

#endif
