/* dd_stats_read.h: reads the messages of statistics, which are msgpack maps whose keys are the names of Go
 * fields.
 *
 *     StatsPayload { AgentHostname, …, Stats: [ ClientStatsPayload ] }                  from an agent
 *     ClientStatsPayload { Hostname, …, Stats: [ bucket ] }                             from a tracer, too
 *     bucket { Start, Duration, Stats: [ group ] }
 *     group { Service, Name, Resource, …, Hits, Errors, Duration, OkSummary, ErrorSummary }
 *
 * Fields may come in any order, and unknown ones are ignored. dd_stats_next reads arrays element by element:
 * nothing is allocated.
 *
 * dd_msgpack_skip must have found the bytes to be well-formed. Threads: pure functions. Ownership: views of
 * the body.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DD_STATS_READ_H
#define DD_STATS_READ_H

#include "translators/ddtrace/dd_msgpack.h"

/* The unread rest of an array. */
struct dd_stats_array {
    struct dd_msgpack in;
    uint32_t left;
};
/* Makes an array from its bytes; from any other value an empty one. */
struct dd_stats_array dd_stats_array(gw_str raw);
/* Returns the next element's bytes. */
bool dd_stats_next(struct dd_stats_array *, gw_str *raw);
/* Returns the next element that is a text; others are skipped. */
bool dd_stats_next_text(struct dd_stats_array *, gw_str *text);

/* Arrays are raw bytes; empty if missing. */
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

/* Returns false if it is not a map, or if a field has a wrong type; the other fields are read all the
 * same. */
bool dd_stats_read_agent(gw_str raw, struct dd_stats_agent *);
bool dd_stats_read_payload(gw_str raw, struct dd_stats_payload *);
bool dd_stats_read_bucket(gw_str raw, struct dd_stats_bucket *);
bool dd_stats_read_group(gw_str raw, struct dd_stats_group *);

#endif
