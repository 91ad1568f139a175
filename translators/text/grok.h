/* grok.h: expands named patterns to one regular expression, and gives its captures types.
 *
 *     %{NAME}  %{NAME:field}  %{NAME:field:int|float|bool|str}  (?P<field>…)
 *
 * The patterns are Logstash's as the reference engine ships them (grok_patterns.def). Scripts add their own
 * in scopes. A pattern is expanded when it is added, with the patterns that exist then. Characters that are
 * not allowed in a group's name become `_` in the field. A pattern that matches writes all its fields: a
 * field that took no part is "", 0, 0.0 or false. Of two captures with one field the last in the pattern
 * counts.
 *
 * Ownership: definitions are in the arena with which they were added, a compiled pattern lives until
 * grok_drop.
 * Threads: a compiled pattern is shared.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GROK_H
#define GROK_H

#include "core/base/clock.h"
#include "translators/text/re.h"

enum grok_type { GROK_STR, GROK_INT, GROK_FLOAT, GROK_BOOL };

struct grok_typed {
    gw_str field;
    enum grok_type type;
    struct grok_typed *next;
};

struct grok_def {
    gw_str name, text; /* text is expanded */
    struct grok_typed *types;
    struct grok_def *next;
};

/* A scope's definitions, newest first, and the scope around it. */
struct grok_scope {
    struct grok_def *defs;
    const struct grok_scope *outer;
};

struct grok_field {
    gw_str name;
    unsigned group;
    enum grok_type type;
};

/* A place where a pattern may be cut: between a %{…} and the text around it. */
struct grok_cut {
    size_t source, expanded;
};

struct grok {
    struct re *re;
    struct grok_field *fields;
    size_t n;
    gw_str source, expanded; /* the pattern; what became of it */
    struct grok_cut *cuts;   /* the first is 0, the last the end */
    size_t cuts_n;
};

/* Of a text that does not match: how far it would. */
struct grok_stop {
    gw_str before, part; /* the beginning of the pattern that matches; what of it does not, behind that */
    size_t at;           /* the byte of the text where the part should have matched; `before` is empty: any */
    bool late;           /* it was not found out in time */
};

/* False, and why (RE_ERROR_SIZE bytes), when the pattern names one that is not there. */
bool grok_add(struct gw_arena *, struct grok_scope *, gw_str name, gw_str pattern, char *why);
/* NULL, and why, when it names an unknown pattern or is not an expression. In the arena, except for the
 * expression. */
struct grok *grok_compile(struct gw_arena *, const struct grok_scope *, gw_str pattern, char *why);
void grok_drop(struct grok *);
/* For people: compiles the pattern's beginnings, the longest first, until one matches, or gw_now() is past `until`
 * (GW_NEVER: however long it takes). */
struct grok_stop grok_find_stop(const struct grok *, struct re_thread *, struct gw_arena *, gw_str text,
                                gw_nsec until);

#endif
