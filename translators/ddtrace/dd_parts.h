/* dd_parts.h: native span links and span events, in msgpack and in JSON; private to the decoders.
 *
 *      dd_v04.c ─▶ dd_parts_links(&dd_parts_msgpack, …) ─┐                      ┌─▶ dd_parts_msgpack.c
 *                                                        ├─▶ dd_parts.c: which ─┤
 *      dd_json.c ─▶ dd_parts_links(&dd_parts_json, …) ───┘   key is what        └─▶ dd_json_parts.c
 *
 * Both formats have the same keys, of the same types, with the same tolerances; what differs is how a value is read. A struct
 * dd_part_reader is one format's way of reading: its functions answer as the decoders do (dd_decode.h).
 *
 * Pure. What is read lives in the decoder's arena or is a view of the body.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_PARTS_H
#define DD_PARTS_H

#include "translators/ddtrace/dd_decode.h"

struct dd_part_reader;

/* Reads the value of the key `field` into `part`. */
typedef enum dd_got dd_read_field_f(const struct dd_part_reader *, struct dd_decoder *, void *part, enum dd_field field);

/* A part that is being read. */
union dd_part {
    struct dd_link link;
    struct dd_event event;
};

struct dd_part_reader {
    /* a single value */
    enum dd_got (*text)(struct dd_decoder *, gw_str *);
    enum dd_got (*boolean)(struct dd_decoder *, bool *);
    enum dd_got (*u64)(struct dd_decoder *, uint64_t *);
    enum dd_got (*i64)(struct dd_decoder *, int64_t *);
    enum dd_got (*real)(struct dd_decoder *, double *);
    enum dd_got (*number)(struct dd_decoder *, enum dd_number_kind *, union dd_number_value *);
    enum dd_got (*skip)(struct dd_decoder *);
    /* a map with text keys: `read` is called for each of them */
    enum dd_got (*map)(struct dd_decoder *, dd_read_field_f *read, void *part);
    /* a list of maps, as an array of parts of `size` bytes each; *left_out counts those that cannot be read. nil is passed over */
    enum dd_got (*list)(struct dd_decoder *, dd_read_field_f *read, size_t size, void **out, size_t *out_n, uint64_t *left_out);
    bool (*is_list)(struct dd_decoder *);
    /* the attributes of a link, those of an event, and the elements of an attribute that is an array */
    enum dd_got (*link_attributes)(struct dd_decoder *, struct dd_text **, size_t *n);
    enum dd_got (*event_attributes)(struct dd_decoder *, struct dd_event *);
    enum dd_got (*elements)(struct dd_decoder *, struct dd_typed *);
};

extern const struct dd_part_reader dd_parts_msgpack, dd_parts_json;

/* span_links and span_events. nil and what cannot be read are left out; the latter is counted (left_out). */
enum dd_got dd_parts_links(const struct dd_part_reader *, struct dd_decoder *, struct dd_span *);
enum dd_got dd_parts_events(const struct dd_part_reader *, struct dd_decoder *, struct dd_span *);

/* For the readers: the keys of an attribute's value, which is {type, string_value | bool_value | int_value | double_value | array_value}.
 * `part` is a struct dd_typed. A bare value is read as the key that has its type. */
dd_read_field_f dd_parts_typed;

#endif
