/* dd_sql.h: queries without the data in them, and what they are about.
 *
 * Tracers send queries raw and leave obfuscation to the agent, so here is the place. Text is read token by
 * token, never backwards; the time is linear in its length, and text in which nothing changes is returned as
 * it is.
 *
 *     SELECT * FROM t WHERE a = 'x' AND b IN (1, 2, 3) -- c        SELECT * FROM t WHERE a = ? AND b IN (?)
 *
 *   'text', E'…', N'…', X'…', B'…', _utf8'…'   ─▶ ?     ''  within is a quote; \' too, in MySQL and in E'…'
 *   "text"                                     ─▶ ? in MySQL and MariaDB; elsewhere it is a name and stays
 *   $$text$$, $tag$text$tag$                   ─▶ ?     PostgreSQL; q'[text]' in Oracle
 *   1, -1, 1.5e3, 0x1F, .5                     ─▶ ?     not in names (t1), nor placeholders ($1, :1, @p1, ?1)
 *   true, false, null                          stay: they are no data worth hiding
 *   comments, hints                            removed; # begins a comment in MySQL only
 *   IN (?, ?, ?), VALUES (?, ?), (?, ?)        ─▶ IN (?), VALUES (?)   where all are literals, placeholders, null, true, false, default
 *
 *   blanks and ';' at either end               removed
 *
 * Other blanks, case and names stay. A literal that is not closed is a literal to the end. Where the dialect
 * is not known, \' is read as an escape if that leaves no text open, else as a backslash at the end of a
 * text.
 *
 * Pure; results are views or live in the arena (empty when its budget is spent: rather nothing than the raw
 * query).
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SQL_H
#define DD_SQL_H

#include "core/base/arena.h"
#include "translators/ddtrace/dd_sql_dialect.h"

gw_str dd_sql_sanitize(struct gw_arena *, enum dd_sql_dialect, gw_str query);

/* What a query does and to what, for db.operation.name and db.collection.name: views into the query. */
struct dd_sql_about {
    gw_str operation; /* first keyword as written, behind WITH … and EXPLAIN …: "SELECT", "insert" */
    /* first table: `schema.table` as written, without quotes where it is a single name; may be empty */
    gw_str collection;
};
void dd_sql_about(enum dd_sql_dialect, gw_str query, struct dd_sql_about *);

/* "{operation} {collection}", upper-case operation: db.query.summary, and the span's name. Empty when neither
 * is known. */
gw_str dd_sql_summary(struct gw_arena *, const struct dd_sql_about *);

/* Redis, Valkey: "SET key value" ─▶ "SET ?": arguments are not told apart, since tracers join them by blanks. Names of commands
 * and subcommands ("CONFIG SET ?") stay. A pipeline has a command on each line; lines that do not begin with
 * a command's name are part of a value. At most DD_MAX_COMMANDS lines. */
enum { DD_MAX_COMMANDS = 64 };
gw_str dd_redis_sanitize(struct gw_arena *, gw_str command);
/* Memcached: "set key 0 60 5\r\nvalue" ─▶ "set ?". */
gw_str dd_memcached_sanitize(struct gw_arena *, gw_str command);
/* The first word of the command: "GET"; of a pipeline, the first line's. */
gw_str dd_command_name(gw_str command);

/* MongoDB and Elasticsearch bodies: JSON whose string, number and boolean values become "?", names stay. Text
 * that is not JSON from start to end (the agent's cut, shell syntax) becomes "?" from the place on where it
 * stops being JSON. */
gw_str dd_json_sanitize(struct gw_arena *, gw_str body);
/* The same behind words that are no data: "find shop.users {"name": "x"}". */
gw_str dd_json_sanitize_part(struct gw_arena *, gw_str text);

#endif
