/* segment_record.c: encodes and checks heads, states and record headers. Pure. Called by the files of the
 * segment log.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/diskqueue/segment_record.h"

#include <isa-l/crc.h>
#include <limits.h>

#include "core/base/err.h"

static const char head_magic[12] = "ddgate-log\r\n";
enum { RECORD_MAGIC = 0x31524444 /* "DDR1" */, CHECKED_FROM = 8, CHECKED_TO = GW_SEGMENT_LOG_ACK_OFFSET };

/* The fields of the file, in order. */
struct head {
    char magic[12];
    /* of the 16 bytes before it: a later version may change everything after */
    uint32_t version, version_check;
    uint32_t check; /* of everything after it */
    uint64_t sequence, life;
    uint8_t boot[16];
    char names[GW_SEGMENT_LOG_SLOTS][GW_SEGMENT_LOG_NAME];
};

struct state {
    uint64_t word, end;
    uint32_t check, zero;
};

struct record {
    uint32_t magic, check, at, len, items, pending_ids_n;
    int64_t wall, mono;
    uint32_t payload_check;
    uint8_t signal, schema;
    uint16_t pending;
    uint8_t done[GW_SEGMENT_LOG_SLOTS];
};

_Static_assert(sizeof(struct record) == GW_SEGMENT_LOG_UNIT, "a record's header is one unit");
_Static_assert(offsetof(struct record, done) == GW_SEGMENT_LOG_ACK_OFFSET, "done is at the end");
_Static_assert(sizeof(struct state) == GW_SEGMENT_LOG_STATE_SIZE, "the state has no holes");
_Static_assert(sizeof(struct head) < GW_SEGMENT_LOG_STATE, "the head's first copy ends before the state");

uint32_t gw_segment_log_crc(uint32_t crc, const void *data, size_t len)
{
    unsigned char *p =
        (unsigned char *)(uintptr_t)data; /* ISA-L only reads, but its parameter is not const */
    for (size_t n; len; p += n, len -= n) {
        n = len < INT_MAX ? len : INT_MAX;
        crc = crc32_iscsi(p, (int)n, crc);
    }
    return crc;
}

static uint32_t begin_of(uint64_t life)
{
    return (uint32_t)life ^ (uint32_t)(life >> 32);
}

static uint32_t version_check(const struct head *h)
{
    return gw_segment_log_crc(0, h, offsetof(struct head, version_check));
}

static uint32_t head_check(const struct head *h)
{
    return gw_segment_log_crc(h->version_check, &h->sequence, sizeof *h - offsetof(struct head, sequence));
}

void gw_segment_log_head_put(uint8_t out[static GW_SEGMENT_LOG_HEAD], const struct gw_segment_log_head *from)
{
    struct head h = {.version = GW_SEGMENT_LOG_VERSION, .sequence = from->sequence, .life = from->life};
    memcpy(h.magic, head_magic, sizeof h.magic);
    memcpy(h.boot, from->boot, sizeof h.boot);
    memcpy(h.names, from->names, sizeof h.names);
    h.version_check = version_check(&h);
    h.check = head_check(&h);
    memset(out, 0, GW_SEGMENT_LOG_HEAD);
    memcpy(out, &h, sizeof h);
    memcpy(out + GW_SEGMENT_LOG_COPY_B, &h, sizeof h);
}

static enum gw_segment_log_head_is read_copy(const uint8_t *in, struct gw_segment_log_head *out,
                                             uint32_t *version)
{
    struct head h;
    memcpy(&h, in, sizeof h);
    if (memcmp(h.magic, head_magic, sizeof h.magic) != 0 || h.version_check != version_check(&h))
        return GW_SEGMENT_LOG_HEAD_BAD;
    *version = h.version;
    if (h.version != GW_SEGMENT_LOG_VERSION)
        return GW_SEGMENT_LOG_HEAD_OTHER_VERSION;
    if (h.check != head_check(&h))
        return GW_SEGMENT_LOG_HEAD_BAD;
    *out = (struct gw_segment_log_head){.sequence = h.sequence, .life = h.life};
    memcpy(out->boot, h.boot, sizeof h.boot);
    memcpy(out->names, h.names, sizeof h.names);
    for (int i = 0; i < GW_SEGMENT_LOG_SLOTS; i++)
        out->names[i][GW_SEGMENT_LOG_NAME - 1] = '\0';
    return GW_SEGMENT_LOG_HEAD_GOOD;
}

