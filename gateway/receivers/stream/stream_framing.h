/* stream_framing.h: from the bytes of a stream to records.
 *
 *     newline:  text LF   text CR LF   text NUL      the end belongs to no record
 *     octet:    LEN SP text                          RFC 6587 §3.4.1: LEN in decimal says how many bytes follow
 *     auto:     each message by what it begins with: LEN SP <PRI> is counted, everything else ends with a line
 *     prefix:   a length in four bytes, little-endian, and as many bytes (DogStatsD over a Unix stream socket)
 *
 *   bytes as they were read ──push──▶ records: views of those bytes, or of what was held
 *                              │
 *                              └─ the piece behind the last end is held until the rest of it comes
 *
 * Python's SysLogHandler ends its messages with a NUL, and lets newlines stand in them. A connection whose last
 * message ended so has newlines in the next one too; in the first one they are seen by a NUL that came with
 * them. A newline before another <PRI> is an end all the same.
 *
 * A counted message must show its <PRI> in auto, because lines of text begin with numbers too. Where no count
 * stands in mode octet, or one of more than eight digits, what comes is a line: text is never lost because of
 * how it was framed. Empty records are none.
 *
 * A record holds at most `max` bytes, and as many as the budget gives; what is longer is passed on without
 * the rest, whose bytes are counted in `cut`. A count is never believed: what is held grows with what came.
 *
 * Pure but for the budget. Threads: one owner.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_STREAM_FRAMING_H
#define GW_STREAM_FRAMING_H

#include "core/base/budget.h"
#include "core/base/str.h"

/* The words of the option, in this order; STREAM_PREFIX is none of them. */
enum stream_frame { STREAM_AUTO, STREAM_NEWLINE, STREAM_OCTET, STREAM_PREFIX };

struct stream_framing {
    /* set before the first push */
    enum stream_frame mode;
    size_t max;
    bool blanks;              /* pass on empty lines, which stand in records of several lines */
    bool syslog;              /* in auto, a message that shows its <PRI> may end with a NUL only */
    struct gw_budget *budget; /* pays for what is held */
    /* its own */
    bool nul; /* the last message ended so */
    char *held;
    size_t len, cap;
    /* bytes of the record under way that are not held */
    uint64_t cut;
    uint64_t left; /* bytes of a counted record that have not come */
    /* of a record while it is passed on: how it was framed */
    enum { FRAME_BEGIN, FRAME_LINE, FRAME_COUNTED } state;
};

/* The view is good until the call returns. `cut`: bytes that were cut off its end. */
typedef void stream_text_f(void *to, gw_str text, uint64_t cut);

void stream_framing_push(struct stream_framing *, gw_str bytes, stream_text_f *, void *to);
/* Asked when the stream is over: is what is held not whole? A counted record whose rest is missing; with
 * `torn`, also a line without its end, which is how many a valid stream ends. */
bool stream_framing_is_torn(const struct stream_framing *, bool torn);
/* The stream is over: what is held is a record too. */
void stream_framing_end(struct stream_framing *, stream_text_f *, void *to);
/* Something of a record has come, and its end has not. */
static inline bool stream_framing_is_inside(const struct stream_framing *f)
{
    return f->len > 0 || f->cut > 0 || f->state == FRAME_COUNTED;
}
/* Gives back what is held. */
void stream_framing_fini(struct stream_framing *);

#endif
