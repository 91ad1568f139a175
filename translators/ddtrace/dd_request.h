/* dd_request.h: what a tracer says about itself in request headers.
 *
 * The receiver hands every header to dd_request_header, which takes those that Datadog's trace agent reads:
 * language and version, container, Kubernetes pod, process tags. All views point into the header block or the
 * request's arena.
 *
 * Threads: the request's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_REQUEST_H
#define DD_REQUEST_H

#include "core/base/arena.h"

struct dd_request {
    gw_str lang, lang_version, interpreter, vendor; /* Datadog-Meta-Lang … as sent: "python", "jvm", ".NET" */
    gw_str tracer_version;
    gw_str container_id; /* Entity-ID ci-/cid-, else Container-ID, else of the peer's cgroup */
    /* Entity-ID as sent, when no container id could be made of it (in-<inode>) */
    gw_str entity_id;
    uint64_t cgroup_inode;             /* what the entity id says where it has no container id; 0: nothing */
    gw_str k8s_container, k8s_pod_uid; /* External-Env cn-, pu- */
    gw_str process_tags;               /* X-Datadog-Process-Tags: "k:v,k:v" */
    /* X-Datadog-Trace-Count: chunks that the tracer says are in the body */
    uint64_t trace_count;
    uint64_t dropped_p0_traces, dropped_p0_spans;
    bool computed_stats, computed_top_level, real_http_status;
    gw_str rates_version; /* Datadog-Rates-Payload-Version */
    bool peer_is_local;   /* loopback or Unix socket: our host name is the peer's */
};

/* One header; unknown ones are ignored, names are compared without case. Booleans follow the agent: absent,
 * "", 0, f, F, FALSE, False, false are false, anything else is true. */
void dd_request_header(struct dd_request *, struct gw_arena *, gw_str name, gw_str value);

/* Reads the container id out of the text of /proc/<pid>/cgroup (v1 paths, and v2 paths that name it: docker,
 * containerd, cri-o, ECS, Kubernetes slices); empty when none stands there. */
gw_str dd_container_of_cgroup(gw_str cgroup_file);

/* The uid of the pod that the same paths name, as Kubernetes writes it (of a static pod: 32 digits); empty when
 * none does. Ends with a NUL byte. */
enum { DD_POD_UID = 40 };
void dd_pod_of_cgroup(gw_str cgroup_file, char out[DD_POD_UID]);

#endif
