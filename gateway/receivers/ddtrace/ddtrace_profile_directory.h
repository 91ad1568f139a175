/* ddtrace_profile_directory.h: uploads of profilers as files, within a bound; the oldest go first.
 *
 *     DIRECTORY/
 *       .lock                            one ddgate a directory
 *       shop/                            the service; what is no plain name becomes one, with a hash
 *         2026-11-29T22-30-01.071-0000/  when it came, UTC
 *           event.json  cpu.pprof  heap.pprof  metrics.json
 *
 * An upload is written into a folder of another name, which is then renamed: it stands there whole or not at all. Files are as they were sent, but for
 * pprof packed by zstd or LZ4, which no pprof reader takes: it is packed by gzip. Directories have mode 0700, files 0600, and no symbolic link
 * is followed below DIRECTORY. What has another name than these is not touched, nor counted.
 *
 * Bytes are counted in blocks of 4 KiB, and a folder as one. A start looks at what is there. When the directory went
 * away or another one took its place, it is looked at again; until it is back, uploads are not kept, and the log says so.
 * Nothing is forced to the disk: a loss of power may cost the last seconds.
 *
 * Shared by all receivers of the process that name the same path, so that a reload loses nothing: the last that opened
 * it sets the bounds. Threads: open and close on main, keep and the counts on any. One thread of its own, for the age.
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
    uint64_t uploads, bytes;            /* that stand there */
    uint64_t kept, failed, outed, aged; /* since the start: written, not written, gone for size, for age */
};

/* A mistake in the option becomes a diagnostic. */
bool ddtrace_profile_directory_check(gw_str directory, const char *path, struct gw_diagnostics *);
/* Opens it and looks at what is there, or shares what is open. NULL with words: another process has it, or no memory.
 */
struct ddtrace_profile_directory *ddtrace_profile_directory_open(gw_str directory, struct gw_err *);
void ddtrace_profile_directory_close(struct ddtrace_profile_directory *); /* NULL is legal */
/* The bounds from now on; starts the thread where it does not run. */
void ddtrace_profile_directory_start(struct ddtrace_profile_directory *,
                                     const struct ddtrace_profile_bounds *);
/* False: it was not kept, and the log says why. */
bool ddtrace_profile_directory_keep(struct ddtrace_profile_directory *, const struct ddtrace_profile *);
struct ddtrace_profile_directory_counts ddtrace_profile_directory_counts(struct ddtrace_profile_directory *);

#endif
