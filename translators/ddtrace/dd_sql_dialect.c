/* Maps databases to dialects of SQL: a table of names.
 *
 * Keeps no state. Called by dd_semconv_db.c with the span's database system.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_sql_dialect.h"

enum dd_sql_dialect dd_sql_dialect(gw_str system)
{
    static const struct {
        gw_str name;
        enum dd_sql_dialect dialect;
    } names[] = {
        {GW_LIT("mysql"), DD_SQL_MYSQL},
        {GW_LIT("mariadb"), DD_SQL_MYSQL},
        {GW_LIT("tidb"), DD_SQL_MYSQL},
        {GW_LIT("singlestore"), DD_SQL_MYSQL},
        {GW_LIT("hive"), DD_SQL_MYSQL}, /* these read "text" and \ as MySQL does */
        {GW_LIT("spark"), DD_SQL_MYSQL},
        {GW_LIT("databricks"), DD_SQL_MYSQL},
        {GW_LIT("bigquery"), DD_SQL_MYSQL},
        {GW_LIT("postgresql"), DD_SQL_POSTGRESQL},
        {GW_LIT("postgres"), DD_SQL_POSTGRESQL},
        {GW_LIT("redshift"), DD_SQL_POSTGRESQL},
        {GW_LIT("aws.redshift"), DD_SQL_POSTGRESQL},
        {GW_LIT("cockroachdb"), DD_SQL_POSTGRESQL},
        {GW_LIT("oracle"), DD_SQL_ORACLE},
        {GW_LIT("oracle.db"), DD_SQL_ORACLE},
        {GW_LIT("microsoft.sql_server"), DD_SQL_SQLSERVER},
        {GW_LIT("sql-server"), DD_SQL_SQLSERVER},
        {GW_LIT("sqlserver"), DD_SQL_SQLSERVER},
        {GW_LIT("mssql"), DD_SQL_SQLSERVER},
        {GW_LIT("sqlite"), DD_SQL_SQLITE},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gw_str_ieq(system, names[i].name))
            return names[i].dialect;
    return DD_SQL_STANDARD;
}
