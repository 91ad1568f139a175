/* dd_stats_read.h: the messages of statistics, in msgpack: maps whose keys are the names of Go fields.
 *
 *     StatsPayload { AgentHostname, …, Stats: [ ClientStatsPayload ] }                  of an agent
 *     ClientStatsPayload { Hostname, …, Stats: [ bucket ] }                             of a tracer, too
 *     bucket { Start, Duration, Stats: [ group ] }
 *     group { Service, Name, Resource, …, Hits, Errors, Duration, OkSummary, ErrorSummary }
 *
 * Fields come in any order, those that are not known are passed over. Arrays are read by dd_stats_next, element by element:
 * nothing is allocated.
 *
 * Everything is read from bytes that dd_msgpack_skip has found to be well-formed. Threads: pure functions.
 * Ownership: views of the body. SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_STATS_READ_H
#define DD_STATS_READ_H

#include "translators/ddtrace/dd_msgpack.h"

/* What is left of an array. */
struct dd_stats_array {
    struct dd_msgpack in;
    uint32_t left;
};
/* An array's elements from its bytes; of anything else none. */
struct dd_stats_array dd_stats_array(gw_str raw);
/* The next element's bytes. */
bool dd_stats_next(struct dd_stats_array *, gw_str *raw);
/* The next element that is a text; others are passed over. */
bool dd_stats_next_text(struct dd_stats_array *, gw_str *text);

/* Arrays are bytes: empty where they are absent. */
struct dd_stats_agent {
    gw_str host, env, payloads;
    bool client_computed;
};

struct dd_stats_payload {
    gw_str host, env, version, language, tracer_version, runtime_id, service, container_id, commit, image_tag,
        process_tags, aggregation, tags, buckets;
};

struct dd_stats_bucket {
    uint64_t start, duration; /* ns */
    gw_str groups;
};

struct dd_stats_group {
    gw_str service, name, resource, type, db_type, kind, grpc_status, http_method, http_endpoint,
        service_source;
    gw_str ok, error; /* sketches */
    gw_str peer_tags, primary_tags, additional_tags;
    uint64_t http_status, hits, errors, duration, top_level_hits, trace_root;
    bool synthetics;
};

/* False: it is no map, or a field has a type that cannot be read; the others are read all the same. */
bool dd_stats_read_agent(gw_str raw, struct dd_stats_agent *);
bool dd_stats_read_payload(gw_str raw, struct dd_stats_payload *);
bool dd_stats_read_bucket(gw_str raw, struct dd_stats_bucket *);
bool dd_stats_read_group(gw_str raw, struct dd_stats_group *);

#endif
