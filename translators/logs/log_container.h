/* log_container.h: reads container logs as Kubernetes' runtimes and Docker write them to disk.
 *
 *   CRI     2026-11-21T00:35:42.1Z stdout P first part       the P parts of a line precede its F, separately for each stream
 *           2026-11-21T00:35:42.2Z stdout F , second part
 *   Docker  {"log":"text\n","stream":"stderr","time":"2026-11-21T00:35:42.3Z"}     a text without \n is a part
 *
 *   /var/log/pods/NS_POD_UID/CONTAINER/RESTARTS.log           also with a suffix: rotated
 *   /var/log/containers/POD_NS_CONTAINER-ID.log               links to those
 *   /var/lib/docker/containers/ID/ID-json.log                 which may be links to these
 *
 * Paths are recognized by their last components, below any folder.
 *
 * Ownership: a piece's text is a view of the line, or in the arena. A log_container is the caller's.
 * Threads: no state but the caller's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_CONTAINER_H
#define LOG_CONTAINER_H

#include "core/base/arena.h"
#include "translators/logs/log_time.h"

enum log_iostream { LOG_STDOUT, LOG_STDERR, LOG_IOSTREAMS };

/* The part of a container's line in one line of the file. */
struct log_piece {
    gw_str text; /* without its end */
    uint64_t time;
    enum log_iostream stream;
    bool part; /* its rest follows, in the next piece of the same stream */
};

/* False: the line, which is without its end, is of neither form. */
bool log_container_piece(gw_str line, struct log_clock *, struct gw_arena *, struct log_piece *);
gw_str log_iostream_name(enum log_iostream); /* "stdout" */

/* The names in a path. */
struct log_container;
/* Adds what the path shows to `known`, which may be NULL. NULL: the path shows nothing and nothing is known,
 * or there is no memory. */
struct log_container *log_container_learn(struct log_container *known, gw_str path);
void log_container_drop(struct log_container *);
/* Attributes for log_input.resource; a view that is good until something is learned. NULL: none. */
gw_str log_container_resource(const struct log_container *);

#endif
