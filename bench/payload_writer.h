/* payload_writer.h: what the parts of payload.c share: the body that is written, and a span before it is.
 *
 *     payload.c         which spans there are; all formats in msgpack
 *     payload_agent.c   what an agent makes of them: AgentPayload in protobuf, with one idx payload
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PAYLOAD_WRITER_H
#define PAYLOAD_WRITER_H

#include <msgpack.h>

#include "bench/payload.h"

enum { PAYLOAD_TABLE = 1 << 14 };

struct writer {
    enum payload_api api;
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    uint64_t random;
    msgpack_sbuffer chunk; /* agent */
    /* v0.5, v1.0, agent: each text once, and where it stands */
    msgpack_sbuffer dictionary;
    msgpack_packer texts;
    uint32_t texts_n;
    struct {
        char *text;
        uint32_t index;
    } table[PAYLOAD_TABLE];
};

struct pair {
    const char *key, *value;
};

struct number {
    const char *key;
    double value;
};

struct span {
    const char *service, *name, *resource, *type;
    uint64_t trace_id, span_id, parent_id, start, duration;
    bool error;
    const struct pair *meta;
    unsigned meta_n;
    const struct number *metrics;
    unsigned metrics_n;
};

/* What each span of the process says. */
enum { PAYLOAD_COMMON = 4 };
extern const struct pair payload_common[PAYLOAD_COMMON];

/* The text's number; *fresh: it was written for the first time. */
uint32_t payload_text(struct writer *, const char *, bool *fresh);
/* What is a field in v1.0, not an attribute: its number, or 0. */
int payload_promoted(const char *key);
const char *payload_meta(const struct span *, const char *key);
/* OpenTelemetry's number. */
int payload_kind(const struct span *);
/* The 8 bytes at this offset are a trace id's lower half. */
void payload_note_trace_id(struct payload *, size_t at);

void payload_agent_text(struct writer *, const char *);
void payload_agent_open_chunk(struct writer *, const uint64_t id[2]);
void payload_agent_span(struct writer *, const struct span *);
void payload_agent_close_chunk(struct writer *, struct payload *);
void payload_agent_finish(struct writer *, struct payload *);

#endif
