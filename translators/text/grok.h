/* grok.h: patterns with names, expanded to one regular expression, and their captures with types.
 *
 *     %{NAME}  %{NAME:field}  %{NAME:field:int|float|bool|str}  (?P<field>…)
 *
 * The library is Logstash's as the reference engine ships it (grok_patterns.def). Scripts add their own in
 * scopes; a pattern is expanded when it is added, so it sees what was there before it. Characters that may
 * not stand in a group's name become `_` in the field. Every field of a pattern that matched is written: one
 * that took no part is "", 0, 0.0 or false. Of two captures with one field the last in the pattern counts.
 *
 * Ownership: definitions live in the arena they were added with, a compiled pattern until grok_drop. Threads:
 * a compiled one is shared.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GROK_H
#define GROK_H

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

struct grok {
    struct re *re;
    struct grok_field *fields;
    size_t n;
};

/* False, and why (RE_ERROR_SIZE bytes), when the pattern names one that is not there. */
bool grok_add(struct gw_arena *, struct grok_scope *, gw_str name, gw_str pattern, char *why);
/* NULL, and why, when it names a pattern that is not there or is no expression. Lives in the arena, but for
 * the expression. */
struct grok *grok_compile(struct gw_arena *, const struct grok_scope *, gw_str pattern, char *why);
void grok_drop(struct grok *);

#endif
