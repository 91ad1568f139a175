/* output_buffer.h: a growing buffer for text that goes to a person or a pipe.
 *
 * Appending does not report errors: beyond `limit`, or without memory, the buffer is `failed` (sticky until
 * out_reset) and ignores further text; check once, at the end. `no_memory` distinguishes the two: the same
 * text may fit later.
 *
 * Text from senders reaches a terminal only through out_shown: control characters, escape sequences and the
 * marks that reorder text (U+202E and similar) become visible escapes, so data cannot move the cursor or
 * hide a line.
 *
 * Threads: one owner.
 * Ownership: the data is malloc'd and the buffer's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OUTPUT_BUFFER_H
#define GW_OUTPUT_BUFFER_H

#include "core/base/str.h"

struct out {
    char *data;
    size_t len, cap, limit;
    bool failed, no_memory;
};

void out_init(struct out *, size_t limit);
void out_fini(struct out *);
/* Empty again; gives memory back when the last text was exceptionally long. */
void out_reset(struct out *);

void out_char(struct out *, char);
void out_bytes(struct out *, gw_str);
void out_word(struct out *, const char *z);
void out_printf(struct out *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Removes the next code point from s; U+FFFD for each ill-formed byte. s is not empty. */
uint32_t out_next_rune(gw_str *s);
void out_rune(struct out *, uint32_t rune);
/* How many columns of a terminal a code point takes: 0, 1, or 2 (East Asian wide, emoji). */
unsigned out_rune_width(uint32_t rune);
/* True for what must not reach a terminal: C0 and C1 controls, DEL, line and paragraph separators,
 * bidirectional controls. */
bool out_rune_hidden(uint32_t rune);
/* s in one line, made harmless, cut with … to at most `columns`. Returns the columns taken. */
size_t out_shown(struct out *, gw_str s, size_t columns);
/* The columns that out_shown takes for all of s. */
size_t out_columns(gw_str s);

#endif
