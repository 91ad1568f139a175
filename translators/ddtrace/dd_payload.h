/* dd_payload.h: the description of the sending process that a payload has once, in the formats that have
 * fields for it.
 *
 *     v0.7   TracerPayload: container_id, language_name, …, env, hostname, app_version, tags
 *     v1.0   the same, with numbers as field names; process_id, service and others are attributes
 *     v0.5 and before: nothing; the request's headers (dd_request.h) and tags of spans describe it
 *
 * These fields may come after the chunks, so they are used only when the payload has been read:
 * dd_groups_complete gives them to the resources of this payload's spans if the spans do not have them. A
 * body that holds several payloads has one of these structs for each.
 *
 * Ownership: in the arena, from dd_decode_begin on; texts are views of the body or in the arena. They outlive
 * the chunks.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_PAYLOAD_H
#define DD_PAYLOAD_H

#include "core/base/arena.h"

/* A tag: text, or (entries of meta_struct) the bytes of a msgpack value. */
struct dd_text {
    gw_str key, value;
};

/* Facts about a process that do not distinguish resources: the first value is kept. */
enum dd_fact {
    DD_FACT_PID,
    DD_FACT_COMMIT,
    DD_FACT_REPOSITORY,
    DD_FACT_CONTAINER_ID,
    DD_FACT_CONTAINER_TAGS,
    DD_FACT_PROCESS_TAGS,
    DD_FACT_CLOUD_PROVIDER,
    DD_FACT_CLOUD_REGION,
    DD_FACT_CLOUD_ZONE,
    DD_FACT_CLOUD_ACCOUNT,
    DD_FACT_FUNCTION_NAME,
    DD_FACT_FUNCTION_ARN,
    DD_FACT_LANGUAGE_VERSION,
    DD_FACT_TRACER_VERSION,
    DD_FACTS
};

struct dd_payload {
    gw_str runtime_id, env, host, language; /* empty: missing */
    gw_str service, version; /* of the application; the version applies to spans of this service only */
    gw_str facts[DD_FACTS];  /* as text */
    struct dd_text *tags;    /* further tags; after dd_payload_settle only those that have no field above */
    size_t tags_n;
    /* A value from the chunks of a payload, used for spans that do not have it if all chunks agree. In the
     * translator's keep. */
    struct dd_sole {
        gw_str text;
        bool several; /* values differ: a proxy sent spans of more than one process */
    } sole_runtime_id, sole_host;
};

/* Returns the fact of the process that a tag contains (enum dd_fact), or -1. `name` is the tag's number
 * (dd_names.h). */
int dd_fact_of(unsigned name);

/* Moves tags to the fields above, unless a field is set; other tags stay, for the resource. */
void dd_payload_settle(struct dd_payload *);

#endif
