/* config_tree.h: fills structs from libconfig's tree by rows.
 *
 *     { timeout = "5s"; tls = { ca = "…"; }; }   ─▶   row "timeout", row "tls.ca"   ─▶   fields of a struct
 *
 * Every key is a row, a group on the way to one, or a mistake. A value has the type of its row; text with
 * ${…} is accepted for every type, because environment variables are text.
 *
 * Threads: main thread. Ownership: values are in the configuration's arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CONFIG_TREE_H
#define GW_CONFIG_TREE_H

#include <libconfig.h>

#include "core/base/arena.h"
#include "core/config/config_diagnostic.h"
#include "core/config/config_text.h"
#include "core/config/option.h"

enum { GW_TREE_DEPTH = 8 };

struct gw_tree {
    struct gw_arena *arena;
    gw_env_f *env;
    struct gw_diagnostics *diagnostics;
    const char *file; /* for places; NULL: no file */
};

struct gw_tree_rows {
    const struct gw_opt *rows;
    void *conf;
};

/* @include finds files next to the configuration. */
void gw_tree_include_from(struct gw_tree *, config_t *);
/* libconfig's message, with the usual cause. */
const char *gw_tree_syntax_text(const char *libconfig_text);
/* Reports the place of every setting to config_diagnostic.h. */
void gw_tree_locations(struct gw_tree *, config_setting_t *root);

/* A setting's text, with ${…} put in; false and a diagnostic when it is not text. */
bool gw_tree_text(struct gw_tree *, config_setting_t *, const char *path, gw_str *out);
/* Fills structs from a group. `also` (NULL-terminated) are keys that others read; `help` is what --help has
 * more about. */
void gw_tree_fill(struct gw_tree *, config_setting_t *group, const struct gw_tree_rows *, size_t n,
                  const char *path, const char *help, const char *const *also);

#endif
