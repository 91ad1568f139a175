/* configuration.h: reads the configuration file into the structs that components declare.
 *
 *   file ─▶ libconfig's tree ─▶ rows (option.h) ─▶ struct gw_conf: all values, each checked against its row
 *               │
 *               └─ places: file and line of every setting, for diagnostics (config_diagnostic.h)
 *
 *     receivers = ( { type = "ddtrace"; … }, … );      each with the rows of its module
 *     exporters = ( { type = "stdout"; … }, … );       each with its module's rows and those of every exporter (sender.h)
 *     max_memory = "512MiB"; log = { level = "info"; }; …             rows of the process, below
 *
 * A value comes from the file, else from an environment variable that OpenTelemetry defines for it
 * (configuration_env.h), else from its row. Missing components get defaults: a ddtrace receiver, a stdout
 * exporter; if an OTLP endpoint variable is set, that exporter instead of stdout.
 *
 * Reading uses nothing but the file and the environment. All mistakes are collected; if there is one,
 * nothing may be opened.
 *
 * Threads: main. Ownership: gw_conf owns all its values; opened components hold references to it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CONFIGURATION_H
#define GW_CONFIGURATION_H

#include "core/base/arena.h"
#include "core/config/config_text.h"
#include "core/delivery/exporter.h"
#include "core/delivery/receiver.h"
#include "exporters/sender/sender.h"

/* Options of the process. The words of log.level are in the order of enum gw_level, those of log.format in
 * that of gw_log_format. */
#define GW_PROCESS_OPTS(X)                                                                                   \
    X(size, max_memory, "max_memory", "96MiB", "16MiB", "1TiB",                                              \
      "Limit of the memory of connections, requests being received and queues together. Above it, senders "  \
      "get 429 and keep their data.")                                                                        \
    X(duration, shutdown_timeout, "shutdown_timeout", "10s", "0s", "1h",                                     \
      "How long exporters may continue to send after SIGTERM or SIGINT. The rest is counted as dropped, "    \
      "and the exit code is 3.")                                                                             \
    X(str, host_name, "host_name", "", "", "",                                                               \
      "Name of this machine, for spans of local applications without a host name. Default: the system's "    \
      "host name.")                                                                                          \
    X(count, join_traces, "join.traces", "262144", "1024", "67108864",                                       \
      "Number of traces in the table of 128-bit trace ids, 36 bytes each; it should cover several minutes "  \
      "of traffic.")                                                                                         \
    X(duration, join_ttl, "join.ttl", "10m", "1s", "24h", "How long a trace stays in the table.")            \
    X(str, pipelines_directory, "pipelines.directory", "", "", "",                                           \
      "Folder of Pipeline scripts: records of source NAME are read by NAME.p there. conf/pipelines/ has "    \
      "some to start from.")                                                                                 \
    X(str, admin_listen, "admin.listen", "127.0.0.1:8127", "", "",                                           \
      "Address for the page, its API, /healthz, /readyz, /metrics and /ledger: host:port, or the path of a " \
      "Unix socket; empty for none. If the default address is taken, there is a warning and no admin "       \
      "listener.")                                                                                           \
    X(flag, admin_page, "admin.page", "true", "", "",                                                        \
      "The page and the API, which show recent traces and logs: on loopback addresses and Unix sockets, "    \
      "and "                                                                                                 \
      "with admin.auth.token on any address. Without a token they are off on an address that other "         \
      "machines can reach, and true is a mistake there.")                                                    \
    X(size, admin_recent, "admin.recent", "16MiB", "1MiB", "1GiB",                                           \
      "Memory for recent traces and logs, which the page, the API, `ddgate tap` and `ddgate top` show; it "  \
      "is "                                                                                                  \
      "part of max_memory. Not written: it is used only while somebody looks, and given back a minute "      \
      "later. Written: it is filled from the start.")                                                        \
    X(secret, admin_auth_token, "admin.auth.token", "", "", "",                                              \
      "Token for the page and the API: Authorization: Bearer TOKEN, or the password that a browser asks "    \
      "for, with any user name. Several are separated by blanks, commas or lines. The other four need "      \
      "none.")                                                                                               \
    X(str, storage_directory, "storage.directory", "", "", "",                                               \
      "Folder of the disk queue: accepted data is written there first and survives the process. Empty: "     \
      "queues are in memory only.")                                                                          \
    X(size, storage_max_size, "storage.max_size", "2GiB", "16MiB", "64TiB",                                  \
      "Limit of all files of the disk queue. Above it, senders get 429, or exporters with when_full = "      \
      "drop_oldest drop their oldest data.")                                                                 \
    X(choice, storage_fsync, "storage.fsync", "interval", "interval|always|never", "",                       \
      "When data is synced to the disk: interval, within storage.interval; always, before every answer "     \
      "(survives power loss); never, left to the system. The end of the process loses nothing in any case.") \
    X(duration, storage_interval, "storage.interval", "1s", "10ms", "1m",                                    \
      "With fsync = interval: undelivered data is synced at most this long after it arrived.")               \
    X(choice, log_level, "log.level", "info", "debug|info|warning|error", "",                                \
      "Lowest level of ddgate's own log lines that are shown.")                                              \
    X(choice, log_format, "log.format", "text", "text|logfmt|json", "",                                      \
      "Format of ddgate's own log on standard error: text for people; logfmt (key=value) or json for "       \
      "machines, for every line.")

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
    bool unread;   /* the file could not be read, or has another syntax: these values are defaults */
};

/* The components that can be configured; NULL-terminated as in modules.h. */
struct gw_conf_environment {
    const struct gw_receiver *const *receivers;
    const struct gw_exporter *const *exporters;
    gw_env_f *env;
};

/* `file` NULL: no file; "-": standard input. The result is valid only if no diagnostic is an error. NULL when
 * there is no memory. */
struct gw_conf *gw_conf_read(const char *file, const struct gw_conf_environment *, struct gw_diagnostics *);
/* The same from text; `name` replaces the file's name in messages. */
struct gw_conf *gw_conf_read_text(gw_str text, const char *name, const struct gw_conf_environment *,
                                  struct gw_diagnostics *);
/* Adds a reference; a component that was opened from it holds one. */
struct gw_conf *gw_conf_ref(struct gw_conf *);
void gw_conf_drop(struct gw_conf *);

#endif
