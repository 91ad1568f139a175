/* dd_struct.h: one entry of meta_struct, msgpack inside msgpack, as an attribute.
 *
 *     map ─▶ kvlist    array ─▶ array    str ─▶ string    bin, ext ─▶ bytes    nil ─▶ empty value    other ─▶ its type
 *
 * AppSec ("appsec", "_dd.stack") and LLM Observability ("_llmobs") send their findings in this form. A key
 * that is not text is written as text (42 ─▶ "42"). If a key of a map occurs twice, the last one is written;
 * empty keys are left out (dd_keys.h). An unsigned integer above INT64_MAX, for which OTLP has no type,
 * becomes a double. A timestamp extension is written as bytes.
 *
 * Keeps no state. Nesting is limited by DD_STRUCT_DEPTH; a deeper value, like one that cannot be decoded, is
 * written whole as bytes, so nothing is lost.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_STRUCT_H
#define DD_STRUCT_H

#include "translators/ddtrace/dd_keys.h"
#include "translators/otlp/otlp_write.h"

enum { DD_STRUCT_DEPTH = 64 };

/* Writes attribute `key` as element of `field`. Returns false if `value` is not one well-formed msgpack
 * value; it is then written as bytes. (It is not written at all if there is no memory: then the writer is
 * `failed`, or the arena's budget is used up.) */
bool dd_write_struct(struct otlp_buf *, struct gw_arena *, unsigned field, gw_str key, gw_str value,
                     struct dd_oddities *);

#endif
