/* log_conf.h: the inside of a log_conf.
 *
 *     log_conf ─ now ─▶ log_setup      what a batch works by: options, zone, scripts; replaced whole by a reload
 *
 * A batch holds a reference to the setup that it began with, and takes the newest one when it is empty. A
 * setup holds copies of its options, so nothing refers to a configuration that was replaced.
 *
 * Threads: log_setup_take from any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_CONF_H
#define LOG_CONF_H

#include <stdatomic.h>

#include "core/base/budget.h"
#include "core/base/lock.h"
#include "core/delivery/trace_ids.h"
#include "translators/logs/log_record.h"
#include "translators/logs/log_scripts.h"
#include "translators/otlp/otlp_write.h"

enum log_parse { LOG_PARSE_AUTO, LOG_PARSE_NONE };

struct log_setup {
    atomic_uint refs;
    struct gw_arena memory;     /* of the copies */
    struct log_options options; /* copies */
    gw_str source;              /* the option's, else the receiver's name */
    /* the option's, else the source's where that was given, else OpenTelemetry's word for none */
    gw_str service;
    struct otlp_buf resource; /* option `resource` as attributes of a Resource */
    const struct zone *zone;
    struct log_library *library, *own; /* of the directory; of the file that option `pipeline` names */
    const struct sc_script *fixed;     /* of option `pipeline`; NULL: the source finds its script */
};

struct log_conf {
    /* const after new */
    const struct log_environment *environment;
    char receiver[32], path[64];
    struct log_counts *counts; /* the process's, or own */

    struct log_counts own;
    struct log_scripts_user user; /* of the environment's scripts */
    struct gw_lock lock;
    struct log_setup *now;  /* under lock */
    atomic_uint generation; /* of `now` */
};

/* A reference to the present setup. */
struct log_setup *log_setup_take(const struct log_conf *);
void log_setup_drop(struct log_setup *);

#endif
