/* dd_sql.h: removes the data from queries, and finds their operation and table.
 *
 * Tracers send queries unchanged and leave obfuscation to the agent, so it is done here. Text is read token
 * by token, never backwards. The time is linear in its length, and a text without changes is returned as it
 * is.
 *
 *     SELECT * FROM t WHERE a = 'x' AND b IN (1, 2, 3) -- c        SELECT * FROM t WHERE a = ? AND b IN (?)
 *
 *   'text', E'…', N'…', X'…', B'…', _utf8'…'   ─▶ ?     ''  inside is a quote; so is \' in MySQL and in E'…'
 *   "text"                                     ─▶ ? in MySQL and MariaDB; elsewhere it is a name and is kept
 *   $$text$$, $tag$text$tag$                   ─▶ ?     PostgreSQL; q'[text]' in Oracle
 *   1, -1, 1.5e3, 0x1F, .5                     ─▶ ?     not in names (t1) or placeholders ($1, :1, @p1, ?1)
 *   true, false, null                          kept: they reveal nothing
 *   comments, hints                            removed; # begins a comment only in MySQL
 *   IN (?, ?, ?), VALUES (?, ?), (?, ?)        ─▶ IN (?), VALUES (?)   if all are literals, placeholders,
 *                                              null, true, false, default
 *
 *   blanks and ';' at either end               removed
 *
 * Other blanks, letter case and names are kept. A literal that is not closed extends to the end. If the
 * dialect is unknown, \' is read as an escape if that leaves no text open, else as a backslash at the end of
 * a text.
 *
 * Keeps no state; results are views or in the arena. They are empty if the arena's budget is used up, so that
 * a raw query is never passed on.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SQL_H
#define DD_SQL_H

#include "core/base/arena.h"
#include "translators/ddtrace/dd_sql_dialect.h"

gw_str dd_sql_sanitize(struct gw_arena *, enum dd_sql_dialect, gw_str query);

/* What a query does, for db.operation.name and db.collection.name: views into the query. */
struct dd_sql_about {
    gw_str operation; /* first keyword as written, after WITH … and EXPLAIN …: "SELECT", "insert" */
    /* The first table: `schema.table` as written, without quotes if it is a single name; may be empty. */
    gw_str collection;
};
void dd_sql_about(enum dd_sql_dialect, gw_str query, struct dd_sql_about *);

/* Returns "{operation} {collection}" with the operation in upper case: db.query.summary, and the span's name.
 * Empty if neither is known. */
gw_str dd_sql_summary(struct gw_arena *, const struct dd_sql_about *);

/* Redis, Valkey: "SET key value" ─▶ "SET ?". All arguments become one "?", because tracers join them with
 * blanks. Names of commands and subcommands ("CONFIG SET ?") are kept. A pipeline has a command on each line; a
 * line that does not begin with a command's name is part of a value. At most DD_MAX_COMMANDS lines. */
enum { DD_MAX_COMMANDS = 64 };
gw_str dd_redis_sanitize(struct gw_arena *, gw_str command);
/* Memcached: "set key 0 60 5\r\nvalue" ─▶ "set ?". */
gw_str dd_memcached_sanitize(struct gw_arena *, gw_str command);
/* Returns the first word of the command: "GET"; for a pipeline, that of the first line. */
gw_str dd_command_name(gw_str command);

/* MongoDB and Elasticsearch bodies: JSON whose string, number and boolean values become "?"; names are kept.
 * If the text is not JSON to its end (truncated by the agent, shell syntax), the rest becomes "?" from the
 * first error on. */
gw_str dd_json_sanitize(struct gw_arena *, gw_str body);
/* The same after words that are not data: "find shop.users {"name": "x"}". */
gw_str dd_json_sanitize_part(struct gw_arena *, gw_str text);

#endif
