/* file_text.h: converts a record's bytes to UTF-8 text without the colours of a terminal.
 *
 *     raw ─▶ decode (encoding, or that of the byte order mark) ─▶ strip escape sequences ─▶ text
 *
 * A mark at the beginning of a file overrides the option: UTF-8's, UTF-16's and UTF-32's are known. UTF-8
 * is passed on unchanged, as a view of the buffer (ill-formed bytes are repaired where OTLP is written).
 * Everything else goes through iconv, and bytes that it cannot read become U+FFFD. GBK and GB2312 are read
 * as GB18030, which contains both.
 *
 * Encodings must contain ASCII, or have units of 2 or 4 bytes: otherwise line feeds could not be found.
 * UTF-7 and EBCDIC are refused.
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
    enum file_encoding by_option; /* without a mark */
    iconv_t open[FILE_ENCODINGS]; /* (iconv_t)-1: not yet */
    char *decoded, *stripped;     /* malloc'd */
    size_t decoded_cap, stripped_cap;
};

/* False: no such encoding, or one in which lines cannot be found; why (at least 160 bytes) has the reason.
 * Then nothing needs to be freed. */
bool file_text_init(struct file_text *, gw_str encoding, char *why, size_t size);
void file_text_fini(struct file_text *);

/* By the file's first bytes: how it is written, and the length of its mark (0: none). */
enum file_encoding file_text_sniff(const struct file_text *, gw_str head, size_t *mark);
struct file_unit file_text_unit(enum file_encoding);

/* UTF-8, as long as raw is there and until the next call. */
gw_str file_text_decode(struct file_text *, enum file_encoding, gw_str raw);
/* The text without escape sequences (ECMA-48 CSI, OSC and the short ones); the same view if it has none. */
gw_str file_text_strip(struct file_text *, gw_str text);

#endif
