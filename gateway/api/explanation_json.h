/* explanation_json.h: an explanation of a span (dd_explain.h) as JSON, for the API and `ddgate explain --json`.
 *
 *     "fields":[{"section","name","value","to":[…],"why"}…],"tags":[{"section","name","value","to":[…],"fate","why","row"}…]
 *     {"schema","exporters":[…],"span":{…},"resource":{…},"scope":{…},
 *      "attributes":[{"name","where","value":{AnyValue},"from":[…],"why","row"}…]}
 *
 * Texts are written by gw_api_text; values that were sent as OTLP/JSON has them.
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_EXPLANATION_JSON_H
#define GW_EXPLANATION_JSON_H

#include <stdio.h>

#include "translators/ddtrace/dd_explain.h"

/* A serialized AnyValue as text: a string without quotes, others as JSON. malloc'd, with a NUL byte behind it;
 * GW_NOSTR: no memory. */
gw_str gw_any_text(gw_str any);
/* Writes the members "fields" and "tags". */
void gw_explained_received(FILE *, const struct dd_explained *);
/* Writes an object. `exporters` are the names of those that get this schema. */
void gw_explained_sent(FILE *, const struct dd_explained_sent *, const gw_str *exporters, size_t n);

#endif
