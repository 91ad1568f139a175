/* dd_explain_words.h: why, in one line, and the row of docs/reference/mapping.md. For dd_explain_span.c.
 *
 * Words are those of the tables: dd_attrs.def, dd_resource.def, dd_tags.def; those of the span's own fields are here.
 * Pure; texts are static or in the arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_EXPLAIN_WORDS_H
#define DD_EXPLAIN_WORDS_H

#include "translators/ddtrace/dd_explain.h"

/* What is known of where an item comes from, beside its `from`. */
struct dd_item_origin {
    bool has_section; /* of the first of `from` … */
    enum dd_explained_section section;
    bool of_others; /* … which another span of the request says */
    bool host;      /* this machine's name */
};

/* Fills in why and row. */
void dd_explain_item_words(struct gw_arena *, const struct dd_options *, const struct dd_item_origin *,
                           struct dd_explained_item *);

/* What is known of a received part, beside its fate and `to`. */
struct dd_part_story {
    bool decides;       /* whether the span is sent at all */
    bool says_same;     /* as what it was renamed to */
    bool has_twin;      /* another entry of the same name, which counts */
    bool not_tried;     /* DD_EXPLAIN_WORK was not enough */
    gw_str not_sent;    /* the span, and why */
    const gw_str *rest; /* what it decides on */
    size_t rest_n;
};

void dd_explain_part_words(struct gw_arena *, const struct dd_options *, const struct dd_part_story *,
                           struct dd_explained_part *);

/* True when option strip leaves the tag out. */
bool dd_explain_stripped(const struct dd_options *, gw_str name);

#endif
