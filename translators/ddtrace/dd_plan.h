/* dd_plan.h: a cache of translations. Spans of one kind are translated once in full and then by a plan.
 *
 * An application sends few kinds of spans: the same tags in the same order, mostly with the same values. Ids,
 * times, the path of a URL or a row count differ. The result of the conventions (dd_derive) depends on few of
 * the values. So a span that took the slow path leaves a plan: the values that must be equal for the same
 * result, the bytes of that result, and the gaps between them, which each span fills with its own values.
 *
 *     span ─▶ dd_plan_find: keys and values as expected? ─yes─▶ cached path, dd_write_cached: bytes │ gap │ bytes │ gap │ …
 *                                                        ─no──▶ slow path: dd_load, dd_derive, dd_write; dd_learn makes a plan
 *
 * The result is always that of the slow path, because every value from which the slow path derives something
 * is compared (tests/unit/translators/ddtrace/test_translate_plans.c and the fuzzer compare the two). Entries
 * that need not be equal:
 *     DD_ANY_VALUE   written unchanged, and nothing is derived from it: unknown tags, row counts, user agents
 *     DD_ITS_UPPER   _dd.p.tid: the scan reads it
 *     DD_ITS_TRACE   otel.trace_id: the scan reads it, and it equals the trace id that is written
 *     DD_ITS_URL     same scheme, host and port; path and query present or missing as before. Secrets are
 *                    removed each time
 *     DD_ITS_QUERY   a command that is the same after its data is removed
 *
 * Limits: DD_PLAN_SETS × DD_PLAN_WAYS plans of DD_PLAN_BYTES per translator, allocated when they are made;
 * the least recently used one is replaced. Only kinds of spans that occur twice get a plan, so traffic
 * without repetitions costs one hash per span.
 *
 * v0.4 is compared in the body, before it is decoded: dd_plan_meta. So is v1.0, from the second span of a
 * kind in a body on: dd_plan_v10.c.
 *
 * Ownership: one cache per translator. A plan that was found stays valid for the chunk.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_PLAN_H
#define DD_PLAN_H

#include "translators/ddtrace/dd_group.h"
#include "translators/ddtrace/dd_names.h"
#include "translators/ddtrace/dd_span.h"

/* An earlier start means that the clock of the sender was wrong. */
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
    /* Where these texts were last found in the current body. In v0.5 each text is there once. */
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

/* An entry whose value is read, by number. */
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
    uint16_t entry; /* TEXT, INT, REST: the entry whose value is written */
};

/* How the text of a query was obfuscated (dd_semconv_db.c). */
struct dd_query_how {
    unsigned language, dialect;
};

/* Bytes of a msgpack map, and the entry whose value follows them; DD_PLAN_ENTRIES: the map ends. */
struct dd_run {
    gw_str bytes;
    uint16_t entry;
};

/* For v1.0, in the current request. Its texts are numbers, which are valid only in that body. */
struct dd_plan_v10 {
    uint64_t in;         /* the request for which the other members are valid */
    struct dd_run *runs; /* of the attributes, as views of the body; the last one has no entry */
    unsigned tries;      /* how often they were made in this request */
    /* Positions of the texts of spans that fit: service, name, resource, type; fields that become tags. */
    gw_str names[4], promoted[DD_PROMOTEDS];
    size_t meta_n; /* number of tags that are attributes; those made from fields follow */
};

/* The parts of the URL when the plan was made. */
struct dd_plan_url {
    gw_str scheme, host;
    int port;
    bool absolute, path, query; /* path, query: the URL has one */
    bool whole;                 /* it is written as url.full */
};

/* How its spans are counted (dd_durations.h): the class by two properties that are not tags: the span is
 * top-level (1), it is the trace's root (2). */
struct dd_class;
struct dd_planned_classes {
    uint64_t generation; /* of the table of classes; if it differs, the members below are invalid */
    bool top, partial, anywhere;
    const struct dd_class *of[4];
};

