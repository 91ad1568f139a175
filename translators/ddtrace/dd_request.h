/* dd_request.h: what a tracer sends about itself in request headers.
 *
 * The receiver passes every header to dd_request_header, which uses those that Datadog's trace agent reads:
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
    /* Datadog-Meta-Lang … unchanged: "python", "jvm", ".NET" */
    gw_str lang, lang_version, interpreter, vendor;
    gw_str tracer_version;
    gw_str container_id; /* from Entity-ID ci-/cid-, else from Container-ID, else from the peer's cgroup */
    /* The value of Entity-ID if it contains no container id (in-<inode>). */
    gw_str entity_id;
    uint64_t cgroup_inode;             /* from an entity id without a container id; 0: none */
    gw_str k8s_container, k8s_pod_uid; /* from External-Env: cn-, pu- */
    gw_str process_tags;               /* X-Datadog-Process-Tags: "k:v,k:v" */
    /* X-Datadog-Trace-Count: the number of chunks in the body, according to the tracer. */
    uint64_t trace_count;
    uint64_t dropped_p0_traces, dropped_p0_spans;
    bool computed_stats, computed_top_level, real_http_status;
    gw_str rates_version; /* Datadog-Rates-Payload-Version */
    bool peer_is_local;   /* loopback or Unix socket: the peer has this machine's host name */
};

/* Handles one header; unknown ones are ignored, names are compared without case. Booleans follow the agent:
 * missing, "", 0, f, F, FALSE, False and false are false, anything else is true. */
void dd_request_header(struct dd_request *, struct gw_arena *, gw_str name, gw_str value);

/* Returns the container id in the text of /proc/<pid>/cgroup (v1 paths, and v2 paths that contain it: docker,
 * containerd, cri-o, ECS, Kubernetes slices); empty if there is none. */
gw_str dd_container_of_cgroup(gw_str cgroup_file);

/* Writes the uid of the pod in the same paths, as Kubernetes writes it (32 digits for a static pod); an empty
 * text if there is none. Ends with a NUL byte. */
enum { DD_POD_UID = 40 };
void dd_pod_of_cgroup(gw_str cgroup_file, char out[DD_POD_UID]);

#endif
