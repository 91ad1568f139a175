/* Databases: tags and query of a span, and the attributes and name that they become; no data of a query is
 * left. SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/translate_bed.h"

#include <pthread.h>
#include <stdatomic.h>

#define SQL "'name':'postgres.query','type':'sql'"
#define REDIS "'name':'redis.command','type':'redis'"
#define MONGO "'name':'pymongo.cmd','type':'mongodb'"

static void sql(void **state)
{
    static const struct bed_row rows[] = {
        {SQL ",'resource':'SELECT name FROM users WHERE id = "
             "5','meta':{'db.system':'postgresql','db.name':'shop','out.host':'pg'},"
             "'metrics':{'db.row_count':3,'network.destination.port':5432,'db.pid':77}",
         "SELECT users | client | db.collection.name='users' db.namespace='shop' db.operation.name='SELECT' "
         "db.pid=77 "
         "db.query.summary='SELECT users' db.query.text='SELECT name FROM users WHERE id = ?' "
         "db.response.returned_rows=3 "
         "db.system.name='postgresql' server.address='pg' server.port=5432"},
        {SQL ",'resource':'R','meta':{'db.type':'postgres','db.instance':'shop','db.statement':'insert into "
             "orders values (`x`, 1)'}",
         "INSERT orders | client | db.collection.name='orders' db.namespace='shop' "
         "db.operation.name='insert' "
         "db.query.summary='INSERT orders' db.query.text='insert into orders values (?)' "
         "db.system.name='postgresql'"},
        {SQL ",'resource':'R','meta':{'db.vendor':'mssql','sql.query':'DELETE FROM t WHERE a=2'}",
         "DELETE t | client | db.collection.name='t' db.operation.name='DELETE' db.query.summary='DELETE t' "
         "db.query.text='DELETE FROM t "
         "WHERE a=?' "
         "db.system.name='microsoft.sql_server'"},
        {SQL ",'resource':'R','meta':{'db.system':'postgresql','db.query.text':'SELECT 1 FROM a'}",
         "SELECT a | client | db.collection.name='a' db.operation.name='SELECT' db.query.summary='SELECT a' "
         "db.query.text='SELECT ? FROM "
         "a' "
         "db.system.name='postgresql'"},
        {SQL ",'resource':'R','meta':{'db.system':'mysql','db.operation':'UPDATE','db.sql.table':'items','db."
             "name':'n'}",
         "UPDATE items | client | db.collection.name='items' db.namespace='n' db.operation.name='UPDATE' "
         "db.query.summary='R' "
         "db.system.name='mysql'"},
        {SQL ",'resource':'COMMIT','meta':{'db.system':'postgresql','db.user':'u','db.pool.name':'p','db."
             "rows_affected':'2',"
             "'_dd.dbm_trace_injected':'true'}",
         "COMMIT | client | _dd.dbm_trace_injected='true' db.client.connection.pool.name='p' "
         "db.operation.name='COMMIT' "
         "db.query.summary='COMMIT' "
         "db.rows_affected='2' db.system.name='postgresql' db.user='u'"},
        {"'name':'db.query','type':'sql','resource':'SELECT 1'",
         "SELECT | client | db.operation.name='SELECT' db.query.summary='SELECT' db.query.text='SELECT ?' "
         "db.system.name='other_sql'"},
        {"'name':'db.query','type':'sql','resource':'SELECT 1','meta':{'component':'psycopg2'}",
         "SELECT | client | component='psycopg2' db.operation.name='SELECT' db.query.summary='SELECT' "
         "db.query.text='SELECT ?' "
         "db.system.name='postgresql'"},
        {"'name':'cassandra.query','type':'cassandra','resource':'SELECT a FROM k.t WHERE b = "
         "1','meta':{'cassandra.keyspace':'k',"
         "'cassandra.table':'t'}",
         "SELECT k.t | client | db.collection.name='t' db.namespace='k' db.operation.name='SELECT' "
         "db.query.summary='SELECT k.t' "
         "db.query.text='SELECT a FROM k.t WHERE b = ?' db.system.name='cassandra'"},
        {"'name':'cassandra.query','type':'cassandra','resource':'R','meta':{'cassandra.query':'SELECT a "
         "FROM t WHERE b = 1'}",
         "SELECT t | client | db.collection.name='t' db.operation.name='SELECT' db.query.summary='SELECT t' "
         "db.query.text='SELECT a FROM t WHERE b = ?' db.system.name='cassandra'"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

static void others(void **state)
{
    static const struct bed_row rows[] = {
        {REDIS ",'resource':'GET session:17','meta':{'redis.raw_command':'GET session:17','out.host':'r'},"
               "'metrics':{'out.redis_db':2,'out.port':6379}",
         "GET | client | db.namespace='2' db.operation.name='GET' db.query.text='GET ?' "
         "db.system.name='redis' server.address='r' "
         "server.port=6379"},
        {REDIS ",'resource':'SET','meta':{'db.system':'redis','db.redis.database_index':'1'}",
         "SET | client | db.namespace='1' db.operation.name='SET' db.query.summary='SET' "
         "db.system.name='redis'"},
        {REDIS ",'resource':'SET','metrics':{'db.redis.dbIndex':1}",
         "SET | client | db.namespace='1' db.operation.name='SET' db.query.summary='SET' "
         "db.system.name='redis'"},
        {REDIS ",'resource':'SET','meta':{'redis.db':'1'}",
         "SET | client | db.namespace='1' db.operation.name='SET' db.query.summary='SET' "
         "db.system.name='redis'"},
        {"'name':'valkey.command','type':'valkey','resource':'GET','meta':{'valkey.raw_command':'GET k'}",
         "GET | client | db.operation.name='GET' db.query.summary='GET' db.query.text='GET ?' "
         "db.system.name='valkey'"},
        {MONGO ",'resource':'find "
               "users','meta':{'mongodb.db':'shop','mongodb.collection':'users','mongodb.query':'{"
               "\\\"name\\\":\\\"x\\\"}'}",
         "find users | client | db.collection.name='users' db.namespace='shop' db.operation.name='find' "
         "db.query.text='{'name':'?'}' db.system.name='mongodb'"},
        {"'name':'elasticsearch.query','type':'elasticsearch','resource':'GET "
         "/shop/_search','meta':{'elasticsearch.method':'GET',"
         "'elasticsearch.url':'/shop/_search','elasticsearch.body':'{\\\"q\\\":7}'}",
         "GET | client | db.operation.name='GET' db.query.text='{'q':'?'}' "
         "db.system.name='elasticsearch' elasticsearch.url='/shop/_search'"},
        {"'name':'opensearch.query','type':'opensearch','resource':'POST "
         "/i/_search','meta':{'opensearch.body':'{\\\"q\\\":7}'}",
         "POST | client | db.operation.name='POST' db.query.text='{'q':'?'}' db.system.name='opensearch'"},
        {"'name':'memcached.command','type':'memcached','resource':'get','meta':{'memcached.command':'get "
         "secret'}",
         "get | client | db.operation.name='get' db.query.summary='get' db.query.text='get ?' "
         "db.system.name='memcached'"},
        {"'name':'memcached.cmd','type':'memcached','resource':'get','meta':{'memcached.query':'get secret'}",
         "get | client | db.operation.name='get' db.query.summary='get' db.query.text='get ?' "
         "db.system.name='memcached'"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

/* What tracers call databases, by whichever tag. */
static void systems(void **state)
{
    static const char *const pairs[][2] = {
        {"postgres", "postgresql"},
        {"postgresql", "postgresql"},
        {"PostgreSQL", "postgresql"},
        {"mysql", "mysql"},
        {"mariadb", "mariadb"},
        {"mssql", "microsoft.sql_server"},
        {"sql-server", "microsoft.sql_server"},
        {"sqlserver", "microsoft.sql_server"},
        {"oracle", "oracle.db"},
        {"sqlite", "sqlite"},
        {"redis", "redis"},
        {"valkey", "valkey"},
        {"memcached", "memcached"},
        {"mongo", "mongodb"},
        {"mongodb", "mongodb"},
        {"cassandra", "cassandra"},
        {"elasticsearch", "elasticsearch"},
        {"opensearch", "opensearch"},
        {"dynamodb", "aws.dynamodb"},
        {"couchbase", "couchbase"},
        {"clickhouse", "clickhouse"},
        {"db2", "ibm.db2"},
        {"h2", "h2database"},
        {"cosmosdb", "azure.cosmosdb"},
        {"Foo", "foo"},
    };
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(pairs); i++)
        for (int tag = 0; tag < 3; tag++) {
            char span[256], want[256];
            static const char *const tags[] = {"db.system", "db.type", "db.vendor"};
            snprintf(span, sizeof span, "'name':'q','type':'sql','resource':'q','meta':{'%s':'%s'}",
                     tags[tag], pairs[i][0]);
            snprintf(want, sizeof want, "q | client | db.system.name='%s'", pairs[i][1]);
            bed_span(b, span);
            bed_compare(b, span, bed_show(b, GW_OTEL, 2, bed_fields), want);
        }
}

