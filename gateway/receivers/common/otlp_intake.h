/* otlp_intake.h: turns an OTLP request into frames, whether it came over HTTP or gRPC (the receiver otlp) or
 * from Kafka.
 *
 *     body ─▶ otlp_check: one walk over the bytes ─▶ otlp_cut: frames, as they came ─┬▶ fan-out
 *              │                └ spans teach the tables of trace ids and services    │
 *              └ of a Datadog SDK: translated as what its tracers send ──────────────┘
 *
 * Nothing is used of a malformed body. Items with faults (otlp_check.h) are left out and counted with their
 * reasons; the other items are passed on.
 *
 * Ownership: frames are in the caller's arena (otlp_frames.h), which pays for them until they are offered.
 * Threads: open and close on main; the rest on any, each with its own otlp_intake_thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_INTAKE_H
#define GW_OTLP_INTAKE_H

#include "core/config/option.h"
#include "core/delivery/ledger.h"
#include "gateway/receiver_host.h"
#include "gateway/receivers/common/otlp_frames.h"
#include "translators/ddtrace/dd_privacy.h"
#include "translators/ddtrace/dd_translate.h"
#include "translators/otlp/otlp_check.h"
#include "translators/otlp/otlp_resource.h"

#define OTLP_INTAKE_OPTS(X)                                                                                  \
    X(map, resource_set, "resource.set", "", "", "",                                                         \
      "Resource attributes to set on everything; they override those of applications.")                      \
    X(map, resource_default, "resource.default", "", "", "",                                                 \
      "Resource attributes for applications that do not set them.")                                          \
    X(flag, keep_credentials, "resource.keep_credentials", "false", "", "",                                  \
      "Keep the attributes sls.otel.* of resources. They contain keys if an application is configured as "   \
      "in SLS's manual, and every exporter, disk and log after ddgate then gets them. The exporter sls "     \
      "always adds its own.")                                                                                \
    X(list, strip, "strip", "", "", "", "Tags of spans of Datadog's SDKs that are not exported.")            \
    DD_PRIVACY_OPTS(X)

struct otlp_intake_conf {
    OTLP_INTAKE_OPTS(GW_FIELD)
};

/* Any thread. */
struct otlp_intake_counts {
    atomic_uint_least64_t requests[GW_SIGNALS]; /* that were taken */
    atomic_uint_least64_t malformed;            /* that are not well-formed */
    atomic_uint_least64_t faulty;               /* that were taken in part */
    atomic_uint_least64_t datadog;              /* requests of Datadog's SDKs */
    atomic_uint_least64_t credentials;          /* attributes that were removed */
    atomic_bool said_credentials;               /* to the log */
};

struct otlp_intake {
    const struct gw_host *host;
    const char *component;
    struct dd_options translation; /* of Datadog's */
    struct otlp_resource_policy policy;
    struct otlp_attribute *policy_attributes; /* malloc'd; the policy points into it */
    struct dd_privacy *privacy;               /* NULL: there are no rules */
    struct dd_privacy_counts privacy_counts;
    struct otlp_intake_counts counts;
};

/* State of a thread for data from Datadog's SDKs. */
struct otlp_intake_thread {
    struct dd_translator *translator;  /* made when it is needed, as are … */
    struct dd_privacy_thread *privacy; /* … NULL where there are no rules */
    struct dd_result result;
};

/* What became of a body. */
struct otlp_taken {
    struct otlp_contents contents;
    uint64_t refused; /* items with faults; the others were accepted */
};

/* Frames that are ready to be offered. */
struct otlp_made {
    struct otlp_taken taken;
    struct otlp_frames frames;
    struct gw_intake intake;
};

/* `component` ("receiver=otlp") and the values of the options outlive it. */
void otlp_intake_open(struct otlp_intake *, const struct gw_host *, const char *component,
                      const struct otlp_intake_conf *, const char *path, struct gw_diagnostics *);
void otlp_intake_close(struct otlp_intake *);
void otlp_intake_thread_fini(struct otlp_intake_thread *);

/* Checks a request in protobuf and splits it into frames. Its memory besides the arena is charged to the
 * arena's account. Returns GW_OK: the frames are the caller's to offer; GW_BAD_PROTOBUF with the place;
 * GW_BUDGET or GW_BUSY: no memory; `intake` then counts what is not offered. */
enum gw_code otlp_intake_make(struct otlp_intake *, struct otlp_intake_thread *, enum gw_signal, gw_str body,
                              struct gw_arena *, struct otlp_made *, struct gw_err *) GW_MUST_CHECK;
/* The same, and offers the frames: also returns GW_QUEUE_FULL, GW_STORAGE, GW_STOPPING. With any code but
 * GW_OK nothing was accepted, and the ledger counts it. */
enum gw_code otlp_intake_take(struct otlp_intake *, struct otlp_intake_thread *, enum gw_signal, gw_str body,
                              struct gw_arena *, struct otlp_taken *, struct gw_err *) GW_MUST_CHECK;

/* A sender learns of refused items by a message that many SDKs ignore, so they are also logged from time to
 * time. */
void otlp_intake_log_faults(const struct otlp_intake *, const struct otlp_taken *, const char *what);

#endif
