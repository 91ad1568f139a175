/* option.c: parses, checks and compares the values of option rows. Owns nothing: values are in the
 * configuration's arena. Called on the main thread while a configuration is read.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/config/option.h"

#include "core/base/arena.h"
#include "core/config/config_diagnostic.h"
#include "core/config/did_you_mean.h"

enum { WORDS = 16 /* of a choice */ };

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit times[] = {
    {"ns", 1},          {"us", 1000},         {"ms", 1000000},           {"s", 1000000000},
    {"m", 60000000000}, {"h", 3600000000000}, {"d", 24 * 3600000000000}, {NULL, 0}};
static const struct unit sizes[] = {
    {"B", 1},     {"KiB", 1 << 10},    {"MiB", 1 << 20},   {"GiB", 1 << 30}, {"TiB", 1ull << 40},
    {"KB", 1000}, {"MB", 1000 * 1000}, {"GB", 1000000000}, {NULL, 0}};

static uint64_t factor_of(const struct unit *units, gw_str name)
{
    for (; units->name; units++)
        if (gw_str_eq(gw_str_z(units->name), name))
            return units->factor;
    return 0;
}

/* Digits and a unit, in whole numbers; no unit counts ones. False on anything else and past int64. */
static bool parse_quantity(gw_str s, const struct unit *units, bool needs_unit, uint64_t *out)
{
    size_t digits = 0;
    uint64_t number, value;
    while (digits < s.len && gw_is_digit(s.ptr[digits]))
        digits++;
    gw_str unit = gw_str_trim(gw_str_from(s, digits));
    uint64_t factor = unit.len ? factor_of(units, unit) : !needs_unit;
    if (!factor || !gw_str_u64(gw_str_n(s.ptr, digits), &number) ||
        __builtin_mul_overflow(number, factor, &value) || value > INT64_MAX)
        return false;
    *out = value;
    return true;
}

/* The numeric value of duration, size and count rows: their bounds are compared as numbers. */
static bool parse_number(enum gw_opt_type type, gw_str s, int64_t *out)
{
    uint64_t value = 0;
    if (type == GW_OPT_count)
        return gw_str_i64(s, out);
    if (!parse_quantity(s, type == GW_OPT_duration ? times : sizes, type == GW_OPT_duration, &value))
        return false;
    *out = (int64_t)value;
    return true;
}

/* The words of a choice, one at a time: *rest begins as row->min. */
static bool next_word(const char **rest, gw_str *word)
{
    if (!**rest)
        return false;
    size_t len = strcspn(*rest, "|");
    *word = gw_str_n(*rest, len);
    *rest += len + ((*rest)[len] == '|');
    return true;
}

