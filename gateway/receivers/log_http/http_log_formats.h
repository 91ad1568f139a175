/* http_log_formats.h: the body of a request becomes records.
 *
 *     JSON      [ {…}, {…} ]    {…}    {…} {…}    {…}\n{…}      each object an item, each text of an array a line
 *     lines     text\ntext\n                                     each line a record
 *     logplex   83 <40>1 2012-11-30T06:45:29+00:00 host app web.3 - text     Heroku's octet-counted syslog, several in a row
 *     firelens  [ { "log": …, "date": 1700000000.5, … } ]        what Fluent Bit's http output posts (Datakit's type=firelens)
 *     points    nginx,host=a message="…",status="info" 1700000000000000000   line protocol (Datakit's type=influxdb)
 *               [ {"measurement": …, "tags": {…}, "fields": {…}, "time": …} ]   the same as JSON (points.h)
 *
 * A body is read twice: first without a receiver of records, to check all of it, so that nothing of a
 * malformed body is used (of points, unreadable ones are left out). After that, the number of records is
 * known. Both passes need memory only for the current record.
 *
 * Senders test a connection with empty objects, empty lines and empty arrays: these are no records. A record
 * longer than max_record is truncated, and the number of missing bytes is recorded: a line at its end; an
 * item in the longest of its texts, so that the rest is kept, or, if that is not enough, as its text.
 *
 * Threads: pure but for the arena, which is as before when a call returns.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HTTP_LOG_FORMATS_H
#define GW_HTTP_LOG_FORMATS_H

#include "core/base/arena.h"
#include "translators/logs/log_record.h"

enum http_log_form {
    HTTP_LOG_JSON,
    HTTP_LOG_LINES,
    HTTP_LOG_LOGPLEX,
    HTTP_LOG_FIRELENS,
    HTTP_LOG_LINE_PROTOCOL,
    HTTP_LOG_POINTS_JSON
};

/* Number of points that were left out, and the error of the first. */
struct http_log_bad {
    uint64_t n;
    struct gw_err first;
};

struct http_log {
    enum http_log_form form;
    gw_str text;
    uint64_t precision;           /* of points: nanoseconds of one unit of their times; 0: their size tells */
    struct http_log_bad *bad;     /* of points, added to; NULL: the first is the body's mistake */
    size_t max_record;            /* bytes */
    const struct log_input *like; /* what every record begins as */
    struct gw_arena *arena;
};

/* The record's texts are good until the call returns. */
typedef void http_log_f(void *to, const struct log_input *);

/* `take` NULL: only checks. *records: the number of records, or of those up to and including the one with the
 * mistake. Returns GW_OK, GW_BAD_JSON, GW_BAD_LOGPLEX, GW_BAD_POINTS with the place, or GW_BUDGET if the
 * arena has no room for a record. */
enum gw_code http_log_read(const struct http_log *, http_log_f *take, void *to, uint64_t *records,
                           struct gw_err *) GW_MUST_CHECK;

/* What follows is between http_log_formats.c and the files of its forms. */

struct http_log_reader {
    const struct http_log *body;
    http_log_f *take;
    void *to;
    uint64_t records;
    struct gw_err *err;
};
/* http_log_records.c: counts a record and passes it on: text, or the text of a JSON object. Returns false if
 * the arena has no room. */
void http_log_line(struct http_log_reader *, struct log_input *, gw_str text);
bool http_log_item(struct http_log_reader *, struct log_input *, gw_str object);
/* http_log_points.c, logplex.c */
enum gw_code http_log_points_read(struct http_log_reader *);
enum gw_code log_logplex_read(struct http_log_reader *);

#endif
