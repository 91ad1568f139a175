/* dd_group.h: collects the spans of each resource and scope, whichever chunk they came in.
 *
 *     identity (service, env, version, …) ──▶ dd_group ──▶ dd_scope "datadog.flask" ──▶ spans, once per attribute schema
 *                                                     └──▶ dd_scope "datadog.redis" ──▶ spans
 *
 * An exported span is written straight into the growing buffer of its scope; at the end, dd_layout
 * (dd_layout.h) arranges the buffers as frames. Groups are found by hash and written in the order of their
 * first span.
 *
 * The identity distinguishes resources. Other facts about a process (its pid, its git commit) are on a few
 * spans only: the first value becomes the resource's, and a span with another value keeps it as a span
 * attribute.
 *
 * Ownership: identities, facts and group structs live in the translator's `keep` arena until the end of the
 * request; the byte buffers belong to the translator and are reused.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_GROUP_H
#define DD_GROUP_H

#include "core/delivery/frame.h"
#include "translators/ddtrace/dd_payload.h"
#include "translators/otlp/otlp_write.h"

/* Two spans have the same resource if all of these are equal. Payloads are compared by address. */
struct dd_identity {
    gw_str service, base_service, env, version, runtime_id, host, language;
    gw_str promoted; /* promoted tags as KeyValues: bytes of Resource.attributes */
    struct dd_payload *payload;
};

/* A trace id in a buffer whose upper half is not yet known. */
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
    struct otlp_buf *buf; /* ScopeSpans.spans fields, one after another */
    uint32_t n;
    struct dd_pending *first_pending, **last_pending;
};

/* The library that made a span: a component of the tracer, "flask", or a library that names itself,
 * "io.vertx". */
struct dd_scope_id {
    gw_str name, version; /* version: only of a library that names itself; a component has the tracer's */
    bool names_itself;
};

struct dd_scope {
    struct dd_group *group;
    struct dd_scope_id said;
    gw_str name, version; /* the same as valid UTF-8 */
    struct dd_spans spans[GW_ATTRIBUTE_SCHEMAS];
    struct dd_scope *next;
};

struct dd_group {
    uint64_t hash;
    struct dd_identity id;
    gw_str facts[DD_FACTS]; /* as text; empty: not found yet */
    uint64_t told;          /* number of the last chunk whose facts were added */
    struct dd_scope *scopes, **last_scope;
    struct dd_group *into;          /* the group that took over its scopes */
    gw_str resource;                /* its attributes, after they are written */
    const struct resource *counted; /* used by dd_durations.c */
    struct dd_group *next;          /* in order of first appearance */
};

/* Returns the serialized Resource of a group (dd_resource.h writes it). */
typedef gw_str dd_resource_f(struct dd_group *, void *ctx);

struct dd_groups {
    struct gw_arena *keep; /* its account also pays for the buffers */
    struct dd_group *first, **last;
    struct dd_group **table; /* open addressing, in keep; the size is a power of two */
    size_t slots, n;
    struct dd_buf *used, *spare; /* reused from request to request */
};

/* Forgets the groups of the last request. Its buffers are kept for reuse, up to `keep_bytes` in all. */
void dd_groups_reset(struct dd_groups *, struct gw_arena *keep, size_t keep_bytes);
void dd_groups_fini(struct dd_groups *);
/* Returns the group of this identity, or NULL if there is no memory. Views are copied when the group is
 * new. */
struct dd_group *dd_group_of(struct dd_groups *, const struct dd_identity *);
bool dd_group_is(const struct dd_group *, const struct dd_identity *);
struct dd_scope *dd_scope_of(struct dd_groups *, struct dd_group *, const struct dd_scope_id *);
/* Returns the buffer of a scope for one attribute schema, or NULL if there is no memory. */
struct otlp_buf *dd_scope_buf(struct dd_groups *, struct dd_scope *, enum gw_attribute_schema);
/* Sets a fact of the group, unless it is set. */
void dd_group_fact(struct dd_groups *, struct dd_group *, enum dd_fact, gw_str);
/* Call when everything is read. Facts that a group's spans do not have are taken from its payload (the
 * runtime id and the host also from other chunks of it: partial flush), then from `others`, the request's
 * headers; some facts from `others` first. Groups that have become equal are merged. */
void dd_groups_complete(struct dd_groups *, const struct dd_payload *others);
/* Records that the id at `offset` waits for its upper half. */
bool dd_scope_pending(struct dd_groups *, struct dd_spans *, uint32_t offset, uint64_t low);

#endif
