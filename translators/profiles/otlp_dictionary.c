/* otlp_dictionary.c: Writes the tables of OTLP's profiles, and finds numbers of keys. Owns nothing. Called by pprof_otlp.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/profiles/otlp_dictionary.h"

#include "core/base/hash.h"

/* Of KeyValueAndUnit. */
enum { ATTRIBUTE_KEY = 1, ATTRIBUTE_VALUE = 2, ATTRIBUTE_UNIT = 3 };

bool otlp_numbers_init(struct otlp_numbers *t, size_t n, uint64_t seed, struct gw_arena *arena)
{
    size_t room = 8;
    while (room < 2 * n)
        room *= 2;
    *t = (struct otlp_numbers){gw_new(arena, struct otlp_number, room), room - 1, seed};
    return t->places != NULL;
}

static struct otlp_number *place_of(const struct otlp_numbers *t, uint64_t key)
{
    size_t i = gw_hash_mix(key ^ t->seed) & t->mask;
    while (t->places[i].number && t->places[i].key != key)
        i = (i + 1) & t->mask;
    return &t->places[i];
}

void otlp_numbers_put(struct otlp_numbers *t, uint64_t key, uint32_t number)
{
    *place_of(t, key) = (struct otlp_number){key, number};
}

uint32_t otlp_numbers_find(const struct otlp_numbers *t, uint64_t key)
{
    return place_of(t, key)->number;
}

/* A message or text of no bytes, which otlp_bytes would leave out. */
static void put_empty(struct otlp_buf *w, unsigned field)
{
    if (otlp_room(w, 2))
        otlp_end(w, wire_put_len_head(w->data + w->len, field, 0));
}

void otlp_dictionary_begin(struct otlp_dictionary *d)
{
    put_empty(&d->w, DICTIONARY_MAPPING);
    put_empty(&d->w, DICTIONARY_LOCATION);
    put_empty(&d->w, DICTIONARY_FUNCTION);
    put_empty(&d->w, DICTIONARY_LINK);
    put_empty(&d->w, DICTIONARY_ATTRIBUTE);
    put_empty(&d->w, DICTIONARY_STACK);
    d->attributes = 1;
}

uint32_t otlp_dictionary_text(struct otlp_dictionary *d, gw_str s)
{
    if (s.len)
        otlp_text(&d->w, DICTIONARY_TEXT, s);
    else
        put_empty(&d->w, DICTIONARY_TEXT);
    return d->texts++;
}

static size_t open_attribute(struct otlp_dictionary *d, uint32_t key, size_t *value)
{
    size_t mark = otlp_open(&d->w, DICTIONARY_ATTRIBUTE, 1);
    otlp_uint(&d->w, ATTRIBUTE_KEY, key);
    *value = otlp_open(&d->w, ATTRIBUTE_VALUE, 1);
    return mark;
}

static uint32_t close_attribute(struct otlp_dictionary *d, size_t mark, size_t value, uint32_t unit)
{
    otlp_close(&d->w, value, 1);
    otlp_uint(&d->w, ATTRIBUTE_UNIT, unit);
    otlp_close(&d->w, mark, 1);
    return d->attributes++;
}

uint32_t otlp_dictionary_attribute_text(struct otlp_dictionary *d, uint32_t key, gw_str value)
{
    size_t at, mark = open_attribute(d, key, &at);
    otlp_any_text(&d->w, value);
    return close_attribute(d, mark, at, 0);
}

uint32_t otlp_dictionary_attribute_int(struct otlp_dictionary *d, uint32_t key, int64_t value, uint32_t unit)
{
    size_t at, mark = open_attribute(d, key, &at);
    otlp_any_int(&d->w, value);
    return close_attribute(d, mark, at, unit);
}
