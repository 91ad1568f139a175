/* option_print.c: Prints the values of options as they would be written in a configuration. Owns nothing.
 * Called by `ddgate check`.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/scrub.h"
#include "core/config/option.h"

static const char hidden[] = "***";

/* "10s": the largest unit that leaves a whole number. */
static void print_duration(gw_nsec t, FILE *to)
{
    static const struct {
        const char *name;
        gw_nsec factor;
    } units[] = {{"h", 3600 * GW_SEC}, {"m", 60 * GW_SEC}, {"s", GW_SEC},
                 {"ms", GW_MSEC},      {"us", 1000},       {"ns", 1}};
    size_t i = t ? 0 : 2;
    while (t % units[i].factor)
        i++;
    fprintf(to, "\"%lld%s\"", (long long)(t / units[i].factor), units[i].name);
}

static void print_size(uint64_t bytes, FILE *to)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;
    if (bytes && bytes % 1024 && bytes % 1000000 == 0) {
        fprintf(to, "\"%lluMB\"", (unsigned long long)(bytes / 1000000));
        return;
    }
    while (bytes && bytes % 1024 == 0 && i + 1 < sizeof units / sizeof *units) {
        bytes /= 1024;
        i++;
    }
    fprintf(to, "\"%llu%s\"", (unsigned long long)bytes, units[i]);
}

static void print_word(const struct gw_opt *row, int index, FILE *to)
{
    gw_str rest = gw_str_z(row->min), word = GW_NOSTR;
    for (int i = 0; i <= index; i++)
        gw_str_next(&rest, '|', &word);
    fprintf(to, "\"%.*s\"", GW_FMT(word));
}

static void print_list(const struct gw_list *list, FILE *to)
{
    fputs("[", to);
    for (size_t i = 0; i < list->n; i++)
        fprintf(to, "%s\"%.*s\"", i ? ", " : " ", GW_FMT(list->items[i]));
    fputs(list->n ? " ]" : "]", to);
}

/* All values of headers may be secret; of other maps, those with secret-sounding names. */
static void print_map(const struct gw_map *map, bool headers, FILE *to)
{
    fputs("{", to);
    for (size_t i = 0; i < map->n; i++) {
        bool secret = headers || gw_secret_is_name(map->items[i].key);
        fprintf(to, " %.*s = \"%.*s\";", GW_FMT(map->items[i].key),
                secret ? (int)sizeof hidden - 1 : (int)map->items[i].value.len,
                secret ? hidden : map->items[i].value.ptr);
    }
    fputs(map->n ? " }" : "}", to);
}

static void print_groups(const struct gw_groups *groups, FILE *to)
{
    fputs("(", to);
    for (size_t i = 0; i < groups->n; i++) {
        fputs(i ? ", " : " ", to);
        print_map(&groups->items[i], false, to);
    }
    fputs(groups->n ? " )" : ")", to);
}

void gw_opt_print(const struct gw_opt *row, const void *conf, FILE *to)
{
    const void *field = (const char *)conf + row->offset;
    switch (row->type) {
    case GW_OPT_str:
        fprintf(to, "\"%.*s\"", GW_FMT(*(const gw_str *)field));
        break;
    case GW_OPT_secret:
        fprintf(to, "\"%s\"", ((const gw_str *)field)->len ? hidden : "");
        break;
    case GW_OPT_duration:
        print_duration(*(const gw_nsec *)field, to);
        break;
    case GW_OPT_size:
        print_size(*(const uint64_t *)field, to);
        break;
    case GW_OPT_count:
        fprintf(to, "%lld", (long long)*(const int64_t *)field);
        break;
    case GW_OPT_flag:
        fputs(*(const bool *)field ? "true" : "false", to);
        break;
    case GW_OPT_choice:
        print_word(row, *(const int *)field, to);
        break;
    case GW_OPT_list:
        print_list(field, to);
        break;
    case GW_OPT_map:
        print_map(field, strcmp(row->name, "headers") == 0, to);
        break;
    case GW_OPT_groups:
        print_groups(field, to);
        break;
    case GW_OPT_END_ROW:
        break;
    }
}
