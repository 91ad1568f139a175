/* dd_v10.h: the parts of the v1.0 decoder; private to it.
 *
 *      dd_v10.c ─┬─▶ dd_v10_parts.c ───────┬─▶ dd_v10_texts.c   texts by number, and unknown values
 *      payload,  │   links, events         │
 *      chunks,   └─▶ dd_v10_attributes.c ──┘
 *      spans         typed values in threes
 *
 * v1.0 is msgpack: maps whose keys are numbers. The first occurrence of a text in the payload is a str; it
 * becomes the next entry of a table that grows through the whole payload (entry 0: the empty text). Later
 * occurrences are the number of the entry. So skipped values must be walked too, because their texts count. A
 * text that occurs as a str again keeps its number, as in Datadog's agent, so a span can be read twice from
 * its beginning.
 *
 * Attributes are one array with three values each: key, type, value. They become tags: dd_spread.h.
 *
 * Results are those of all decoders (dd_decode.h). On DD_OTHER_TYPE, d->texts.outside tells whether the cause
 * is a number beyond the table.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_V10_H
#define DD_V10_H

#include "translators/ddtrace/dd_decode.h"
#include "translators/ddtrace/dd_spread.h"

/* Makes an empty table. Returns false if the arena's budget is used up. */
bool dd_v10_texts_begin(struct dd_decoder *);
/* Adds an entry without checking for duplicates: for the list of strings at a payload's start. */
enum dd_got dd_v10_texts_add(struct dd_decoder *, gw_str);

/* Reads any other form of a text: a str, a wide number, nil. */
enum dd_got dd_v10_text_any(struct dd_decoder *, gw_str *out);

/* Reads the next value as text. */
static inline enum dd_got dd_v10_text(struct dd_decoder *d, gw_str *out)
{
    return dd_take_index(&d->in, d->texts.list, d->texts.n, out) ? DD_TAKEN : dd_v10_text_any(d, out);
}

/* Reads the key of a map; DD_TAKEN and 0 if it is not a number: no field has the number 0. */
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

/* Converts attributes to tags; meta has room for DD_PROMOTEDS more. */
enum dd_got dd_v10_attributes(struct dd_decoder *, struct dd_spread *);
/* The same with all values as texts: for links and the payload. */
enum dd_got dd_v10_attribute_texts(struct dd_decoder *, struct dd_text **out, size_t *out_n);
/* The same with their types: for events. */
enum dd_got dd_v10_attribute_values(struct dd_decoder *, struct dd_attr **out, size_t *out_n);

/* Reads the 16 bytes of a trace id. */
enum dd_got dd_v10_trace_id(struct dd_decoder *, uint64_t *high, uint64_t *low);

/* Read span_links and span_events; items that cannot be read are left out and counted. */
enum dd_got dd_v10_links(struct dd_decoder *, struct dd_span *);
enum dd_got dd_v10_events(struct dd_decoder *, struct dd_span *);

#endif
