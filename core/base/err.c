/* err.c: Formats errors and returns the text, HTTP status and advice of their codes (errors.def). Owns
 * nothing. Called from every folder, on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/err.h"

#include <stdarg.h>
#include <stdio.h>

static const struct row {
    const char *id, *text, *advice;
    int http;
} rows[GW_CODES] = {
    [GW_OK] = {"OK", "ok", "", 200},
#define ERROR(id, http, text, advice) [GW_##id] = {#id, text, advice, http},
#include "core/base/errors.def"
#undef ERROR
};

enum gw_code gw_fail(struct gw_err *err, enum gw_code code, size_t pos, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        err->code = code;
        err->pos = pos;
        va_start(ap, fmt);
        vsnprintf(err->what, sizeof err->what, fmt, ap);
        va_end(ap);
    }
    return code;
}

const char *gw_code_id(enum gw_code code)
{
    return rows[code].id;
}

const char *gw_code_text(enum gw_code code)
{
    return rows[code].text;
}

const char *gw_code_advice(enum gw_code code)
{
    return rows[code].advice;
}

int gw_code_http(enum gw_code code)
{
    return rows[code].http;
}
