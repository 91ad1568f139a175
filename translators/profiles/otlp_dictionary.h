/* otlp_dictionary.h: the dictionary of an OTLP profiles request, being written: tables whose number 0 is "none".
 *
 *     begin: the texts that are known already ─▶ text, attribute, …: the number of what is asked for, written where it is new
 *
 * Threads: its owner's.  Errors: memory; sticky in `failed` (and in the buffer), and numbers are 0 then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROFILES_OTLP_DICTIONARY_H
#define PROFILES_OTLP_DICTIONARY_H

#include "core/base/arena.h"
#include "translators/otlp/otlp_write.h"

/* Fields of ProfilesDictionary. */
enum {
    DICTIONARY_MAPPING = 1,
    DICTIONARY_LOCATION = 2,
    DICTIONARY_FUNCTION = 3,
    DICTIONARY_LINK = 4,
    DICTIONARY_TEXT = 5,
    DICTIONARY_ATTRIBUTE = 6,
    DICTIONARY_STACK = 7,
};

/* Numbers of keys: a hash table of a size that is known when it is made. */
struct otlp_numbers {
    struct otlp_number {
        uint64_t key;
        uint32_t number; /* 0: a free place */
    } * places;
    size_t mask;
    uint64_t seed;
};

/* Room for n keys, each of which is put once. False: no memory. */
bool otlp_numbers_init(struct otlp_numbers *, size_t n, uint64_t seed, struct gw_arena *) GW_MUST_CHECK;
void otlp_numbers_put(struct otlp_numbers *, uint64_t key, uint32_t number);
/* 0: the key is not known. */
uint32_t otlp_numbers_find(const struct otlp_numbers *, uint64_t key);

struct otlp_dictionary {
    struct otlp_buf w; /* its fields */
    uint32_t texts, attributes;
};

/* The null entries of all tables but that of texts, whose is the first text that is put. */
void otlp_dictionary_begin(struct otlp_dictionary *);
/* Each call adds one, and returns its number. */
uint32_t otlp_dictionary_text(struct otlp_dictionary *, gw_str);
uint32_t otlp_dictionary_attribute_text(struct otlp_dictionary *, uint32_t key, gw_str value);
uint32_t otlp_dictionary_attribute_int(struct otlp_dictionary *, uint32_t key, int64_t value, uint32_t unit);

#endif
