/* api_translation.h: the options by which the spans of tracers are translated, lent to the handler that explains a span.
 *
 * A reload may give up the configuration at any time, so these are copies.
 * Ownership: those of the arena that they were asked for with.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_API_TRANSLATION_H
#define GW_API_TRANSLATION_H

#include "translators/ddtrace/dd_options.h"
#include "translators/ddtrace/dd_privacy.h"

struct gw_api_translation {
    struct dd_options options; /* without labels */
    struct dd_privacy_conf privacy;
    gw_str host_name; /* this machine's */
};

#endif
