/* segment_scan.c: finds the valid records of a segment. Owns nothing. Called by recovery and by readers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/diskqueue/segment_scan.h"

static const uint8_t nothing[GW_SEGMENT_LOG_UNIT];

bool gw_segment_log_header(struct gw_segment_log_window *w, uint64_t life, uint64_t at,
                           struct gw_segment_record *out)
{
    const uint8_t *bytes = gw_segment_log_at(w, at, GW_SEGMENT_LOG_UNIT);
    return bytes && gw_segment_record_get(bytes, life, at, out) &&
           gw_segment_record_size(out->len, out->pending_ids_n) <= w->end - at;
}

/* True if the record's data and offsets are as written. */
static bool payload_valid(struct gw_segment_log_window *w, const struct gw_segment_record *r)
{
    uint64_t at = r->at + GW_SEGMENT_LOG_UNIT, left = r->len + (uint64_t)r->pending_ids_n * sizeof(uint32_t);
    uint32_t check = 0;
    while (left) {
        size_t n = left < w->size ? (size_t)left : w->size;
        const uint8_t *bytes = gw_segment_log_at(w, at, n);
        if (!bytes)
            return false;
        check = gw_segment_log_crc(check, bytes, n);
        at += n;
        left -= n;
    }
    return check == r->payload_check;
}

bool gw_segment_log_find(struct gw_segment_log_window *w, uint64_t life, uint64_t from,
                         struct gw_segment_record *out)
{
    for (uint64_t at = from; at + GW_SEGMENT_LOG_UNIT <= w->end; at += GW_SEGMENT_LOG_UNIT)
        if (gw_segment_log_header(w, life, at, out) && payload_valid(w, out))
            return true;
    return false;
}

/* The bytes after the last valid record. */
static void tail(struct gw_segment_log_window *w, uint64_t at, bool sealed,
                 const struct gw_segment_log_visitor *v)
{
    if (sealed) {
        v->damage(v->arg, at, w->end - at, "no record can be read to the end of the segment");
        return;
    }
    const uint8_t *bytes = gw_segment_log_at(w, at, GW_SEGMENT_LOG_UNIT);
    if (!bytes)
        v->damage(v->arg, at, w->end - at, "the file cannot be read");
    else if (memcmp(bytes, nothing, sizeof nothing) != 0)
        v->damage(v->arg, at, 0, "the last record is torn");
}

void gw_segment_log_scan(struct gw_segment_log_window *w, uint64_t life, bool sealed,
                         const struct gw_segment_log_visitor *v)
{
    struct gw_segment_record r;
    for (uint64_t at = GW_SEGMENT_LOG_HEAD; at + GW_SEGMENT_LOG_UNIT <= w->end;) {
        if (gw_segment_log_header(w, life, at, &r)) {
            uint64_t size = gw_segment_record_size(r.len, r.pending_ids_n);
            if (sealed || payload_valid(w, &r)) {
                v->found(v->arg, &r);
            } else if (w->failed) { /* it may be complete */
                v->damage(v->arg, at, size, "the record cannot be read");
            } else {
                v->damage(v->arg, at, size, "the record's data is damaged");
                v->spoilt(v->arg, &r);
            }
            at += size;
        } else if (gw_segment_log_find(w, life, at + GW_SEGMENT_LOG_UNIT, &r)) {
            v->damage(v->arg, at, r.at - at, "no record can be read here");
            at = r.at;
        } else {
            tail(w, at, sealed, v);
            return;
        }
    }
}
