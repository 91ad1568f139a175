/* dd_origin.h: which container sent a payload, as Datadog's clients say it.
 *
 *   Datadog-Entity-ID header, c: of DogStatsD      ci-<container id>,in-<inode of its cgroup>     (older clients: cid-)
 *   Datadog-External-Env header, e: of DogStatsD   it-<is it an init container>,cn-<container name>,pu-<pod uid>
 *
 * Both are written by Datadog's admission controller or read from /proc by the client's library. Items that are
 * not known are passed over. The texts found are views of what was read.
 *
 * Pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_ORIGIN_H
#define DD_ORIGIN_H

#include "core/base/str.h"

/* Each is filled where the text has it, and left as it was otherwise. */
struct dd_origin {
    gw_str container_id;
    gw_str k8s_container; /* its name in the pod */
    gw_str k8s_pod_uid;
    uint64_t inode; /* of the container's cgroup folder; 0: not said */
};

void dd_origin_read_entity(gw_str text, struct dd_origin *);
void dd_origin_read_external(gw_str text, struct dd_origin *);

#endif
