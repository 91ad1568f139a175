/* line_signals.h: the writers of lines, one a signal. For line_protocol.c.
 *
 * Each takes an unpacked Export…ServiceRequest and returns how many of its items have no line.
 * Threads: pure functions, except for the arena and the buffer.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LINE_SIGNALS_H
#define GW_LINE_SIGNALS_H

#include <protobuf-c/protobuf-c.h>

#include "core/base/arena.h"
#include "exporters/encoding/line_ids.h"
#include "exporters/encoding/output_buffer.h"

uint64_t line_protocol_spans(struct out *, struct gw_arena *, const ProtobufCMessage *, enum line_ids);
uint64_t line_protocol_logs(struct out *, struct gw_arena *, const ProtobufCMessage *, enum line_ids);
uint64_t line_protocol_metrics(struct out *, struct gw_arena *, const ProtobufCMessage *, enum line_ids);

#endif
