/* option_secrets.c: Finds the secrets among the values of options and passes them to scrub.c. Owns nothing.
 * Called for every configuration that was read, on the main thread, before any message about it is printed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "core/base/scrub.h"
#include "core/config/config_path.h"
#include "core/config/option.h"

static bool is_url(gw_str s)
{
    return s.len && (memmem(s.ptr, s.len, "://", 3) || gw_str_find(s, '@') < s.len);
}

/* A text may be a URL, or a key in the place of the name of its file. */
static void add_plain(const struct gw_opt *row, gw_str value)
{
    if (is_url(value))
        gw_secret_add_url(value);
    if (gw_str_starts(gw_str_z(row->name), GW_STR("tls.")) && !gw_path_is_name(value) &&
        strcmp(row->name, "tls.server_name") != 0)
        gw_secret_add_text(value);
}

static void add_secret(gw_str value)
{
    gw_secret_add_text(value);
    gw_secret_add_list(value); /* several tokens */
}

/* [ "Bearer secret=" ] is read as a header of the name "Bearer secret". */
static void add_header(const struct gw_map_item *item)
{
    if (gw_str_find(item->key, ' ') < item->key.len)
        gw_secret_add_header(GW_NOSTR, item->key);
    gw_secret_add_header(item->key, item->value);
}

static void add_map(const struct gw_opt *row, const struct gw_map *map)
{
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(row->name, "headers") == 0)
            add_header(&map->items[i]);
        else if (gw_secret_is_name(map->items[i].key))
            gw_secret_add(map->items[i].value);
}

void gw_opt_secrets(const struct gw_opt *row, const void *conf)
{
    for (; row->type != GW_OPT_END_ROW; row++) {
        const void *field = (const char *)conf + row->offset;
        const struct gw_list *list = field;
        if (row->type == GW_OPT_secret)
            add_secret(*(const gw_str *)field);
        else if (row->type == GW_OPT_map)
            add_map(row, field);
        else if (row->type == GW_OPT_str)
            add_plain(row, *(const gw_str *)field);
        for (size_t i = 0; row->type == GW_OPT_list && i < list->n; i++)
            add_plain(row, list->items[i]);
    }
}
