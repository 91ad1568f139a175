/* sink.h: a FILE that writes into bounded memory, charged to a budget.
 *
 * Beyond GW_API_ANSWER bytes (is_large), or without memory (no_memory), the stream's error indicator is set and
 * nothing more is taken.
 *
 * Threads: one owner. Ownership: the text is the caller's after fclose; gw_api_text_drop gives it back.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_API_SINK_H
#define GW_API_SINK_H

#include <stdbool.h>
#include <stdio.h>

#include "core/base/budget.h"

enum { GW_API_ANSWER = 64 * 1024 * 1024 };

struct gw_api_text {
    char *ptr; /* malloc'd, and charged to the budget; NULL: there was no memory */
    size_t len, charged;
};

struct gw_api_sink {
    struct gw_budget *budget;
    struct gw_api_text text;
    size_t cap;
    bool is_large, no_memory;
};

/* An empty one; the budget may be NULL. NULL: no memory. */
FILE *gw_api_sink_open(struct gw_api_sink *, struct gw_budget *);

/* Hides secrets (scrub.h) in the texts of JSON, one document or several; numbers stay numbers, whatever digits a
 * secret has. */
void gw_api_scrub(struct gw_api_text *);

#endif