/* What other programs call some of our words. */
static gw_str our_word(gw_str s)
{
    static const struct {
        gw_str theirs, ours;
    } words[] = {{GW_LIT("warn"), GW_LIT("warning")},
                 {GW_LIT("err"), GW_LIT("error")},
                 {GW_LIT("WARN"), GW_LIT("warning")}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (gw_str_eq(s, words[i].theirs))
            return words[i].ours;
    return s;
}

static int word_index(const char *words, gw_str s)
{
    gw_str word;
    for (int i = 0; next_word(&words, &word); i++)
        if (gw_str_eq(word, s) || gw_str_eq(word, our_word(s)))
            return i;
    return -1;
}

static gw_str copy_z(gw_str s, struct gw_arena *a)
{
    char *p = gw_arena_raw(a, s.len + 1, 1);
    if (!p)
        return GW_NOSTR;
    if (s.len)
        memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    return gw_str_n(p, s.len);
}

/* An array that doubles: there is room until n is a power of two. */
static void *room(void *items, size_t n, size_t size, struct gw_arena *a)
{
    if (n & (n - 1))
        return items;
    void *larger = gw_arena_array(a, n ? 2 * n : 1, size);
    if (larger && n)
        memcpy(larger, items, n * size);
    return larger;
}

bool gw_list_add(struct gw_list *list, gw_str item, struct gw_arena *a)
{
    gw_str copy = copy_z(item, a), *items = room(list->items, list->n, sizeof *items, a);
    if (!copy.ptr || !items)
        return false;
    items[list->n++] = copy;
    list->items = items;
    return true;
}

bool gw_map_add(struct gw_map *map, gw_str key, gw_str value, struct gw_arena *a)
{
    struct gw_map_item copy = {copy_z(key, a), copy_z(value, a)},
                       *items = room(map->items, map->n, sizeof *items, a);
    if (!copy.key.ptr || !copy.value.ptr || !items)
        return false;
    items[map->n++] = copy;
    map->items = items;
    return true;
}

struct gw_map *gw_groups_add(struct gw_groups *groups, struct gw_arena *a)
{
    struct gw_map *items = room(groups->items, groups->n, sizeof *items, a);
    if (!items)
        return NULL;
    items[groups->n] = (struct gw_map){0};
    groups->items = items;
    return &items[groups->n++];
}

bool gw_opt_is_word(const struct gw_opt *row, gw_str word)
{
    return word_index(row->min, word) >= 0;
}

/* "a, b, c"; blanks around an item do not count, an empty text has none. */
static bool parse_list(gw_str text, struct gw_list *out, struct gw_arena *a)
{
    gw_str item;
    *out = (struct gw_list){0};
    if (gw_str_trim(text).len == 0)
        return true;
    while (gw_str_next(&text, ',', &item))
        if (!gw_list_add(out, gw_str_trim(item), a))
            return false;
    return true;
}

/* "key=value, key=value". */
static bool parse_map(gw_str text, struct gw_map *out, struct gw_arena *a)
{
    gw_str item;
    *out = (struct gw_map){0};
    if (gw_str_trim(text).len == 0)
        return true;
    while (gw_str_next(&text, ',', &item)) {
        size_t at = gw_str_find(item, '=');
        gw_str key = gw_str_trim(gw_str_n(item.ptr, at));
        if (at == item.len || key.len == 0 ||
            !gw_map_add(out, key, gw_str_trim(gw_str_from(item, at + 1)), a))
            return false;
    }
    return true;
}

/* True when the text is a value of the row's type; *number is set for those that have bounds. */
static bool parse(const struct gw_opt *row, void *field, gw_str text, struct gw_arena *a, int64_t *number)
{
    switch (row->type) {
    case GW_OPT_str:
    case GW_OPT_secret: {
        gw_str copy = copy_z(text, a);
        if (copy.ptr)
            *(gw_str *)field = copy;
        return copy.ptr != NULL;
    }
    case GW_OPT_duration:
    case GW_OPT_size:
    case GW_OPT_count:
        return parse_number(row->type, text, number);
    case GW_OPT_flag:
        *number = gw_str_eq(text, GW_STR("true"));
        return *number || gw_str_eq(text, GW_STR("false"));
    case GW_OPT_choice:
        *number = word_index(row->min, text);
        return *number >= 0;
    case GW_OPT_list:
        return parse_list(text, field, a);
    case GW_OPT_map:
        return parse_map(text, field, a);
    case GW_OPT_groups: /* only a file can set more than none */
        *(struct gw_groups *)field = (struct gw_groups){0};
        return gw_str_trim(text).len == 0;
    case GW_OPT_END_ROW:
        break;
    }
    return false;
}

static void store(enum gw_opt_type type, void *field, int64_t number)
{
    switch (type) {
    case GW_OPT_duration:
    case GW_OPT_count:
        *(int64_t *)field = number;
        break;
    case GW_OPT_size:
        *(uint64_t *)field = (uint64_t)number;
        break;
    case GW_OPT_flag:
        *(bool *)field = number != 0;
        break;
    case GW_OPT_choice:
        *(int *)field = (int)number;
        break;
    default: /* the text types have been stored while parsing */
        break;
    }
}

static bool has_bounds(enum gw_opt_type type)
{
    return type == GW_OPT_duration || type == GW_OPT_size || type == GW_OPT_count;
}

/* Bounds are inclusive; an empty one does not bound. */
static bool in_bounds(const struct gw_opt *row, int64_t number)
{
    int64_t bound;
    if (!has_bounds(row->type))
        return true;
    if (*row->min && parse_number(row->type, gw_str_z(row->min), &bound) && number < bound)
        return false;
    return !*row->max || !parse_number(row->type, gw_str_z(row->max), &bound) || number <= bound;
}

bool gw_opt_defaults(const struct gw_opt *rows, void *conf, struct gw_arena *a)
{
    for (; rows->type != GW_OPT_END_ROW; rows++) {
        void *field = (char *)conf + rows->offset;
        int64_t number = 0;
        bool good = parse(rows, field, gw_str_z(rows->value), a, &number);
        if (a->spent)
            return false;
        GW_ASSERT(good);
        GW_ASSERT(in_bounds(rows, number));
        store(rows->type, field, number);
    }
    return true;
}

const char *gw_opt_type_text(enum gw_opt_type type)
{
    static const char *const texts[] = {
        [GW_OPT_END_ROW] = "",
        [GW_OPT_str] = "a text",
        [GW_OPT_secret] = "a secret",
        [GW_OPT_duration] = "a duration",
        [GW_OPT_size] = "a size",
        [GW_OPT_count] = "a whole number",
        [GW_OPT_flag] = "true or false",
        [GW_OPT_choice] = "one of",
        [GW_OPT_list] = "a list of texts",
        [GW_OPT_map] = "a group of texts",
        [GW_OPT_groups] = "a list of groups",
    };
    return texts[type];
}

const char *gw_opt_type_hint(enum gw_opt_type type)
{
    static const char *const hints[] = {
        [GW_OPT_END_ROW] = "",
        [GW_OPT_str] = "write it in quotes",
        [GW_OPT_secret] = "write \"${env:NAME}\" or \"${file:/path}\"",
        [GW_OPT_duration] = "write \"10s\", \"250ms\", \"2m\" or \"1h\"",
        [GW_OPT_size] = "write \"8MiB\", \"512KiB\" or \"1GiB\"; KB, MB and GB are decimal",
        [GW_OPT_count] = "write digits only",
        [GW_OPT_flag] = "write true or false, without quotes",
        [GW_OPT_choice] = "write one of its words in quotes",
        [GW_OPT_list] = "write [ \"a\", \"b\" ]",
        [GW_OPT_map] = "write { key = \"value\"; } or [ \"key=value\" ]",
        [GW_OPT_groups] = "write ( { key = \"value\"; … }, { … } )",
    };
    return hints[type];
}

static void out_of_bounds(const struct gw_opt *row, gw_str shown, const char *path, struct gw_diagnostics *p)
{
    if (*row->min && *row->max)
        gw_config_error(p, path, "%.*s is out of range: %s to %s", GW_FMT(shown), row->min, row->max);
    else
        gw_config_error(p, path, "%.*s is out of range: at %s %s", GW_FMT(shown),
                        *row->min ? "least" : "most", *row->min ? row->min : row->max);
}

void gw_opt_words(const struct gw_opt *row, char *out, size_t size)
{
    const char *rest = row->min;
    gw_str word;
    size_t n = 0;
    out[0] = '\0';
    for (int i = 0; next_word(&rest, &word) && n + word.len + 3 < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%.*s", i ? ", " : "", GW_FMT(word));
}

/* The word that was meant; NULL: none is near. */
static const char *near_word(const struct gw_opt *row, gw_str wrong, struct gw_arena *a)
{
    const char *names[WORDS] = {NULL}, *rest = row->min;
    gw_str word;
    for (size_t n = 0; n + 1 < WORDS && next_word(&rest, &word); n++)
        names[n] = copy_z(word, a).ptr;
    return gw_did_you_mean(wrong, names);
}

static void not_a_word(const struct gw_opt *row, gw_str shown, struct gw_arena *a, const char *path,
                       struct gw_diagnostics *p)
{
    char words[256];
    gw_opt_words(row, words, sizeof words);
    const char *near = near_word(row, shown, a);
    gw_config_error(p, path, "\"%.*s\" is not one of %s%s%s%s", GW_FMT(shown), words,
                    near ? ": did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

bool gw_opt_set(const struct gw_opt *row, void *conf, gw_str text, gw_str shown, struct gw_arena *a,
                const char *path, struct gw_diagnostics *p)
{
    void *field = (char *)conf + row->offset;
    int64_t number = 0;
    if (!parse(row, field, text, a, &number)) {
        if (a->spent)
            gw_config_error(p, path, "the configuration is too large");
        else if (row->type == GW_OPT_choice)
            not_a_word(row, shown, a, path, p);
        else
            gw_config_error(p, path, "\"%.*s\" is not %s: %s", GW_FMT(shown), gw_opt_type_text(row->type),
                            gw_opt_type_hint(row->type));
        return false;
    }
    if (!in_bounds(row, number)) {
        out_of_bounds(row, shown, path, p);
        return false;
    }
    store(row->type, field, number);
    return true;
}

static bool same_list(const struct gw_list *a, const struct gw_list *b)
{
    for (size_t i = 0; i < a->n && a->n == b->n; i++)
        if (!gw_str_eq(a->items[i], b->items[i]))
            return false;
    return a->n == b->n;
}

static bool same_map(const struct gw_map *a, const struct gw_map *b)
{
    for (size_t i = 0; i < a->n && a->n == b->n; i++)
        if (!gw_str_eq(a->items[i].key, b->items[i].key) || !gw_str_eq(a->items[i].value, b->items[i].value))
            return false;
    return a->n == b->n;
}

static bool same_groups(const struct gw_groups *a, const struct gw_groups *b)
{
    for (size_t i = 0; i < a->n && a->n == b->n; i++)
        if (!same_map(&a->items[i], &b->items[i]))
            return false;
    return a->n == b->n;
}

bool gw_opt_same(const struct gw_opt *row, const void *a, const void *b)
{
    const void *x = (const char *)a + row->offset, *y = (const char *)b + row->offset;
    switch (row->type) {
    case GW_OPT_str:
    case GW_OPT_secret:
        return gw_str_eq(*(const gw_str *)x, *(const gw_str *)y);
    case GW_OPT_duration:
        return *(const gw_nsec *)x == *(const gw_nsec *)y;
    case GW_OPT_size:
        return *(const uint64_t *)x == *(const uint64_t *)y;
    case GW_OPT_count:
        return *(const int64_t *)x == *(const int64_t *)y;
    case GW_OPT_flag:
        return *(const bool *)x == *(const bool *)y;
    case GW_OPT_choice:
        return *(const int *)x == *(const int *)y;
    case GW_OPT_list:
        return same_list(x, y);
    case GW_OPT_map:
        return same_map(x, y);
    case GW_OPT_groups:
        return same_groups(x, y);
    case GW_OPT_END_ROW:
        break;
    }
    return true;
}

bool gw_opt_same_all(const struct gw_opt *rows, const void *a, const void *b)
{
    for (; rows->type != GW_OPT_END_ROW; rows++)
        if (!gw_opt_same(rows, a, b))
            return false;
    return true;
}

bool gw_list_is(const struct gw_list *list, const char *written)
{
    gw_str rest = gw_str_z(written), item;
    for (size_t i = 0; i < list->n; i++)
        if (!gw_str_next(&rest, ',', &item) || !gw_str_eq(gw_str_trim(item), list->items[i]))
            return false;
    return rest.len == 0;
}
