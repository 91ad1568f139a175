/* hash.h: seeded hashes for tables whose keys come from clients.
 *
 *     seed ─▶ gw_hash_text(seed, a) ─▶ gw_hash_text(…, b) ─▶ gw_hash_mix ─▶ index
 *
 * The seed is random (random.h), so a client cannot choose keys that collide. The hashes differ from run to
 * run: a hash that is stored or compared between processes must be another function.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HASH_H
#define GW_HASH_H

#include "core/base/str.h"

/* The finalizer of MurmurHash3: every bit of the number reaches every bit of the result. */
static inline uint64_t gw_hash_mix(uint64_t number)
{
    number = (number ^ number >> 33) * 0xff51afd7ed558ccdu;
    number = (number ^ number >> 33) * 0xc4ceb9fe1a85ec53u;
    return number ^ number >> 33;
}

/* Hashes s on top of a seed, or of the hash of the text before it. Reads eight bytes at a time; the length
 * counts too. */
static inline uint64_t gw_hash_text(uint64_t seed, gw_str s)
{
    uint64_t hash = seed ^ s.len, word = 0;
    for (; s.len >= 8; s.ptr += 8, s.len -= 8) {
        memcpy(&word, s.ptr, 8);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    for (word = 0; s.len; s.len--)
        word = word << 8 | (uint8_t)s.ptr[s.len - 1];
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 32;
}

#endif
