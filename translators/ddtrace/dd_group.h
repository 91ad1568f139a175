/* dd_group.h: spans of one resource and scope stand together, whatever chunk they came in.
 *
 *     identity (service, env, version, …) ──▶ dd_group ──▶ dd_scope "datadog.flask" ──▶ spans, once per attribute schema
 *                                                     └──▶ dd_scope "datadog.redis" ──▶ spans
 *
 * An exported span is written straight into the growing buffer of its scope; at the end dd_layout
 * (dd_layout.h) lays the buffers out as frames. Groups are found by hash, in the order of their first span
 * they are written.
 *
 * What tells resources apart is the identity. Other facts about a process (its pid, its git commit) stand on
 * a few spans only: the first value that is seen becomes the resource's, and a span that says otherwise keeps
 * its own as a span attribute.
 *
 * Ownership: identities, facts and group structs live in the translator's `keep` arena until the request is
 * over; the byte buffers stay with the translator and are reused.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_GROUP_H
#define DD_GROUP_H

#include "core/delivery/frame.h"
#include "translators/ddtrace/dd_payload.h"
#include "translators/otlp/otlp_write.h"

/* Two spans have the same resource when all of these are equal; payloads are one when they are the same
 * struct. */
struct dd_identity {
    gw_str service, base_service, env, version, runtime_id, host, language;
    gw_str promoted; /* KeyValues of promoted tags, as bytes of Resource.attributes */
    struct dd_payload *payload;
};

/* A trace id in a buffer whose upper half is not known yet. */
struct dd_pending {
    uint64_t low;
    uint32_t offset; /* of the 16-byte id */
    bool resolved;
    struct dd_pending *next;
};

/* A buffer of the pool. */
struct dd_buf {
    struct otlp_buf w;
    struct dd_buf *next;
};

struct dd_spans {
    struct otlp_buf *buf; /* ScopeSpans.spans fields, end to end */
    uint32_t n;
    struct dd_pending *first_pending, **last_pending;
};

/* The library that made a span: a component of the tracer, "flask", or one that names itself, "io.vertx". */
struct dd_scope_id {
    gw_str name, version; /* the version of one that names itself; a component has the tracer's */
    bool names_itself;
};

struct dd_scope {
    struct dd_group *group;
    struct dd_scope_id said;
    gw_str name, version; /* the same, fit for OTLP */
    struct dd_spans spans[GW_ATTRIBUTE_SCHEMAS];
    struct dd_scope *next;
};

struct dd_group {
    uint64_t hash;
    struct dd_identity id;
    gw_str facts[DD_FACTS]; /* as text; empty: not seen */
    uint64_t told;          /* number of the chunk whose facts it has heard last */
    struct dd_scope *scopes, **last_scope;
    struct dd_group *into;          /* its scopes are this one's by now */
    gw_str resource;                /* its attributes, once they are written */
    const struct resource *counted; /* dd_durations.c's */
    struct dd_group *next;          /* in order of first appearance */
};

/* The serialized Resource of a group (dd_resource.h writes it). */
typedef gw_str dd_resource_f(struct dd_group *, void *ctx);

struct dd_groups {
    struct gw_arena *keep; /* its account pays for the buffers, too */
    struct dd_group *first, **last;
    struct dd_group **table; /* open addressing, a power of two, in keep */
    size_t slots, n;
    struct dd_buf *used, *spare; /* reused from request to request */
};

/* Forgets the groups of the last request; its buffers become spare, but for what exceeds `keep_bytes` in
 * all. */
void dd_groups_reset(struct dd_groups *, struct gw_arena *keep, size_t keep_bytes);
void dd_groups_fini(struct dd_groups *);
/* The group of this identity (views are copied when it is new), or NULL when memory is out. */
struct dd_group *dd_group_of(struct dd_groups *, const struct dd_identity *);
bool dd_group_is(const struct dd_group *, const struct dd_identity *);
struct dd_scope *dd_scope_of(struct dd_groups *, struct dd_group *, const struct dd_scope_id *);
/* Buffer of a scope for one attribute schema, or NULL when memory is out. */
struct otlp_buf *dd_scope_buf(struct dd_groups *, struct dd_scope *, enum gw_attribute_schema);
/* A fact of the group, unless it has one. */
void dd_group_fact(struct dd_groups *, struct dd_group *, enum dd_fact, gw_str);
/* All is read. What the spans of a group did not say is taken from its payload (the runtime id and the host also
 * from its other chunks: partial flush), and what that does not say either from `others`, the request's
 * headers; facts from `others` first. Groups that are equal then become one. */
void dd_groups_complete(struct dd_groups *, const struct dd_payload *others);
/* Notes that the id at `offset` waits for its upper half. */
bool dd_scope_pending(struct dd_groups *, struct dd_spans *, uint32_t offset, uint64_t low);

#endif
