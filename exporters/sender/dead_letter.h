/* dead_letter.h: writes data that a backend calls malformed to a file, so that a person can examine it and
 * send it again.
 *
 *     dead_letter = { directory = "/var/lib/ddgate/dead"; max_size = "64MiB"; };   an option of each exporter
 *
 *     DIRECTORY/NAME.jsonl      one OTLP/JSON request per line, as the OpenTelemetry file exporter writes it
 *                               and the collector's otlpjsonfile receiver reads it: traces, logs and metrics
 *                               in one file
 *     DIRECTORY/NAME.old.jsonl  the previous file: when NAME.jsonl reaches half of max_size it becomes the
 *                               old file, and the contents of that are deleted (counted: overwritten)
 *
 * The file contains what the backend was sent, without credentials, which are added while sending. Only the
 * user of the process can read it (0600). After a restart, lines are appended.
 *
 * Threads: put and close on the sender's thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DEAD_LETTER_H
#define GW_DEAD_LETTER_H

#include "core/config/option.h"
#include "core/delivery/dead_letter_file.h"
#include "core/delivery/exporter.h"
#include "exporters/encoding/output_buffer.h"

struct gw_dead_letter {
    struct gw_dead_letter_file file; /* without a directory nothing is written */
    /* Items of this run in the two files, for the ledger. */
    uint64_t now[GW_SIGNALS], old[GW_SIGNALS];
};

void gw_dead_letter_init(struct gw_dead_letter *, gw_str directory, uint64_t max_size, const char *name,
                         const char *component);
/* Takes over the state of another struct, which is not used any more. The directory may differ. */
void gw_dead_letter_inherit(struct gw_dead_letter *, struct gw_dead_letter *predecessor);
void gw_dead_letter_close(struct gw_dead_letter *);
/* How much of a batch is in the file: its first frames. */
struct gw_set_aside {
    size_t frames;
    uint64_t items;
    bool
        /* There was no memory to write the next frame as text: the rest of the batch must be kept and tried
         * later. */
        no_memory;
    uint64_t overwritten[GW_SIGNALS]; /* items per signal that were deleted with the oldest file */
};

/* Writes all frames, or fewer if the file cannot be written, which is logged. The data is then in the
 * operating system's cache: it survives a crash of the process, but not at once one of the machine. */
struct gw_set_aside gw_dead_letter_put(struct gw_dead_letter *, const struct gw_batch *);

#endif
