/* dd_options.h: the inputs of every step of a translation: the user's options, and the environment of the
 * call.
 *
 * Threads: options do not change while a translator uses them; the environment belongs to the call.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_OPTIONS_H
#define DD_OPTIONS_H

#include "core/config/option.h"
#include "core/delivery/trace_ids.h"

struct dd_sampler;
struct dd_labels;
struct dd_durations;
struct dd_privacy_thread;

enum dd_span_name { DD_NAME_OTEL, DD_NAME_RESOURCE, DD_NAME_OPERATION };
enum dd_service_override { DD_SERVICE_SPLIT, DD_SERVICE_BASE };

/* Options of the user, filled from the receiver's option rows. */
struct dd_options {
    enum dd_span_name span_name;
    enum dd_service_override service_override;
    bool keep_rejected; /* export chunks that the tracer rejected */
    /* export chunks with an error, whatever the sampling rates of the tracer or of the gateway decided */
    bool keep_errors;
    struct gw_map resource; /* static resource attributes; they win over all others */
    /* span tags that become resource attributes (for DD_TAGS that are the same in a whole application) */
    struct gw_list promote;
    struct gw_list strip; /* tags that are not exported */
    int trace_id_bits;    /* 128, or 64: the upper half is always zero */
    /* Remove literals from SQL, arguments from Redis commands and secrets from URLs. Tracers leave this to
     * the agent. */
    bool obfuscate;
    const struct dd_labels *labels; /* of the span duration metric; NULL: the metric is off (dd_class.h) */
};

/* Everything that the translator takes from outside the payload; tests set it. */
struct dd_env {
    gw_nsec now, wall;                 /* monotonic (table of ids), wall clock (spans without a start) */
    gw_str host_name;                  /* this machine's name, for local peers */
    struct gw_trace_ids *ids;          /* NULL: trace ids are completed only within a payload */
    struct dd_sampler *sampler;        /* NULL: no sampling; every trace that tracers kept is passed on */
    struct dd_durations *durations;    /* NULL: span durations are not counted */
    unsigned schemas;                  /* the schemas to write: a bit for each enum gw_attribute_schema */
    struct dd_privacy_thread *privacy; /* NULL: there are no rules (dd_privacy.h) */
    bool statistics_dropped; /* statistics of clients are not accepted: their spans are counted too */
};

#endif
