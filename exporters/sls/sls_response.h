/* sls_response.h: what SLS's error codes mean, beyond their status.
 *
 * SLS names its errors in the message (its documentation, "Error codes"): some arrive under a status that
 * OTLP would read otherwise. A quota that is used up is a 403 or PERMISSION_DENIED by status, but it passes
 * by itself: wait. A project that does not exist, or a key that does not fit, passes when somebody mends the
 * configuration: hold, and say what to look at.
 *
 * Threads: pure function.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SLS_RESPONSE_H
#define GW_SLS_RESPONSE_H

#include "core/delivery/exporter.h"

/* Refines an outcome by the words in its text. */
void sls_response(struct gw_outcome *);

#endif
