/* dd_json.h: reads values of JSON payloads; private to the decoders. It corresponds to dd_msgpack.h and
 * dd_maps.c for msgpack.
 *
 *      dd_json.c ─▶ dd_json_maps.c, dd_json_parts.c ─▶ dd_json_values.c ─▶ core/base/json.h
 *
 * The errors of gw_json are sticky and mean DD_ILL_FORMED. A value of another type is DD_OTHER_TYPE; the
 * cursor may then be inside the value, so a caller that wants to go on saves the cursor before (`before`) and
 * calls dd_json_pass.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_JSON_H
#define DD_JSON_H

#include "translators/ddtrace/dd_decode.h"

static inline enum dd_got dd_json_done(bool taken)
{
    return taken ? DD_TAKEN : DD_ILL_FORMED;
}

/* Read scalars; null is empty, zero or false. */
enum dd_got dd_json_text(struct dd_decoder *, gw_str *out);
/* Reads any scalar as text; numbers exactly as they are written. */
enum dd_got dd_json_scalar(struct dd_decoder *, gw_str *out);
enum dd_got dd_json_number(struct dd_decoder *, enum dd_number_kind *, union dd_number_value *);
enum dd_got dd_json_u64(struct dd_decoder *, uint64_t *out);
enum dd_got dd_json_i64(struct dd_decoder *, int64_t *out);
enum dd_got dd_json_double(struct dd_decoder *, double *out);
enum dd_got dd_json_bool(struct dd_decoder *, bool *out);
enum dd_got dd_json_error(struct dd_decoder *, int32_t *out); /* 0 or 1; a client that sends true means 1 */

/* Enters an array or object. Returns false if there is none, and *got tells why (null counts as an empty one:
 * DD_TAKEN). */
bool dd_json_enter(struct dd_decoder *, enum gw_json_kind want, enum dd_got *got);
/* Returns how a walk over a container's elements ended. */
enum dd_got dd_json_walked(struct dd_decoder *);
/* Moves past the value that began where the cursor was `before`. */
enum dd_got dd_json_pass(struct dd_decoder *, const struct gw_json *before);

/* Makes room for one more item after n items of `size` bytes, in arrays of 8, 16, 32, … because sizes are not
 * known beforehand. Call it once for each n. Returns NULL if the arena's budget is used up. */
void *dd_json_room(struct dd_decoder *, void *items, size_t n, size_t size);

enum dd_got dd_json_texts(struct dd_decoder *, struct dd_text **out, size_t *out_n);
enum dd_got dd_json_numbers(struct dd_decoder *, struct dd_span *);
enum dd_got dd_json_structs(struct dd_decoder *, struct dd_span *);
enum dd_got dd_json_links(struct dd_decoder *, struct dd_span *);
enum dd_got dd_json_events(struct dd_decoder *, struct dd_span *);

#endif
