/* translation_options.h: the options of a configuration that matter to a translation, without a pipeline. For commands that translate
 * a file (explain.c).
 *
 *     ddgate.conf ─▶ its first receiver ddtrace ─▶ struct dd_options, rules of privacy; the process's host name
 *
 * Threads: main. Ownership: everything is the struct's, until gw_translation_drop.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TRANSLATION_OPTIONS_H
#define GW_TRANSLATION_OPTIONS_H

#include "gateway/run/configuration.h"
#include "translators/ddtrace/dd_options.h"
#include "translators/ddtrace/dd_privacy.h"

struct gw_translation {
    struct gw_conf *conf; /* NULL: no file was named */
    struct dd_options options;
    gw_str host_name; /* from the configuration; empty: not set */
    struct dd_privacy *privacy;
    struct dd_privacy_thread *privacy_thread; /* NULL: no rules */
    struct dd_privacy_counts counts;
};

/* `file` NULL: options have their defaults. False: mistakes were printed to standard error; there is nothing to drop. */
bool gw_translation_read(struct gw_translation *, const char *file,
                         const struct gw_conf_environment *) GW_MUST_CHECK;
void gw_translation_drop(struct gw_translation *);

#endif
