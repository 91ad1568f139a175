/* otlp_json_in.h: OTLP/JSON becomes OTLP: a request in JSON is written as the same request in protobuf.
 *
 *     {"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8a…", …}]}]}]} ─▶ bytes for otlp_check.h
 *
 * By OTLP's rules ("OTLP/HTTP: JSON Protobuf Encoding"): names in lowerCamelCase, ids in hexadecimal, other bytes in
 * base64, integers of 64 bits as text or numbers, numbers that are no numbers as text. Enums come as integers, and as
 * names too, which some senders write. What is not named is ignored, whatever it is, and so is null (in an array of
 * values, it is a value of no type). Nothing is read into objects: what comes is written in the order of its coming.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_JSON_IN_H
#define OTLP_JSON_IN_H

#include "core/base/arena.h"
#include "translators/otlp/otlp_schema.h"
#include "translators/otlp/otlp_write.h"

/* Before:  `request` is one of the three requests; *out is an empty writer; the arena is for texts with escapes.
 * After:   GW_OK, and *out is a well-formed request; GW_BAD_JSON with the place; GW_BUDGET where there is no memory. In
 *          any case *out is the caller's to free. */
enum gw_code otlp_json_read(enum otlp_message request, gw_str text, struct gw_arena *, struct otlp_buf *out,
                            struct gw_err *) GW_MUST_CHECK;

#endif
