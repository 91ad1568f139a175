/* otlp_read.h: OTLP bytes as protobuf-c structs, for exporters that must look inside.
 *
 * Not the hot path (an OTLP backend gets the bytes as they are). Frames are our own, but some hold what an
 * OTLP client sent, so nothing is taken on trust: protobuf-c recurses per nested message, therefore nesting
 * is measured first and refused beyond OTLP_READ_DEPTH (an attribute value nests twice per level); and all
 * memory comes out of one arena, whose budget the caller set.
 *
 * Threads: the arena's owner.  Ownership: everything lives in the arena; there is nothing to free.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_READ_H
#define GW_OTLP_READ_H

#include <protobuf-c/protobuf-c.h>

#include "core/base/arena.h"
#include "core/delivery/frame.h"

enum { OTLP_READ_DEPTH = 200 };

/* Returns an Export{Trace,Logs,Metrics}ServiceRequest, or NULL: because the bytes are not one; because they
 * need more than the arena's budget (then it is `spent`); or because there is no memory at the moment (then
 * it is also `no_memory`). */
const ProtobufCMessage *otlp_read(struct gw_arena *, enum gw_signal, gw_str bytes);

#endif
