/* fn_xml.c: the builtin xml: the text of the first node that an XPath finds in a record's XML.
 *
 * An expression that is no XPath finds nothing, as in the reference engine. That one has a few functions more
 * than XPath 1.0; a script that uses one does not load, lest it find nothing in silence.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "translators/pipeline/script_internal.h"
#include "translators/pipeline/xpath.h"

/* A function that the reference engine has, and XPath 1.0 has not. */
static bool has_unknown_function(gw_str s)
{
    static const char *const functions[] = {"ends-with(", "matches(", "replace(", "reverse("};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (s.len && memmem(s.ptr, s.len, functions[i], strlen(functions[i])))
            return true;
    return false;
}

bool check_xml(struct sc_check *c, struct sc_node *call)
{
    struct sc_xpath *x = sc_check_memory(c, sizeof *x);
    sc_xml_init();
    if (!x || !sc_first_key(c, call) || !sc_want_text(c, call->kid[1]) || !sc_want_key(c, call->kid[2]))
        return false;
    if (!sc_xpath_init(x, &c->script->arena, call->kid[1]->text))
        return !c->script->arena.spent || sc_check_fail(c, call->pos, "the script is too large");
    call->data = x;
    return !has_unknown_function(call->kid[1]->text) ||
           sc_check_fail(c, call->kid[1]->pos,
                         "xml: ends-with, matches, replace and reverse are not known here: docs/pipeline.md "
                         "says what is");
}

bool fn_xml(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    gw_str s, text;
    struct sc_xml x;
    (void)out;
    if (!call->data || !sc_get_text(r, call->kid[0], &s))
        return true;
    sc_look_at_clock(r);
    bool found = sc_xml_read(&x, r->arena, s) && sc_xpath_text(call->data, &x, &text);
    sc_xml_free(&x);
    sc_look_at_clock(r);
    if (found)
        sc_point_set(r->point, call->kid[2]->key, sc_str(text));
    return true;
}
