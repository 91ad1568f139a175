/* log_front_columns.c: Reads the columns without brackets between the time and the level of a text line:
 * PostgreSQL's user and database, a thread, columns and pairs. The state lives for one record. Called by
 * log_front_words.c for words that are nothing simpler, also in lines without a level, so it must decide
 * quickly.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_front.h"

enum { COLUMNS = 6 };

/* LEVEL: in capitals; 0: not a level. */
static int level_colon(gw_str word)
{
    return word.len > 3 && word.ptr[word.len - 1] == ':' ? log_upper_level(gw_str_n(word.ptr, word.len - 1))
                                                         : 0;
}

/* --- PostgreSQL --- */

static void put_part(struct log_front *f, gw_str key, gw_str part)
{
    if (part.len && !gw_str_eq(part, GW_STR("[unknown]")))
        log_attrs_text(f->r->attrs, key, part);
}

/* STATEMENT:, DETAIL: and similar words are at the same place but are not levels. */
bool log_front_database(struct log_front *f, gw_str word)
{
    gw_str level = log_front_next(f, log_skip_blanks(log_front_behind(f, word)));
    size_t at = gw_str_find(word, '@');
    if (!f->timed || at == 0 || at + 1 >= word.len || level.len < 4 || level.ptr[level.len - 1] != ':' ||
        !log_is_upper_word(gw_str_n(level.ptr, level.len - 1)))
        return false;
    put_part(f, GW_STR("user.name"), gw_str_n(word.ptr, at));
    put_part(f, GW_STR("db.namespace"), gw_str_from(word, at + 1));
    f->at += word.len;
    return true;
}

/* 10.0.0.1(5000) */
static void put_client(struct log_front *f, gw_str client)
{
    size_t open = gw_str_find(client, '(');
    int64_t port;
    put_part(f, GW_STR("client.address"), gw_str_n(client.ptr, open));
    if (open + 2 < client.len && gw_str_i64(gw_str_n(client.ptr + open + 1, client.len - open - 2), &port))
        log_attrs_int(f->r->attrs, GW_STR("client.port"), port);
}

/* 10.0.0.1(5000):user@database:[7]:ERROR: of Amazon's PostgreSQL; the time's colon precedes it. */
static bool take_joined_database(struct log_front *f, gw_str word)
{
    size_t open = gw_str_find(word, '['), close = gw_str_find(word, ']');
    gw_str level = gw_str_from(word, close + 2);
    int64_t pid;
    if (!f->timed || open < 2 || close + 6 > word.len || word.ptr[open - 1] != ':' ||
        word.ptr[close + 1] != ':' || !gw_str_i64(gw_str_n(word.ptr + open + 1, close - open - 1), &pid) ||
        level.ptr[level.len - 1] != ':' || !log_is_upper_word(gw_str_n(level.ptr, level.len - 1)))
        return false;
    gw_str who = gw_str_n(word.ptr, open - 1);
    size_t from = who.len;
    while (from && who.ptr[from - 1] != ':')
        from--;
    gw_str user = gw_str_from(who, from);
    size_t at = gw_str_find(user, '@');
    if (from)
        put_client(f, gw_str_n(who.ptr, from - 1));
    put_part(f, GW_STR("user.name"), gw_str_n(user.ptr, at));
    put_part(f, GW_STR("db.namespace"), gw_str_from(user, at + 1));
    log_attrs_int(f->r->attrs, GW_STR("process.pid"), pid);
    f->at = level.ptr;
    return true;
}

/* --- others --- */

/* `main ERROR message` of log4j2's own log, `dispatcher-event-loop-1 INFO message`: not prose. */
static bool take_thread(struct log_front *f, gw_str word)
{
    if (!f->timed || f->names_n || !log_is_name(word) ||
        !log_upper_level(log_front_next(f, log_skip_blanks(log_front_behind(f, word)))))
        return false;
    bool named = gw_str_eq(word, GW_STR("main"));
    for (size_t i = 1; i < word.len; i++)
        named |= gw_is_digit(word.ptr[i]) || word.ptr[i] == '-';
    if (!named)
        return false;
    log_attrs_text(f->r->attrs, GW_STR("thread.name"), word);
    f->at += word.len;
    return true;
}

/* What prose has few of: `tid=gq0`, `TID-ox2x`, `HardWorker`. */
static bool is_column(gw_str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (log_is_upper(word.ptr[i]) || gw_is_digit(word.ptr[i]) || (i && word.ptr[i] == '='))
            return true;
    return false;
}

/* `pid=8 tid=gq0 class=HardWorker INFO: start` of Sidekiq: the columns stay in the message, which begins with
 * them. */
static bool keep_columns(struct log_front *f, gw_str word)
{
    for (int i = 0; i < COLUMNS && is_column(word); i++) {
        gw_str next = log_front_next(f, log_skip_blanks(log_front_behind(f, word)));
        int level = level_colon(next);
        if (level) {
            f->keep = f->keep ? f->keep : f->at;
            f->at = next.ptr + next.len;
            f->ended = true;
            return log_front_level(f, gw_str_n(next.ptr, next.len - 1), level);
        }
        word = next;
    }
    return false;
}

/* request_id=F12 before [info] */
static bool keep_pair(struct log_front *f, gw_str word)
{
    size_t equal = gw_str_find(word, '=');
    if (equal == 0 || equal == word.len || !log_is_all(gw_str_n(word.ptr, equal), LOG_WORD) ||
        !gw_str_starts(log_skip_blanks(log_front_behind(f, word)), GW_STR("[")))
        return false;
    f->keep = f->keep ? f->keep : f->at;
    f->at += word.len;
    return true;
}

bool log_front_columns(struct log_front *f, gw_str word)
{
    if (!f->timed)
        return false;
    return (word.ptr[word.len - 1] == ':' && take_joined_database(f, word)) || log_front_database(f, word) ||
           take_thread(f, word) || keep_pair(f, word) || keep_columns(f, word);
}
