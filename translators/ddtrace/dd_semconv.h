/* dd_semconv.h: the version of OpenTelemetry's semantic conventions that ddgate writes, area by area.
 *
 * Each function reads the tags of one span (dd_fields.h) and sets the attributes of its area; if the
 * conventions have a rule for the span's name, it proposes one without data. The order matters: http runs
 * before the plain renames (a URL's host is more reliable than out.host), and the first proposed name is
 * kept.
 *
 * tests/e2e/test_semconv.py checks the attribute names of dd_attrs.def against this release. Keeps no state.
 * New texts are in the chunk's arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SEMCONV_H
#define DD_SEMCONV_H

#include "translators/ddtrace/dd_fields.h"
#include "translators/ddtrace/dd_scan.h"
#include "translators/ddtrace/dd_strings.h"

#define DD_SEMCONV_VERSION "1.44.0"
#define DD_SCHEMA_URL "https://opentelemetry.io/schemas/" DD_SEMCONV_VERSION

/* Fills the table of database systems on the first call; dd_translator_new calls it. Any thread. */
void dd_db_init(void);

/* Implements docs/mapping.md, "Kind". Never returns DD_KIND_NONE. */
enum dd_span_kind dd_kind_of(struct dd_fields *, struct dd_scanned *);

void dd_http(struct dd_fields *);
void dd_network(struct dd_fields *);      /* the peer, for spans of every kind */
void dd_first_server(struct dd_fields *); /* from a list, if nothing else named the server */
void dd_db(struct dd_fields *);
void dd_messaging(struct dd_fields *);
void dd_rpc(struct dd_fields *); /* RPC and AWS calls */
/* Returns the number of the first gRPC code in a text, or -1. Clients send the printed form of their objects:
 * NotFound, StatusCode.NOT_FOUND, Status{code=NOT_FOUND, description=…}, (5, 'not found'), rpc error: code =
 * NotFound desc = … */
int dd_grpc_code(gw_str text);
void dd_other(struct dd_fields *); /* GraphQL, GenAI, code.*, functions, clouds */

/* How dd_db obfuscates the query of this tag; and a query obfuscated in that way. */
struct dd_query_how dd_db_how(const struct dd_fields *, unsigned tag);
gw_str dd_db_safe(struct dd_fields *, struct dd_query_how, gw_str raw);

/* Sets the span's name, unless another area has set it. */
static inline void dd_propose_name(struct dd_fields *f, gw_str name)
{
    if (!f->name.len)
        f->name = name;
}

/* Proposes "GET /orders": the action and its object, or the one of them that is known. */
void dd_propose_call_name(struct dd_fields *, gw_str verb, gw_str object);

#endif
