/* dd_options.h: what every step of a translation works by: the user's options, and the environment of the
 * call.
 *
 * Threads: options are const while a translator has them; the environment is the call's.
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

/* What the user can set; the receiver's option rows fill it. */
struct dd_options {
    enum dd_span_name span_name;
    enum dd_service_override service_override;
    bool keep_rejected;     /* export chunks that the tracer decided against */
    bool keep_errors;       /* export chunks with an error whatever rates decided, here or there */
    struct gw_map resource; /* static resource attributes; win over what is found */
    struct gw_list promote; /* span tags that become resource attributes (DD_TAGS of whole applications) */
    struct gw_list strip;   /* tags that are not exported */
    int trace_id_bits;      /* 128, or 64: upper half always zero */
    /* literals out of SQL, arguments out of Redis commands, secrets out of URLs: tracers leave that to the
     * agent */
    bool obfuscate;
    const struct dd_labels *labels; /* of the metric of span durations; NULL: there is none (dd_class.h) */
};

/* What the translator takes from outside the payload; tests set it. */
struct dd_env {
    gw_nsec now, wall;                 /* monotonic (id table), wall (spans without a start) */
    gw_str host_name;                  /* of this machine; for peers on it */
    struct gw_trace_ids *ids;          /* NULL: trace ids are completed within a payload only */
    struct dd_sampler *sampler;        /* NULL: everything that tracers kept goes on */
    struct dd_durations *durations;    /* NULL: spans are not counted */
    unsigned schemas;                  /* bit per enum gw_attribute_schema to write */
    struct dd_privacy_thread *privacy; /* NULL: the user has no rules of this kind (dd_privacy.h) */
    bool
        statistics_dropped; /* what tracers and agents counted is not taken: their spans are counted as others are */
};

#endif
