/* inflate.h: decompresses the bodies of requests.
 *
 *      Content-Encoding: gzip | deflate | zstd ──▶ whole compressed body ──▶ whole body, at most `max` bytes
 *
 * Memory grows with the bytes that were really decompressed, so a decompression bomb costs at most `max`
 * and is then refused (413). If memory is short, the rest is decompressed and discarded: a body that is too
 * large gets 413 whatever else runs, and only a body that would fit at another time gets BUSY. Several gzip
 * members or zstd frames in a row are one body (RFC 1952 §2.2, RFC 8878 §3); other bytes after the end are
 * an error. `deflate` is accepted as the standard defines it (zlib, RFC 1950) and as old clients send it
 * (raw, RFC 1951). A zstd frame may use a window of at most 8 MiB, as RFC 8878 §3.1.1.1.2 recommends.
 *
 * Tracers do not compress traces today; proxies, log shippers and agents do.
 *
 * Threads: an inflater belongs to one thread and is reused.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_INFLATE_H
#define GW_INFLATE_H

#include "core/base/err.h"
#include "gateway/http/body.h"

enum gw_encoding { GW_ENC_IDENTITY, GW_ENC_GZIP, GW_ENC_DEFLATE, GW_ENC_ZSTD, GW_ENC_UNKNOWN };

/* Reads the value of Content-Encoding; empty means identity. Two encodings combined are unknown. */
enum gw_encoding gw_encoding_of(gw_str header);

struct gw_inflater;
struct gw_inflater *gw_inflater_new(void);
void gw_inflater_drop(struct gw_inflater *);

/* Decompresses `in` into the empty body *out. Returns GW_OK, BAD_ENCODING (pos: offset in `in`), TOO_LARGE or
 * BUSY (no memory in the pool). The caller releases the body, even after an error. */
enum gw_code gw_inflate(struct gw_inflater *, enum gw_encoding, gw_str in, struct gw_body_pool *,
                        struct gw_body *out, size_t max, struct gw_err *) GW_MUST_CHECK;

#endif
