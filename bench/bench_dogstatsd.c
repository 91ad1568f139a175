/* bench_dogstatsd: what a DogStatsD line costs from the datagram into its point, and a point from there to
 * the bytes of a frame: one thread, the best of several rounds, in ns of CPU time. Datagrams hold 30 lines of
 * a thousand series; "100,000 series" is the same with as many.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "translators/metrics/dogstatsd_take.h"

enum { ROUNDS = 20, LINES = 30, DATAGRAM = LINES * 160 };

static const struct row {
    const char *name, *before, *behind; /* PREFIX series : value SUFFIX */
    unsigned series;
} rows[] = {
    {"count", "page.views.", "|c|#env:production,service:shop,version:1.2.3,route:/cart,method:GET", 1000},
    {"count, sampled", "page.views.", "|c|@0.1|#env:production,service:shop,route:/cart", 1000},
    {"gauge", "queue.depth.", "|g|#env:production,service:shop,queue:orders", 1000},
    {"distribution", "request.duration.", ".25|d|#env:production,service:shop,route:/cart,method:GET", 1000},
    {"timing, container", "db.query.", "|ms|#env:production|c:ci-3f1ae0c2b7d94e5a8c6f0b1d2e3f4a5b", 1000},
    {"set", "users.", "|s|#env:production,service:shop", 1000},
    {"count, 100,000 series", "page.views.", "|c|#env:production,service:shop,route:/cart,method:GET",
     100000},
};

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static size_t bytes;

static enum gw_code measure(void *ctx, struct gw_frame *f)
{
    bytes += f->len;
    gw_frame_drop(f);
    return GW_OK;
}

static void ignore(void *ctx, const struct dsd_line *l)
{
}

static void ignore_bad(void *ctx, gw_str line, enum dsd_reason why)
{
}

static char (*make_datagrams(const struct row *row, size_t *n))[DATAGRAM]
{
    *n = (row->series + LINES - 1) / LINES;
    char(*datagrams)[DATAGRAM] = malloc(*n * sizeof *datagrams);
    if (!datagrams)
        exit(1);
    for (size_t i = 0; i < *n; i++) {
        size_t len = 0;
        for (unsigned l = 0; l < LINES; l++) {
            unsigned series = (unsigned)(i * LINES + l) % row->series;
            len += (size_t)snprintf(datagrams[i] + len, DATAGRAM - len, "%s%u:%u%s", row->before, series,
                                    series * 7919 % 1000, row->behind);
            datagrams[i][len++] = '\n';
        }
        datagrams[i][len] = 0;
    }
    return datagrams;
}

static void run(const struct row *row)
{
    static struct dsd_counts counts;
    struct gw_budget budget = {.limit = (size_t)1 << 30};
    const struct metric_options o = {
        .shards = 1, .max_series = 200000, .scope_name = GW_STR("bench"), .account = &budget};
    struct metric_store *store = metric_store_new(&o, 0);
    size_t n;
    char(*datagrams)[DATAGRAM] = make_datagrams(row, &n);
    double take = 1e18, flush = 1e18;
    if (!store)
        exit(1);
    struct dsd_taker t = {
        .shard = metric_store_shard(store, 0), .counts = &counts, .notice = ignore, .refused = ignore_bad};
    for (int round = 0; round < ROUNDS; round++) {
        double from = cpu_ns();
        int repeat = row->series > 1000 ? 1 : 10;
        for (int r = 0; r < repeat; r++)
            for (size_t i = 0; i < n; i++)
                dsd_take(&t, gw_str_z(datagrams[i]), GW_STR("host"));
        double middle = cpu_ns(), lines = (double)(n * LINES) * repeat;
        bytes = 0;
        metric_store_flush(store, (round + 1) * GW_SEC, measure, NULL);
        double end = cpu_ns();
        take = round && (middle - from) / lines < take ? (middle - from) / lines : take;
        flush = round && (end - middle) / row->series < flush ? (end - middle) / row->series : flush;
    }
    printf("%-24s %7.0f ns/line %9.0f ns/point %7.0f bytes/point %6.1f MiB\n", row->name, take, flush,
           (double)bytes / row->series, (double)budget.used / (1 << 20));
    metric_store_drop(store);
    dsd_series_fini(&t.series);
    free(datagrams);
}

int main(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        run(&rows[i]);
    return 0;
}
