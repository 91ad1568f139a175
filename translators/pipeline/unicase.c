/* unicase.c: Converts letter case and recognizes the script Han, with libunistring. Owns nothing. Called by
 * uppercase(), lowercase() and cover(), by the mapping of `status` (point.c), and by fault.c, which places a
 * caret under text.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/unicase.h"

#include <unicase.h>
#include <unictype.h>

#include "core/base/text.h"

/* Debian 12's libunistring has Unicode 14; these came with 15, which the reference engine has. */
static bool is_new_han(uint32_t rune)
{
    return rune == 0x2B739 || (rune >= 0x31350 && rune <= 0x323AF);
}

bool sc_is_han(uint32_t rune)
{
    const uc_script_t *script = rune < 0x2E80 ? NULL : uc_script(rune);
    return (script && strcmp(script->name, "Han") == 0) || is_new_han(rune);
}

/* `first` is the first ASCII letter of the case that changes. */
static gw_str change_case(struct gw_arena *a, gw_str s, uint32_t first, ucs4_t (*map)(ucs4_t))
{
    struct gw_text b = {.arena = a};
    for (gw_str rest = s; rest.len;) {
        gw_str from = rest;
        uint32_t rune = gw_utf8_next(&rest), to = rune >= 0x80        ? map(rune)
                                                  : rune - first < 26 ? rune ^ 0x20
                                                                      : rune;
        bool invalid = rune == 0xFFFD && from.len - rest.len == 1;
        if (!b.ptr && to == rune && !invalid)
            continue;
        if (!b.ptr)
            gw_text_put(&b, s.ptr, (size_t)(from.ptr - s.ptr));
        gw_text_put_rune(&b, to);
    }
    return b.ptr ? gw_text_result(&b) : s;
}

gw_str sc_lower(struct gw_arena *a, gw_str s)
{
    return change_case(a, s, 'A', uc_tolower);
}

gw_str sc_upper(struct gw_arena *a, gw_str s)
{
    return change_case(a, s, 'a', uc_toupper);
}
