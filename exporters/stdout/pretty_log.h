/* pretty_log.h: prints log records for people.
 *
 *     2026-11-21 10:58:43.615Z INFO  web  app.views: order placed  order=42 · trace …a06d6610          alone
 *     +1.3ms                   │    INFO  app.views: order placed  order=42                            under its span (pretty.h)
 *                              │      and the further lines of its text
 *                              │      ✗ ValueError: no such order
 *                              │      File "app.py", line 26, in place
 *
 * Severity, logger, the text with its further lines, the attributes, and the exception with its most recent
 * calls. A record that is printed alone also shows its time, service and trace. Text from senders passes
 * out_shown(); lines and columns are bounded.
 *
 * Threads: pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PRETTY_LOG_H
#define GW_PRETTY_LOG_H

#include "exporters/stdout/pretty_span.h"
#include "logs_service.pb-c.h"

typedef Opentelemetry__Proto__Logs__V1__LogRecord pretty_log_record;

struct pretty_log {
    const pretty_log_record *record;
    const pretty_resource *resource; /* NULL: none */
    gw_str logger;                   /* the scope's name */
    bool shown;                      /* it was written */
    bool left_out;                   /* it is not to be written */
    uint8_t *state;                  /* its holder's (trace_buffer.h) */
    size_t place;                    /* in the batch */
};

/* Writes the left part of a record's line, and starts the line. */
struct pretty_margin {
    struct pretty_line (*begin)(void *page, bool first);
    void *page;
};

/* Prints a record below its span: the head of the record follows the margin of its first line. */
void pretty_put_log(const struct pretty_margin *, const struct pretty_log *);
/* With time, service and trace. */
void pretty_put_log_alone(const struct pretty_margin *, const struct pretty_log *);

/* The record's own time, else that of its arrival. */
uint64_t pretty_log_time(const pretty_log_record *);
/* "2026-11-21 10:58:43.615Z"; false if the time is out of range. Uses up to 64 bytes. */
bool pretty_when(char out[64], uint64_t unix_ns);
/* In the order of their times. */
void pretty_log_sort_by_time(struct pretty_log *, size_t n);

/* By trace, span, time and place. */
void pretty_log_sort(struct pretty_log *, size_t n);
/* Those of a sorted list that have this trace id; and of those of one trace, those with this span id. From
 * *first, so many. */
size_t pretty_log_of_trace(const struct pretty_log *, size_t n, ProtobufCBinaryData id, size_t *first);
size_t pretty_log_of_span(const struct pretty_log *, size_t n, ProtobufCBinaryData id, size_t *first);

#endif
