/* dd_any.h: converts values of JSON text and of native span events to OTLP's AnyValue.
 *
 *     "text" ─▶ string   true ─▶ bool   12 ─▶ int   2.5 ─▶ double   [ ] ─▶ array   { } ─▶ kvlist   null ─▶ an empty value
 *
 * An integer above INT64_MAX becomes a double. Values nested deeper than DD_ANY_DEPTH become JSON text. In
 * objects, nested ones too, a duplicate key is written once and an empty key is left out (dd_keys.h).
 *
 * Threads: pure functions. Keys and texts with escapes are in the JSON reader's arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_ANY_H
#define DD_ANY_H

#include "core/base/json.h"
#include "translators/ddtrace/dd_keys.h"
#include "translators/ddtrace/dd_span.h"
#include "translators/otlp/otlp_write.h"

enum { DD_ANY_DEPTH = 32 };

/* Field numbers of AnyValue, ArrayValue and KeyValueList for which otlp_write.h has no function. */
enum { DD_ANY_ARRAY = 5, DD_ANY_KVLIST = 6, DD_ANY_VALUES = 1 };

/* Reads an object and writes its members as attributes, elements of `field`, except those listed in
 * `without`. A null counts as an object without members. */
bool dd_attrs_json(struct otlp_buf *, unsigned field, struct gw_json *, const gw_str *without,
                   size_t without_n, struct dd_oddities *);

void dd_attr_value(struct otlp_buf *, struct gw_arena *, unsigned field, const struct dd_attr *,
                   struct dd_oddities *);

#endif
