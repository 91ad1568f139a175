/* A grok pattern and a text, with a NUL between them: spans lie in the text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "translators/text/grok.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gw_str all = {(const char *)data, size}, text;
    size_t cut = gw_str_find(all, 0), spans[2 * (RE_GROUPS + 1)];
    struct grok_scope scope = {0};
    struct gw_arena a;
    char why[RE_ERROR_SIZE] = "";
    gw_arena_init(&a, 8 << 20);
    text = gw_str_from(all, cut + 1);
    struct grok *g = grok_compile(&a, &scope, gw_str_n(all.ptr, cut), why);
    struct re_thread *t = re_thread_new();
    if (!g && !*why)
        abort();
    if (g && t && re_match(g->re, t, &a, text, 0, spans) == RE_MATCH)
        for (size_t i = 0; i < g->n; i++) {
            size_t from = spans[2 * g->fields[i].group], to = spans[2 * g->fields[i].group + 1];
            if (from != SIZE_MAX && (from > to || to > text.len))
                abort();
        }
    re_thread_drop(t);
    if (g)
        grok_drop(g);
    gw_arena_fini(&a);
    return 0;
}
