/* problem.h: mistakes in the configuration, said all at once.
 *
 *   conf.c ──── place("exporters[0].timeout", "ddgate.conf", 12) ──┐
 *   rows, open: gw_problem("exporters[0].timeout", "…") ───────────┴─▶ ddgate.conf:12: exporters[0].timeout: …
 *
 * A mistake names a path; the file and line are those of the longest path that was seen there: for a key that is missing, those of
 * its group. Printed in the order of the file. Components add through gw_problem and gw_warning (option.h) and see no more.
 *
 * Threads: main thread.  Ownership: everything is copied.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PROBLEM_H
#define GW_PROBLEM_H

#include <stddef.h>
#include <stdio.h>

#include "gateway/option.h"

/* NULL when there is no memory. */
struct gw_problems *gw_problems_new(void);
void gw_problems_drop(struct gw_problems *);

/* What is said from now on of `path`, or of anything in it, stands at this place. `line` 0: the file as a whole; a NULL file:
 * not from a file ("default", an environment variable). */
void gw_problems_place(struct gw_problems *, const char *path, const char *file, unsigned line);

size_t gw_problems_errors(const struct gw_problems *);
size_t gw_problems_warnings(const struct gw_problems *);
/* One line each, errors and warnings in the order of their places; "warning: " stands before the text of the latter. */
void gw_problems_print(struct gw_problems *, FILE *);

#endif
