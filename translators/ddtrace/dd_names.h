/* dd_names.h: the known keys, as numbers.
 *
 *     "http.method" ──hash──▶ DD_T_HTTP_METHOD ──▶ becomes DD_A_HTTP_REQUEST_METHOD, by code
 *
 * Attributes (DD_A_…, below DD_ATTRS) and tags (DD_T_…) of dd_attrs.def share one numbering. Every key of a
 * payload is looked up once and is a number from then on. The table behind dd_name_of is filled once, at
 * start.
 *
 * Threads: call dd_names_init before anything else (dd_translator_new does); any thread may read.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_NAMES_H
#define DD_NAMES_H

#include "translators/ddtrace/dd_hash.h"

#include <stdio.h>

enum dd_name {
#define ATTR(id, name, type, standing) DD_A_##id,
#define TAG(id, tag, to, when, note)
#include "translators/ddtrace/dd_attrs.def"
#undef ATTR
#undef TAG
    DD_ATTRS,
    DD_BEFORE_TAGS = DD_ATTRS - 1,
#define ATTR(id, name, type, standing)
#define TAG(id, tag, to, when, note) DD_T_##id,
#include "translators/ddtrace/dd_attrs.def"
#undef ATTR
#undef TAG
    DD_NAMES,
    DD_A_NONE = DD_NAMES,
    DD_UNKNOWN = 0xFFFF /* the table does not have the key */
};

enum dd_type { DD_TY_STR, DD_TY_INT, DD_TY_DBL, DD_TY_BOOL, DD_TY_ARR };
enum dd_when {
    DD_ANY = 7,
    DD_SERVER = 1, /* these three are bits: the kind of span */
    DD_CLIENT = 2,
    DD_OTHER = 4,
    DD_NOT_SERVER = 6,
    DD_CODE = 8,
    DD_RESOURCE = 16,
    DD_SPAN = 32,
    DD_KEEP = 64,
    DD_RARE = 128
};

struct dd_name_row {
    gw_str name;
    uint8_t type; /* attributes: enum dd_type */
    uint8_t when; /* tags: enum dd_when */
    uint16_t to;  /* tags: the attribute, or DD_A_NONE */
    /* attributes: the KeyValue's key field and the tag of its value field, ready to be copied */
    uint8_t head_len;
    uint8_t head[64];
    const char *note;
};
extern struct dd_name_row dd_names[DD_NAMES + 1];

/* The tags that go to the resource, as bits. */
extern uint64_t dd_resource_tags[(DD_NAMES + 63) / 64];

/* The tags that are only renamed, as bits: on server spans, on client and producer spans, on others. */
extern uint64_t dd_renamed_tags[3][(DD_NAMES + 63) / 64];

/* The tags that are read by code and occur rarely, as bits. */
extern uint64_t dd_rare_tags[(DD_NAMES + 63) / 64];

void dd_names_init(void);
/* Returns the number of a key, or DD_UNKNOWN. `hash` is dd_hash(key). */
unsigned dd_name_of(gw_str key, uint64_t hash);

/* Prints docs/reference/mapping.md. */
void dd_mapping_reference(FILE *);

#endif
