/* bench_script: what a Pipeline script costs a line, and nothing else: one thread, the best of several
 * rounds, in ns of CPU time.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "translators/pipeline/script.h"

enum { ROUNDS = 12, LINES = 4000 };

struct row {
    const char *name, *script, *line;
};

static const struct row rows[] = {
    {"documented Python script",
     "grok(_, "
     "\"%{TIMESTAMP_ISO8601:time}%{SPACE}%{WORD:level}%{SPACE}%{NOTSPACE}%{SPACE}%{NOTSPACE}%{SPACE}\\\\[%{"
     "GREEDYDATA:trace}\\\\]"
     "%{SPACE}-%{SPACE}%{GREEDYDATA:message}\")\n"
     "grok(trace,\"%{EMAILLOCALPART}=%{EMAILLOCALPART:service}?%{SPACE}%{EMAILLOCALPART}=%{EMAILLOCALPART:"
     "env}?%{SPACE}"
     "%{EMAILLOCALPART}=%{EMAILLOCALPART:version}?%{SPACE}%{EMAILLOCALPART}=%{NUMBER:trace_id}?%{SPACE}%{"
     "EMAILLOCALPART}=%{NUMBER:span_id}?"
     "\")\n"
     "drop_key(trace)\n"
     "default_time(time)\n",
     "2021-06-18 10:07:08,786 INFO [__main__] [lt.py:26] [dd.service.name=Python-App dd.env=Testing "
     "dd.version=V1.1 "
     "dd.trace_id=16108321602917563239 dd.span_id=12837828046733169079] - Hello, World!"},
    {"nginx combined by grok", "grok(_, \"%{COMBINEDAPACHELOG}\")\n",
     "203.0.113.9 - frank [10/Oct/2023:13:55:36 +0800] \"GET /api?id=42 HTTP/1.1\" 200 2326 "
     "\"https://example.com/start.html\" "
     "\"Mozilla/5.0 (X11; Linux x86_64)\""},
    {"load_json of 10 keys", "d = load_json(_)\n",
     "{\"time\":\"2023-10-10T13:55:36.123Z\",\"level\":\"error\",\"msg\":\"request "
     "failed\",\"method\":\"GET\",\"path\":\"/api\",\"ms\":12.75,\"user\":42,"
     "\"trace_id\":\"16108321602917563239\",\"span_id\":\"7\",\"ok\":false}"},
};

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double measure(const struct row *row, struct sc_thread *thread, struct gw_arena *arena)
{
    struct sc_source source = {GW_STR("bench.p"), gw_str_z(row->script)};
    struct sc_set *set = sc_load(&source, 1);
    const struct sc_script *script = set ? sc_find(set, source.name) : NULL;
    struct sc_finish finish = {0};
    double best = 1e18;
    if (!script || sc_broken(script))
        exit(1);
    for (int round = 0; round < ROUNDS; round++) {
        double before = cpu_ns();
        for (int i = 0; i < LINES; i++) {
            struct sc_env env = {
                .arena = arena, .thread = thread, .now = INT64_C(1700000000000000000), .zone = zone_utc()};
            struct sc_point p;
            struct sc_fault fault;
            gw_arena_reset(arena, 1 << 20);
            sc_point_init(&p, arena, GW_STR("bench"), env.now);
            p.category = SC_LOGGING;
            sc_point_set(&p, GW_STR("message"), sc_str(gw_str_z(row->line)));
            if (!sc_run(script, &env, &p, &fault))
                exit(1);
            sc_point_finish(&p, &finish);
        }
        double each = (cpu_ns() - before) / LINES;
        best = each < best ? each : best;
    }
    sc_drop(set);
    return best;
}

int main(void)
{
    struct sc_thread *thread = sc_thread_new();
    struct gw_arena arena;
    gw_arena_init(&arena, 8 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("%-28s %7.0f ns\n", rows[i].name, measure(&rows[i], thread, &arena));
    gw_arena_fini(&arena);
    sc_thread_drop(thread);
    return 0;
}
