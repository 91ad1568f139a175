/* ddtrace_profile_directory.h: uploads of profilers as files, within a bound; the oldest go first.
 *
 *     DIRECTORY/
 *       .lock                            one ddgate a directory
 *       shop/                            the service; what is no plain name becomes one, with a hash
 *         2026-11-29T22-30-01.071-0000/  when it came, UTC
 *           event.json  cpu.pprof  heap.pprof  metrics.json
 *
 * An upload is written into a folder with a temporary name, which is then renamed: the folder is there
 * completely or not at all. Files are stored as they were sent, except pprof compressed with zstd or LZ4,
 * which no pprof reader accepts: it is compressed with gzip. Directories have mode 0700, files 0600, and no
 * symbolic link is followed below DIRECTORY. Entries with other names are neither touched nor counted.
 *
 * Bytes are counted in blocks of 4 KiB, and a folder as one block. The directory is read at a start, and
 * again if it disappeared or was replaced; until it is back, uploads are not kept, which is logged. Nothing
 * is synced to the disk: a power failure may lose the last seconds.
 *
 * All receivers of the process with the same path share it, so a reload loses nothing; the last one that
 * opened it sets the limits. Threads: open and close on main, keep and the counts on any. One thread of its
 * own deletes by age.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_PROFILE_DIRECTORY_H
#define GW_DDTRACE_PROFILE_DIRECTORY_H

#include "core/base/err.h"
#include "gateway/receivers/ddtrace/ddtrace_profile.h"

struct gw_diagnostics;
struct ddtrace_profile_directory;

struct ddtrace_profile_bounds {
    uint64_t max_size;
    gw_nsec max_age;
};

struct ddtrace_profile_directory_counts {
    uint64_t uploads, bytes;            /* uploads in the directory, and their bytes */
    uint64_t kept, failed, outed, aged; /* since the start: written, not written, gone for size, for age */
};

/* A mistake in the option becomes a diagnostic. */
bool ddtrace_profile_directory_check(gw_str directory, const char *path, struct gw_diagnostics *);
/* Opens the directory and reads its contents, or shares an open one. Returns NULL with a text if another
 * process uses it, or if there is no memory.
 */
struct ddtrace_profile_directory *ddtrace_profile_directory_open(gw_str directory, struct gw_err *);
void ddtrace_profile_directory_close(struct ddtrace_profile_directory *); /* NULL is legal */
/* The bounds from now on; starts the thread where it does not run. */
void ddtrace_profile_directory_start(struct ddtrace_profile_directory *,
                                     const struct ddtrace_profile_bounds *);
/* Returns false if the upload was not kept; the reason is logged. */
bool ddtrace_profile_directory_keep(struct ddtrace_profile_directory *, const struct ddtrace_profile *);
struct ddtrace_profile_directory_counts ddtrace_profile_directory_counts(struct ddtrace_profile_directory *);

#endif