/* The span's resource holds the query, too: the same data leaves there. */
static void no_data_leaves(void **state)
{
    static const char *const spans[] = {
        SQL ",'resource':'SELECT 1 FROM u WHERE mail = `SECRET`','meta':{'db.system':'postgresql'}",
        SQL ",'resource':'R','meta':{'sql.query':'SELECT `SECRET`','db.statement':'SELECT "
            "`SECRET`','db.system':'mysql'}",
        REDIS ",'resource':'SET k SECRET','meta':{'redis.raw_command':'SET k SECRET'}",
        MONGO ",'resource':'find u "
              "{\\\"n\\\":\\\"SECRET\\\"}','meta':{'mongodb.query':'{\\\"n\\\":\\\"SECRET\\\"}'}",
        "'name':'memcached.cmd','type':'memcached','resource':'set SECRET','meta':{'memcached.query':'set "
        "SECRET'}",
        "'name':'http.request','type':'http','resource':'GET','meta':{'http.url':'http://u:SECRET@h/"
        "?password=SECRET'}",
    };
    static const char *const nothing[] = {NULL};
    struct bed *b = *state;
    b->env.schemas = 7;
    for (size_t i = 0; i < COUNT(spans); i++) {
        bed_span(b, spans[i]);
        for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++)
            if (strstr(bed_show(b, (enum gw_attribute_schema)r, 2, nothing), "SECRET"))
                bed_compare_fact(b, spans[i], "what comes out", b->shown.text, "without SECRET");
    }
    b->opt.obfuscate = false;
    bed_reopen(b);
    for (size_t i = 0; i < COUNT(spans); i++) {
        bed_span(b, spans[i]);
        assert_non_null(strstr(bed_show(b, GW_OTEL, 2, nothing), "SECRET"));
    }
}

static atomic_bool translated;

static void *make_translators(void *opt)
{
    do
        dd_translator_drop(dd_translator_new(opt));
    while (!atomic_load(&translated));
    return NULL;
}

/* As a reload does: workers go on with the tables that all translators share. ThreadSanitizer sees a table
 * that is written once more. */
static void a_translator_is_made_while_others_translate(void **state)
{
    enum { SPANS = 200 };
    pthread_t thread;
    struct bed *b = *state;
    assert_int_equal(pthread_create(&thread, NULL, make_translators, &b->opt), 0);
    for (int i = 0; i < SPANS; i++) {
        bed_span(b, SQL ",'resource':'COMMIT','meta':{'db.vendor':'mssql'}");
        bed_compare(b, "COMMIT", bed_show(b, GW_OTEL, 2, bed_fields),
                    "COMMIT | client | db.operation.name='COMMIT' db.query.summary='COMMIT' "
                    "db.system.name='microsoft.sql_server'");
    }
    atomic_store(&translated, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {BED_TEST(sql), BED_TEST(others), BED_TEST(systems),
                                       BED_TEST(no_data_leaves),
                                       BED_TEST(a_translator_is_made_while_others_translate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
