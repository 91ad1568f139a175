/* reference.h: the pages that are generated from tables, and the sample configuration.
 *
 *   option rows ─────────────▶ docs/reference/configuration.md, conf/ddgate.conf
 *   tag table ───────────────▶ docs/reference/mapping.md
 *   keys and words of levels ▶ docs/reference/logs.md
 *   errors.def, reasons.def ─▶ docs/reference/errors.md
 *
 * They are in the repository for people to read; a test fails when they differ from the tables (`make
 * reference` writes them).
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_REFERENCE_H
#define GW_REFERENCE_H

#include <stdbool.h>
#include <stdio.h>

/* Writes all of them below `dir`, the project's folder. False, with words on standard error, when one cannot
 * be written. */
bool gw_reference_write(const char *dir);

struct gw_page {
    const char *name; /* below the folder */
    void (*write)(FILE *);
};
/* Writes each; false as above. */
bool gw_pages_write(const char *dir, const struct gw_page *, size_t n);
/* OpenTelemetry's environment variables, and the options that they fill: with backquotes, as in Markdown. */
void gw_reference_environment(void (*variable)(void *ctx, const char *name, const char *option), void *ctx);

#endif
