/* otlp_json.h: OTLP/JSON, as the OpenTelemetry file exporter writes and otlpjson readers take it.
 *
 * Protobuf's JSON mapping with the departures of the OTLP specification ("JSON Protobuf Encoding"): trace and
 * span ids are hex instead of base64, enums are integers. 64-bit integers are strings, NaN and infinities are
 * strings, names are lowerCamelCase, fields that hold their default are left out, a member of a oneof never
 * is. Text that is not UTF-8 is repaired; control characters, C1 included, are escaped, so a line is safe on
 * a terminal.
 *
 * Threads: pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_JSON_H
#define GW_OTLP_JSON_H

#include <protobuf-c/protobuf-c.h>

#include "exporters/encoding/output_buffer.h"

/* Any message of proto/, without a newline. */
void otlp_json(struct out *, const ProtobufCMessage *);

#endif
