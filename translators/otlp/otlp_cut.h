/* otlp_cut.h: splits a checked request into pieces, each of which is a complete request.
 *
 *     body ─┬─ no faults, not longer than a piece ─▶ one piece, byte for byte
 *           ├─ longer ─▶ pieces, split between resources; a resource that is longer than a piece is split
 *           │            between scopes, and such a scope between metrics and items. Each piece repeats the
 *           │            fields beside them (the resource's and the scope's own, unknown ones too)
 *           └─ faults ─▶ units with faults are left out (otlp_check.h)
 *
 * Together, the pieces contain every item without a fault, once, in order and byte for byte. A resource or
 * scope without items is left out. An item longer than a piece is a piece of its own. If the fields beside
 * the items take a quarter of a piece or more, they are not repeated and the piece is longer instead:
 * repeating them would let a small request become a large one.
 *
 * Threads: pure functions. Ownership: a piece's bytes are malloc'd, and the callback takes them over.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_CUT_H
#define OTLP_CUT_H

#include "translators/otlp/otlp_check.h"
#include "translators/otlp/otlp_write.h"

/* Receives a piece with its items, at least one. Returns true if it took over the bytes; *piece must not be
 * used any more. */
typedef bool otlp_piece_f(void *ctx, struct otlp_buf *piece, uint64_t items);

struct otlp_cut {
    enum otlp_message request;
    size_t piece;              /* target size of a piece, in bytes */
    size_t uncut;              /* a request up to this many bytes is one piece; at least `piece` */
    struct gw_budget *account; /* pays for pieces until they are taken over; may be NULL */
    otlp_piece_f *take;
    void *ctx;
};

/* Before:  otlp_check accepted `body` as this request, and filled *contents.
 * Returns: true after `take` was called for each piece, in order. False if there was no memory or `take`
 *          returned false; pieces before that were taken over. */
bool otlp_cut(const struct otlp_cut *, gw_str body, const struct otlp_contents *contents) GW_MUST_CHECK;

#endif
