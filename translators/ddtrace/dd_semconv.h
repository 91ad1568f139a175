/* dd_semconv.h: the one version of OpenTelemetry's semantic conventions that we write, area by area.
 *
 * Each function looks at the tags of one span (dd_fields.h) and sets the attributes of its area; where the
 * conventions have a rule for the span's name, it proposes one that holds no data. Order matters: http before
 * the plain renames (a URL knows its host better than out.host), and the first name that is proposed stays.
 *
 * Attribute names of dd_attrs.def are checked against this release by tests/e2e/test_semconv.py.
 * Pure. Text that is made lives in the chunk's arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SEMCONV_H
#define DD_SEMCONV_H

#include "translators/ddtrace/dd_fields.h"
#include "translators/ddtrace/dd_scan.h"
#include "translators/ddtrace/dd_strings.h"

#define DD_SEMCONV_VERSION "1.44.0"
#define DD_SCHEMA_URL "https://opentelemetry.io/schemas/" DD_SEMCONV_VERSION

/* Fills the table of database systems, the first time; dd_translator_new calls it. Any thread. */
void dd_db_init(void);

/* docs/mapping.md, "Kind". Never DD_KIND_NONE. */
enum dd_span_kind dd_kind_of(struct dd_fields *, struct dd_scanned *);

void dd_http(struct dd_fields *);
void dd_network(struct dd_fields *);      /* the peer, of every kind of span */
void dd_first_server(struct dd_fields *); /* of a list, where nothing else named the server */
void dd_db(struct dd_fields *);
void dd_messaging(struct dd_fields *);
void dd_rpc(struct dd_fields *); /* RPC and AWS calls */
/* The number of the first of gRPC's codes in a text, since clients write what their objects print: NotFound,
 * StatusCode.NOT_FOUND, Status{code=NOT_FOUND, description=…}, (5, 'not found'), rpc error: code = NotFound
 * desc = … -1: there is none. */
int dd_grpc_code(gw_str text);
void dd_other(struct dd_fields *); /* GraphQL, GenAI, code.*, functions, clouds */

/* How dd_db removes the data from the query of this tag; and a query from which the data is removed in that
 * way. */
struct dd_query_how dd_db_how(const struct dd_fields *, unsigned tag);
gw_str dd_db_safe(struct dd_fields *, struct dd_query_how, gw_str raw);

/* The span's name, unless another area was first. */
static inline void dd_propose_name(struct dd_fields *f, gw_str name)
{
    if (!f->name.len)
        f->name = name;
}

/* "GET /orders": what is done and to what, or the one of them that is known. */
void dd_propose_call_name(struct dd_fields *, gw_str verb, gw_str object);

#endif
