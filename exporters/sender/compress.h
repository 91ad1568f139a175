/* compress.h: compresses requests, on the sender's thread.
 *
 *      [frame][frame][frame] ── one stream, without copying them together ──▶ one gzip member or zstd frame,
 *                                                                              in a buffer of its own
 *
 * OTLP is repetitive and becomes 8 to 12 times smaller with little work. Every OTLP backend accepts gzip,
 * over gRPC and HTTP. ISA-L produces it if the processor supports that, at the ratio of zlib's level 1 in a
 * fifth of the time (docs/performance.md). zstd has a better ratio and is cheaper still, but only some HTTP
 * backends accept it.
 *
 * Ownership: a compressor belongs to one sender thread and is reused from request to request; the output is
 * malloc'd and belongs to the caller.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_COMPRESS_H
#define GW_COMPRESS_H

#include "core/base/err.h"
#include "core/delivery/frame.h"

enum gw_compression { GW_COMPRESS_NONE, GW_COMPRESS_GZIP, GW_COMPRESS_ZSTD };

struct gw_compressor;

/* Returns NULL if there is no memory. `kind` is not GW_COMPRESS_NONE. */
struct gw_compressor *gw_compressor_new(enum gw_compression kind);
void gw_compressor_drop(struct gw_compressor *);

/* Compresses the concatenated frames into one body. Returns false if there is no memory; the caller then
 * sends them uncompressed. */
bool gw_compress(struct gw_compressor *, struct gw_frame *const *frames, size_t n, uint8_t **out,
                 size_t *len) GW_MUST_CHECK;

#endif
