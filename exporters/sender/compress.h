/* compress.h: requests made small, on the sender's thread.
 *
 *      [frame][frame][frame] ── one stream, no copy laid together first ──▶ one gzip member or zstd frame,
 *                                                                            in a buffer of its own
 *
 * OTLP is repetitive: 8 to 12 times smaller for little work. gzip is what every OTLP backend takes, over gRPC
 * and HTTP; it is made by ISA-L where the processor runs it, at zlib's level-1 ratio for a fifth of the time
 * (docs/performance.md). zstd packs better and is cheaper still, but only HTTP backends that say so take it.
 *
 * Ownership: a compressor belongs to one sender thread and is reused from request to request; the output is
 * malloc'd and the caller's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_COMPRESS_H
#define GW_COMPRESS_H

#include "core/base/err.h"
#include "core/delivery/frame.h"

enum gw_compression { GW_COMPRESS_NONE, GW_COMPRESS_GZIP, GW_COMPRESS_ZSTD };

struct gw_compressor;

/* NULL when there is no memory. `kind` is not GW_COMPRESS_NONE. */
struct gw_compressor *gw_compressor_new(enum gw_compression kind);
void gw_compressor_drop(struct gw_compressor *);

/* Lays the frames end to end into one compressed body. False when there is no memory: then send them as they
 * are. */
bool gw_compress(struct gw_compressor *, struct gw_frame *const *frames, size_t n, uint8_t **out,
                 size_t *len) GW_MUST_CHECK;

#endif
