/* A script and a line, with a NUL between them: a run ends, well or with an error, and what it leaves can be
 * written as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "core/base/text.h"
#include "translators/pipeline/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const struct sc_script *script, gw_str line)
{
    struct gw_arena a;
    struct sc_point p;
    struct sc_fault fault;
    struct sc_finish finish = {0};
    struct sc_thread *thread = sc_thread_new();
    gw_arena_init(&a, 4 << 20);
    struct sc_env env = {
        .arena = &a, .thread = thread, .now = INT64_C(1700000000000000000), .zone = zone_utc()};
    sc_point_init(&p, &a, GW_STR("fuzz"), env.now);
    sc_point_set(&p, GW_STR("message"), sc_str(line));
    if (sc_run(script, &env, &p, &fault))
        sc_point_finish(&p, &finish);
    else if (!fault.set)
        abort();
    for (size_t i = 0; i < p.n; i++) {
        struct gw_text b = {.arena = &a};
        if (p.fields[i].val.type == SC_LIST || p.fields[i].val.type == SC_MAP ||
            (p.fields[i].tag && p.fields[i].val.type != SC_STR))
            abort();
        sc_json(&b, &p.fields[i].val);
    }
    gw_arena_fini(&a);
    sc_thread_drop(thread);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gw_str all = {(const char *)data, size};
    size_t cut = gw_str_find(all, 0);
    struct sc_source source = {GW_STR("f.p"), gw_str_n(all.ptr, cut)};
    struct sc_set *set = sc_load(&source, 1);
    const struct sc_script *script = set ? sc_find(set, source.name) : NULL;
    if (script && !sc_broken(script))
        run(script, gw_str_from(all, cut + 1));
    sc_drop(set);
    return 0;
}
