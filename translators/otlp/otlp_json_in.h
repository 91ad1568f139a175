/* otlp_json_in.h: converts a request in OTLP/JSON to the same request in protobuf.
 *
 *     {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8a…", …}]}]}]} ─▶ bytes for otlp_check.h
 *
 * The rules are those of "OTLP/HTTP: JSON Protobuf Encoding": names in lowerCamelCase, ids in hexadecimal,
 * other bytes in base64, 64-bit integers as text or numbers, NaN and infinity as text. Enums are accepted as
 * integers and also as names, which some senders write. Unknown names are ignored with their values. A null
 * is ignored, except in an array of values, where it is a value without a type. No objects are built: fields
 * are written in the order in which they are read.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_JSON_IN_H
#define OTLP_JSON_IN_H

#include "core/base/arena.h"
#include "translators/otlp/otlp_schema.h"
#include "translators/otlp/otlp_write.h"

/* Before:  `request` is one of the three requests; *out is an empty writer; the arena holds texts with
 *          escapes.
 * Returns: GW_OK, and *out is a well-formed request; GW_BAD_JSON with the place; GW_BUDGET if there is no
 *          memory. The caller frees *out in every case. */
enum gw_code otlp_json_read(enum otlp_message request, gw_str text, struct gw_arena *, struct otlp_buf *out,
                            struct gw_err *) GW_MUST_CHECK;

#endif
