/* dd_sql_dialect.h: the dialects of SQL that differ in their literals, names or comments.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SQL_DIALECT_H
#define DD_SQL_DIALECT_H

#include "core/base/str.h"

enum dd_sql_dialect {
    DD_SQL_STANDARD,
    DD_SQL_MYSQL,
    DD_SQL_POSTGRESQL,
    DD_SQL_ORACLE,
    DD_SQL_SQLSERVER,
    DD_SQL_SQLITE
};

/* Returns the dialect for a db.system.name ("postgresql", "mysql", "microsoft.sql_server", …) or Datadog's
 * db.type; DD_SQL_STANDARD if it is unknown: then "…" is a name, $tag$ quotes, and # is an operator. */
enum dd_sql_dialect dd_sql_dialect(gw_str system);

#endif
