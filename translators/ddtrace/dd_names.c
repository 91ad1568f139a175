/* The table of known keys: attributes and tags of dd_attrs.def by number, and a hash table from text to
 * number.
 *
 * Filled once per process, constant afterwards. Looked up by dd_scan.c and dd_load.c; read everywhere.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_names.h"

#include "core/base/err.h"

#include <pthread.h>

enum {
    TYPE_STR = DD_TY_STR,
    TYPE_INT = DD_TY_INT,
    TYPE_DBL = DD_TY_DBL,
    TYPE_BOOL = DD_TY_BOOL,
    TYPE_ARR = DD_TY_ARR
};
enum { SLOTS = 2048 };

struct dd_name_row dd_names[DD_NAMES + 1] = {
#define ATTR(id, attr, attr_type, standing)                                                                  \
    [DD_A_##id] = {.name = GW_LIT(attr), .type = TYPE_##attr_type, .note = #standing},
#define TAG(id, tag, attr, on, text)                                                                         \
    [DD_T_##id] = {.name = GW_LIT(tag), .to = DD_A_##attr, .when = DD_##on, .note = text},
#include "translators/ddtrace/dd_attrs.def"
#undef ATTR
#undef TAG
    [DD_NAMES] = {.name = GW_LIT("")},
};

_Static_assert(DD_NAMES * 2 < SLOTS, "the table of names is at most half full");

/* Open addressing; the hash is compared first. */
static struct slot {
    uint64_t hash;
    uint16_t name; /* number + 1; 0: a free slot */
} slots[SLOTS];

/* Tags that are only renamed, as bits: on server spans, on client and producer spans, on others. */
uint64_t dd_renamed_tags[3][(DD_NAMES + 63) / 64];
uint64_t dd_resource_tags[(DD_NAMES + 63) / 64];
uint64_t dd_rare_tags[(DD_NAMES + 63) / 64];

static void make_head(struct dd_name_row *row)
{
    uint8_t *p = row->head;
    GW_ASSERT(row->name.len < sizeof row->head - 3);
    *p++ = 0x0A; /* KeyValue.key */
    *p++ = (uint8_t)row->name.len;
    memcpy(p, row->name.ptr, row->name.len);
    p += row->name.len;
    *p++ = 0x12; /* KeyValue.value */
    row->head_len = (uint8_t)(p - row->head);
}

static void fill_table(void)
{
    for (unsigned i = 0; i < DD_NAMES; i++) {
        uint64_t hash = dd_hash(dd_names[i].name);
        GW_ASSERT(dd_name_of(dd_names[i].name, hash) == DD_UNKNOWN); /* a name occurs in one row only */
        size_t at = hash & (SLOTS - 1);
        while (slots[at].name)
            at = (at + 1) & (SLOTS - 1);
        slots[at] = (struct slot){hash, (uint16_t)(i + 1)};
        make_head(&dd_names[i]);
        uint64_t bit = (uint64_t)1 << (i % 64);
        if (dd_names[i].when == DD_RESOURCE)
            dd_resource_tags[i / 64] |= bit;
        if (dd_names[i].when == DD_RARE)
            dd_rare_tags[i / 64] |= bit;
        for (unsigned on = 0; on < 3; on++)
            if (dd_names[i].when <= DD_ANY && dd_names[i].when >> on & 1)
                dd_renamed_tags[on][i / 64] |= bit;
    }
}

void dd_names_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_table);
}

unsigned dd_name_of(gw_str key, uint64_t hash)
{
    for (size_t at = hash & (SLOTS - 1); slots[at].name; at = (at + 1) & (SLOTS - 1))
        if (slots[at].hash == hash && dd_same(dd_names[slots[at].name - 1].name, key))
            return slots[at].name - 1u;
    return DD_UNKNOWN;
}
