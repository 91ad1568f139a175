/* configuration.h: from the configuration file to the structs that components declared.
 *
 *   file ─▶ libconfig's tree ─▶ rows (option.h) ─▶ struct gw_conf: what runs, with every value checked against its row
 *               │
 *               └─ places: file and line of every setting, for diagnostics (config_diagnostic.h)
 *
 *     receivers = ( { type = "ddtrace"; … }, … );      each with the rows of its module
 *     exporters = ( { type = "stdout"; … }, … );       each with its module's rows and those of every exporter (sender.h)
 *     max_memory = "512MiB"; log = { level = "info"; }; …             rows of the process, below
 *
 * A value comes from the file, else from an environment variable that OpenTelemetry defines for it
 * (configuration_env.h), else from its row. What is left out runs with defaults: a ddtrace receiver, a stdout
 * exporter; where an OTLP endpoint variable is set, that exporter instead of stdout.
 *
 * Reading touches nothing but the file and the environment. All mistakes are collected; when there is one,
 * nothing may be opened.
 *
 * Threads: main. Ownership: gw_conf owns all its values; what is opened from it keeps references, so it is
 * dropped last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CONFIGURATION_H
#define GW_CONFIGURATION_H

#include "core/base/arena.h"
#include "core/config/config_text.h"
#include "core/delivery/exporter.h"
#include "core/delivery/receiver.h"
#include "exporters/sender/sender.h"

/* Options of the process. The words of log.level stand in the order of enum gw_level, those of log.format of
 * gw_log_format. */
#define GW_PROCESS_OPTS(X)                                                                                   \
    X(size, max_memory, "max_memory", "96MiB", "16MiB", "1TiB",                                              \
      "Bound on what connections, requests being received and queues hold together. Past it, senders get "   \
      "429 and keep their data.")                                                                            \
    X(duration, shutdown_timeout, "shutdown_timeout", "10s", "0s", "1h",                                     \
      "How long exporters may go on sending after SIGTERM or SIGINT. What is left then is counted as "       \
      "dropped, and the exit code is 3.")                                                                    \
    X(str, host_name, "host_name", "", "", "",                                                               \
      "Name of this machine, for spans of applications on it that do not name theirs. The system's host "    \
      "name when left out.")                                                                                 \
    X(count, join_traces, "join.traces", "262144", "1024", "67108864",                                       \
      "How many traces the table of 128-bit trace ids remembers, at 36 bytes each: several minutes of "      \
      "traffic is right.")                                                                                   \
    X(duration, join_ttl, "join.ttl", "10m", "1s", "24h", "How long it remembers them.")                     \
    X(str, pipelines_directory, "pipelines.directory", "", "", "",                                           \
      "Folder of Pipeline scripts: records of source NAME are read by NAME.p there. conf/pipelines/ has "    \
      "some to start from.")                                                                                 \
    X(str, admin_listen, "admin.listen", "127.0.0.1:8127", "", "",                                           \
      "Address for /healthz, /readyz, /metrics and /ledger: host:port, or the path of a Unix socket; empty " \
      "for none. Where it is the "                                                                           \
      "default and taken, there is none, and a warning.")                                                    \
    X(str, storage_directory, "storage.directory", "", "", "",                                               \
      "Folder for the disk queue: what is accepted is written there first, and survives the process. "       \
      "Empty: queues are in memory only.")                                                                   \
    X(size, storage_max_size, "storage.max_size", "2GiB", "16MiB", "64TiB",                                  \
      "Bound on all files of the disk queue. Past it, senders get 429, or exporters with when_full = "       \
      "drop_oldest lose their oldest.")                                                                      \
    X(choice, storage_fsync, "storage.fsync", "interval", "interval|always|never", "",                       \
      "When data is forced to the disk: within the interval, before every answer (survives power loss), or " \
      "when the system likes to. The "                                                                       \
      "end "                                                                                                 \
      "of the process loses nothing either way.")                                                            \
    X(duration, storage_interval, "storage.interval", "1s", "10ms", "1m",                                    \
      "With fsync = interval: how old data may be that is neither delivered nor forced to the disk.")        \
    X(choice, log_level, "log.level", "info", "debug|info|warning|error", "",                                \
      "Least severe of ddgate's own messages to be shown.")                                                  \
    X(choice, log_format, "log.format", "text", "text|logfmt|json", "",                                      \
      "Form of ddgate's own messages on standard error: text for people, logfmt (key=value) and json for "   \
      "machines: then every line is "                                                                        \
      "so.")

struct gw_process_conf {
    GW_PROCESS_OPTS(GW_FIELD)
};
extern const struct gw_opt gw_process_opts[];

enum { GW_MAX_RECEIVERS = 32 };

struct gw_conf_receiver {
    const struct gw_receiver *module;
    const char *path; /* "receivers[0]" */
    void *conf;       /* module->conf_size bytes */
};

struct gw_conf_exporter {
    const struct gw_exporter *module;
    const char *path;             /* "exporters[0]" */
    void *conf;                   /* module->conf_size bytes */
    struct gw_sender_conf sender; /* its name is never empty */
};

struct gw_conf {
    struct gw_arena arena;
    struct gw_process_conf process;
    struct gw_conf_receiver receivers[GW_MAX_RECEIVERS];
    struct gw_conf_exporter exporters[GW_MAX_EXPORTERS];
    size_t receivers_n, exporters_n;
    unsigned refs; /* main thread */
    bool unasked;  /* for receivers: these are those that run by default */
    bool unread;   /* the file could not be read, or has another syntax: what stands here are defaults */
};

/* What there is to configure; NULL-terminated as in modules.h. */
struct gw_conf_environment {
    const struct gw_receiver *const *receivers;
    const struct gw_exporter *const *exporters;
    gw_env_f *env;
};

/* `file` NULL: no file; "-": standard input. What comes back is good only if no diagnostic is an error. NULL when there is no
 * memory. */
struct gw_conf *gw_conf_read(const char *file, const struct gw_conf_environment *, struct gw_diagnostics *);
/* The same from text, which `name` stands for in messages. */
struct gw_conf *gw_conf_read_text(gw_str text, const char *name, const struct gw_conf_environment *,
                                  struct gw_diagnostics *);
/* What is opened from it holds a reference. */
struct gw_conf *gw_conf_ref(struct gw_conf *);
void gw_conf_drop(struct gw_conf *);

#endif
