/* dd_struct.h: one entry of meta_struct, msgpack inside msgpack, as an attribute.
 *
 *     map ─▶ kvlist    array ─▶ array    str ─▶ string    bin, ext ─▶ bytes    nil ─▶ empty value    other ─▶ its type
 *
 * AppSec ("appsec", "_dd.stack") and LLM Observability ("_llmobs") send their findings so. A key that is not
 * text is written as
 * text (42 ─▶ "42"); each key of a map is written once, the last time, and none that is empty (dd_keys.h). An
 * unsigned integer above INT64_MAX, which OTLP has no type for, becomes a double. A timestamp extension stays
 * bytes.
 *
 * Pure. Nesting is bounded by DD_STRUCT_DEPTH; deeper values, as undecodable ones, are written whole as
 * bytes: nothing is lost.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_STRUCT_H
#define DD_STRUCT_H

#include "translators/ddtrace/dd_keys.h"
#include "translators/otlp/otlp_write.h"

enum { DD_STRUCT_DEPTH = 64 };

/* Attribute `key` as element of `field`. False when `value` is not one well-formed msgpack value and went out
 * as bytes (or not at all because of memory: then the writer is `failed`, or the arena's budget spent). */
bool dd_write_struct(struct otlp_buf *, struct gw_arena *, unsigned field, gw_str key, gw_str value,
                     struct dd_oddities *);

#endif
