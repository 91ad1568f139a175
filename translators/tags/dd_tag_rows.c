/* Holds the table of container and process tags.
 *
 * Keeps no state. Called by dd_tags.c, log_resource.c, dogstatsd_series.c, and by dd_reference.c for the
 * reference page.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/tags/dd_tag_rows.h"

static const struct rule {
    enum dd_tag_list list;
    struct dd_tag_row row;
} rules[] = {
#define TAG(list, tag, attribute, array, note)                                                               \
    {DD_TAGS_##list, {GW_LIT(tag), GW_LIT(attribute), note, array}},
#include "translators/tags/dd_tags.def"
#undef TAG
};

enum { RULES = sizeof rules / sizeof *rules };

const struct dd_tag_row *dd_tag_row(enum dd_tag_list list, size_t i)
{
    for (size_t k = 0; k < RULES; k++)
        if (rules[k].list == list && i-- == 0)
            return &rules[k].row;
    return NULL;
}

const struct dd_tag_row *dd_tag_find(enum dd_tag_list list, gw_str tag)
{
    for (size_t k = 0; k < RULES; k++)
        if (rules[k].list == list && gw_str_eq(tag, rules[k].row.tag))
            return &rules[k].row;
    return NULL;
}
