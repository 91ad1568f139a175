/* pretty_span.h: prints the details of one span, one resource, one value.
 *
 * Threads: pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PRETTY_SPAN_H
#define GW_PRETTY_SPAN_H

#include "exporters/encoding/output_buffer.h"
#include "exporters/stdout/pretty_tree.h"

/* Looks; PRETTY_SERVICE is followed by the service's name, from which its colour comes. */
enum pretty_style {
    PRETTY_PLAIN,
    PRETTY_DIM,
    PRETTY_BOLD,
    PRETTY_RED,
    PRETTY_GREEN,
    PRETTY_YELLOW,
    PRETTY_CYAN,
    PRETTY_STYLES
};

/* A line being written: what does not fit into `left` columns is swallowed. */
struct pretty_line {
    struct out *o;
    struct out *scratch; /* for values on their way to the line */
    const char *look;    /* the escape sequence in force; NULL: no colours */
    size_t left;
};

void pretty_end(struct pretty_line *);

/* Own words. */
void pretty_put(struct pretty_line *, enum pretty_style, const char *z);
/* Words from outside, made harmless and cut to `columns`. */
void pretty_put_text(struct pretty_line *, enum pretty_style, gw_str, size_t columns);
void pretty_put_service(struct pretty_line *, gw_str service);

gw_str pretty_bytes(ProtobufCBinaryData);
/* "850ns", "12.3µs", "4.56ms", "1.23s", "2m03s". Takes up to 16 bytes; returns the columns. */
size_t pretty_duration(char out[16], uint64_t ns);

/* An attribute of a resource as text; empty when it is absent or not text. */
gw_str pretty_resource_text(const pretty_resource *, const char *key);
/* "env=prod version=1.4.2 …", what identifies a resource to a person, without its service. */
void pretty_put_resource(struct pretty_line *, const pretty_resource *);

/* Prints what follows a span's name: status code, address, statement, error, then other tags. */
void pretty_put_details(struct pretty_line *, const pretty_span *);

/* The error of a span, taken from its exception event, else from its attributes and status. Any of them may
 * be empty. */
struct pretty_error {
    gw_str type, message, stack;
};
struct pretty_error pretty_error(const pretty_span *);
void pretty_put_attributes(struct pretty_line *, Opentelemetry__Proto__Common__V1__KeyValue *const *,
                           size_t n);
void pretty_put_all_attributes(struct pretty_line *, Opentelemetry__Proto__Common__V1__KeyValue *const *,
                               size_t n);
/* Prints the attributes of a log record that were not printed elsewhere. */
void pretty_put_log_attributes(struct pretty_line *, Opentelemetry__Proto__Common__V1__KeyValue *const *,
                               size_t n);

/* NULL if there is none. */
const Opentelemetry__Proto__Common__V1__AnyValue *
pretty_find(Opentelemetry__Proto__Common__V1__KeyValue *const *, size_t n, const char *key);
/* Any value as one text; valid until the next call. */
gw_str pretty_value(struct pretty_line *, const Opentelemetry__Proto__Common__V1__AnyValue *);

/* Python 3.11 underlines the place in a stack trace: lines of ^ and ~. */
bool pretty_is_underline(gw_str line);
/* Lines of a stack trace that are shown. */
enum { PRETTY_STACK = 4 };
/* Picks the most useful lines of a stack: the most recent calls. Returns their number. */
size_t pretty_stack(gw_str text, gw_str picked[PRETTY_STACK]);

#endif
