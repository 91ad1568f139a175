/* dd_tag_rows.h: the table dd_tags.def, for those who translate such tags: spans, log records and metrics.
 *
 * Pure; the rows are static.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_TAG_ROWS_H
#define DD_TAG_ROWS_H

#include "core/base/str.h"

enum dd_tag_list { DD_TAGS_CONTAINER, DD_TAGS_PROCESS };

struct dd_tag_row {
    gw_str tag, attribute;
    const char *note; /* for the reference page; may be empty */
    bool array;       /* the attribute is an array by convention */
};

/* The i-th row of a list; NULL when there are no more. */
const struct dd_tag_row *dd_tag_row(enum dd_tag_list, size_t i);

/* The row of this tag; NULL: the table has none. */
const struct dd_tag_row *dd_tag_find(enum dd_tag_list, gw_str tag);

#endif
