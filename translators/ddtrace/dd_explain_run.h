/* dd_explain_run.h: one experiment: the request as it is but for one thing, translated. For dd_explain_span.c.
 *
 * Threads and ownership: those of the dd_explain; what a run leaves is there until the next one.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_EXPLAIN_RUN_H
#define DD_EXPLAIN_RUN_H

#include "translators/ddtrace/dd_explain_hold.h"
#include "translators/ddtrace/dd_explain_sent.h"
#include "translators/ddtrace/dd_explain_source.h"

struct dd_explain {
    struct dd_explain_input in;
    struct dd_options shown; /* those by which received values are shown */
    struct dd_translator *translator, *translator_shown;
    struct gw_arena arena;      /* of the rows */
    struct gw_arena scratch;    /* of a run, and what is read from its frames */
    struct gw_arena edits;      /* of a run: texts that must outlive a chunk */
    struct gw_arena held_arena; /* of what is held of the span at hand */
    struct dd_result result;    /* of the last run; its frames are ours */
    struct dd_explain_row *rows;
    size_t rows_n, rows_room;
    uint64_t attempts, work; /* of the explanation at hand: runs, and bytes that they read */
};

struct dd_explain_run {
    const struct dd_explain_row *row; /* the span; NULL: no one alone */
    bool whole;                       /* the body is read, and other chunks stay … */
    const struct dd_held *held;       /* … or NULL, or this is taken in place of all of it */
    struct dd_held *hold,
        *hold_narrow; /* where not NULL: the chunk is held there, whole, or what is needed of it */
    const struct dd_explain_source *source; /* what is varied; NULL: nothing */
    unsigned variation;
    const gw_str *names; /* tags that are taken away … */
    size_t names_n;
    bool of_all;                           /* … from all spans */
    const struct dd_explain_source *alone; /* a tag whose twins are taken away */
    const struct dd_explain_source *only;  /* the one that stays, of all tags and texts of the span */
    const struct dd_explain_source *said;  /* the one that stays of what chunk, payload and headers say */
    bool no_host;                          /* without this machine's name */
    bool shown;                            /* by the options for received values, with Datadog's tags */
    unsigned schemas;
    /* Filled in where not NULL: the span's sources as they are on the wire, and after the rules of privacy. */
    struct dd_source_list *wire, *safe;
    bool varied; /* the result: there was such a variation */
    /* private */
    struct dd_explain *x;
    size_t seen;
    struct dd_payload *payload;
    bool payload_varied, taken;
};

/* False when the body cannot be read any more (memory). The frames are in x->result. */
bool dd_explain_run(struct dd_explain *, struct dd_explain_run *);
/* The bytes of the span in the frames of the last run; false when it is not there. */
bool dd_explain_sent(struct dd_explain *, const struct dd_explain_row *, enum gw_attribute_schema,
                     struct dd_sent *);

#endif
