/* dd_payload.h: what a payload says once of the process that made it, in the formats that have a place for
 * it.
 *
 *     v0.7   TracerPayload: container_id, language_name, …, env, hostname, app_version, tags
 *     v1.0   the same, as fields with numbers; process_id, service and others among its attributes
 *     v0.5 and before: nothing; the headers of the request (dd_request.h) and tags of spans say it
 *
 * Fields may stand behind the chunks, so nobody asks for them before the payload is over: dd_groups_complete
 * gives them to the resources of this payload's spans where the spans are silent. A body that holds several
 * payloads has one of these for each.
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

/* Facts about a process that do not tell resources apart: first come, first kept. */
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
    gw_str runtime_id, env, host, language; /* empty: not said */
    gw_str service, version; /* of the application; the version is that of this service's spans */
    gw_str facts[DD_FACTS];  /* as text */
    struct dd_text *tags;    /* further ones; settled: those that are none of the above */
    size_t tags_n;
    /* What its chunks have said, for those of its spans that do not: where it is one. In the translator's
     * keep. */
    struct dd_sole {
        gw_str text;
        bool several; /* a proxy sent the spans of more than one process */
    } sole_runtime_id, sole_host;
};

/* The fact of the process that a tag says (enum dd_fact), or -1. `name` is the tag's number (dd_names.h). */
int dd_fact_of(unsigned name);

/* Tags that say one of the above go there, unless a field said it; the others stay, for the resource. */
void dd_payload_settle(struct dd_payload *);

#endif
