/* output_buffer.h: text on its way to a person or a pipe.
 *
 * A growing buffer. Appending never fails loudly: past `limit`, or without memory, the buffer is `failed`
 * (sticky until out_reset) and swallows what follows; ask once, at the end. `no_memory` tells the two apart:
 * the same text may fit later.
 *
 * What senders wrote reaches a terminal only through out_shown: control characters, escape sequences and the
 * marks that reorder text (U+202E and its like) come out as visible escapes, so no span can move the cursor
 * or hide a line.
 *
 * Threads: one owner.  Ownership: the data is malloc'd and the buffer's.
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

/* The next code point of s, which moves on behind it; U+FFFD for each ill-formed byte. s is not empty. */
uint32_t out_next_rune(gw_str *s);
void out_rune(struct out *, uint32_t rune);
/* How many columns of a terminal a code point takes: 0, 1, or 2 (East Asian wide, emoji). */
unsigned out_rune_width(uint32_t rune);
/* True for what must not reach a terminal: C0 and C1 controls, DEL, line and paragraph separators,
 * bidirectional controls. */
bool out_rune_hidden(uint32_t rune);
/* s in one line, made harmless, cut with … to at most `columns`. Returns the columns taken. */
size_t out_shown(struct out *, gw_str s, size_t columns);

#endif
