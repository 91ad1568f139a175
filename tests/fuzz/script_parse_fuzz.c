/* Scripts of any bytes load or are refused with a place, which can be shown; never more.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "translators/pipeline/script.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sc_source source = {GW_STR("f.p"), {(const char *)data, size}};
    struct sc_set *set = sc_load(&source, 1);
    const struct sc_script *script = set ? sc_find(set, source.name) : NULL;
    const struct sc_fault *fault = script ? sc_broken(script) : NULL;
    if (!script)
        abort();
    if (fault) {
        struct gw_arena a;
        gw_arena_init(&a, 1 << 24);
        if (!fault->set || !gw_str_starts(sc_fault_show(&a, fault, source.text), GW_STR("f.p:")))
            abort();
        gw_arena_fini(&a);
    }
    sc_drop(set);
    return 0;
}
