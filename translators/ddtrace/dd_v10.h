/* dd_v10.h: what the decoder of v1.0 consists of; private to it.
 *
 *      dd_v10.c ─┬─▶ dd_v10_parts.c ───────┬─▶ dd_v10_texts.c   texts by number, and values that nobody knows
 *      payload,  │   links, events         │
 *      chunks,   └─▶ dd_v10_attributes.c ──┘
 *      spans         typed values in threes
 *
 * v1.0 is msgpack: maps whose keys are numbers. A text stands in the payload once, as a str; that makes it
 * the next entry of a table which grows from the first byte of the payload to the last (entry 0: the empty
 * text). From then on it is the number of its entry. So whatever is passed over is walked, for the texts in
 * it count. A text that stands there again keeps its number, as in Datadog's agent, and a span can be read
 * from its beginning twice.
 *
 * Attributes are one array, three values each: key, type, value. They become tags: dd_spread.h.
 *
 * The functions answer as all decoders do (dd_decode.h). On DD_OTHER_TYPE d->texts.outside says whether the
 * cause is a number that no entry has.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_V10_H
#define DD_V10_H

#include "translators/ddtrace/dd_decode.h"
#include "translators/ddtrace/dd_spread.h"

/* An empty table. False when the arena is spent. */
bool dd_v10_texts_begin(struct dd_decoder *);
/* Adds an entry without looking whether there is one: the list of strings at a payload's head. */
enum dd_got dd_v10_texts_add(struct dd_decoder *, gw_str);

/* Any other form of a text: one that stands there, a wide number, nil. */
enum dd_got dd_v10_text_any(struct dd_decoder *, gw_str *out);

/* The next value as text. */
static inline enum dd_got dd_v10_text(struct dd_decoder *d, gw_str *out)
{
    return dd_take_index(&d->in, d->texts.list, d->texts.n, out) ? DD_TAKEN : dd_v10_text_any(d, out);
}

/* The key of a map; DD_TAKEN and 0 for what is no number: no field is called so. */
enum dd_got dd_v10_key_any(struct dd_decoder *, uint32_t *key);
static inline enum dd_got dd_v10_key(struct dd_decoder *d, uint32_t *key)
{
    if (d->in.at == d->in.end || *d->in.at >= 0x80)
        return dd_v10_key_any(d, key);
    *key = *d->in.at++;
    return DD_TAKEN;
}

/* The numbers of types in attributes. */
enum dd_v10_type {
    DD_V10_TEXT = 1,
    DD_V10_BOOL,
    DD_V10_DOUBLE,
    DD_V10_INT,
    DD_V10_BYTES,
    DD_V10_ARRAY,
    DD_V10_LIST
};

/* Tags out of attributes; meta has room for DD_PROMOTEDS more. */
enum dd_got dd_v10_attributes(struct dd_decoder *, struct dd_spread *);
/* The same where all is text: of links, and of the payload. */
enum dd_got dd_v10_attribute_texts(struct dd_decoder *, struct dd_text **out, size_t *out_n);
/* The same with their types: of events. */
enum dd_got dd_v10_attribute_values(struct dd_decoder *, struct dd_attr **out, size_t *out_n);

/* The 16 bytes of a trace id. */
enum dd_got dd_v10_trace_id(struct dd_decoder *, uint64_t *high, uint64_t *low);

/* span_links and span_events; those that cannot be read are left out and counted. */
enum dd_got dd_v10_links(struct dd_decoder *, struct dd_span *);
enum dd_got dd_v10_events(struct dd_decoder *, struct dd_span *);

#endif
