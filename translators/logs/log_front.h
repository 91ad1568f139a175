/* log_front.h: reads the front of a text line, piece by piece.
 *
 *     2026-11-21 00:35:39,530 [main] ERROR c.e.Cart:12 - dd.trace_id=… dd.span_id=… - no such item
 *     time                    name   level logger      marks                          message
 *
 * What is removed from the body is elsewhere in the record. The message begins at the first piece that is
 * not understood. A piece that is between others (an unreadable time, a request's id before the level)
 * stays: the message begins with it, and the pieces after it are still read.
 *
 *     log_front.c            shared parts
 *     log_text.c             reads the pieces, and searches other places of a line whose front has little
 *     log_front_words.c      pieces without brackets
 *     log_front_columns.c    columns between the time and the level: databases, threads, pairs
 *     log_front_brackets.c   pieces in brackets
 *     log_front_marks.c      ids, service, env, version
 *     log_front_forms.c      lines with a format of their own: glog, Redis, Ruby's Logger, syslog, …
 *
 * The state lives for one record. A function that takes a piece returns false, and leaves the state
 * unchanged, if the text does not begin with such a piece.
 *
 * Threads: one owner.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_FRONT_H
#define LOG_FRONT_H

#include "translators/logs/log_found.h"
#include "translators/logs/log_severity.h"

enum { LOG_FRONT_NAMES = 3, LOG_LEVEL_MAX = 13 /* bytes of a level's word at most */ };

/* [name] before it is known whether it is a thread or a logger. */
struct log_front_name {
    gw_str text;
    bool early;    /* it was before the level */
    bool adjacent; /* to the bracket before it */
};

struct log_front {
    struct log_reader *r;
    struct log_found *found;
    const char *begin, *at, *end;
    const char *time_from; /* start of the time; NULL: none was found */
    const char *keep;      /* the message begins here at the latest; NULL: behind the last piece */
    const char *open;      /* the bracket around the time that is not closed yet */
    struct log_front_name names[LOG_FRONT_NAMES];
    size_t names_n;
    int64_t number; /* [123]: of a process, or a thread */
    bool numbered;
    bool timed, marked /* the block of dd. keys was there */, bare /* a logger without brackets */;
    bool dashed;   /* a dash followed the logger */
    bool spring;   /* `123 ---` was there */
    bool columned; /* columns between `|` */
    bool lettered; /* the level was a single letter */
    bool ended;    /* a separator came */
};

/* --- helpers --- */

static inline bool log_is_upper(int c)
{
    return c >= 'A' && c <= 'Z';
}

static inline bool log_is_word_char(int c)
{
    return gw_is_letter(c) || gw_is_digit(c) || c == '_';
}

/* Kinds of characters: of loggers' and threads' names; capitals and the signs of INFO+2; digits; of words. */
enum { LOG_NAME = 1, LOG_UPPER = 2, LOG_DIGIT = 4, LOG_WORD = 8 };
extern const uint8_t log_char_kinds[256];

/* All characters are of that kind, and there is one. */
static inline bool log_is_all(gw_str s, unsigned kind)
{
    unsigned kinds = kind;
    for (size_t i = 0; i < s.len; i++)
        kinds &= log_char_kinds[(uint8_t)s.ptr[i]];
    return kinds && s.len;
}

static inline bool log_is_name(gw_str s)
{
    return log_is_all(s, LOG_NAME);
}

/* Capitals, digits, + and -: how levels are written that cannot be prose. */
static inline bool log_is_upper_word(gw_str s)
{
    return log_is_all(s, LOG_UPPER);
}

/* A level that a word of such a shape can be; 0: none. */
int log_bracket_level(gw_str);
/* The same of a word without brackets: INFO, WARN+2, and no less. */
static inline int log_upper_level(gw_str word)
{
    return word.len > 2 && log_is_upper(*word.ptr) && log_is_upper_word(word) ? log_severity_plain(word) : 0;
}

static inline gw_str log_front_rest(const struct log_front *f)
{
    return gw_str_n(f->at, (size_t)(f->end - f->at));
}

static inline gw_str log_front_behind(const struct log_front *f, gw_str word)
{
    return gw_str_n(word.ptr + word.len, (size_t)(f->end - word.ptr) - word.len);
}

static inline gw_str log_skip_blanks(gw_str s)
{
    while (s.len && (*s.ptr == ' ' || *s.ptr == '\t'))
        s.ptr++, s.len--;
    return s;
}

static inline void log_front_skip_blanks(struct log_front *f)
{
    const char *p = f->at;
    while (p < f->end && (*p == ' ' || *p == '\t'))
        p++;
    f->at = p;
}

/* Up to the next blank, at most 256 bytes; in an open bracket up to its end. */
gw_str log_front_next(const struct log_front *, gw_str rest);
/* The word is the level, unless there is one. */
bool log_front_level(struct log_front *, gw_str word, int number);
/* main.go:12, lt.py:26: as code.file.path and code.line.number; of `root:lt.py:26` the logger, too */
bool log_front_place(struct log_front *, gw_str);
bool log_front_file(struct log_front *, gw_str file, gw_str line);

bool log_front_word(struct log_front *);
bool log_front_columns(struct log_front *, gw_str word);
/* user@database of PostgreSQL, before LEVEL: */
bool log_front_database(struct log_front *, gw_str word);
bool log_front_bracket(struct log_front *);
/* (name), {file.py:12} */
bool log_front_enclosed(struct log_front *);
/* dd.service=… dd.env=… in brackets; all of it or none. */
bool log_front_block(struct log_front *, gw_str inside);
bool log_front_pair(struct log_front *, gw_str pair);
/* `file.py SERVICE TRACE_ID func:26`; `TRACE_ID SPAN_ID -` behind a dash */
bool log_front_documented(struct log_front *, gw_str file);
bool log_front_bare_ids(struct log_front *);
/* Spring Boot's [TRACE_ID-SPAN_ID], Sleuth's [service,TRACE_ID,SPAN_ID] */
bool log_front_correlation(struct log_front *, gw_str inside);
/* Marks anywhere in the text; the body stays whole. */
void log_front_find_marks(struct log_found *, gw_str text);

/* Reads a line whose format is recognized by its first characters: true when it was read. */
bool log_front_form(struct log_front *);
/* After the time: `host app[pid]:` of syslog files. The rest is the message, which may be a line of its own. */
bool log_front_syslog(struct log_front *);
/* From its first character on: `1795961817.267908 host app[pid]:` of journalctl -o short-unix. */
bool log_front_unix(struct log_front *);
/* From its first character on: a syslog message with its priority. The rest is the message, as above. */
bool log_front_priority(struct log_front *);
/* Behind the time: `class method⏎LEVEL: message` of java.util.logging. */
bool log_front_two_lines(struct log_front *);

#endif
