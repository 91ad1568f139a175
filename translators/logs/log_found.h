/* log_found.h: the parts of a record that were found in its text, in its JSON, by a script, or in its
 * envelope.
 *
 * Views, valid until the record is written. Empty, 0: not found.
 *
 * Threads: one owner.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_FOUND_H
#define LOG_FOUND_H

#include "translators/logs/log_attrs.h"
#include "translators/logs/log_group.h"
#include "translators/logs/log_ids.h"
#include "translators/logs/log_time.h"

struct log_found {
    uint64_t time; /* ns since 1970 */
    int severity;  /* OTLP's SeverityNumber */
    gw_str severity_text;
    gw_str body;
    struct log_origin origin;
    struct log_trace trace;
    uint64_t span;
    gw_str source, tags; /* of an intake's item */
    gw_str program;      /* of a syslog line: the service, if nothing else names it */
};

/* Nothing was found but the body. Field by field: what compilers make of {0} for a struct of this size costs more than
 * all of them, and this is done for every line. */
static inline void log_found_begin(struct log_found *f, gw_str body)
{
    const gw_str none = GW_NOSTR;
    struct log_origin *o = &f->origin;
    f->time = f->span = o->awaits = 0;
    f->severity = 0;
    f->trace = (struct log_trace){0};
    f->severity_text = f->source = f->tags = f->program = none;
    o->service = o->env = o->version = o->host = o->logger = o->more = none;
    f->body = body;
}

/* The first of two texts that is not empty. */
static inline gw_str log_or_else(gw_str a, gw_str b)
{
    return a.len ? a : b;
}

/* What reading a record needs. */
struct log_reader {
    struct gw_arena *arena; /* of the record */
    struct log_clock *clock;
    struct log_attrs *attrs;
    uint64_t now; /* ns since 1970: time of arrival */
    bool python;  /* level numbers are Python's */
    int depth;    /* of lines within lines */
};

/* log_text.c: reads a text of one or more lines. body is the rest if the front was understood, else all of
 * it. Returns the part that is a line of its own (syslog's message, JSON after a time) and was not read. */
gw_str log_read_text(struct log_reader *, gw_str text, struct log_found *);
/* log_json.c: text that may be JSON. */
void log_read_any(struct log_reader *, gw_str text, struct log_found *);
/* Reads an item of Datadog's logs intake; false when it is not a JSON object. With true in *inner, body is
 * its message, which is text or JSON itself and was not read yet. */
bool log_read_item(struct log_reader *, gw_str text, struct log_found *, bool *inner);
/* Reads it; its values override the others. */
void log_read_inner(struct log_reader *, gw_str text, struct log_found *);

#endif
