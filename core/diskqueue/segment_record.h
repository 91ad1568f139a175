/* segment_record.h: the bytes of the disk queue: the content of a segment file, and how damage is detected.
 *
 *   0          2048      4096        6144     8192                                                          end
 *   ├─ head ───┼─ state ─┼─ head ────┼────────┼─ record ─┼─ record ───────┼─ record ─┼─ 64 zero bytes ─ … ──┤
 *      copy A               copy B
 *
 *   head     identifies this use of the file: a sequence number that orders the segments, 64 random bits (`life`), the boot, and
 *            the names of the exporters that may have records pending in it. Each copy has its own checksum.
 *   state    how far the segment is written, once it is complete: sealed, or free (every exporter is past it). If it does not
 *            check, the segment is open and is read completely.
 *   record   64 bytes of header, the offsets of the frame's pending trace ids (4 bytes each), the frame's data, zeros up to the
 *            next multiple of 64:
 *
 *     magic 4 │ check 4 │ place 4 │ length 4 │ items 4 │ pending_ids 4 │ wall 8 │ monotonic 8 │ payload check 4 │ signal 1 │ schema 1
 *     │ pending 2 │ done 16
 *
 * `check` is CRC32C over place … pending, starting with `life`. So a record of an earlier use of the file
 * does not check, nor does a record at another place, nor one that a sender made up in the text of a span,
 * because `life` is only in the head. The magic is for people and is not checked, so a flipped bit in it
 * does no harm. `pending` has a bit, and `done` a byte, for each name of the head. An exporter that has
 * finished the record writes GW_SEGMENT_LOG_ACKED into its byte, in place. One flipped bit never turns a
 * zero into that value, so damage there delivers a record twice but never loses it.
 *
 * Numbers are in the byte order of the machine; files of a machine with another order are reported as
 * foreign.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SEGMENT_RECORD_H
#define GW_SEGMENT_RECORD_H

#include "core/delivery/frame.h"

enum {
    GW_SEGMENT_LOG_VERSION = 1,
    GW_SEGMENT_LOG_UNIT = 64,       /* records begin at multiples of this */
    GW_SEGMENT_LOG_HEAD = 8192,     /* the first one here */
    GW_SEGMENT_LOG_COPY_B = 4096,   /* of the head */
    GW_SEGMENT_LOG_STATE = 2048,    /* offset of the state … */
    GW_SEGMENT_LOG_STATE_SIZE = 24, /* … and its bytes */
    GW_SEGMENT_LOG_SLOTS = 16,      /* number of exporters that one segment can name */
    GW_SEGMENT_LOG_NAME = 64,       /* bytes of a name, with its NUL */
    GW_SEGMENT_LOG_ACKED = 0x5a,
    GW_SEGMENT_LOG_ACK_OFFSET = 48 /* of a record: the first byte of `done` */
};

/* No frame is nearly as long; a longer length is invalid. */
#define GW_SEGMENT_LOG_LONGEST ((uint32_t)1 << 30)

struct gw_segment_log_head {
    uint64_t sequence, life;
    /* of the system that ran: monotonic times mean something within one */
    uint8_t boot[16];
    char names[GW_SEGMENT_LOG_SLOTS][GW_SEGMENT_LOG_NAME]; /* empty: the slot is not in use */
};

struct gw_segment_record {
    uint64_t at; /* offset in the file */
    uint32_t len, items, pending_ids_n, payload_check;
    gw_nsec wall, mono; /* when it arrived, by both clocks */
    enum gw_signal signal;
    enum gw_attribute_schema schema;
    uint16_t pending;
    uint8_t done[GW_SEGMENT_LOG_SLOTS];
};

enum gw_segment_log_state { GW_SEGMENT_LOG_OPEN, GW_SEGMENT_LOG_SEALED, GW_SEGMENT_LOG_FREE };

enum gw_segment_log_head_is {
    GW_SEGMENT_LOG_HEAD_GOOD,
    GW_SEGMENT_LOG_HEAD_BAD,
    GW_SEGMENT_LOG_HEAD_OTHER_VERSION
};

void gw_segment_log_head_put(uint8_t out[static GW_SEGMENT_LOG_HEAD], const struct gw_segment_log_head *);
/* *version is set with OTHER_VERSION. */
enum gw_segment_log_head_is gw_segment_log_head_get(const uint8_t in[static GW_SEGMENT_LOG_HEAD],
                                                    struct gw_segment_log_head *, uint32_t *version);

void gw_segment_log_state_put(uint8_t out[static GW_SEGMENT_LOG_STATE_SIZE], uint64_t life,
                              enum gw_segment_log_state, uint64_t end);
/* *end is set when it is not GW_SEGMENT_LOG_OPEN. */
enum gw_segment_log_state gw_segment_log_state_get(const uint8_t in[static GW_SEGMENT_LOG_STATE_SIZE],
                                                   uint64_t life, uint64_t *end);

/* Bytes that a record takes in the file. */
uint64_t gw_segment_record_size(uint32_t len, uint32_t pending_ids_n);
/* `done` is written as zeros. */
void gw_segment_record_put(uint8_t out[static GW_SEGMENT_LOG_UNIT], const struct gw_segment_record *,
                           uint64_t life);
/* False when it does not check, or cannot be. */
bool gw_segment_record_get(const uint8_t in[static GW_SEGMENT_LOG_UNIT], uint64_t life, uint64_t at,
                           struct gw_segment_record *);

uint32_t gw_segment_log_crc(uint32_t begin, const void *data, size_t len);

#endif
