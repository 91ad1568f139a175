/* syslog_parse.h: what a syslog message says of itself.
 *
 *   RFC 5424   <165>1 2026-11-21T08:00:00.003Z host app procid msgid [id name="value"] text
 *   RFC 3164   <13>Nov 21 08:00:00 host tag[pid]: text          and what is sent under its name:
 *              no host (what programs write to /dev/log), no time, no PRI, a year, a fraction, a zone, ISO times (rsyslog, ESXi),
 *              Cisco's sequence numbers and mnemonics (%ASA-6-302015), "Message forwarded from HOST", @cee: cookies
 *
 * Whatever is not recognized is text: a message that nothing is known of is all text, and none is refused. A
 * message that claims to be RFC 5424 and is not is read as the other kind.
 *
 * RFC 3164's times have no year: of the last, this and the next one it is that which comes nearest to now.
 * Times without a zone are in `zone`.
 *
 * A tag is the word before ": " or "[pid]". Where no time stands before it, most likely nothing but text was
 * sent (Python's SysLogHandler), and only a word that looks like a program's name is taken for one.
 *
 * Pure functions but for the arena. Ownership: what comes out are views of the message, or lives in the
 * arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSLOG_PARSE_H
#define SYSLOG_PARSE_H

#include "core/base/arena.h"
#include "core/base/clock.h"
#include "translators/logs/log_record.h"
#include "translators/text/zone.h"

/* of structured data; what is more stays together as text, in syslog.structured_data */
enum { SYSLOG_PARAMS = 64 };

struct syslog_ground {
    gw_nsec wall; /* now */
    const struct zone *zone;
    bool local; /* it came over a Unix socket: no host name stands in RFC 3164 messages then */
};

struct syslog_message {
    int facility, severity; /* 0…23, 0…7; -1: it has no PRI */
    int version;            /* 1: RFC 5424; 0: the other */
    uint64_t time;          /* ns since 1970; 0: none */
    gw_str host, app, procid, msgid, sequence, text;
    struct log_attr data[SYSLOG_PARAMS + 1]; /* structured data: syslog.structured_data.ID.NAME */
    size_t data_n;
};

/* What severity 0…7 is as OpenTelemetry's number, and its word. */
int syslog_severity(unsigned severity, gw_str *word);

void syslog_parse(gw_str message, const struct syslog_ground *, struct gw_arena *,
                  struct syslog_message *out);

/* syslog_time.c: cuts a time off the front of *text, with the blank or colon behind it. False: none stands
 * there. */
bool syslog_time(gw_str *text, const struct syslog_ground *, uint64_t *time);
/* RFC 5424's alone; what follows it is left. */
bool syslog_time_iso(gw_str *text, const struct syslog_ground *, uint64_t *time);
/* syslog_data.c: cuts structured data off the front of *text. False: it is not well-formed, and nothing was
 * cut. */
bool syslog_data(gw_str *text, struct gw_arena *, struct syslog_message *);

#endif
