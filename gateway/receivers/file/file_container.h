/* file_container.h: turns the lines of a container runtime (CRI, Docker's json-file) into the lines that
 * the container wrote, before they become records.
 *
 *     buffer   [… stdout P a][… stderr F e1][… stdout F b][… stderr F   e2]
 *     stdout   [ab⏎]                  each stream is split into records separately (file_multiline.h)
 *     stderr   [e1⏎  e2⏎]
 *
 * An offset is one number, so a record is passed on only when all records that began before it are
 * complete: the finished part is always the front of the buffer. A stream that is silent while the other
 * one writes counts as finished after SILENT_LINES lines of the other, or half a second by the lines' own
 * times.
 *
 * Parts of a line are joined up to `max_line`; the rest is a line of its own. A runtime rotates a file
 * between any two of its lines, so an unfinished line at the end of a renamed file is joined with the start
 * of its successor. A line in neither format is one of stdout.
 *
 * Ownership: the caller's; texts are valid until it is cleared. Threads: one at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILE_CONTAINER_H
#define GW_FILE_CONTAINER_H

#include "gateway/receivers/file/file_multiline.h"
#include "translators/logs/log_container.h"

/* One line of a container: where its text begins, and which bytes of the buffer it was made of. */
struct file_container_line {
    size_t at, from, next;
    struct log_piece piece; /* its first one; the text is not its whole */
    bool wrapped;           /* false: the file has the line as it is */
};

struct file_container_record {
    gw_str text;
    uint64_t cut;
    size_t from, next; /* bytes of the buffer */
    struct log_piece piece;
    bool wrapped;
};

/* The text of one stream in the buffer. */
struct file_container_stream {
    char *text;
    size_t len, cap;
    struct file_container_line *lines;
    size_t lines_n, lines_cap;
    struct file_container_record *records;
    size_t records_n, records_cap, taken;
    bool open;     /* the last line waits for its rest */
    uint64_t time; /* of its last piece … */
    size_t turn;   /* … and how manieth piece that was, of both streams */
    size_t begins; /* where in the buffer the first record begins that is not over */
};

struct file_containers {
    struct log_clock clock;
    struct gw_arena arena; /* of one line */
    struct file_container_stream streams[LOG_IOSTREAMS];
    uint64_t time; /* of the last piece */
    size_t turn, whole;
};

/* `memory`: for the longest line, without its escapes. */
void file_containers_init(struct file_containers *, size_t memory);
void file_containers_fini(struct file_containers *);
/* The buffer, which begins with a line, is of a container. */
bool file_container_begins(struct file_containers *, const char *buf, size_t n);

/* A buffer: clear it, put text into it (once or several times in a row), split it, then take its records one
 * by one. False: there is no memory. */
void file_container_clear(struct file_containers *);
/* Puts all complete lines; with `over` a rest without a line feed is a line too. `whole` is the end of the
 * last line. */
bool file_container_put(struct file_containers *, const char *buf, size_t n, size_t max, bool over);
/* *done: the bytes that are done with once all records are taken. */
bool file_container_split(struct file_containers *, const struct file_multiline *, enum file_end,
                          size_t *done);
/* Returns the records in the order of their starts. NULL: there is none left. */
const struct file_container_record *file_container_next(struct file_containers *);

#endif
