/* config_tree.c: fills structs from libconfig's tree, by rows. Owns nothing. Called on the main thread while
 * a configuration is read.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/config/config_tree.h"

#include <stdio.h>
#include <string.h>

#include "core/config/config_diagnostic.h"
#include "core/config/did_you_mean.h"

enum { NAMES = 128 };

/* One call of gw_tree_fill. */
struct fill {
    struct gw_tree *tree;
    const struct gw_tree_rows *rows;
    size_t n;
    const char *help;
    const char *const *also;
};

/* The path of a setting in the one at `path`: by name in a group, by number in a list. */
static void child_path(char out[static GW_OPTION_PATH], const char *path, config_setting_t *child)
{
    const char *name = config_setting_name(child);
    int len = name ? 0 : snprintf(out, GW_OPTION_PATH, "%s[%d]", path, config_setting_index(child));
    if (name)
        gw_option_path(out, path, name);
    if (len >= GW_OPTION_PATH) /* the shown value is truncated */
        out[GW_OPTION_PATH - 1] = '\0';
}

void gw_tree_include_from(struct gw_tree *t, config_t *tree)
{
    const char *slash = strrchr(t->file, '/');
    gw_str dir = slash ? gw_str_n(t->file, (size_t)(slash - t->file) + (slash == t->file)) : GW_STR(".");
    const char *z = gw_arena_printf(t->arena, "%.*s", GW_FMT(dir)).ptr;
    if (z)
        config_set_include_dir(tree, z);
}

