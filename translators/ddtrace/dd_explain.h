/* dd_explain.h: why a span was sent as it was: what came in, what went out, and what each part comes from.
 *
 *     body, headers, options ─▶ dd_explain_new ─▶ the spans of the request
 *                                    │ dd_explain_span(i)
 *                                    ▼
 *     received: fields and tags, each with its fate         sent: fields, attributes, events, resource, each with its origins
 *
 * The answer is found by experiment, not by a second copy of the rules: the real translator runs again on the
 * same request with one field or tag of the span taken away, and with its value changed a little, and what then
 * vanishes or changes comes from it (dd_explain_source.h). Words and rows are those of dd_attrs.def and
 * dd_resource.def, from which docs/reference/mapping.md is made. So an explanation cannot drift from the code,
 * and the translation itself knows nothing of being explained.
 *
 * A span gets what its chunk says, so other spans stay in place: the few that suffice, where the span comes out as it does of
 * the whole request (dd_explain_hold.h), else all of them. A span with forty tags needs some three hundred
 * experiments of a few microseconds. DD_EXPLAIN_WORK bounds their sum: what is left then is told without an
 * experiment, and says so.
 *
 * Values are shown as they would be sent: rules of option privacy and of obfuscate hold for what came in, too,
 * and what option strip takes away is shown as "?". Secrets of the configuration are the caller's to remove (gw_scrub).
 *
 * Pure but for memory: no clock, no file. Threads: one owner. Ownership: dd_explain keeps references to all of
 * its input; an explanation lies in the arena that it was asked for with.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_EXPLAIN_H
#define DD_EXPLAIN_H

#include "translators/ddtrace/dd_privacy.h"
#include "translators/ddtrace/dd_translate.h"

/* Bytes of bodies that the experiments of one span may read: about a second. */
enum { DD_EXPLAIN_WORK = 512 << 20, DD_EXPLAIN_SOURCES = 1024 };

struct dd_explain_input {
    enum dd_format format;
    gw_str body;
    const struct dd_request *request;
    const struct dd_options *options;
    /* As of the translation that is explained. Its ids, sampler and durations are not asked, for an experiment must not change
     * them: an upper half of a trace id that another request said is not there. `privacy` is of the caller's thread. */
    const struct dd_env *env;
    struct gw_budget *account; /* pays for the memory; may be NULL */
};

enum dd_explained_place { DD_AT_FIELD, DD_AT_SPAN, DD_AT_EVENT, DD_AT_LINK, DD_AT_SCOPE, DD_AT_RESOURCE };
/* "field", "span", "event", "link", "scope", "resource" */
const char *dd_explained_place_name(enum dd_explained_place);

/* Something that was sent. */
struct dd_explained_item {
    enum dd_explained_place place;
    gw_str name;  /* "url.full", "kind", "events[exception].exception.message" */
    gw_str value; /* a serialized AnyValue */
    gw_str *from; /* names of what was received, the most important first; none: `why` says who made it */
    size_t from_n;
    gw_str why; /* one line */
    gw_str row; /* the name that its row of docs/reference/mapping.md begins with; may be empty */
};

struct dd_explained_sent {
    enum gw_attribute_schema schema;
    gw_str span, scope, resource; /* serialized */
    struct dd_explained_item *items;
    size_t n;
};

enum dd_explained_section {
    DD_OF_SPAN, /* fields; links and events are fields here */
    DD_OF_CHUNK,
    DD_OF_PAYLOAD,
    DD_OF_HEADERS,
    DD_OF_META, /* from here on: tags */
    DD_OF_METRICS,
    DD_OF_META_STRUCT
};
/* "span", "chunk", "payload", "headers", "meta", "metrics", "meta_struct" */
const char *dd_explained_section_name(enum dd_explained_section);

/* What became of it, in the first of the schemas. */
enum dd_explained_fate {
    DD_FATE_RENAMED,  /* an attribute of another name says it */
    DD_FATE_KEPT,     /* an attribute of its own name */
    DD_FATE_RESOURCE, /* the resource says it */
    DD_FATE_FIELD,    /* a field of the span, or its scope */
    DD_FATE_EVENT,    /* an event or a link */
    DD_FATE_USED,     /* something was concluded from it, or says the same */
    DD_FATE_LEFT_OUT
};
const char *dd_explained_fate_name(enum dd_explained_fate); /* "renamed", …, "left_out" */

/* Something that was received. */
struct dd_explained_part {
    enum dd_explained_section section;
    gw_str name;
    gw_str value; /* a serialized AnyValue */
    gw_str *to;   /* names of what was sent */
    size_t to_n;
    enum dd_explained_fate fate;
    gw_str why, row;
};

struct dd_explained {
    struct dd_explained_part *received;
    size_t received_n;
    struct dd_explained_sent sent[GW_ATTRIBUTE_SCHEMAS]; /* of each schema of env */
    size_t sent_n;
    gw_str not_sent;   /* why nothing was sent; empty: something was */
    bool in_part;      /* DD_EXPLAIN_WORK was not enough */
    uint64_t attempts; /* translations that it took */
};

/* A span of the request that could be read, in the order of the wire. */
struct dd_explain_row {
    uint64_t trace_id, span_id; /* of the trace id the lower half */
    gw_str service, name;       /* after the rules of privacy */
    size_t chunk, index;
};

struct dd_explain;
/* Reads and translates the request once. NULL: it cannot be read, as *err says, or there is no memory. *result
 * is what dd_translate gives for it, for the caller: its frames are the caller's, in the schemas of env. */
struct dd_explain *dd_explain_new(const struct dd_explain_input *, struct dd_result *result, struct gw_err *);
void dd_explain_drop(struct dd_explain *);
size_t dd_explain_rows(const struct dd_explain *, const struct dd_explain_row **);
/* The i-th of the rows. False when memory is out. */
bool dd_explain_span(struct dd_explain *, size_t i, struct gw_arena *, struct dd_explained *) GW_MUST_CHECK;

/* Gives the parts of a span that was really sent the origins of an explained one. Parts that the explanation does not have, or
 * another value of, come from what this request does not say: another request, the peer. */
void dd_explain_match(const struct dd_explained_sent *explained, struct dd_explained_sent *sent);

/* A span that came by OTLP, and goes on as it came: each of its attributes is received and sent. `span`, `scope` and `resource` are
 * serialized. False when memory is out. */
bool dd_explain_otlp(struct gw_arena *, gw_str span, gw_str scope, gw_str resource,
                     struct dd_explained *) GW_MUST_CHECK;

#endif
