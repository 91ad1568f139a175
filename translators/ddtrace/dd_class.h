/* dd_class.h: which spans are counted together in the metric of span durations, and which count at all.
 *
 *     span ─▶ labels: kind, HTTP, gRPC, peers, dimensions ─▶ class: the attributes of a point, written once
 *
 * A span counts where Datadog's concentrator counts it (pkg/trace/stats of the Datadog agent): it is the top of
 * its service in its process (`_dd.top_level`, `_top_level`, or found out here), it is measured
 * (`_dd.measured`), or its kind is server, client, producer or consumer; and it is no snapshot of a span that
 * is still open (`_dd.partial_version`).
 *
 * Spans of one class have the same service, operation, resource, type, kind, error, place in the trace and the
 * same values of the labels: HTTP method, status and route, gRPC status, what they spoke with (of client,
 * producer and consumer spans), and the tags that the user named. Further tags tell nothing apart, so the number of
 * classes is bounded by those. Peers that are only an IP address are left out, for they come and go.
 *
 * Classes are kept up to DD_CLASS_BYTES; a span whose class finds no room is counted all the same, and its class is
 * made anew each request.
 *
 * Ownership: labels are const once made; a table of classes belongs to one thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_CLASS_H
#define DD_CLASS_H

#include "core/config/option.h"
#include "translators/ddtrace/dd_plan.h"
#include "translators/ddtrace/dd_scan.h"

enum { DD_LABELS = 96, DD_DIMENSIONS = 16, DD_CLASS_SLOTS = 1024, DD_CLASS_BYTES = 2 * 1024 * 1024 };

/* The tags that tell classes apart. */
struct dd_labels {
    struct gw_list exclude;        /* attributes that points do not have */
    unsigned field;                /* of the point's message, for its attributes: metric_attributes_field */
    unsigned n, peers, dimensions; /* where the latter begin */
    gw_str keys[DD_LABELS];
    uint32_t hashes[DD_LABELS];
    uint64_t unknown;          /* bits of the hashes of keys that dd_names does not have */
    uint8_t of_name[DD_NAMES]; /* the label of a name, + 1 */
};

/* At most DD_DIMENSIONS of the dimensions are used. Both lists outlive the labels. */
void dd_labels_init(struct dd_labels *, const struct gw_list *dimensions, const struct gw_list *exclude,
                    unsigned field);
/* Does the value of this key tell spans apart? `name` is its number. */
bool dd_is_label(const struct dd_labels *, unsigned name, gw_str key);

/* What a span says of its class. */
struct dd_labelled {
    gw_str value[DD_LABELS];
    uint64_t seen[2];
    bool top, measured, partial;
};

/* `keys` are those of its meta and metrics, one after another. */
void dd_label_span(struct dd_labelled *, const struct dd_labels *, const struct dd_span *,
                   const struct dd_key *keys, struct gw_arena *);
/* Of all spans with this plan. */
void dd_label_plan(struct dd_labelled *, const struct dd_labels *, const struct dd_plan *, struct gw_arena *);
/* Whether it counts even where it is not on top. */
bool dd_counts_anywhere(const struct dd_labelled *);

/* Attributes, in a buffer, without those that are excluded. In place. */
gw_str dd_without_excluded(const struct dd_labels *, gw_str written);

/* What is not a tag. */
struct dd_class_of {
    gw_str service, operation, resource, type; /* resource: without data */
    bool error, top, root, synthetics;
};

struct dd_class {
    uint64_t hash;
    struct dd_class *next;
    bool kept; /* in the table */
    gw_str raw, attributes;
};

struct dd_classes {
    struct gw_arena arena;
    struct dd_class *slots[DD_CLASS_SLOTS];
    struct otlp_buf raw, written; /* scratch */
    uint64_t
        generation; /* never twice in the process: what is remembered of classes is stale when it changes */
};

/* The account pays for what is kept; NULL: nobody. */
void dd_classes_init(struct dd_classes *, struct gw_budget *account);
void dd_classes_fini(struct dd_classes *);
/* Between requests: forgets all classes where there is no room for more. True: it did. */
bool dd_classes_tidy(struct dd_classes *);
/* In the table, or where that is full in `otherwise`. NULL: no memory. */
const struct dd_class *dd_class_of(struct dd_classes *, const struct dd_labels *, const struct dd_labelled *,
                                   const struct dd_class_of *, struct gw_arena *otherwise);

#endif
