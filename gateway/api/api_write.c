/* api_write.c: Writes values of JSON documents: texts from outside, and errors. Owns nothing.
 * Called by handlers, on the admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/api.h"

#include <stdarg.h>
#include <string.h>

#include "core/base/text.h"

/* Controls (C0, DEL, C1), line and paragraph separators, marks that reorder text, and what begins markup. */
static bool is_escaped(uint32_t rune)
{
    return rune < 0x20 || (rune >= 0x7F && rune < 0xA0) || rune == '<' || rune == '>' || rune == '&' ||
           rune == 0x061C || rune == 0x200E || rune == 0x200F || (rune >= 0x2028 && rune <= 0x202E) ||
           (rune >= 0x2066 && rune <= 0x2069) || rune == 0xFEFF;
}

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void put_rune(FILE *to, uint32_t rune)
{
    char utf8[4];
    if (rune == '"' || rune == '\\')
        fprintf(to, "\\%c", (char)rune);
    else if (is_escaped(rune))
        fprintf(to, "\\u%04x", (unsigned)rune);
    else
        fwrite(utf8, 1, gw_utf8_encode(utf8, rune), to);
}

void gw_api_text(FILE *to, gw_str s)
{
    putc('"', to);
    while (s.len && !ferror(to)) {
        size_t n = 0;
        while (n < s.len && is_plain((unsigned char)s.ptr[n]))
            n++;
        fwrite(s.ptr, 1, n, to);
        s = gw_str_from(s, n);
        if (s.len)
            put_rune(to, gw_utf8_next(&s));
    }
    putc('"', to);
}

void gw_api_json(FILE *to, gw_str json)
{
    while (json.len && !ferror(to)) {
        size_t n = 0;
        while (n < json.len && (unsigned char)json.ptr[n] < 0x7F)
            n++;
        fwrite(json.ptr, 1, n, to);
        json = gw_str_from(json, n);
        if (json.len)
            put_rune(to, gw_utf8_next(&json));
    }
}

void gw_api_error(struct gw_api_call *call, FILE *to, unsigned status, const char *fmt, ...)
{
    char words[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(words, sizeof words, fmt, args);
    va_end(args);
    call->status = status;
    fputs("{\"error\":", to);
    gw_api_text(to, gw_str_z(words));
    fputs("}\n", to);
}