enum gw_segment_log_head_is gw_segment_log_head_get(const uint8_t in[static GW_SEGMENT_LOG_HEAD],
                                                    struct gw_segment_log_head *out, uint32_t *version)
{
    enum gw_segment_log_head_is is = read_copy(in, out, version);
    return is == GW_SEGMENT_LOG_HEAD_BAD ? read_copy(in + GW_SEGMENT_LOG_COPY_B, out, version) : is;
}

static uint32_t state_check(const struct state *s, uint64_t life)
{
    return gw_segment_log_crc(begin_of(life), s, offsetof(struct state, check));
}

void gw_segment_log_state_put(uint8_t out[static GW_SEGMENT_LOG_STATE_SIZE], uint64_t life,
                              enum gw_segment_log_state state, uint64_t end)
{
    struct state s = {.word = state, .end = end};
    s.check = state_check(&s, life);
    memcpy(out, &s, sizeof s);
}

enum gw_segment_log_state gw_segment_log_state_get(const uint8_t in[static GW_SEGMENT_LOG_STATE_SIZE],
                                                   uint64_t life, uint64_t *end)
{
    struct state s;
    memcpy(&s, in, sizeof s);
    if (s.check != state_check(&s, life) ||
        (s.word != GW_SEGMENT_LOG_SEALED && s.word != GW_SEGMENT_LOG_FREE))
        return GW_SEGMENT_LOG_OPEN;
    *end = s.end;
    return (enum gw_segment_log_state)s.word;
}

uint64_t gw_segment_record_size(uint32_t len, uint32_t pending_ids_n)
{
    uint64_t payload = (uint64_t)len + (uint64_t)pending_ids_n * sizeof(uint32_t);
    return GW_SEGMENT_LOG_UNIT +
           (payload + GW_SEGMENT_LOG_UNIT - 1) / GW_SEGMENT_LOG_UNIT * GW_SEGMENT_LOG_UNIT;
}

static uint32_t record_check(const uint8_t *bytes, uint64_t life)
{
    return gw_segment_log_crc(begin_of(life), bytes + CHECKED_FROM, CHECKED_TO - CHECKED_FROM);
}

void gw_segment_record_put(uint8_t out[static GW_SEGMENT_LOG_UNIT], const struct gw_segment_record *from,
                           uint64_t life)
{
    struct record r = {.magic = RECORD_MAGIC,
                       .at = (uint32_t)(from->at / GW_SEGMENT_LOG_UNIT),
                       .len = from->len,
                       .items = from->items,
                       .pending_ids_n = from->pending_ids_n,
                       .wall = from->wall,
                       .mono = from->mono,
                       .payload_check = from->payload_check,
                       .signal = (uint8_t)from->signal,
                       .schema = (uint8_t)from->schema,
                       .pending = from->pending};
    memcpy(out, &r, sizeof r);
    r.check = record_check(out, life);
    memcpy(out, &r, sizeof r);
}

bool gw_segment_record_get(const uint8_t in[static GW_SEGMENT_LOG_UNIT], uint64_t life, uint64_t at,
                           struct gw_segment_record *out)
{
    struct record r;
    memcpy(&r, in, sizeof r);
    if (r.at != at / GW_SEGMENT_LOG_UNIT || r.check != record_check(in, life))
        return false;
    if (r.signal >= GW_SIGNALS || r.schema >= GW_ATTRIBUTE_SCHEMAS || r.len > GW_SEGMENT_LOG_LONGEST ||
        r.pending_ids_n > r.len)
        return false;
    *out = (struct gw_segment_record){.at = at,
                                      .len = r.len,
                                      .items = r.items,
                                      .pending_ids_n = r.pending_ids_n,
                                      .payload_check = r.payload_check,
                                      .wall = r.wall,
                                      .mono = r.mono,
                                      .signal = (enum gw_signal)r.signal,
                                      .schema = (enum gw_attribute_schema)r.schema,
                                      .pending = r.pending};
    memcpy(out->done, r.done, sizeof r.done);
    return true;
}
