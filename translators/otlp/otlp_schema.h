/* otlp_schema.h: describes OTLP's messages as tables, for code that walks over wire bytes.
 *
 *     message ─▶ fields[number] ─▶ kind: the wire type, and what is checked
 *                                  message: of a nested message, its kind
 *
 * A field that a table does not name belongs to a later version, or to an earlier one that had fields since
 * removed (Span.string). It is copied unchanged.
 *
 * A unit is what can be refused alone: an item (span, log record, data point), or a message that contains
 * items and has fields of its own (a resource, a scope, a metric).
 *
 * Threads: constants.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_SCHEMA_H
#define OTLP_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

enum otlp_field_kind {
    OTLP_UNNAMED, /* any wire type */
    OTLP_VARINT,
    OTLP_VARINTS, /* repeated: single or packed */
    OTLP_FIXED32,
    OTLP_FIXED64,
    OTLP_FIXED64S,           /* repeated: single or packed */
    OTLP_TEXT,               /* UTF-8 */
    OTLP_BYTES,              /* anything */
    OTLP_TRACE_ID,           /* 16 bytes or none */
    OTLP_SPAN_ID,            /* 8 bytes or none */
    OTLP_OWN_TRACE_ID,       /* a span's own id: 16 bytes, not all zero, required */
    OTLP_OWN_SPAN_ID,        /* a span's own id: 8 bytes, not all zero, required */
    OTLP_MESSAGE,            /* nested */
    OTLP_ATTRIBUTE,          /* nested: a KeyValue, the most frequent message */
    OTLP_RESOURCE_ATTRIBUTE, /* nested, and its key is looked up */
    OTLP_POINTS,             /* nested: the points of a metric; a metric may have one such field */
    OTLP_FIELD_KINDS
};

enum otlp_message {
    OTLP_TRACES_REQUEST, /* in the order of enum gw_signal */
    OTLP_LOGS_REQUEST,
    OTLP_METRICS_REQUEST,
    OTLP_PROFILES_REQUEST,
    OTLP_RESOURCE_SPANS,
    OTLP_RESOURCE_LOGS,
    OTLP_RESOURCE_METRICS,
    OTLP_RESOURCE_PROFILES,
    OTLP_RESOURCE,
    OTLP_ENTITY_REF,
    OTLP_SCOPE_SPANS,
    OTLP_SCOPE_LOGS,
    OTLP_SCOPE_METRICS,
    OTLP_SCOPE_PROFILES,
    OTLP_SCOPE,
    OTLP_SPAN,
    OTLP_EVENT,
    OTLP_LINK,
    OTLP_STATUS,
    OTLP_LOG_RECORD,
    OTLP_METRIC,
    OTLP_NUMBER_DATA, /* Gauge and Sum */
    OTLP_HISTOGRAM_DATA,
    OTLP_EXPONENTIAL_DATA,
    OTLP_SUMMARY_DATA,
    OTLP_NUMBER_POINT,
    OTLP_HISTOGRAM_POINT,
    OTLP_EXPONENTIAL_POINT,
    OTLP_BUCKETS,
    OTLP_SUMMARY_POINT,
    OTLP_QUANTILE,
    OTLP_EXEMPLAR,
    OTLP_PROFILE,
    OTLP_VALUE_TYPE,
    OTLP_SAMPLE,
    OTLP_DICTIONARY,
    OTLP_MAPPING,
    OTLP_LOCATION,
    OTLP_LINE,
    OTLP_FUNCTION,
    OTLP_SAMPLE_LINK,
    OTLP_KEY_VALUE_UNIT,
    OTLP_STACK,
    OTLP_KEY_VALUE,
    OTLP_ANY_VALUE,
    OTLP_ARRAY_VALUE,
    OTLP_KEY_VALUE_LIST,
    OTLP_MESSAGES
};

struct otlp_field {
    uint8_t kind;    /* enum otlp_field_kind */
    uint8_t message; /* of a nested message: enum otlp_message */
    bool leads_on;   /* contains items */
};

enum { OTLP_FIELDS = 17 }; /* all field numbers are lower */

struct otlp_message_schema {
    const char *name;
    bool is_unit, is_item;
    struct otlp_field fields[OTLP_FIELDS];
};

extern const struct otlp_message_schema otlp_schema[OTLP_MESSAGES];

#endif
