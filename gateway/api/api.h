/* api.h: what the process shows of itself as JSON, below /api/ of the admin listener.
 *
 *     admin.c ─▶ gw_api_find ─▶ row of routes.def ─▶ gw_api_answer ─▶ the row's handler ─▶ text, status
 *
 * A handler reads what the process lends (struct gw_api), writes one JSON document and may set the status. It
 * writes texts from outside only by the functions below: they make them valid UTF-8 and harmless in a page, a
 * terminal and a script. What a handler has written is scrubbed once, as a whole (scrub.h), and bounded by
 * GW_API_ANSWER; above that the answer is 507 and says how to ask for less.
 *
 * Rules for documents: times are texts with nanoseconds since 1970, as in OTLP/JSON; durations are numbers of
 * nanoseconds; ids are hexadecimal in lower case. A mistake is {"error":"what, where, remedy"}.
 *
 * A new resource is a row in routes.def and a function of the type gw_api_f.
 *
 * Threads: the admin listener's; handlers must not wait for anything that a receiver or an exporter holds for
 * long. Ownership: the struct is the process's and outlives the listener; the call is the listener's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_API_H
#define GW_API_H

#include <math.h>
#include <stdio.h>

#include "core/base/budget.h"
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/base/metrics.h"
#include "core/delivery/ledger.h"
#include "gateway/api/sink.h"

enum { GW_API_SEGMENTS = 2, GW_API_QUERIES = 16, GW_API_QUERY_TEXT = 4096, GW_API_BODY = 64 * 1024 };

struct gw_trace_ids;
struct gw_arena;
struct gw_api_translation;

struct gw_flow_state;
struct gw_flow_history;
struct gw_fleet;
struct gw_refusals;

/* What the process lends to handlers. */
struct gw_api {
    void *ctx; /* of these functions, which take locks for a moment only */
    void (*measure)(void *ctx, struct gw_metrics *);
    void (*ledger)(void *ctx, struct gw_ledger_view *out);
    /* the options by which spans of tracers are translated at this moment: copies, in the arena. NULL: nobody receives any */
    struct gw_api_translation *(*translation)(void *ctx, struct gw_arena *);
    void (*flow)(void *ctx, struct gw_flow_state *out); /* into zeroes */
    struct gw_flow_history *history;
    struct gw_fleet *fleet;
    struct gw_refusals *refusals;
    struct gw_budget *budget; /* max_memory: answers are charged to it */
    struct gw_trace_ids *ids; /* upper halves of trace ids */
    gw_nsec started;          /* since 1970 */
};

/* One request. Texts are decoded, and end with a NUL byte. */
struct gw_api_call {
    gw_str segments[GW_API_SEGMENTS]; /* what stands at the stars of the route */
    struct gw_api_query {
        gw_str name, value;
    } queries[GW_API_QUERIES];
    size_t queries_n;
    gw_str body;     /* of POST: at most GW_API_BODY bytes */
    unsigned status; /* 200, until the handler sets another */
    char file[80];   /* a name to download the answer by, which a handler may set; empty: it is shown */
};

typedef void gw_api_f(const struct gw_api *, struct gw_api_call *, FILE *to);

#define ROUTE(method, path, handler) gw_api_f handler;
#include "gateway/api/routes.def"
#undef ROUTE

/* --- for handlers --- */

/* The value of a query parameter; without ptr if the request has none of that name. */
gw_str gw_api_query(const struct gw_api_call *, const char *name);
/* The same as a number; `otherwise` if there is none. False, and the error is written, when it is not a whole
 * number of 0 to `most`. */
bool gw_api_query_number(struct gw_api_call *, const char *name, uint64_t most, uint64_t otherwise,
                         uint64_t *out, FILE *to) GW_MUST_CHECK;
/* Writes {"error":"…"} and sets the status. For a handler that has written nothing yet. */
void gw_api_error(struct gw_api_call *, FILE *to, unsigned status, const char *fmt, ...) GW_PRINTF(4, 5);

/* A text with its quotes. What is not UTF-8 becomes U+FFFD; control characters, < > & and marks that reorder
 * text become \u escapes. */
void gw_api_text(FILE *, gw_str);
/* JSON that others have written, whose texts escape < > & and controls below space; the rest of that is done here. */
void gw_api_json(FILE *, gw_str);
/* "name":value, without a comma before or behind it; the name is our own. */
static inline void gw_api_text_of(FILE *to, const char *name, gw_str s)
{
    fprintf(to, "\"%s\":", name);
    gw_api_text(to, s);
}

static inline void gw_api_time_of(FILE *to, const char *name, uint64_t nsec)
{
    fprintf(to, "\"%s\":\"%llu\"", name, (unsigned long long)nsec);
}

static inline void gw_api_number_of(FILE *to, const char *name, uint64_t number)
{
    fprintf(to, "\"%s\":%llu", name, (unsigned long long)number);
}

/* null for what is no number. */
static inline void gw_api_real_of(FILE *to, const char *name, double number)
{
    if (isfinite(number))
        fprintf(to, "\"%s\":%.12g", name, number);
    else
        fprintf(to, "\"%s\":null", name);
}

/* --- for the listener --- */

struct gw_api_route {
    const char *method; /* "GET" or "POST"; HEAD goes with GET */
    const char *path;
    gw_api_f *handler;
};

/* The route of a path. NULL: there is none. `call` gets its segments, as views of `path`. */
const struct gw_api_route *gw_api_find(gw_str path, struct gw_api_call *);

struct gw_api_text gw_api_answer(const struct gw_api *, const struct gw_api_route *, struct gw_api_call *);
void gw_api_text_drop(const struct gw_api *, struct gw_api_text *);

#endif
