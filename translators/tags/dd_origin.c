/* Reads the lists in which Datadog's clients name the container they run in.
 *
 * Keeps no state. Called by the readers of trace requests' headers and of DogStatsD lines.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/tags/dd_origin.h"

/* Matches "prefix-value" and sets *value. Returns false for another prefix or an empty value. */
static bool has_prefix(gw_str item, gw_str prefix, gw_str *value)
{
    if (!gw_str_starts(item, prefix) || item.len == prefix.len)
        return false;
    *value = gw_str_from(item, prefix.len);
    return true;
}

void dd_origin_read_entity(gw_str text, struct dd_origin *o)
{
    gw_str item, inode;
    while (gw_str_next(&text, ',', &item)) {
        item = gw_str_trim(item);
        if (has_prefix(item, GW_STR("in-"), &inode))
            gw_str_u64(inode, &o->inode);
        else if (!has_prefix(item, GW_STR("ci-"), &o->container_id))
            has_prefix(item, GW_STR("cid-"), &o->container_id);
    }
}

void dd_origin_read_external(gw_str text, struct dd_origin *o)
{
    gw_str item;
    while (gw_str_next(&text, ',', &item)) {
        item = gw_str_trim(item);
        if (!has_prefix(item, GW_STR("cn-"), &o->k8s_container))
            has_prefix(item, GW_STR("pu-"), &o->k8s_pod_uid);
    }
}
