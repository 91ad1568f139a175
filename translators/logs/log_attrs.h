/* log_attrs.h: the attributes of one record, written as they are found.
 *
 * OpenTelemetry allows every key once: the first value stays; log_attrs_claim is false for a key that is
 * already there.
 *
 * Ownership: the bytes are the record's until log_attrs_begin; keys are views that live as long.
 * Threads: one owner.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_ATTRS_H
#define LOG_ATTRS_H

#include "core/base/arena.h"
#include "translators/otlp/otlp_write.h"

/* Fields of LogRecord. */
enum { LOG_RECORD_ATTRIBUTES = 6, LOG_EVENT_NAME = 12 };
enum { LOG_ATTRS_FEW = 32 };

struct log_attrs {
    struct otlp_buf w;
    struct gw_arena *arena; /* of the record: for the table of many keys */
    /* of the hash, set by the owner once: a client cannot choose keys that collide */
    uint64_t seed;
    uint64_t seen; /* a bit for each key, by its hash */
    size_t n;
    gw_str few[LOG_ATTRS_FEW];
    gw_str *table; /* of more than a few: open addressing */
    size_t slots;
};

void log_attrs_begin(struct log_attrs *, struct gw_arena *);
/* A position to return to: what was written after it is removed. In a record with more than a few keys, the
 * keys stay claimed. */
struct log_attrs_mark {
    size_t len, n;
    uint64_t seen;
};
struct log_attrs_mark log_attrs_here(const struct log_attrs *);
void log_attrs_back(struct log_attrs *, struct log_attrs_mark);
/* True when the key is new, and noted. */
bool log_attrs_claim(struct log_attrs *, gw_str key);

static inline void log_attrs_text(struct log_attrs *a, gw_str key, gw_str value)
{
    if (log_attrs_claim(a, key))
        otlp_attr_text(&a->w, LOG_RECORD_ATTRIBUTES, key, value);
}

static inline void log_attrs_int(struct log_attrs *a, gw_str key, int64_t value)
{
    if (log_attrs_claim(a, key))
        otlp_attr_int(&a->w, LOG_RECORD_ATTRIBUTES, key, value);
}

#endif
