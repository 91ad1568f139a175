/* payload.h: what a busy web shop's tracer sends, made up: the load of the benchmarks.
 *
 * Traces of a Flask service: the request, its SQL and Redis calls, calls of another service, and functions of
 * its own; about 11 spans a trace of some 640 bytes in v0.4 (12 tags, 3 or 4 numbers), 75 traces a payload. A
 * pseudo-random sequence makes the same payloads from the same seed everywhere. Ids are 64 bits wide at known
 * places, so that each sending can have fresh ones.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum payload_api { PAYLOAD_V04, PAYLOAD_V05, PAYLOAD_V07, PAYLOAD_V10, PAYLOAD_AGENT };
/* "v0.4", "v0.5", "v0.7", "v1.0", "agent"; false for any other text. */
bool payload_api_of(const char *text, enum payload_api *);

struct payload {
    uint8_t *data;
    size_t len;
    unsigned traces, spans;
    size_t *
        trace_ids; /* offset of each trace id: 8 bytes, big endian; one a span, in v1.0 and of agents one a chunk */
    unsigned trace_ids_n;
};

void payload_make(struct payload *, enum payload_api, unsigned traces, uint64_t seed, uint64_t now_ns);
void payload_free(struct payload *);
/* New trace ids: those of one trace stay the same. */
void payload_refresh(struct payload *, uint64_t step);

#endif
