/* otlp_cut.h: a checked request becomes pieces, each a request of its own.
 *
 *     body ─┬─ nothing wrong, not longer than a piece ─▶ one piece, byte for byte
 *           ├─ longer ─▶ pieces, cut between resources; in a resource that is longer than a piece alone between
 *           │            scopes, in such a scope between metrics and items: each piece then repeats what stands
 *           │            beside them (the resource's and scope's own fields, unknown ones too)
 *           └─ faults ─▶ the units that cannot go on are left out (otlp_check.h)
 *
 * All pieces together hold every item that can go on, once, in order, with its bytes as they came. What has no
 * items at all is no piece. An item longer than a piece is one alone. Where the fields beside the items take a
 * quarter of a piece and more, they are not repeated, and the piece is as long as it is: repeating them would let
 * a small request become a large one.
 *
 * Threads: pure functions.  Ownership: a piece's bytes are malloc'd, and whoever is told of it takes them over.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_CUT_H
#define OTLP_CUT_H

#include "translators/otlp/otlp_check.h"
#include "translators/otlp/otlp_write.h"

/* A piece with its items, at least one. True: it was taken over, and *piece is not to be used any more. */
typedef bool otlp_piece_f(void *ctx, struct otlp_buf *piece, uint64_t items);

struct otlp_cut {
    enum otlp_message request;
    size_t piece;              /* near how many bytes to cut */
    size_t uncut;              /* a request up to this long is one piece; at least `piece` */
    struct gw_budget *account; /* pays for pieces until they are taken over; may be NULL */
    otlp_piece_f *take;
    void *ctx;
};

/* Before:  otlp_check took `body` as this request, and filled *contents.
 * After:   true: `take` was called for each piece, in order. False: there was no memory, or `take` refused one;
 *          the pieces before are taken over. */
bool otlp_cut(const struct otlp_cut *, gw_str body, const struct otlp_contents *contents) GW_MUST_CHECK;

#endif
