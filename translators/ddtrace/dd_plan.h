/* dd_plan.h: a cache of translations: spans of one kind are translated once in full and then by their plan.
 *
 * An application sends few kinds of spans: the same tags in the same order, mostly with the same values; ids,
 * times, the path of a URL, a row count differ. What the conventions make of a span (dd_derive) depends on
 * few of its values. So a span that took the slow path leaves a plan: the values that must be equal for the
 * same result, the bytes of that result, and the gaps between them, which each span fills with its own
 * values.
 *
 *     span ─▶ dd_plan_find: keys and values as expected? ─yes─▶ cached path, dd_write_cached: bytes │ gap │ bytes │ gap │ …
 *                                                        ─no──▶ slow path: dd_load, dd_derive, dd_write; dd_learn makes a plan
 *
 * The result never differs from that of the slow path: every value that the slow path concludes anything from
 * is compared (tests/unit/translators/ddtrace/test_translate_plans.c and the fuzzer compare the two). Entries
 * that need not be equal:
 *     DD_ANY_VALUE   written as they are, and nothing is concluded from them: unknown tags, row counts, user agents
 *     DD_ITS_UPPER   _dd.p.tid: the scan reads it
 *     DD_ITS_TRACE   otel.trace_id: the scan reads it, and it is the trace id that the span goes out with
 *     DD_ITS_URL     the same scheme, host and port, path and query as before or both not there; secrets are removed each time
 *     DD_ITS_QUERY   a command that is the same once its data is removed
 *
 * Bounds: DD_PLAN_SETS × DD_PLAN_WAYS plans of DD_PLAN_BYTES a translator, allocated as they are made; the
 * least recently used one makes room. Only kinds of spans that come twice get a plan, so traffic without
 * repetitions costs a hash a span.
 *
 * v0.4 is compared as it stands in the body, before it is decoded: dd_plan_meta. So is v1.0, from the second span
 * of a kind in a body on: dd_plan_v10.c.
 *
 * Ownership: one cache per translator. A plan that was found stays valid for the chunk.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_PLAN_H
#define DD_PLAN_H

#include "translators/ddtrace/dd_group.h"
#include "translators/ddtrace/dd_names.h"
#include "translators/ddtrace/dd_span.h"

/* A span that started before is one whose clock was wrong. */
#define DD_YEAR_2000 (946684800 * GW_SEC)

enum {
    DD_PLAN_SETS = 128,
    DD_PLAN_WAYS = 4,
    DD_PLAN_BYTES = 6464,
    DD_PLAN_ENTRIES = 48,
    DD_PLAN_GAPS = 24,
    DD_PLAN_NOTED = 16
};

enum dd_demand { DD_EQUAL, DD_ANY_VALUE, DD_ITS_UPPER, DD_ITS_TRACE, DD_ITS_URL, DD_ITS_QUERY };

/* One entry of the span's tags: those of meta, then those of metrics. */
struct dd_expected {
    gw_str key;
    /* where these texts stood last in the body at hand: in v0.5 each stands there once */
    const char *key_at, *text_at;
    union {
        gw_str text;
        struct {
            enum dd_number_kind kind;
            uint64_t bits;
        } number;
    };
    enum dd_demand demand;
};

/* An entry whose value somebody looks at, by number. */
struct dd_noted {
    uint16_t name;
    uint16_t entry;
};

/* What is written after `bytes`. */
enum dd_gap_kind { DD_GAP_END, DD_GAP_TEXT, DD_GAP_INT, DD_GAP_REST, DD_GAP_URL, DD_GAP_PATH, DD_GAP_QUERY };
struct dd_gap {
    gw_str bytes;
    enum dd_gap_kind kind;
    uint16_t attr;  /* TEXT, INT: the attribute */
    uint16_t entry; /* TEXT, INT, REST: whose value */
};

/* How the text of a query was made free of data (dd_semconv_db.c). */
struct dd_query_how {
    unsigned language, dialect;
};

/* Bytes of a msgpack map, and the entry whose value comes then; DD_PLAN_ENTRIES: the map is over. */
struct dd_run {
    gw_str bytes;
    uint16_t entry;
};

/* v1.0, in the request at hand. Its texts are numbers there, which hold for that body alone. */
struct dd_plan_v10 {
    uint64_t in;         /* the request for which the rest holds */
    struct dd_run *runs; /* of the attributes, as views of its body; they end with one of no entry */
    unsigned tries;      /* times that they were made of it */
    /* where the texts stand of spans that fit: service, name, resource, type; fields that become tags */
    gw_str names[4], promoted[DD_PROMOTEDS];
    size_t meta_n; /* tags that stand among the attributes; those of fields come behind */
};

/* What the URL's parts were. */
struct dd_plan_url {
    gw_str scheme, host;
    int port;
    bool absolute, path, query; /* the latter two: it has some */
    bool whole;                 /* it is written as url.full */
};

/* How its spans are counted (dd_durations.h): those of each class, by what the tags do not say: it is on top (1),
 * the trace's root (2). */
struct dd_class;
struct dd_planned_classes {
    uint64_t generation; /* of the table of classes; another one: nothing of this is known */
    bool top, partial, anywhere;
    const struct dd_class *of[4];
};

