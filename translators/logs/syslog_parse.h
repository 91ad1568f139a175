/* syslog_parse.h: reads syslog messages.
 *
 *   RFC 5424   <165>1 2026-11-21T08:00:00.003Z host app procid msgid [id name="value"] text
 *   RFC 3164   <13>Nov 21 08:00:00 host tag[pid]: text          and its variants:
 *              no host (programs that write to /dev/log), no time, no PRI, a year, a fraction, a zone, ISO times (rsyslog, ESXi),
 *              Cisco's sequence numbers and mnemonics (%ASA-6-302015), "Message forwarded from HOST", @cee: cookies
 *
 * Parts that are not recognized are text; no message is refused. A message that claims to be RFC 5424 and
 * is not is read as the other format.
 *
 * RFC 3164's times have no year: of the last, this and the next year, the one nearest to now is used. Times
 * without a zone are in `zone`.
 *
 * A tag is the word before ": " or "[pid]". If no time precedes it, most likely only text was sent
 * (Python's SysLogHandler), and only a word that looks like the name of a program is a tag.
 *
 * Threads: pure functions, except for the arena.
 * Ownership: results are views of the message, or in the arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SYSLOG_PARSE_H
#define SYSLOG_PARSE_H

#include "core/base/arena.h"
#include "core/base/clock.h"
#include "translators/logs/log_record.h"
#include "translators/text/zone.h"

/* parameters of structured data; the rest stays together as text, in syslog.structured_data */
enum { SYSLOG_PARAMS = 64 };

struct syslog_ground {
    gw_nsec wall; /* now */
    const struct zone *zone;
    bool local; /* it arrived over a Unix socket: then RFC 3164 messages have no host name */
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

/* syslog_time.c: removes a time from the front of *text, with the blank or colon after it. False: there is
 * none. */
bool syslog_time(gw_str *text, const struct syslog_ground *, uint64_t *time);
/* Only RFC 5424's format; the text after it is left. */
bool syslog_time_iso(gw_str *text, const struct syslog_ground *, uint64_t *time);
/* syslog_data.c: cuts structured data off the front of *text. False: it is not well-formed, and nothing was
 * cut. */
bool syslog_data(gw_str *text, struct gw_arena *, struct syslog_message *);

#endif
