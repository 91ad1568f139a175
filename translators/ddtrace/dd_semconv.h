/* dd_semconv.h: the one version of OpenTelemetry's semantic conventions that we write, area by area.
 *
 * Each function looks at the tags of one span (dd_fields.h) and sets the attributes of its area; where the conventions have a rule for
 * the span's name, it proposes one that holds no data. Order matters: http before the plain renames (a URL knows its host
 * better than out.host), and the first name that is proposed stays.
 *
 * Attribute names of dd_attrs.def are checked against this release by tests/lint/semconv.py.
 * Pure. Text that is made lives in the chunk's arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SEMCONV_H
#define DD_SEMCONV_H

#include "translators/ddtrace/dd_fields.h"
#include "translators/ddtrace/dd_scan.h"

#define DD_SEMCONV_VERSION "1.44.0"
#define DD_SCHEMA_URL "https://opentelemetry.io/schemas/" DD_SEMCONV_VERSION

/* Fills the table of database systems, the first time; dd_translator_new calls it. Any thread. */
void dd_db_init(void);

/* MAPPING §5. Never DD_KIND_NONE. */
enum dd_span_kind dd_kind_of(struct dd_fields *, struct dd_scanned *);

void dd_http(struct dd_fields *);      /* §6 */
void dd_network(struct dd_fields *);   /* §6: the peer, of every kind of span */
void dd_db(struct dd_fields *);        /* §7 */
void dd_messaging(struct dd_fields *); /* §8 */
void dd_rpc(struct dd_fields *);       /* §8: RPC and AWS calls */
void dd_other(struct dd_fields *);     /* §8: GraphQL, GenAI, code.*, functions, clouds */

/* How dd_db made the query of this tag free of data, and the same again for another one. */
struct dd_query_how dd_db_how(const struct dd_fields *, unsigned tag);
gw_str dd_db_safe(struct dd_fields *, struct dd_query_how, gw_str raw);

/* Lower case, in the arena when something changes. */
gw_str dd_lower(struct gw_arena *, gw_str);
gw_str dd_upper(struct gw_arena *, gw_str);
/* "a" + between + "b", in the arena. */
gw_str dd_concat(struct gw_arena *, gw_str a, gw_str between, gw_str b);
/* Index of `needle` (lower case) in s, compared without case; -1 when absent. */
long dd_find(gw_str s, gw_str needle);

static inline void dd_propose_name(struct dd_fields *f, gw_str name)
{
    if (!f->name.len)
        f->name = name;
}

#endif
