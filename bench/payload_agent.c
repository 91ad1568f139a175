/* payload_agent.c: the load as a Datadog agent sends it to its intake: an AgentPayload with one idx payload, in
 * protobuf. Called by payload.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/payload_writer.h"

#include <stdlib.h>
#include <string.h>

enum { VARINT, FIXED64, LEN };

static void put_varint(msgpack_sbuffer *b, uint64_t v)
{
    do {
        char byte = (char)((v & 127) | (v > 127 ? 128 : 0));
        msgpack_sbuffer_write(b, &byte, 1);
        v >>= 7;
    } while (v);
}

static void put_number(msgpack_sbuffer *b, unsigned field, uint64_t v)
{
    put_varint(b, field << 3 | VARINT);
    put_varint(b, v);
}

static void put_fixed64(msgpack_sbuffer *b, unsigned field, uint64_t v)
{
    put_varint(b, field << 3 | FIXED64);
    msgpack_sbuffer_write(b, (const char *)&v, sizeof v); /* little endian, as this machine */
}

static void put_bytes(msgpack_sbuffer *b, unsigned field, const void *bytes, size_t n)
{
    put_varint(b, field << 3 | LEN);
    put_varint(b, n);
    msgpack_sbuffer_write(b, bytes, n);
}

/* A message that is done; it is empty again. */
static void put_message(msgpack_sbuffer *b, unsigned field, msgpack_sbuffer *message)
{
    put_bytes(b, field, message->data, message->size);
    msgpack_sbuffer_clear(message);
}

void payload_agent_text(struct writer *w, const char *s)
{
    put_bytes(&w->dictionary, 1, s, strlen(s));
}

static uint32_t number_of(struct writer *w, const char *s)
{
    bool fresh = false;
    return payload_text(w, s, &fresh);
}

void payload_agent_open_chunk(struct writer *w, const uint64_t id[2])
{
    put_bytes(&w->chunk, 6, id, 16);
    put_number(&w->chunk, 1, 1);
    put_number(&w->chunk, 7, 1);
}

static void put_attributes(struct writer *w, msgpack_sbuffer *to, const struct span *s)
{
    msgpack_sbuffer entry, value;
    msgpack_sbuffer_init(&entry);
    msgpack_sbuffer_init(&value);
    for (unsigned i = 0; i < s->meta_n + PAYLOAD_COMMON + s->metrics_n; i++) {
        const struct pair *p =
            i < s->meta_n ? &s->meta[i] : &payload_common[(i - s->meta_n) % PAYLOAD_COMMON];
        const struct number *n =
            i < s->meta_n + PAYLOAD_COMMON ? NULL : &s->metrics[i - s->meta_n - PAYLOAD_COMMON];
        if (!n && payload_promoted(p->key))
            continue;
        uint64_t bits = 0;
        if (n)
            memcpy(&bits, &n->value, sizeof bits);
        put_number(&entry, 1, number_of(w, n ? n->key : p->key));
        if (n)
            put_fixed64(&value, 3, bits);
        else
            put_number(&value, 1, number_of(w, p->value));
        put_message(&entry, 2, &value);
        put_message(to, 9, &entry);
    }
    msgpack_sbuffer_destroy(&entry);
    msgpack_sbuffer_destroy(&value);
}

void payload_agent_span(struct writer *w, const struct span *s)
{
    static const char *const fields[] = {"env", "version", "component"};
    msgpack_sbuffer span;
    msgpack_sbuffer_init(&span);
    put_number(&span, 1, number_of(w, s->service));
    put_number(&span, 2, number_of(w, s->name));
    put_number(&span, 3, number_of(w, s->resource));
    put_fixed64(&span, 4, s->span_id);
    put_number(&span, 5, s->parent_id);
    put_fixed64(&span, 6, s->start);
    put_number(&span, 7, s->duration);
    if (s->error)
        put_number(&span, 8, 1);
    put_attributes(w, &span, s);
    put_number(&span, 10, number_of(w, s->type));
    for (unsigned i = 0; i < 3; i++)
        put_number(&span, 13 + i, number_of(w, payload_meta(s, fields[i])));
    put_number(&span, 16, (uint64_t)payload_kind(s));
    put_message(&w->chunk, 4, &span);
    msgpack_sbuffer_destroy(&span);
}

void payload_agent_close_chunk(struct writer *w, struct payload *p)
{
    size_t n = w->chunk.size;
    put_message(&w->buffer, 11, &w->chunk);
    payload_note_trace_id(p, w->buffer.size - n + 10); /* behind the field's head and the upper half */
}

void payload_agent_finish(struct writer *w, struct payload *p)
{
    msgpack_sbuffer process, body;
    msgpack_sbuffer_init(&process);
    msgpack_sbuffer_init(&body);
    uint32_t facts[] = {number_of(w, "python"), number_of(w, "3.12.3"), number_of(w, "2.21.0"),
                        number_of(w, "3f1c5b7e8a9d4c6fb2e1d0a987654321")};
    msgpack_sbuffer_write(&process, w->dictionary.data, w->dictionary.size);
    for (unsigned i = 0; i < 4; i++)
        put_number(&process, 3 + i, facts[i]);
    msgpack_sbuffer_write(&process, w->buffer.data, w->buffer.size);
    put_message(&body, 11, &process);
    for (unsigned i = 0; i < p->trace_ids_n; i++)
        p->trace_ids[i] += body.size - w->buffer.size;
    msgpack_sbuffer_destroy(&process);
    msgpack_sbuffer_destroy(&w->chunk);
    free(msgpack_sbuffer_release(&w->buffer));
    w->buffer = body;
}