struct dd_plan {
    uint64_t hash, used_in; /* used_in: the chunk in which it was used last */
    uint64_t scope_in;      /* the trace for which `scope` is valid */
    uint64_t met_in;        /* the request in whose body `…_at` are valid */
    uint64_t noted_in;      /* the trace in which the process's facts of this plan are already recorded */
    gw_str service, name, resource, type;
    uint16_t meta_n, metrics_n, gaps_n, noted_n, own_n, facts_n;
    uint16_t suspect; /* the entry that differed last time: compared first */
    struct dd_expected *entries;
    struct dd_gap *gaps;
    struct dd_noted noted[DD_PLAN_NOTED]; /* entries that the scan reads */
    /* tags that determine the resource and scope: env, version, component … */
    struct dd_noted own[DD_PLAN_NOTED];
    struct {
        enum dd_fact fact;
        gw_str text;
    } facts[4];         /* values that the resource must have, because they are not written on the span */
    gw_str span_name;   /* field `name` of Span, as bytes */
    uint8_t kind;       /* enum dd_span_kind */
    uint8_t trace_says; /* dd_trace_says */
    bool has_rate, has_upper, has_url, has_query, has_trace_id;
    uint16_t url_at, query_at, trace_id_at; /* entries */
    struct dd_plan_url url;
    struct dd_query_how how;
    gw_str query;
    gw_str safe_resource; /* the obfuscated resource */
    struct dd_planned_classes classes;
    struct dd_scope *scope; /* where its spans of the current trace are written */
    /* The maps as v0.4 sends them; NULL: the plan was made from another format. */
    struct dd_run *meta, *metrics;
    struct dd_plan_v10 v10;
    /* Entries that must be equal and are also read: noted, own. */
    uint16_t looked_at[2 * DD_PLAN_NOTED], looked_at_n;
    size_t room_used;
    uint64_t room[]; /* texts and arrays of the members above */
};

/* Counts, by kind, the spans that no plan fitted. For one kind, DD_PLAN_TRIES plans are made in a row, then
 * one for every DD_PLAN_REST-th span. */
enum { DD_PLAN_SIGHTS = 1024, DD_PLAN_TRIES = 32, DD_PLAN_REST = 256 };
struct dd_sight {
    uint32_t hash, times;
};

struct dd_plans {
    bool off;         /* the cache is off */
    uint64_t chunk;   /* number of the current chunk, unique in the translator's life */
    uint64_t request; /* the same of the request */
    /* the same of the trace; a chunk with spans of several traces, which no tracer sends, has several */
    uint64_t trace;
    struct otlp_region body;
    struct dd_plan *ways[DD_PLAN_SETS][DD_PLAN_WAYS];
    struct dd_sight sights[DD_PLAN_SIGHTS];
};

void dd_plans_fini(struct dd_plans *);

/* Returns whether the span may have a plan: it has no rare parts and nothing irregular. */
bool dd_plan_plain(const struct dd_span *);
/* Returns the hash of a span's kind, for the two functions below. */
uint64_t dd_plan_hash(const struct dd_span *);
/* Returns the plan that fits the span, or NULL. Its gaps may still turn out not to fit: dd_write_cached. */
struct dd_plan *dd_plan_find(struct dd_plans *, const struct dd_span *, uint64_t hash);
/* The same while the span is read: its service, name and resource are known, and `in` is before its meta. On
 * success `in` is after it. Confirm the plan with dd_plan_settled when the span is complete; before that,
 * dd_plan_metrics may read the metrics. */
struct dd_plan *dd_plan_meta(struct dd_plans *, struct dd_span *, struct dd_msgpack *in, struct gw_arena *);
bool dd_plan_metrics(const struct dd_plans *, struct dd_span *, struct dd_msgpack *in, struct gw_arena *);
/* metrics_planned: dd_plan_metrics read them. renamed: a name came later. */
bool dd_plan_settled(const struct dd_plans *, const struct dd_span *, bool metrics_planned, bool renamed);

/* The same for v1.0: `d` is before the attributes of `s`, whose service, name and resource are known. On
 * success it is after them, and s has all of its tags, with room for DD_PROMOTEDS more. */
struct dd_plan *dd_plan_v10(struct dd_decoder *d, struct dd_span *s);
/* The span is complete, with the tags made from its fields. Returns false if the plan does not fit after
 * all. */
bool dd_plan_v10_settled(const struct dd_plan *, const struct dd_span *, const gw_str promoted[DD_PROMOTEDS]);
/* Returns the plan that fits a decoded span, or NULL. The next span of the kind may then be compared without
 * decoding. */
struct dd_plan *dd_plan_v10_find(struct dd_plans *, const struct dd_span *);

/* Call when no plan fits. Returns true when it is time to make one. */
bool dd_plan_wanted(struct dd_plans *, uint64_t hash);
/* Returns an empty plan for this kind of span, or NULL if there is no free place at the moment. */
struct dd_plan *dd_plan_take(struct dd_plans *, uint64_t hash);
/* Returns a plan to the cache. */
void dd_plan_forget(struct dd_plans *, struct dd_plan *);

/* Returns memory of the plan, aligned to 8 bytes; NULL if it is used up. */
void *dd_plan_room(struct dd_plan *, size_t bytes);
/* Copies the text, so that OTLP_WIDER bytes more can be read. Returns false if there is no room. */
bool dd_plan_keep(struct dd_plan *, gw_str *text);

#endif
