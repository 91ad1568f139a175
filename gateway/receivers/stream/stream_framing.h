/* stream_framing.h: splits the bytes of a stream into records.
 *
 *     newline:  text LF   text CR LF   text NUL      the end belongs to no record
 *     octet:    LEN SP text                          RFC 6587 §3.4.1: LEN is the number of bytes that follow, in decimal
 *     auto:     depends on the start of each message: LEN SP <PRI> is counted, any other ends with a line
 *     prefix:   a length in four bytes, little-endian, and as many bytes (DogStatsD over a Unix stream socket)
 *
 *   bytes as they were read ──push──▶ records: views of those bytes, or of kept ones
 *                              │
 *                              └─ the piece after the last end is kept until its rest arrives
 *
 * Python's SysLogHandler ends its messages with a NUL, and allows newlines in them. If the last message of
 * a connection ended with a NUL, the next one may contain newlines; in the first message they are
 * recognized by a NUL that arrives with them. A newline before another <PRI> always ends a message.
 *
 * In auto a counted message must show its <PRI>, because lines of text may begin with numbers. If a message
 * in mode octet has no count, or one of more than eight digits, it is a line: text is never lost because of
 * its framing. Empty records are skipped.
 *
 * A record holds at most `max` bytes, and no more than the budget allows; the rest of a longer one is
 * dropped and its bytes are counted in `cut`. Memory grows with received bytes, not with a claimed count.
 *
 * Pure, except for the budget. Threads: one owner.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_STREAM_FRAMING_H
#define GW_STREAM_FRAMING_H

#include "core/base/budget.h"
#include "core/base/str.h"

/* The option's words, in this order; STREAM_PREFIX has none. */
enum stream_frame { STREAM_AUTO, STREAM_NEWLINE, STREAM_OCTET, STREAM_PREFIX };

struct stream_framing {
    /* set before the first push */
    enum stream_frame mode;
    size_t max;
    bool blanks;              /* pass empty lines on, because they may be within records of several lines */
    bool syslog;              /* in auto, a message that shows its <PRI> may end with a NUL only */
    struct gw_budget *budget; /* charged for the kept bytes */
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
/* At the end of a stream: true if the kept bytes are incomplete: a counted record without its rest; with
 * `torn`, also a line without its end, which is a normal end of many streams. */
bool stream_framing_is_torn(const struct stream_framing *, bool torn);
/* Ends the stream: the kept bytes are a record too. */
void stream_framing_end(struct stream_framing *, stream_text_f *, void *to);
/* Something of a record has come, and its end has not. */
static inline bool stream_framing_is_inside(const struct stream_framing *f)
{
    return f->len > 0 || f->cut > 0 || f->state == FRAME_COUNTED;
}
/* Frees the kept bytes. */
void stream_framing_fini(struct stream_framing *);

#endif
