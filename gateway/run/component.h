/* component.h: a receiver or an exporter of the process, from an entry of a configuration to its end. The
 * start and a reload make, open, start, stop and drop it by the same functions.
 *
 *   make ─▶ open ─▶ start ─▶ stop ─▶ drop      stop and drop are legal after any of them
 *
 * Ownership: a component owns its context and holds a reference of the configuration that it was made from; a
 * struct of it may be copied, then the copy is the component. Threads: main; `started` from any.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_COMPONENT_H
#define GW_COMPONENT_H

#include <stdatomic.h>

#include "gateway/receiver_host.h"
#include "gateway/run/configuration.h"

struct receiver {
    const struct gw_receiver *module;
    const char *path;                     /* "receivers[0]" */
    void *ctx;                            /* NULL: not made */
    struct gw_conf *conf;                 /* a reference: ctx, path and entry are of it */
    const struct gw_conf_receiver *entry; /* in conf */
    uint64_t files;      /* a hash of the files that options name, as they were when it was opened */
    atomic_bool started; /* the admin thread reads only started components */
};

struct exporter {
    const struct gw_exporter *module;
    const char *path;
    void *ctx;
    struct gw_conf *conf;
    const struct gw_conf_exporter *entry;
    uint64_t files;           /* as of a receiver */
    struct gw_sender *sender; /* the caller's to make; dropped with it */
};

/* Makes the context, with the options. False when there is no memory. */
bool gw_component_make_receiver(struct receiver *, const struct gw_conf_receiver *,
                                struct gw_conf *) GW_MUST_CHECK;
bool gw_component_make_exporter(struct exporter *, const struct gw_conf_exporter *,
                                struct gw_conf *) GW_MUST_CHECK;

/* False when there is a mistake, which is then among the diagnostics. */
bool gw_component_open_receiver(struct receiver *, const struct gw_host *, struct gw_diagnostics *);
/* `lent` is what all exporters get; its members signals and name are set for this one. */
bool gw_component_open_exporter(struct exporter *, const struct gw_export_host *lent,
                                struct gw_diagnostics *);

/* The line at its start: where it sends. */
void gw_component_announce_exporter(const struct exporter *);
void gw_component_start_receiver(struct receiver *);
void gw_component_stop_receiver(struct receiver *);
/* Calls the receiver's `reloaded` after a reload. */
void gw_component_reloaded_receiver(const struct receiver *);
/* For a successor, which is opened next: paused, where the module can. False: stopped. */
bool gw_component_pause_receiver(struct receiver *);

/* Closes it, and gives everything of it back. */
void gw_component_drop_receiver(struct receiver *);
void gw_component_drop_exporter(struct exporter *);

/* True if a reload may keep the component: same type, same options, and the same content of the files that it
 * read when it was opened. */
bool gw_component_same_receiver(const struct receiver *, const struct gw_conf_receiver *);
bool gw_component_same_exporter(const struct exporter *, const struct gw_conf_exporter *);
/* Two of it cannot be open at a time, as they read one source: at a reload the predecessor stops before the
 * successor is opened. */
bool gw_component_is_exclusive(const struct gw_receiver *);

/* Adds a receiver's counts to those of its successor, which has the same type, and clears them. Any
 * thread. */
void gw_component_move_counts(const struct gw_receiver *, void *from_ctx, void *to_ctx);

#endif
