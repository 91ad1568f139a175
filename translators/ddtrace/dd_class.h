/* dd_class.h: decides which spans the metric of span durations counts, and which of them are counted
 * together.
 *
 *     span ─▶ labels: kind, HTTP, gRPC, peers, dimensions ─▶ class: the attributes of a point, written once
 *
 * A span is counted under the rules of Datadog's concentrator (pkg/trace/stats of the Datadog agent): it is a
 * top-level span, that is, the first of its service in its process (`_dd.top_level`, `_top_level`, or
 * determined here); or it is measured (`_dd.measured`); or its kind is server, client, producer or consumer.
 * A snapshot of a span that is still open (`_dd.partial_version`) is not counted.
 *
 * Spans of one class have the same service, operation, resource, type, kind, error, place in the trace and
 * the same values of the labels: HTTP method, status and route, gRPC status, the peer (of client, producer
 * and consumer spans), and the tags that the user named. Other tags do not distinguish classes, which limits
 * their number. Peers that are only an IP address are ignored, because they change often.
 *
 * Classes are kept up to a total of DD_CLASS_BYTES. Spans of further classes are counted too, but their class
 * is built again in each request.
 *
 * Ownership: labels do not change once made; a table of classes belongs to one thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_CLASS_H
#define DD_CLASS_H

#include "core/config/option.h"
#include "translators/ddtrace/dd_plan.h"
#include "translators/ddtrace/dd_scan.h"

enum { DD_LABELS = 96, DD_DIMENSIONS = 16, DD_CLASS_SLOTS = 1024, DD_CLASS_BYTES = 2 * 1024 * 1024 };

/* The tags that distinguish classes. */
struct dd_labels {
    struct gw_list exclude; /* attributes that points do not get */
    /* number of the attributes' field in the point's message: metric_attributes_field */
    unsigned field;
    unsigned n, peers, dimensions; /* peers, dimensions: index of the first one */
    gw_str keys[DD_LABELS];
    uint32_t hashes[DD_LABELS];
    uint64_t unknown;          /* bits of the hashes of keys that dd_names does not contain */
    uint8_t of_name[DD_NAMES]; /* the label of a name, + 1 */
};

/* Uses at most DD_DIMENSIONS of the dimensions. Both lists must outlive the labels. */
void dd_labels_init(struct dd_labels *, const struct gw_list *dimensions, const struct gw_list *exclude,
                    unsigned field);
/* Returns whether this key is a label. `name` is its number. */
bool dd_is_label(const struct dd_labels *, unsigned name, gw_str key);

/* The labels and flags of one span. */
struct dd_labelled {
    gw_str value[DD_LABELS];
    uint64_t seen[2];
    bool top, measured, partial;
};

/* `keys` are those of its meta and then of its metrics. */
void dd_label_span(struct dd_labelled *, const struct dd_labels *, const struct dd_span *,
                   const struct dd_key *keys, struct gw_arena *);
/* The labels that all spans of this plan share. */
void dd_label_plan(struct dd_labelled *, const struct dd_labels *, const struct dd_plan *, struct gw_arena *);
/* Returns whether the span counts even if it is not top-level. */
bool dd_counts_anywhere(const struct dd_labelled *);

/* Removes the excluded attributes from serialized ones, in place. */
gw_str dd_without_excluded(const struct dd_labels *, gw_str written);

/* The properties of a class that are not tags. */
struct dd_class_of {
    gw_str service, operation, resource, type; /* resource: already obfuscated */
    bool error, top, root, synthetics;
};

struct dd_class {
    uint64_t hash;
    struct dd_class *next;
    bool kept; /* it is in the table */
    gw_str raw, attributes;
};

struct dd_classes {
    struct gw_arena arena;
    struct dd_class *slots[DD_CLASS_SLOTS];
    struct otlp_buf raw, written; /* scratch */
    uint64_t
        generation; /* unique in the process; when it changes, remembered pointers to classes are invalid */
};

/* `account` pays for kept classes; may be NULL. */
void dd_classes_init(struct dd_classes *, struct gw_budget *account);
void dd_classes_fini(struct dd_classes *);
/* Call between requests: forgets all classes if there is no room for more. Returns true if it did. */
bool dd_classes_tidy(struct dd_classes *);
/* Finds the class in the table or adds it; if the table is full, builds it in `otherwise`. Returns NULL if
 * there is no memory. */
const struct dd_class *dd_class_of(struct dd_classes *, const struct dd_labels *, const struct dd_labelled *,
                                   const struct dd_class_of *, struct gw_arena *otherwise);

#endif
