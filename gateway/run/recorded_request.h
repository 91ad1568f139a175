/* recorded_request.h: reads a request from a file, in the form in which a receiver would get it.
 *
 *     PUT /v0.4/traces HTTP/1.1␍␊…␍␊␍␊body        as it was on the wire: by nc, tcpdump, a proxy
 *     {"method","path","headers":[[name,value]…]} beside a file of the same name that ends with .bin: the body
 *     the body alone                               its format is guessed by its first bytes, or given
 *     [[{"trace_id":1,…}]]                         the same, as a person writes it
 *
 * Compressed and chunked bodies are unpacked. Nothing is translated here.
 *
 * Threads: main. Ownership: everything is the request's, until gw_recorded_fini.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_RECORDED_REQUEST_H
#define GW_RECORDED_REQUEST_H

#include "translators/ddtrace/dd_request.h"
#include "translators/ddtrace/dd_span.h"

enum gw_recorded_kind {
    GW_RECORDED_DDTRACE, /* spans of a Datadog tracer or agent, in `format` */
    GW_RECORDED_OTLP     /* an ExportTraceServiceRequest; OTLP/JSON was made one */
};

struct gw_recorded {
    enum gw_recorded_kind kind;
    enum dd_format format;
    const char *protocol; /* "v0.4 msgpack", "OTLP/JSON" */
    gw_str body;
    struct dd_request request;
    char *bytes; /* private: the file */
    struct gw_arena arena;
};

/* The words of option --format. */
#define GW_RECORDED_FORMATS "v0.1|v0.4|v0.4-json|v0.5|v0.7|v1.0|agent|otlp|otlp-json"

/* Reads the file ("-": standard input). `format` NULL: guessed. Returns false with *err: what is wrong,
 * where, and what to do. Free *out with gw_recorded_fini in every case. */
bool gw_recorded_read(struct gw_recorded *out, const char *file, const char *format,
                      struct gw_err *err) GW_MUST_CHECK;
/* True for a word of GW_RECORDED_FORMATS. */
bool gw_recorded_is_format(const char *);
void gw_recorded_fini(struct gw_recorded *);

#endif
