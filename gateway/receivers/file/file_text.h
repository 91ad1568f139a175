/* file_text.h: a record's bytes as the text that people meant: UTF-8, without the colours of a terminal.
 *
 *     raw ─▶ decode (encoding, or what the byte order mark says) ─▶ strip escape sequences ─▶ text
 *
 * A mark at the beginning of a file wins over the option: UTF-8's, UTF-16's and UTF-32's are known. UTF-8 is
 * passed on as it stands, a view of the buffer (what is not well-formed in it is repaired where OTLP is
 * written); everything else goes through iconv, and what it cannot read becomes U+FFFD. GBK and GB2312 are
 * read as GB18030, which holds both.
 *
 * Encodings must keep ASCII, or be of 2 or 4 bytes a unit: else no line feed could be found. UTF-7 and EBCDIC
 * are refused.
 *
 * Threads: one at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILE_TEXT_H
#define GW_FILE_TEXT_H

#include <iconv.h>

#include "gateway/receivers/file/file_lines.h"

enum file_encoding {
    FILE_UTF8,
    FILE_UTF16LE,
    FILE_UTF16BE,
    FILE_UTF32LE,
    FILE_UTF32BE,
    FILE_OTHER,
    FILE_ENCODINGS
};

struct file_text {
    char name[64];                /* of FILE_OTHER, for iconv */
    enum file_encoding by_option; /* where no mark says otherwise */
    iconv_t open[FILE_ENCODINGS]; /* (iconv_t)-1: not yet */
    char *decoded, *stripped;     /* malloc'd */
    size_t decoded_cap, stripped_cap;
};

/* False: no such encoding, or one in which lines cannot be found; why (at least 160 bytes) says which. Then
 * nothing needs to be dropped. */
bool file_text_init(struct file_text *, gw_str encoding, char *why, size_t size);
void file_text_fini(struct file_text *);

/* By the file's first bytes: how it is written, and the length of its mark (0: none). */
enum file_encoding file_text_sniff(const struct file_text *, gw_str head, size_t *mark);
struct file_unit file_text_unit(enum file_encoding);

/* UTF-8, as long as raw is there and until the next call. */
gw_str file_text_decode(struct file_text *, enum file_encoding, gw_str raw);
/* Without escape sequences (ECMA-48 CSI, OSC and the short ones); the text itself where there is none. */
gw_str file_text_strip(struct file_text *, gw_str text);

#endif
