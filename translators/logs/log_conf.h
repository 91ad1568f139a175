/* log_conf.h: the inside of a log_conf.
 *
 *     log_conf ─ now ─▶ log_setup      what a batch works by; made anew when scripts are read again, and swapped whole
 *
 * A batch holds a reference to the setup it began with, and looks for a newer one while it is empty.
 *
 * Threads: log_setup_take from any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_CONF_H
#define LOG_CONF_H

#include <pthread.h>
#include <stdatomic.h>

#include "gateway/budget.h"
#include "gateway/ids.h"
#include "gateway/receiver.h"
#include "translators/logs/log_record.h"
#include "translators/logs/zone.h"
#include "translators/otlp/otlp_write.h"

enum log_parse { LOG_PARSE_AUTO, LOG_PARSE_NONE };

struct log_setup {
    atomic_uint refs;
    const struct zone *zone;
};

struct log_conf {
    /* const after new */
    const struct log_options *options; /* the receiver's, which outlives it */
    const struct gw_host *host;
    gw_str source;            /* the option's, else the receiver's name */
    gw_str service;           /* the option's, else the source's where that was given, else OpenTelemetry's word for none */
    struct otlp_buf tags;     /* option `tags` as attributes of a LogRecord */
    struct otlp_buf resource; /* option `resource` as attributes of a Resource */

    pthread_mutex_t lock;
    struct log_setup *now;  /* under lock */
    atomic_uint generation; /* of `now` */
};

/* A reference to the present setup. */
struct log_setup *log_setup_take(const struct log_conf *);
void log_setup_drop(struct log_setup *);

#endif
