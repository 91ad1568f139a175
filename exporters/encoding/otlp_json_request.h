/* otlp_json_request.h: converts a request to one OTLP/JSON text.
 *
 * Threads: any. Ownership: the text is malloc'd and the caller's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_JSON_REQUEST_H
#define GW_OTLP_JSON_REQUEST_H

#include "core/delivery/frame.h"

enum otlp_json_made {
    OTLP_JSON_MADE,
    OTLP_JSON_TOO_LARGE, /* longer than `most`, or no request that can be read */
    OTLP_JSON_NO_MEMORY
};

/* *text is set only with OTLP_JSON_MADE; it has no NUL at its end. */
enum otlp_json_made otlp_json_request(enum gw_signal, gw_str request, size_t most, gw_str *text);

#endif
