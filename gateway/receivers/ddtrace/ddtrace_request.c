/* ddtrace_request.c: finds out who sent a request: from its headers, else from what the kernel knows about
 * the peer. The latter is kept with the connection. Owns nothing. Called by HTTP workers.
 *
 *     container: Datadog-Entity-ID ci-, Datadog-Container-ID, Datadog-Entity-ID in-, the peer's cgroup
 *     pod:       Datadog-External-Env, the cgroup that named the container
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/log.h"
#include "gateway/receivers/ddtrace/ddtrace.h"

struct ask {
    struct dd_request *request;
    struct gw_arena *arena;
};

static void see_header(void *cookie, gw_str name, gw_str value)
{
    struct ask *a = cookie;
    dd_request_header(a->request, a->arena, name, value);
}

static void log_unseen(struct ddtrace *d)
{
    if (!atomic_exchange_explicit(&d->said_unseen, true, memory_order_relaxed))
        gw_log_each(GW_INFO, "receiver=ddtrace",
                    "a process at %.*s is in a PID namespace that ddgate cannot see and names no container: "
                    "its spans get no container.id (in Kubernetes set hostPID: true)",
                    GW_FMT(d->conf.socket));
}

/* Where the process at the other end of a Unix socket runs; its cgroup is read once for a connection. */
const struct ddtrace_origin *ddtrace_origin_of_peer(struct ddtrace *d, struct gw_http_peer *peer)
{
    _Static_assert(sizeof(struct ddtrace_origin) <= sizeof peer->note, "an origin is kept in the note");
    struct ddtrace_origin *o = (struct ddtrace_origin *)peer->note;
    if (peer->noted)
        return o;
    peer->noted = true;
    ddtrace_origin_of_process(d->cgroups, peer->pid, o);
    if (peer->by_socket && peer->pid == 0)
        log_unseen(d);
    return o;
}

static void use_origin(struct dd_request *r, struct gw_arena *arena, const struct ddtrace_origin *o)
{
    if (!r->container_id.len)
        r->container_id = gw_arena_dup(arena, gw_str_z(o->container));
    if (!r->k8s_pod_uid.len)
        r->k8s_pod_uid = gw_arena_dup(arena, gw_str_z(o->pod));
}

void ddtrace_read_request(struct ddtrace *d, const struct gw_http_request *q, struct dd_request *out)
{
    struct ask ask = {out, q->arena};
    struct ddtrace_origin found;
    *out = (struct dd_request){.peer_is_local = q->peer->local || d->conf.same_host};
    gw_http_headers(q, see_header, &ask);
    if (!out->container_id.len && out->peer_is_local && out->cgroup_inode) {
        ddtrace_origin_of_inode(d->cgroups, out->cgroup_inode, gw_now(), &found);
        use_origin(out, q->arena, &found);
    }
    if (!out->container_id.len)
        use_origin(out, q->arena, ddtrace_origin_of_peer(d, q->peer));
}
