/* ddtrace_profiles.h: what profilers send to POST /profiling/v1/input, and where it goes by option profiles.
 *
 *     multipart/form-data ─▶ read ─▶ files unpacked and checked ─┬▶ directory   files by service and time   ddtrace_profile_directory.h
 *      event.json, cpu.pprof, main.jfr                           ├▶ forward     as it was sent, or Pyroscope's form   ddtrace_profile_forward.h
 *                                                                └▶ otlp        one request a file, to exporters that take profiles
 *
 * The ledger counts profiles, that is, pprof or JFR files of an upload, under the signal profiles. Each
 * destination has a row of its own, like an exporter. A malformed upload gets 400, and none of it is used.
 * Without the option, an upload is read, discarded and answered 200; it counts as one dropped profile
 * (not_kept), because it is not parsed.
 *
 * 200 means that the upload is in the directory, in the queue of each forward, and in those of the exporters.
 * If the directory is the only destination and cannot be written, the answer is 503, which profilers retry;
 * if another destination has accepted it, 200, and the directory's row counts the failure.
 *
 * Threads: open, start, stop and close on main, take on HTTP workers. A successor of a reload shares what its predecessor
 * has open: the directory's files and the forward's queue stay.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_PROFILES_H
#define GW_DDTRACE_PROFILES_H

#include "core/config/option.h"
#include "core/delivery/ledger.h"
#include "gateway/http/http.h"

#define DDTRACE_PROFILES_OPTS(X)                                                                             \
    X(str, profiles_directory, "profiles.directory", "", "", "",                                             \
      "Folder in which profiles from /profiling/v1/input are kept as files, SERVICE/TIME/cpu.pprof; it "     \
      "must exist.")                                                                                         \
    X(size, profiles_max_size, "profiles.max_size", "1GiB", "1MiB", "1PiB",                                  \
      "Limit of all files there; above it, the oldest are deleted.")                                         \
    X(duration, profiles_max_age, "profiles.max_age", "168h", "1m", "87600h", "How long profiles are kept.") \
    X(list, profiles_forward, "profiles.forward", "", "", "",                                                \
      "Targets to which profiles are forwarded: an agent (http://host:8126, unix:///path), with "            \
      "profiles.api_key the intake of a site (datadoghq.eu), Pyroscope (http://host:4040/ingest), or "       \
      "another URL that accepts uploads unchanged.")                                                         \
    X(secret, profiles_api_key, "profiles.api_key", "", "", "",                                              \
      "Key for these targets: sent as DD-API-KEY, to Pyroscope as Authorization: Bearer. An intake "         \
      "requires it.")                                                                                        \
    X(size, profiles_queue_size, "profiles.queue_size", "32MiB", "64KiB", "1GiB",                            \
      "Bytes of profiles that wait for each target; above that, the oldest are dropped.")                    \
    X(duration, profiles_retry_time, "profiles.retry_time", "10m", "1s", "24h",                              \
      "How long a profile is retried while a target does not accept it.")                                    \
    X(flag, profiles_otlp, "profiles.otlp", "false", "", "",                                                 \
      "Experimental: translate profiles to OTLP (v1development), for exporters whose option signals names "  \
      "profiles.")                                                                                           \
    X(size, profiles_max_upload, "profiles.max_upload", "50MiB", "64KiB", "1GiB",                            \
      "Longest upload of a profiler; a longer one gets 413. Decompressed, a profile may have max_inflated "  \
      "bytes.")

struct ddtrace_profiles_conf {
    DDTRACE_PROFILES_OPTS(GW_FIELD)
};

struct gw_host;
struct gw_diagnostics;
struct ddtrace_profile_directory;
struct ddtrace_profile_forward;

enum { DDTRACE_PROFILE_FORWARDS = 8 };

struct ddtrace_profiles {
    struct ddtrace_profiles_conf conf;
    const struct gw_host *host;
    struct ddtrace_profile_directory *directory; /* NULL: none */
    unsigned directory_row;                      /* of the ledger */
    struct ddtrace_profile_forward *forwards[DDTRACE_PROFILE_FORWARDS];
    size_t forwards_n;
    bool started[DDTRACE_PROFILE_FORWARDS];
    uint64_t rows;         /* rows of the ledger, as bits, that get accepted profiles */
    uint64_t max_unpacked; /* of the files of one upload */
    atomic_uint_least64_t uploads, refused;
};

/* Mistakes become diagnostics below `path`. GW_INTERNAL: no memory. */
enum gw_code ddtrace_profiles_open(struct ddtrace_profiles *, const struct ddtrace_profiles_conf *,
                                   uint64_t max_unpacked, const struct gw_list *listen,
                                   const struct gw_host *, const char *path, struct gw_diagnostics *);
void ddtrace_profiles_start(struct ddtrace_profiles *);
/* What waits to be sent on has its last try. */
void ddtrace_profiles_stop(struct ddtrace_profiles *);
void ddtrace_profiles_close(struct ddtrace_profiles *);
/* Returns whether the options name a destination for profiles. */
bool ddtrace_profiles_wanted(const struct ddtrace_profiles *);

#define DDTRACE_PROFILES_ROWS                                                                                \
    GW_COUNTER_ASKED("ddtrace_profile_uploads_total", "result",                                              \
                     "Uploads of profilers that option profiles is for: taken, refused."),                   \
        GW_GAUGE_ASKED("ddtrace_profile_directory_uploads", "",                                              \
                       "Uploads that stand in profiles.directory."),                                         \
        GW_GAUGE_ASKED("ddtrace_profile_directory_bytes", "", "What they take, in blocks of 4 KiB."),        \
        GW_COUNTER_ASKED("ddtrace_profile_directory_written_total", "", "Uploads that were written there."), \
        GW_COUNTER_ASKED("ddtrace_profile_directory_failed_total", "",                                       \
                         "Uploads that could not be written there."),                                        \
        GW_COUNTER_ASKED("ddtrace_profile_directory_removed_total", "reason",                                \
                         "Uploads that went from there: for max_size, for max_age.")

/* Adds samples of these rows, which are adjacent. */
void ddtrace_profiles_measure(const struct ddtrace_profiles *, const struct gw_metric *rows,
                              struct gw_metrics *);

/* An upload: to where it is to go, and its answer. `container` of the sender, where that is known. */
void ddtrace_profiles_take(struct ddtrace_profiles *, const struct gw_http_request *, const char *container,
                           struct gw_http_reply *);
/* Counts a profile that is not read: dropped (not_kept), or refused by the server. */
void ddtrace_profiles_unread(const struct gw_host *, enum gw_reason);

#endif
