/* profile_file.h: recognizes the files of a profiler's upload and decompresses them.
 *
 *     file ─ begins like gzip, zstd or an LZ4 frame ─▶ unpacked ─┬─ "FLR\0" ──────▶ PROFILE_JFR     Java's flight recorder
 *          └ else: as it is ───────────────────────────────────▶ └─ the caller knows it is pprof, or it is something else
 *
 * Profilers compress their files themselves, without a mark: Go, Java and Python's older profilers with gzip,
 * Java also with LZ4, libdatadog (Python, Ruby, PHP) with zstd, earlier with LZ4. A decompression bomb uses
 * at most `most` bytes of the writer's account and is then an error.
 *
 * Threads: pure functions. Ownership: *out is a view of the file, or of the bytes in the buffer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROFILES_PROFILE_FILE_H
#define PROFILES_PROFILE_FILE_H

#include "core/base/err.h"
#include "translators/otlp/otlp_write.h"

enum profile_packing { PROFILE_PLAIN, PROFILE_GZIP, PROFILE_ZSTD, PROFILE_LZ4 };

enum profile_packing profile_packing_of(gw_str file);
bool profile_is_jfr(gw_str unpacked);
/* Returns GW_OK; GW_BAD_PROFILE with the offset in the file; GW_BUDGET if the buffer could not grow (its
 * account has the reason). */
enum gw_code profile_unpack(gw_str file, size_t most, struct otlp_buf *, gw_str *out,
                            struct gw_err *) GW_MUST_CHECK;

#endif
