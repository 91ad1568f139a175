/* log_record.h: turns a line of text into an OTLP LogRecord.
 *
 *   log_input ─▶ script (script.h) ────────┐
 *      │ or ───▶ without a script: what ───┼─▶ log_found: time, severity, ids, service … ─▶ resource group ─▶ LogRecord ─▶ frame
 *      │         the text itself shows     │                                                              (core/delivery/frame.h)
 *      └ or ───▶ parse = none ─────────────┘
 *
 * Text that is not understood stays complete in the body: no record is lost because it could not be parsed.
 * Records of one log_batch with the same resource are in one ResourceLogs. Their 64-bit trace ids are
 * completed to 128 bits through gw_trace_ids if the trace is known, else by the sender
 * (gw_frame_pending_ids); ids that were rounded through doubles are repaired.
 *
 * Ownership: views of a log_input are used only until log_add returns.
 * Threads: a log_conf is shared and const; a log_batch belongs to one thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_RECORD_H
#define LOG_RECORD_H

#include <stdatomic.h>

#include "core/base/err.h"
#include "core/config/option.h"
#include "core/delivery/frame.h"
#include "core/delivery/ledger.h"

enum log_form {
    /* one record of text: a line without its end, or several lines that belong together; any bytes */
    LOG_TEXT,
    /* one JSON object of the Datadog logs intake: message, ddsource, ddtags, … and free attributes */
    LOG_ITEM
};

/* An attribute that the receiver provides: log.file.path, client.address, the structured data of syslog, … */
struct log_attr {
    gw_str key;
    bool is_int;
    gw_str text;
    int64_t number;
};

/* One record as it arrived. All members but text and observed may be empty or 0. */
struct log_input {
    enum log_form form;
    gw_str text;
    uint64_t observed; /* ns since 1970 */
    /* ns since 1970, if the envelope has a time (syslog, Datadog's timestamp) */
    uint64_t time;
    int severity;         /* OTLP's SeverityNumber, if the envelope has one … */
    gw_str severity_text; /* … and its word */
    /* of this record or connection: win over the receiver's options */
    gw_str source, service, env, version, host;
    gw_str tags;       /* "k:v,k:v", as ddtags has them */
    gw_str event_name; /* of LogRecord: the record is an event of this class */
    gw_str resource;   /* further attributes of the resource, as log_container_resource writes them */
    /* one of pipelines.directory that the sender asks for: it comes before the receiver's, if it exists */
    gw_str script;
    const struct log_attr *attrs;
    size_t attrs_n;
    uint64_t cut; /* number of bytes that the intake cut off (log.record.truncated_bytes) */
};

/* Options that every log receiver has. */
#define LOG_OPTS(X)                                                                                          \
    X(str, source, "source", "", "", "",                                                                     \
      "Source of the records, such as nginx: it selects the script (SOURCE.p in pipelines.directory) and "   \
      "is the value of datadog.log.source. Default: the receiver's type.")                                   \
    X(str, service, "service", "", "", "", "service.name of records without their own.")                     \
    X(str, env, "env", "", "", "", "deployment.environment.name of records without their own.")              \
    X(str, version, "version", "", "", "", "service.version of records without their own.")                  \
    X(str, pipeline, "pipeline", "", "", "",                                                                 \
      "Pipeline script for these records: a file, or a name in pipelines.directory. Default: the source's "  \
      "script.")                                                                                             \
    X(str, timezone, "timezone", "", "", "",                                                                 \
      "Zone of times without a zone, such as Asia/Shanghai, +8 or CST-8 (as in TZ); default: this "          \
      "machine's.")                                                                                          \
    X(map, tags, "tags", "", "", "", "Attributes to add to every record.")                                   \
    X(map, resource, "resource", "", "", "",                                                                 \
      "Resource attributes to add to all records; they override attributes that were found.")                \
    X(choice, parse, "parse", "auto", "auto|none", "",                                                       \
      "Without a script: auto finds time, level, ids and more in text and JSON; none leaves every line "     \
      "complete in the body.")                                                                               \
    X(flag, span_service, "span_service", "true", "", "",                                                    \
      "A record without a service gets that of its span, for which it waits (join_wait of the exporters).")

struct log_options {
    LOG_OPTS(GW_FIELD)
};

struct log_scripts;
struct gw_budget;
struct gw_trace_ids;

/* What records are made with; outlives every log_conf. */
struct log_environment {
    struct gw_budget *budget;    /* charged with what batches hold */
    struct gw_trace_ids *ids;    /* trace ids that were seen; NULL: none */
    struct log_scripts *scripts; /* Pipeline scripts of pipelines.directory; NULL: none */
};
struct zone;
struct log_conf; /* log_options, checked and compiled, with the scripts that they name */

/* Mistakes are added at `path` ("receivers[1]"). `receiver` is the source when the options name none. NULL
 * when there is no memory. */
struct log_conf *log_conf_new(const struct log_options *, const struct log_environment *, const char *path,
                              const char *receiver, struct gw_diagnostics *);
void log_conf_drop(struct log_conf *);
/* Which script reads its records: "script nginx.p of pipelines.directory". */
void log_conf_describe(const struct log_conf *, FILE *);

/* Records, since the start, over all batches of all receivers of the process. */
struct log_counts {
    atomic_uint_least64_t unparsed; /* their script does not load: they went on as they were */
    /* records whose script ended with an error: they have the changes made so far */
    atomic_uint_least64_t script_errors;
    atomic_uint_least64_t script_made; /* were made by create_point() */
    atomic_uint_least64_t gave_up;     /* expressions that took too long */
};
const struct log_counts *log_conf_counts(const struct log_conf *);
/* The zone of times without a zone. Any thread. */
const struct zone *log_conf_zone(const struct log_conf *);

struct log_batch;
/* NULL when there is no memory. */
struct log_batch *log_batch_new(const struct log_conf *);
void log_batch_drop(struct log_batch *);
/* Adds one record (a script may drop it or make more: both are counted). GW_OK or GW_BUSY (no memory: the
 * record is not in it). */
enum gw_code log_add(struct log_batch *, const struct log_input *) GW_MUST_CHECK;
/* The newest script error since the last call; NULL: none. Valid until the next log_add. */
const char *log_batch_fault(struct log_batch *);
/* Records and bytes of OTLP in the batch. */
size_t log_batch_records(const struct log_batch *);
size_t log_batch_bytes(const struct log_batch *);
/* Splits the batch into frames (the caller's; at most `max`, near GW_FRAME_BYTES each) and empties it.
 * *intake is the argument of gw_fanout_offer: received, dropped by a script, refused. Frames that do not fit
 * stay for the next call. */
size_t log_finish(struct log_batch *, struct gw_frame **frames, size_t max, struct gw_intake *intake);

#endif
