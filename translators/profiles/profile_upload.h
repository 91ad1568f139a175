/* profile_upload.h: one POST of a profiler: who was profiled, when, and the files.
 *
 *     version 4   part "event" (event.json): start, end, family, tags_profiler; a part for each file
 *     version 3   fields start, end, family or runtime, tags[] …; files data[cpu.pprof], or data[0] with types[0]
 *     version 2   the same with recording-start and recording-end
 *
 * Version 4 is that of Python 1 to 4, Node from 4 on, Go from 1.50 on, Java, .NET, Ruby and PHP; 2 and 3 are older ones.
 * Fields that are not known pass.
 *
 * A file is PROFILE_FILE_PPROF if its name, or the upload's format, says so; pprof.h checks its contents.
 * Other attachments (metrics.json, code-provenance.json) are not profiles and are passed along.
 *
 * Threads: pure functions. Ownership: views of the body, except texts of the event with escapes, which are in
 * the arena.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROFILES_PROFILE_UPLOAD_H
#define PROFILES_PROFILE_UPLOAD_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/str.h"

enum profile_file_kind { PROFILE_FILE_OTHER, PROFILE_FILE_PPROF, PROFILE_FILE_JFR };

struct profile_file {
    gw_str name; /* "cpu.pprof"; not to be trusted as the name of a file */
    gw_str body; /* as sent, packed or not */
    enum profile_file_kind kind;
};

struct profile_upload {
    gw_str service, env, version; /* from its tags; empty: missing */
    gw_str language;              /* "python", "node", "go", "java" */
    gw_str runtime_id, host;
    int64_t start, end; /* ns since 1970; 0: missing */
    gw_str event;       /* the JSON text of version 4; empty: an older one */
    gw_str *tags;       /* "key:value" */
    size_t tags_n;
    struct profile_file *files;
    size_t files_n;
};

/* GW_OK; GW_BAD_MULTIPART, GW_BAD_JSON (of the event) or GW_BAD_PROFILE with the place in the body; GW_BUDGET. */
enum gw_code profile_upload_read(gw_str content_type, gw_str body, struct gw_arena *, struct profile_upload *,
                                 struct gw_err *) GW_MUST_CHECK;

#endif
