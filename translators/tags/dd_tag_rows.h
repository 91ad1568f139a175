/* dd_tag_rows.h: access to the table dd_tags.def, for the translators of spans, log records and metrics.
 *
 * Threads: pure functions; the rows are constants.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_TAG_ROWS_H
#define DD_TAG_ROWS_H

#include "core/base/str.h"

enum dd_tag_list { DD_TAGS_CONTAINER, DD_TAGS_PROCESS };

struct dd_tag_row {
    gw_str tag, attribute;
    const char *note; /* for the reference page; may be empty */
    bool array;       /* semantic conventions define the attribute as an array */
};

/* Returns the i-th row of a list, or NULL at the end. */
const struct dd_tag_row *dd_tag_row(enum dd_tag_list, size_t i);

/* Returns the row of this tag, or NULL if the table has none. */
const struct dd_tag_row *dd_tag_find(enum dd_tag_list, gw_str tag);

#endif
