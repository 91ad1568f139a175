/* diagnostics_text.h: what was said of a configuration, as text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DIAGNOSTICS_TEXT_H
#define DIAGNOSTICS_TEXT_H

#include <stdio.h>

#include "core/config/config_diagnostic.h"

/* Drops them. Good until the next call. */
static inline const char *diagnostics_text(struct gw_diagnostics *p)
{
    static char text[2048];
    FILE *to = fmemopen(text, sizeof text, "w");
    text[0] = 0;
    gw_diagnostics_print(p, to);
    fclose(to);
    gw_diagnostics_drop(p);
    return text;
}

#endif
