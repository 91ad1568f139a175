/* sls_response.h: the meaning of SLS's error codes beyond their status.
 *
 * SLS names its errors in the message (its documentation, "Error codes"); some arrive with a status that
 * OTLP would interpret differently. A quota that is used up is a 403 or PERMISSION_DENIED by status, but it
 * passes: ddgate waits. A project that does not exist, or a wrong key, needs a change of the configuration:
 * ddgate keeps the data and logs what to check.
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
