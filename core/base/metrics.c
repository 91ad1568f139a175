/* metrics.c: collects samples and writes them in the Prometheus text format. Owns the samples. Called by the
 * admin listener.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/metrics.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/scrub.h"

enum { MOST = 65536 /* samples: more is a component's mistake, and not worth the memory */, LABELS = 1024 };

struct sample {
    const struct gw_metric *row;
    char *labels; /* "{a=\"b\"}", or NULL */
    double value;
    bool printed;
};

struct gw_metrics {
    struct sample *samples;
    size_t n, room;
    bool spent; /* a sample is missing */
    char owner[256];
};

struct gw_metrics *gw_metrics_new(void)
{
    return calloc(1, sizeof(struct gw_metrics));
}

void gw_metrics_drop(struct gw_metrics *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->n; i++)
        free(m->samples[i].labels);
    free(m->samples);
    free(m);
}

/* key="value" with the three escapes of the format; control characters become '?'. Truncated if there is no
 * room. */
static size_t put_label(char *out, size_t n, size_t size, gw_str key, gw_str value)
{
    if (n + key.len + 8 > size)
        return n;
    n += (size_t)snprintf(out + n, size - n, "%s%.*s=\"", n ? "," : "", GW_FMT(key));
    size_t start = n;
    for (size_t i = 0; i < value.len && n + 4 < size; i++) {
        char c = value.ptr[i];
        if (c == '"' || c == '\\' || c == '\n')
            out[n++] = '\\';
        out[n++] = c == '\n' ? 'n' : (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
    }
    n = start + gw_scrub(out + start, n - start);
    out[n++] = '"';
    out[n] = '\0';
    return n;
}

void gw_metrics_owner(struct gw_metrics *m, const char *key, gw_str value)
{
    m->owner[0] = '\0';
    if (key)
        put_label(m->owner, 0, sizeof m->owner, gw_str_z(key), value);
}

static bool make_room(struct gw_metrics *m)
{
    if (m->n < m->room)
        return true;
    size_t room = m->room ? 2 * m->room : 256;
    struct sample *grown = room <= MOST ? realloc(m->samples, room * sizeof *grown) : NULL;
    if (!grown)
        return false;
    m->samples = grown;
    m->room = room;
    return true;
}

static void add(struct gw_metrics *m, const struct gw_metric *row, double value, const gw_str *labels,
                size_t n)
{
    char text[LABELS];
    gw_str keys = gw_str_z(row->label), key;
    size_t len = (size_t)snprintf(text, sizeof text, "%s", m->owner);
    for (size_t i = 0; i < n && gw_str_next(&keys, ',', &key); i++)
        len = put_label(text, len, sizeof text, key, labels[i]);
    char *copy = len ? strdup(text) : NULL;
    if ((len && !copy) || !make_room(m)) {
        free(copy);
        m->spent = true;
        return;
    }
    m->samples[m->n++] = (struct sample){row, copy, value, false};
}

void gw_metrics_add(struct gw_metrics *m, const struct gw_metric *row, double value)
{
    add(m, row, value, NULL, 0);
}

void gw_metrics_add_for(struct gw_metrics *m, const struct gw_metric *row, double value, gw_str label)
{
    add(m, row, value, &label, 1);
}

void gw_metrics_add_for2(struct gw_metrics *m, const struct gw_metric *row, double value, gw_str first,
                         gw_str second)
{
    const gw_str labels[] = {first, second};
    add(m, row, value, labels, 2);
}

void gw_metrics_component(struct gw_metrics *m, const struct gw_metric *row, gw_measure_f *measure, void *ctx)
{
    for (; row && row->type != GW_METRIC_END; row++) {
        if (row->offset == GW_METRIC_ASKED)
            continue;
        const atomic_uint_least64_t *at = (const atomic_uint_least64_t *)((const char *)ctx + row->offset);
        double value = (double)atomic_load_explicit(at, memory_order_relaxed);
        if (row->of)
            gw_metrics_add_for(m, row, value, gw_str_z(row->of));
        else
            gw_metrics_add(m, row, value);
    }
    if (measure)
        measure(ctx, m);
}

static void print_value(FILE *to, double value)
{
    if (value == floor(value) && fabs(value) < 9007199254740992.0)
        fprintf(to, "%.0f\n", value);
    else
        fprintf(to, "%.17g\n", value);
}

/* process_… are the names that every program has; the others are ddgate's. */
const char *gw_metric_prefix(const struct gw_metric *row)
{
    return strncmp(row->name, "process_", 8) == 0 ? "" : "ddgate_";
}

/* All samples of one name, after its HELP and TYPE. */
static void print_family(struct gw_metrics *m, size_t first, FILE *to)
{
    const struct gw_metric *row = m->samples[first].row;
    const char *prefix = gw_metric_prefix(row), *type = row->type == GW_GAUGE ? "gauge" : "counter";
    fprintf(to, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, row->name, row->help, prefix, row->name, type);
    for (size_t i = first; i < m->n; i++) {
        struct sample *s = &m->samples[i];
        if (s->printed || strcmp(s->row->name, row->name) != 0)
            continue;
        fprintf(to, "%s%s%s%s%s ", prefix, row->name, s->labels ? "{" : "", s->labels ? s->labels : "",
                s->labels ? "}" : "");
        print_value(to, s->value);
        s->printed = true;
    }
}

double gw_metrics_sum(const struct gw_metrics *m, const char *name)
{
    double sum = 0;
    for (size_t i = 0; i < m->n; i++)
        sum += strcmp(m->samples[i].row->name, name) == 0 ? m->samples[i].value : 0;
    return sum;
}

bool gw_metrics_print(struct gw_metrics *m, FILE *to)
{
    for (size_t i = 0; i < m->n; i++)
        if (!m->samples[i].printed)
            print_family(m, i, to);
    return !m->spent;
}
