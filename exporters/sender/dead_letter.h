/* dead_letter.h: what a backend calls malformed is set aside in a file, for a person to look at and perhaps
 * send again.
 *
 *     dead_letter = { directory = "/var/lib/ddgate/dead"; max_size = "64MiB"; };   an option of each exporter
 *
 *     DIRECTORY/NAME.jsonl      one OTLP/JSON request a line, as the OpenTelemetry file exporter writes and
 *                               the collector's otlpjsonfile receiver reads: traces, logs and metrics, as the
 *                               lines say
 *     DIRECTORY/NAME.old.jsonl  the file before it: when NAME.jsonl has half of max_size, it becomes the old
 *                               one, and what was in that is gone (counted: overwritten)
 *
 * What stands there is what the backend was sent, without what belongs to the connection: credentials are
 * added while sending. The files are the user's alone (0600). They are kept by a restart and added to.
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
    struct gw_dead_letter_file file; /* without a directory nothing is set aside */
    /* items of this run in the two files, for the ledger */
    uint64_t now[GW_SIGNALS], old[GW_SIGNALS];
};

void gw_dead_letter_init(struct gw_dead_letter *, gw_str directory, uint64_t max_size, const char *name,
                         const char *component);
/* Takes over from one that will not be used any more; it may write elsewhere. */
void gw_dead_letter_inherit(struct gw_dead_letter *, struct gw_dead_letter *predecessor);
void gw_dead_letter_close(struct gw_dead_letter *);
/* What stands in the file of a batch: its first frames. */
struct gw_set_aside {
    size_t frames;
    uint64_t items;
    bool
        /* the next frame could not be written as text for lack of memory: the rest of the batch is to be kept
         * and tried later */
        no_memory;
    uint64_t overwritten[GW_SIGNALS]; /* items per signal that went with the oldest file */
};

/* Sets all frames aside, or fewer where the file cannot be written, which the log says. They belong to the
 * system then: they survive the process, but not the machine at once. */
struct gw_set_aside gw_dead_letter_put(struct gw_dead_letter *, const struct gw_batch *);

#endif
