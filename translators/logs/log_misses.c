/* log_misses.c: Keeps the rows of the metric that counts patterns that did not match; they are made when
 * scripts are read. Owns the rows. Called by log_scripts.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_misses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

enum { LABEL = 100 };

void log_misses_fini(struct log_misses *m)
{
    for (size_t i = 0; i < atomic_load(&m->rows_n); i++) {
        free(m->rows[i]->script);
        free(m->rows[i]->pattern);
        free(m->rows[i]);
    }
    atomic_store(&m->rows_n, 0);
}

static struct log_miss *find_row(const struct log_misses *m, const char *script, const char *pattern)
{
    for (size_t i = 0; i < atomic_load(&m->rows_n); i++)
        if (strcmp(m->rows[i]->script, script) == 0 && strcmp(m->rows[i]->pattern, pattern) == 0)
            return m->rows[i];
    return NULL;
}

/* NULL: the table is full, or there is no memory. */
static struct log_miss *make_row(struct log_misses *m, const char *script, const char *pattern)
{
    size_t n = atomic_load(&m->rows_n);
    struct log_miss *row = n < LOG_MISSES ? calloc(1, sizeof *row) : NULL;
    if (!row)
        return NULL;
    row->script = strdup(script);
    row->pattern = strdup(pattern);
    if (!row->script || !row->pattern) {
        free(row->script);
        free(row->pattern);
        free(row);
        return NULL;
    }
    m->rows[n] = row;
    atomic_store(&m->rows_n, n + 1);
    return row;
}

static void watch_script(struct log_misses *m, struct sc_set *set, size_t script)
{
    gw_str name, pattern;
    unsigned line, column;
    for (size_t i = 0; sc_grok_of(set, script, i, &name, &pattern, &line, &column); i++) {
        char file[256], label[LABEL + 1];
        size_t n = gw_utf8_cut(pattern, LABEL / 2);
        snprintf(file, sizeof file, "%.*s", GW_FMT(name));
        snprintf(label, sizeof label, "%u:%u %.*s%s", line, column, (int)n, pattern.ptr,
                 n < pattern.len ? "…" : "");
        struct log_miss *row = find_row(m, file, label);
        row = row ? row : make_row(m, file, label);
        sc_count_misses(set, script, i, row ? &row->n : NULL);
    }
}

void log_misses_watch(struct log_misses *m, struct sc_set *set)
{
    for (size_t i = 0; i < sc_scripts(set); i++)
        watch_script(m, set, i);
}