const char *gw_tree_syntax_text(const char *libconfig_text)
{
    static const struct {
        const char *theirs, *ours;
    } texts[] = {
        {"syntax error", "syntax error: look here and on the line before for a missing ; or bracket, text "
                         "without quotes, or a name in quotes"},
        {"mismatched element type in array",
         "the values between [ and ] are not of one type: put every one in quotes"},
        {"duplicate setting name", "this name stood here before: keep one of the two"},
        {"cannot open include file",
         "the file that is @included cannot be opened; its name is relative to this file"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (libconfig_text && strcmp(texts[i].theirs, libconfig_text) == 0)
            return texts[i].ours;
    return libconfig_text ? libconfig_text : "cannot be read";
}

static void place(struct gw_tree *t, config_setting_t *s, const char *path, int depth)
{
    char at[GW_OPTION_PATH];
    const char *file = config_setting_source_file(s);
    if (*path)
        gw_diagnostics_location(t->diagnostics, path, file ? file : t->file, config_setting_source_line(s));
    if (!config_setting_is_aggregate(s) || depth == GW_TREE_DEPTH)
        return;
    for (int i = 0; i < config_setting_length(s); i++) {
        config_setting_t *child = config_setting_get_elem(s, (unsigned)i);
        child_path(at, path, child);
        place(t, child, at, depth + 1);
    }
}

void gw_tree_locations(struct gw_tree *t, config_setting_t *root)
{
    place(t, root, "", 0);
}

static const char *kind_of(const config_setting_t *s)
{
    static const char *const kinds[] = {
        [CONFIG_TYPE_NONE] = "nothing",       [CONFIG_TYPE_GROUP] = "a group",
        [CONFIG_TYPE_INT] = "a number",       [CONFIG_TYPE_INT64] = "a number",
        [CONFIG_TYPE_FLOAT] = "a number",     [CONFIG_TYPE_STRING] = "a text",
        [CONFIG_TYPE_BOOL] = "true or false", [CONFIG_TYPE_ARRAY] = "a list",
        [CONFIG_TYPE_LIST] = "a list",
    };
    return kinds[config_setting_type(s)];
}

bool gw_tree_text(struct gw_tree *t, config_setting_t *s, const char *path, gw_str *out)
{
    if (config_setting_type(s) == CONFIG_TYPE_STRING)
        return gw_conf_expand(gw_str_z(config_setting_get_string(s)), t->env, t->arena, out, path,
                              t->diagnostics);
    gw_config_error(t->diagnostics, path, "is %s, and wants a text: write it in quotes", kind_of(s));
    return false;
}

static void wrong_kind(struct gw_tree *t, const struct gw_opt *row, const config_setting_t *s,
                       const char *path)
{
    char words[256];
    gw_opt_words(row, words, sizeof words);
    if (row->type == GW_OPT_choice)
        gw_config_error(t->diagnostics, path, "is %s, and wants one of %s, in quotes", kind_of(s), words);
    else
        gw_config_error(t->diagnostics, path, "is %s, and wants %s: %s", kind_of(s),
                        gw_opt_type_text(row->type), gw_opt_type_hint(row->type));
}

static bool is_integer(const config_setting_t *s)
{
    return config_setting_type(s) == CONFIG_TYPE_INT || config_setting_type(s) == CONFIG_TYPE_INT64;
}

/* True if text is allowed for this type. Numbers and booleans are written without quotes, unless they come
 * from ${…}. */
static bool text_fits(enum gw_opt_type type, gw_str raw)
{
    return (type != GW_OPT_count && type != GW_OPT_flag) || (raw.len && strstr(raw.ptr, "${"));
}

static void set_scalar(struct gw_tree *t, const struct gw_opt *row, void *conf, config_setting_t *s,
                       const char *path)
{
    gw_str raw = GW_NOSTR, text;
    if (config_setting_type(s) == CONFIG_TYPE_STRING &&
        text_fits(row->type, gw_str_z(config_setting_get_string(s))))
        raw = gw_str_z(config_setting_get_string(s));
    else if (is_integer(s) && (row->type == GW_OPT_count || row->type == GW_OPT_size))
        raw = gw_arena_printf(t->arena, "%lld", config_setting_get_int64(s));
    else if (config_setting_type(s) == CONFIG_TYPE_BOOL && row->type == GW_OPT_flag)
        raw = config_setting_get_bool(s) ? GW_STR("true") : GW_STR("false");
    else
        wrong_kind(t, row, s, path);
    if (!raw.ptr)
        return;
    if (!gw_conf_expand(raw, t->env, t->arena, &text, path, t->diagnostics)) {
        gw_diagnostics_failed(t->diagnostics, path);
        return;
    }
    if (raw.len && strstr(raw.ptr, "${"))
        gw_diagnostics_expanded(t->diagnostics, path, raw);
    if (raw.len && !text.len)
        gw_diagnostics_left_empty(t->diagnostics, path);
    gw_opt_set(row, conf, text, row->type == GW_OPT_secret ? GW_STR("***") : raw, t->arena, path,
               t->diagnostics);
}

static bool is_sequence(const config_setting_t *s)
{
    return config_setting_is_array(s) || config_setting_is_list(s);
}

static void set_list(struct gw_tree *t, const struct gw_opt *row, void *conf, config_setting_t *s,
                     const char *path)
{
    struct gw_list list = {0};
    char at[GW_OPTION_PATH];
    gw_str item;
    bool one = config_setting_type(s) == CONFIG_TYPE_STRING;
    if (!one && !is_sequence(s)) {
        wrong_kind(t, row, s, path);
        return;
    }
    bool good = !one || gw_tree_text(t, s, path, &item);
    if (one && good && !gw_list_add(&list, item, t->arena))
        return; /* no memory: configuration.c reports it */
    for (int i = 0; !one && i < config_setting_length(s); i++) {
        config_setting_t *child = config_setting_get_elem(s, (unsigned)i);
        child_path(at, path, child);
        bool readable = gw_tree_text(t, child, at, &item);
        if (readable && !gw_list_add(&list, item, t->arena))
            return;
        good &= readable;
    }
    if (!good)
        gw_diagnostics_failed(t->diagnostics, path);
    *(struct gw_list *)((char *)conf + row->offset) = list;
}

/* "key=value" */
static void add_pair(struct gw_tree *t, struct gw_map *map, gw_str pair, const char *path)
{
    size_t at = gw_str_find(pair, '=');
    gw_str key = gw_str_trim(gw_str_n(pair.ptr, at));
    if (at == pair.len || key.len == 0)
        gw_config_error(t->diagnostics, path, "is not \"key=value\"");
    else if (!gw_map_add(map, key, gw_str_trim(gw_str_from(pair, at + 1)), t->arena))
        return; /* no memory: configuration.c reports it */
}

/* A value of a group; numbers may be written without quotes, too. */
static bool value_text(struct gw_tree *t, config_setting_t *s, const char *path, gw_str *out)
{
    if (is_integer(s))
        *out = gw_arena_printf(t->arena, "%lld", config_setting_get_int64(s));
    else if (config_setting_type(s) == CONFIG_TYPE_FLOAT)
        *out = gw_arena_printf(t->arena, "%.15g", config_setting_get_float(s));
    else
        return gw_tree_text(t, s, path, out);
    return true;
}

static void set_map(struct gw_tree *t, const struct gw_opt *row, void *conf, config_setting_t *s,
                    const char *path)
{
    struct gw_map map = {0};
    char at[GW_OPTION_PATH];
    gw_str text;
    if (!is_sequence(s) && !config_setting_is_group(s)) {
        wrong_kind(t, row, s, path);
        return;
    }
    for (int i = 0; i < config_setting_length(s); i++) {
        config_setting_t *child = config_setting_get_elem(s, (unsigned)i);
        const char *name = config_setting_name(child);
        child_path(at, path, child);
        if (!(name ? value_text : gw_tree_text)(t, child, at, &text))
            continue;
        if (!name)
            add_pair(t, &map, text, at);
        else if (!gw_map_add(&map, gw_str_z(name), text, t->arena))
            return;
    }
    *(struct gw_map *)((char *)conf + row->offset) = map;
}

/* One of a list of groups: each key is one that the row names. */
static void set_group(struct gw_tree *t, const struct gw_opt *row, struct gw_map *to, config_setting_t *group,
                      const char *path)
{
    char at[GW_OPTION_PATH], words[256];
    gw_str text;
    for (int i = 0; i < config_setting_length(group); i++) {
        config_setting_t *child = config_setting_get_elem(group, (unsigned)i);
        gw_str name = gw_str_z(config_setting_name(child));
        child_path(at, path, child);
        if (!gw_opt_is_word(row, name)) {
            gw_opt_words(row, words, sizeof words);
            gw_config_error(t->diagnostics, at, "there is no such key here: there are %s", words);
        } else if (value_text(t, child, at, &text) && !gw_map_add(to, name, text, t->arena)) {
            return; /* no memory: configuration.c reports it */
        }
    }
}

static void set_groups(struct gw_tree *t, const struct gw_opt *row, void *conf, config_setting_t *s,
                       const char *path)
{
    struct gw_groups groups = {0};
    char at[GW_OPTION_PATH];
    if (!config_setting_is_list(s)) {
        wrong_kind(t, row, s, path);
        return;
    }
    for (int i = 0; i < config_setting_length(s); i++) {
        config_setting_t *child = config_setting_get_elem(s, (unsigned)i);
        child_path(at, path, child);
        if (!config_setting_is_group(child)) {
            wrong_kind(t, row, child, at);
            continue;
        }
        struct gw_map *group = gw_groups_add(&groups, t->arena);
        if (!group)
            return; /* no memory: configuration.c reports it */
        set_group(t, row, group, child, at);
    }
    *(struct gw_groups *)((char *)conf + row->offset) = groups;
}

static void set_row(struct gw_tree *t, const struct gw_opt *row, void *conf, config_setting_t *s,
                    const char *path)
{
    if (row->type == GW_OPT_list)
        set_list(t, row, conf, s, path);
    else if (row->type == GW_OPT_map)
        set_map(t, row, conf, s, path);
    else if (row->type == GW_OPT_groups)
        set_groups(t, row, conf, s, path);
    else
        set_scalar(t, row, conf, s, path);
}

/* The row of this name, and its struct. */
static const struct gw_opt *find_row(const struct fill *f, const char *name, void **conf)
{
    for (size_t i = 0; i < f->n; i++)
        for (const struct gw_opt *row = f->rows[i].rows; row->type != GW_OPT_END_ROW; row++)
            if (strcmp(row->name, name) == 0) {
                *conf = f->rows[i].conf;
                return row;
            }
    return NULL;
}

/* True if a row is in this group, for example "tls". */
static bool is_group_name(const struct fill *f, const char *name)
{
    size_t len = strlen(name);
    for (size_t i = 0; i < f->n; i++)
        for (const struct gw_opt *row = f->rows[i].rows; row->type != GW_OPT_END_ROW; row++)
            if (strncmp(row->name, name, len) == 0 && row->name[len] == '.')
                return true;
    return false;
}

/* The allowed names in the group whose rows begin with `prefix`: "" or "tls.". */
static void known_names(const struct fill *f, const char *prefix, const char *names[static NAMES],
                        struct gw_arena *a)
{
    size_t count = 0, len = strlen(prefix);
    for (size_t i = 0; !len && f->also[i]; i++)
        names[count++] = f->also[i];
    for (size_t i = 0; i < f->n; i++)
        for (const struct gw_opt *row = f->rows[i].rows; row->type != GW_OPT_END_ROW && count + 1 < NAMES;
             row++)
            if (strncmp(row->name, prefix, len) == 0) {
                const char *rest = row->name + len;
                const char *name = gw_arena_printf(a, "%.*s", (int)strcspn(rest, "."), rest).ptr;
                if (name)
                    names[count++] = name;
            }
    names[count] = NULL;
}

/* A row elsewhere that ends in this name: "ca" is "tls.ca". */
static const char *elsewhere(const struct fill *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        for (const struct gw_opt *row = f->rows[i].rows; row->type != GW_OPT_END_ROW; row++) {
            const char *dot = strrchr(row->name, '.');
            if (strcmp(dot ? dot + 1 : row->name, name) == 0)
                return row->name;
        }
    return NULL;
}

static void unknown(const struct fill *f, const char *prefix, const char *name, const char *path)
{
    const char *names[NAMES];
    char dotted[GW_OPTION_PATH] = "";
    if (*prefix)
        snprintf(dotted, sizeof dotted, "%s.", prefix);
    known_names(f, dotted, names, f->tree->arena);
    const char *near = gw_did_you_mean(gw_str_z(name), names);
    if (!near)
        near = elsewhere(f, name);
    if (near)
        gw_config_error(f->tree->diagnostics, path, "there is no such option: did you mean \"%s\"?", near);
    else
        gw_config_error(f->tree->diagnostics, path,
                        "there is no such option: ddgate --help %s lists what there is", f->help);
}

static bool read_by_others(const struct fill *f, const char *prefix, const char *name)
{
    for (const char *const *also = f->also; !*prefix && *also; also++)
        if (strcmp(*also, name) == 0)
            return true;
    return false;
}

static void fill_group(const struct fill *f, config_setting_t *group, const char *prefix, const char *path)
{
    char full[GW_OPTION_PATH], at[GW_OPTION_PATH];
    void *conf;
    for (int i = 0; i < config_setting_length(group); i++) {
        config_setting_t *s = config_setting_get_elem(group, (unsigned)i);
        const char *name = config_setting_name(s);
        gw_option_path(at, path, name);
        gw_option_path(full, prefix, name);
        const struct gw_opt *row = find_row(f, full, &conf);
        if (row)
            set_row(f->tree, row, conf, s, at);
        else if (is_group_name(f, full) && config_setting_is_group(s))
            fill_group(f, s, full, at);
        else if (is_group_name(f, full))
            gw_config_error(f->tree->diagnostics, at, "is %s, and wants a group: write %s = { … };",
                            kind_of(s), name);
        else if (!read_by_others(f, prefix, name))
            unknown(f, prefix, name, at);
    }
}

void gw_tree_fill(struct gw_tree *t, config_setting_t *group, const struct gw_tree_rows *rows, size_t n,
                  const char *path, const char *help, const char *const *also)
{
    struct fill f = {t, rows, n, help, also};
    fill_group(&f, group, "", path);
}