struct dd_plan {
    uint64_t hash, used_in; /* the chunk in which it was used last */
    uint64_t scope_in;      /* the trace for which `scope` holds */
    uint64_t met_in;        /* the request for whose body `…_at` hold */
    uint64_t noted_in;      /* the trace that knows what it says of the process */
    gw_str service, name, resource, type;
    uint16_t meta_n, metrics_n, gaps_n, noted_n, own_n, facts_n;
    uint16_t suspect; /* the entry that was not as expected last: the first to be looked at */
    struct dd_expected *entries;
    struct dd_gap *gaps;
    struct dd_noted noted[DD_PLAN_NOTED]; /* the scan looks at them */
    struct dd_noted own[DD_PLAN_NOTED];   /* say where the span belongs: env, version, component … */
    struct {
        enum dd_fact fact;
        gw_str text;
    } facts[4];         /* that its resource must have, for they are not written */
    gw_str span_name;   /* field `name` of Span, as bytes */
    uint8_t kind;       /* enum dd_span_kind */
    uint8_t trace_says; /* dd_trace_says */
    bool has_rate, has_upper, has_url, has_query, has_trace_id;
    uint16_t url_at, query_at, trace_id_at; /* entries */
    struct dd_plan_url url;
    struct dd_query_how how;
    gw_str query;
    gw_str safe_resource; /* the resource without data */
    struct dd_planned_classes classes;
    struct dd_scope *scope; /* where its spans of the trace at hand go */
    /* as v0.4 has them; NULL: the plan was made of another format */
    struct dd_run *meta, *metrics;
    struct dd_plan_v10 v10;
    /* entries that are equal and yet asked for: noted, own */
    uint16_t looked_at[2 * DD_PLAN_NOTED], looked_at_n;
    size_t room_used;
    uint64_t room[]; /* texts and arrays of the above */
};

/* How often each kind of span came that no plan fitted. Of one kind DD_PLAN_TRIES plans are made in a row,
 * then one for every DD_PLAN_REST-th span. */
enum { DD_PLAN_SIGHTS = 1024, DD_PLAN_TRIES = 32, DD_PLAN_REST = 256 };
struct dd_sight {
    uint32_t hash, times;
};

struct dd_plans {
    bool off;         /* no plan is made and none found */
    uint64_t chunk;   /* number of the chunk at hand, never twice in a translator's life; */
    uint64_t request; /* likewise of the request */
    uint64_t trace;   /* likewise of the trace, of which a chunk that no tracer sends has several */
    struct otlp_region body;
    struct dd_plan *ways[DD_PLAN_SETS][DD_PLAN_WAYS];
    struct dd_sight sights[DD_PLAN_SIGHTS];
};

void dd_plans_fini(struct dd_plans *);

/* Spans with parts that are rare, and those that are odd, have no plan. */
bool dd_plan_plain(const struct dd_span *);
/* The kind of a span, for the two functions below. */
uint64_t dd_plan_hash(const struct dd_span *);
/* The plan that fits the span, or NULL. Its gaps may still turn out not to fit: dd_write_cached. */
struct dd_plan *dd_plan_find(struct dd_plans *, const struct dd_span *, uint64_t hash);
/* The same, while the span is read: its service, name and resource are known, and `in` stands before its
 * meta. On success `in` stands behind it. To be settled when the span is whole: dd_plan_settled, before which
 * metrics may be read by dd_plan_metrics. */
struct dd_plan *dd_plan_meta(struct dd_plans *, struct dd_span *, struct dd_msgpack *in, struct gw_arena *);
bool dd_plan_metrics(const struct dd_plans *, struct dd_span *, struct dd_msgpack *in, struct gw_arena *);
/* metrics_planned: dd_plan_metrics took them. renamed: a name came later. */
bool dd_plan_settled(const struct dd_plans *, const struct dd_span *, bool metrics_planned, bool renamed);

/* v1.0, likewise: `d` stands before the attributes of `s`, whose service, name and resource are known. On
 * success it stands behind them, and s has all of its tags that stand there, with room for DD_PROMOTEDS more. */
struct dd_plan *dd_plan_v10(struct dd_decoder *d, struct dd_span *s);
/* The span is whole, with what its fields became: false when the plan does not fit after all. */
bool dd_plan_v10_settled(const struct dd_plan *, const struct dd_span *, const gw_str promoted[DD_PROMOTEDS]);
/* The plan that fits a span that was decoded, or NULL. The next one may then be compared as it stands. */
struct dd_plan *dd_plan_v10_find(struct dd_plans *, const struct dd_span *);

/* No plan fits; true when it is time to make one. */
bool dd_plan_wanted(struct dd_plans *, uint64_t hash);
/* An empty plan for this kind of span, or NULL when there is no place just now. */
struct dd_plan *dd_plan_take(struct dd_plans *, uint64_t hash);
/* Takes it back. */
void dd_plan_forget(struct dd_plans *, struct dd_plan *);

/* Memory of the plan, aligned to 8; NULL when it is used up. */
void *dd_plan_room(struct dd_plan *, size_t bytes);
/* A copy of the text, of which OTLP_WIDER bytes more can be read; false when there is no room. */
bool dd_plan_keep(struct dd_plan *, gw_str *text);

#endif
