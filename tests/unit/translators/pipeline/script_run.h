/* script_run.h: runs a one-line script on a message and shows what it left in the key r, for tables of cases.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SCRIPT_RUN_H
#define SCRIPT_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "translators/pipeline/script.h"

/* What an error says, without its place. */
static inline const char *script_words(const char *fault)
{
    const char *colon = strstr(fault, ": ");
    return colon ? colon + 2 : fault;
}

/* "r = TEXT" (JSON of lists, maps and numbers), "nothing" when r is not set, "error: …" of the run, "no load:
 * …". In the arena. */
static inline const char *script_run(struct gw_arena *a, struct sc_thread *thread, gw_str script,
                                     gw_str message)
{
    struct sc_source source = {GW_STR("t.p"), script};
    struct sc_set *set = sc_load(&source, 1);
    const struct sc_script *s = sc_find(set, source.name);
    struct sc_env env = {
        .arena = a, .thread = thread, .now = INT64_C(1700000000123456789), .zone = zone_utc()};
    struct sc_point p;
    struct sc_fault fault;
    struct gw_text b = {.arena = a};
    sc_point_init(&p, a, GW_STR("n"), env.now);
    sc_point_set(&p, GW_STR("message"), sc_str(message));
    const struct sc_field *f;
    if (sc_broken(s)) {
        gw_text_put_z(&b, "no load: ");
        gw_text_put_z(&b, script_words(sc_broken(s)->text));
    } else if (!sc_run(s, &env, &p, &fault)) {
        gw_text_put_z(&b, "error: ");
        gw_text_put_z(&b, script_words(fault.text));
    } else if (!(f = sc_point_get(&p, GW_STR("r"))) || f->val.type == SC_NIL) {
        gw_text_put_z(&b, "nothing");
    } else {
        gw_text_put_z(&b, "r = ");
        if (f->val.type == SC_STR)
            gw_text_put_str(&b, f->val.s);
        else
            sc_json(&b, &f->val);
    }
    gw_text_put_char(&b, '\0');
    sc_drop(set);
    return gw_text_result(&b).ptr;
}

#endif
