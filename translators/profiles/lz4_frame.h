/* lz4_frame.h: unpacks LZ4 frames (LZ4 Frame Format 1.6), which Java's profiler and older libdatadog write.
 *
 *     magic  descriptor  block …  end mark  [checksum]      several frames after one another are one text
 *
 * Every length and offset is checked against the remaining input and the output so far; nothing is allocated
 * from a claimed length. Checksums are not computed, because the reader of the output checks it. Dictionaries
 * are not supported.
 *
 * Threads: pure functions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROFILES_LZ4_FRAME_H
#define PROFILES_LZ4_FRAME_H

#include "translators/otlp/otlp_write.h"

enum lz4_frame_result { LZ4_FRAME_OK, LZ4_FRAME_BAD, LZ4_FRAME_TOO_LONG, LZ4_FRAME_NO_MEMORY };

/* Appends to an empty buffer, at most `most` bytes. *at: where in the file it stopped. */
enum lz4_frame_result lz4_frame_unpack(gw_str file, size_t most, struct otlp_buf *, size_t *at);

#endif
