/* Databases: the system's name, the obfuscated query, operation, collection, summary, and the span's name.
 *
 * Keeps one table, filled once per process. Works on a span's dd_fields. Called by dd_derive.c, and by
 * dd_learn.c and dd_write_cached.c for queries of the cached path.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_semconv.h"

#include <pthread.h>

#include "translators/ddtrace/dd_sql.h"

/* Words that identify the database: as db.system, as span type, as component (instrumentation library), or as
 * the first part of an operation name ("postgres.query"). */
struct system {
    gw_str word, name;
};
static const struct system systems[] = {
    {GW_LIT("postgres"), GW_LIT("postgresql")},
    {GW_LIT("postgresql"), GW_LIT("postgresql")},
    {GW_LIT("pg"), GW_LIT("postgresql")},
    {GW_LIT("psycopg"), GW_LIT("postgresql")},
    {GW_LIT("psycopg2"), GW_LIT("postgresql")},
    {GW_LIT("asyncpg"), GW_LIT("postgresql")},
    {GW_LIT("aiopg"), GW_LIT("postgresql")},
    {GW_LIT("node-postgres"), GW_LIT("postgresql")},
    {GW_LIT("pgsql"), GW_LIT("postgresql")},
    {GW_LIT("postgis"), GW_LIT("postgresql")},
    {GW_LIT("edb"), GW_LIT("postgresql")},
    {GW_LIT("jdbcpostgresql"), GW_LIT("postgresql")},
    {GW_LIT("npgsql"), GW_LIT("postgresql")},
    {GW_LIT("jackc/pgx"), GW_LIT("postgresql")},
    {GW_LIT("pgx"), GW_LIT("postgresql")},
    {GW_LIT("lib/pq"), GW_LIT("postgresql")},
    {GW_LIT("mysql"), GW_LIT("mysql")},
    {GW_LIT("mysql2"), GW_LIT("mysql")},
    {GW_LIT("mysqldb"), GW_LIT("mysql")},
    {GW_LIT("pymysql"), GW_LIT("mysql")},
    {GW_LIT("aiomysql"), GW_LIT("mysql")},
    {GW_LIT("mysqli"), GW_LIT("mysql")},
    {GW_LIT("trilogy"), GW_LIT("mysql")},
    {GW_LIT("jdbcmysql"), GW_LIT("mysql")},
    {GW_LIT("mariadb"), GW_LIT("mariadb")},
    {GW_LIT("sql-server"), GW_LIT("microsoft.sql_server")},
    {GW_LIT("sqlserver"), GW_LIT("microsoft.sql_server")},
    {GW_LIT("mssql"), GW_LIT("microsoft.sql_server")},
    {GW_LIT("sqlsrv"), GW_LIT("microsoft.sql_server")},
    {GW_LIT("dblib"), GW_LIT("microsoft.sql_server")},
    {GW_LIT("tinytds"), GW_LIT("microsoft.sql_server")},
    {GW_LIT("microsoft"), GW_LIT("microsoft.sql_server")},
    {GW_LIT("microsoft sql server"), GW_LIT("microsoft.sql_server")},
    {GW_LIT("jdbcmssql"), GW_LIT("microsoft.sql_server")},
    {GW_LIT("tedious"), GW_LIT("microsoft.sql_server")},
    {GW_LIT("microsoft.sql_server"), GW_LIT("microsoft.sql_server")},
    {GW_LIT("oracle"), GW_LIT("oracle.db")},
    {GW_LIT("oracledb"), GW_LIT("oracle.db")},
    {GW_LIT("oci"), GW_LIT("oracle.db")},
    {GW_LIT("oracle_enhanced"), GW_LIT("oracle.db")},
    {GW_LIT("oracle.db"), GW_LIT("oracle.db")},
    {GW_LIT("sqlite"), GW_LIT("sqlite")},
    {GW_LIT("sqlite3"), GW_LIT("sqlite")},
    {GW_LIT("jdbcsqlite3"), GW_LIT("sqlite")},
    {GW_LIT("redis"), GW_LIT("redis")},
    {GW_LIT("aredis"), GW_LIT("redis")},
    {GW_LIT("aioredis"), GW_LIT("redis")},
    {GW_LIT("rediscluster"), GW_LIT("redis")},
    {GW_LIT("ioredis"), GW_LIT("redis")},
    {GW_LIT("jedis"), GW_LIT("redis")},
    {GW_LIT("redis-command"), GW_LIT("redis")},
    {GW_LIT("valkey"), GW_LIT("valkey")},
    {GW_LIT("iovalkey"), GW_LIT("valkey")},
    {GW_LIT("memcached"), GW_LIT("memcached")},
    {GW_LIT("memcache"), GW_LIT("memcached")},
    {GW_LIT("pymemcache"), GW_LIT("memcached")},
    {GW_LIT("pylibmc"), GW_LIT("memcached")},
    {GW_LIT("mongo"), GW_LIT("mongodb")},
    {GW_LIT("mongodb"), GW_LIT("mongodb")},
    {GW_LIT("pymongo"), GW_LIT("mongodb")},
    {GW_LIT("mongoengine"), GW_LIT("mongodb")},
    {GW_LIT("java-mongo"), GW_LIT("mongodb")},
    {GW_LIT("cassandra"), GW_LIT("cassandra")},
    {GW_LIT("java-cassandra"), GW_LIT("cassandra")},
    {GW_LIT("elasticsearch"), GW_LIT("elasticsearch")},
    {GW_LIT("opensearch"), GW_LIT("opensearch")},
    {GW_LIT("dynamodb"), GW_LIT("aws.dynamodb")},
    {GW_LIT("aws.dynamodb"), GW_LIT("aws.dynamodb")},
    {GW_LIT("couchbase"), GW_LIT("couchbase")},
    {GW_LIT("couchdb"), GW_LIT("couchdb")},
    {GW_LIT("clickhouse"), GW_LIT("clickhouse")},
    {GW_LIT("db2"), GW_LIT("ibm.db2")},
    {GW_LIT("ibm.db2"), GW_LIT("ibm.db2")},
    {GW_LIT("ibm_db"), GW_LIT("ibm.db2")},
    {GW_LIT("ibm"), GW_LIT("ibm.db2")},
    {GW_LIT("as400"), GW_LIT("ibm.db2")},
    {GW_LIT("h2"), GW_LIT("h2database")},
    {GW_LIT("h2database"), GW_LIT("h2database")},
    {GW_LIT("cosmosdb"), GW_LIT("azure.cosmosdb")},
    {GW_LIT("azure.cosmosdb"), GW_LIT("azure.cosmosdb")},
    {GW_LIT("azure_cosmos"), GW_LIT("azure.cosmosdb")},
    {GW_LIT("redshift"), GW_LIT("aws.redshift")},
    {GW_LIT("aws.redshift"), GW_LIT("aws.redshift")},
    {GW_LIT("cockroachdb"), GW_LIT("cockroachdb")},
    {GW_LIT("hsqldb"), GW_LIT("hsqldb")},
    {GW_LIT("derby"), GW_LIT("derby")},
    {GW_LIT("teradata"), GW_LIT("teradata")},
    {GW_LIT("trino"), GW_LIT("trino")},
    {GW_LIT("neo4j"), GW_LIT("neo4j")},
    {GW_LIT("influxdb"), GW_LIT("influxdb")},
    {GW_LIT("spanner"), GW_LIT("gcp.spanner")},
    {GW_LIT("snowflake"), GW_LIT("snowflake")},
    {GW_LIT("vertica"), GW_LIT("vertica")},
    {GW_LIT("aerospike"), GW_LIT("aerospike")},
    {GW_LIT("leveldb"), GW_LIT("leveldb")},
    {GW_LIT("gcp.spanner"), GW_LIT("gcp.spanner")},
    {GW_LIT("jdbc"), GW_LIT("other_sql")},
    {GW_LIT("vertx-sql"), GW_LIT("other_sql")},
    {GW_LIT("sap"), GW_LIT("sap.hana")},
    {GW_LIT("ingres"), GW_LIT("actian.ingres")},
    {GW_LIT("firebird"), GW_LIT("firebirdsql")},
    {GW_LIT("informix"), GW_LIT("ibm.informix")},
};

enum { SLOTS = 256 };
_Static_assert(sizeof systems / sizeof *systems * 2 < SLOTS, "the table of systems is at most half full");
static uint8_t slots[SLOTS]; /* index + 1; written once, before the first translator exists */

static void fill_slots(void)
{
    for (unsigned i = 0; i < sizeof systems / sizeof *systems; i++) {
        size_t at = dd_hash(systems[i].word) & (SLOTS - 1);
        while (slots[at])
            at = (at + 1) & (SLOTS - 1);
        slots[at] = (uint8_t)(i + 1);
    }
}

void dd_db_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_slots);
}

static gw_str db_system_of(struct dd_fields *f, gw_str word)
{
    if (!word.len || word.len > 24)
        return GW_NOSTR;
    gw_str lower = dd_lower(f->arena, word);
    for (size_t at = dd_hash(lower) & (SLOTS - 1); slots[at]; at = (at + 1) & (SLOTS - 1))
        if (dd_same(systems[slots[at] - 1].word, lower))
            return systems[slots[at] - 1].name;
    return GW_NOSTR;
}

/* Derives the system from the span's type, the library that made it, and its name, without tags. */
static gw_str concluded_system(struct dd_fields *f, bool *generic)
{
    gw_str type = f->span->type, name = db_system_of(f, type);
    *generic = gw_str_ieq(type, GW_STR("sql")) || gw_str_ieq(type, GW_STR("db")) ||
               gw_str_ieq(type, GW_STR("cache"));
    if (name.len || !*generic)
        return name;
    name = db_system_of(f, dd_text_of(f, DD_T_COMPONENT));
    if (!name.len)
        name = db_system_of(f, gw_str_n(f->span->name.ptr, gw_str_find(f->span->name, '.')));
    return name.len || !gw_str_ieq(type, GW_STR("sql")) ? name : GW_STR("other_sql");
}

/* Returns true if the span is about a database; then db.system.name is set if it is known. */
static bool find_db_system(struct dd_fields *f)
{
    static const unsigned tags[] = {DD_T_DB_SYSTEM,     DD_T_DB_TYPE,
                                    DD_T_DB_VENDOR,     DD_T_ACTIVE_RECORD_VENDOR,
                                    DD_T_SEQUEL_VENDOR, DD_T_DB_ENGINE};
    size_t n = f->rare ? sizeof tags / sizeof *tags : 3;
    bool said = dd_has(f, DD_A_DB_SYSTEM_NAME), generic;
    for (size_t i = 0; i < n; i++) {
        gw_str text = dd_has(f, tags[i]) ? dd_text_of(f, tags[i]) : GW_NOSTR, name = db_system_of(f, text);
        if (text.len) {
            dd_rename_as(f, tags[i], name.len ? name : dd_lower(f->arena, text));
            said = true;
        }
    }
    if (said)
        return true;
    gw_str name = concluded_system(f, &generic);
    dd_set_text(f, DD_A_DB_SYSTEM_NAME, name, DD_DERIVED);
    return name.len || generic;
}

/* How the text of a query is obfuscated. */
enum language { SQL, COMMAND, MEMCACHED, JSON };

static enum language query_language_of(gw_str system)
{
    if (dd_same(system, GW_STR("redis")) || dd_same(system, GW_STR("valkey")))
        return COMMAND;
    if (dd_same(system, GW_STR("memcached")))
        return MEMCACHED;
    if (dd_same(system, GW_STR("mongodb")) || dd_same(system, GW_STR("elasticsearch")) ||
        dd_same(system, GW_STR("opensearch")))
        return JSON;
    return SQL;
}

/* The database call of one span. */
struct call {
    enum language language;
    enum dd_sql_dialect dialect;
    struct dd_query query; /* the first query that was found; its text is empty if there is none */
    enum language query_language;
    gw_str raw; /* unchanged, if it is in the language of the system */
};

static void read_sql(struct dd_fields *f, const struct call *c, gw_str raw, struct dd_query *q)
{
    struct dd_sql_about about = {0};
    uint64_t hash;
    unsigned how = (unsigned)c->dialect << 1 | f->obfuscate;
    const struct dd_query *known = dd_memo_get(f->memo, how, raw, &hash);
    if (known) {
        *q = *known;
        return;
    }
    q->text = f->obfuscate ? dd_sql_sanitize(f->arena, c->dialect, raw) : raw;
    dd_sql_about(c->dialect, q->text, &about);
    q->operation = about.operation;
    q->collection = about.collection;
    q->summary = dd_sql_summary(f->arena, &about);
    dd_memo_put(f->memo, how, raw, hash, q);
}

static struct dd_query read_query(struct dd_fields *f, const struct call *c, enum language language,
                                  gw_str raw)
{
    struct dd_query q = {.text = raw};
    if (language == SQL && raw.len)
        read_sql(f, c, raw, &q);
    else if (f->obfuscate && raw.len)
        q.text = language == COMMAND     ? dd_redis_sanitize(f->arena, raw)
                 : language == MEMCACHED ? dd_memcached_sanitize(f->arena, raw)
                                         : dd_json_sanitize(f->arena, raw);
    return q;
}

static enum language language_of_tag(unsigned tag, enum language otherwise)
{
    switch (tag) {
    case DD_T_MONGODB_QUERY:
    case DD_T_ELASTICSEARCH_BODY:
    case DD_T_OPENSEARCH_BODY:
        return JSON;
    case DD_T_REDIS_COMMAND:
    case DD_T_VALKEY_COMMAND:
        return COMMAND;
    case DD_T_MEMCACHED_COMMAND:
    case DD_T_MEMCACHED_QUERY:
    case DD_T_MEMCACHE_COMMAND:
    case DD_T_MEMCACHE_QUERY:
        return MEMCACHED;
    case DD_T_SQL_QUERY:
    case DD_T_CASSANDRA_QUERY:
        return SQL;
    default:
        return otherwise;
    }
}

struct dd_query_how dd_db_how(const struct dd_fields *f, unsigned tag)
{
    gw_str system = dd_set_text_of(f, DD_A_DB_SYSTEM_NAME);
    enum language language = query_language_of(system);
    return (struct dd_query_how){language_of_tag(tag, language),
                                 language == SQL ? dd_sql_dialect(system) : DD_SQL_STANDARD};
}

gw_str dd_db_safe(struct dd_fields *f, struct dd_query_how how, gw_str raw)
{
    struct call c = {.language = (enum language)how.language, .dialect = (enum dd_sql_dialect)how.dialect};
    return read_query(f, &c, c.language, raw).text;
}

/* Obfuscates all tags that hold a query; the first one becomes db.query.text. */
static void find_query(struct dd_fields *f, struct call *c)
{
    static const unsigned tags[] = {DD_A_DB_QUERY_TEXT,     DD_T_DB_STATEMENT,       DD_T_SQL_QUERY,
                                    DD_T_MONGODB_QUERY,     DD_T_REDIS_COMMAND,      DD_T_VALKEY_COMMAND,
                                    DD_T_CASSANDRA_QUERY,   DD_T_ELASTICSEARCH_BODY, DD_T_OPENSEARCH_BODY,
                                    DD_T_MEMCACHED_COMMAND, DD_T_MEMCACHED_QUERY,    DD_T_MEMCACHE_COMMAND,
                                    DD_T_MEMCACHE_QUERY};
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        unsigned tag = tags[i];
        if (!dd_has(f, tag) || f->value[tag].number)
            continue;
        enum language language = language_of_tag(tag, c->language);
        gw_str raw = f->value[tag].text;
        struct dd_query q = read_query(f, c, language, raw);
        f->value[tag].text = q.text;
        if (tag == DD_A_DB_QUERY_TEXT && dd_is_set(f, tag))
            f->out[tag].s = q.text;
        else if (tag != DD_A_DB_QUERY_TEXT)
            dd_rename_as(f, tag, q.text);
        if (!c->query.text.len) {
            c->query = q;
            c->query_language = language;
            c->raw = language == c->language ? raw : GW_NOSTR;
        }
    }
}

/* Reads the span's resource, which is a query, a command, or a summary of one. */
static void read_resource(struct dd_fields *f, struct call *c)
{
    gw_str raw = f->span->resource;
    struct dd_query q = {.text = raw};
    if (!raw.len || gw_str_eq(raw, f->span->name))
        return;
    if (c->raw.len && gw_str_eq(raw, c->raw)) { /* tracers often send the statement twice */
        f->resource = c->query.text;
        return;
    }
    bool sentence = gw_str_find(raw, ' ') < raw.len;
    if (sentence && c->language == JSON)
        q.text = f->obfuscate ? dd_json_sanitize_part(f->arena, raw) : raw;
    else if (sentence)
        q = read_query(f, c, c->language, raw);
    f->resource = q.text;
    if (c->query.text.len && (sentence || c->query_language == SQL)) /* a sentence or SQL is more precise than
                                                                      * a single word */
        return;
    if (!sentence || (c->language == JSON && q.text.ptr == raw.ptr)) {
        dd_set_text(f, DD_A_DB_QUERY_SUMMARY, raw, DD_DERIVED);
        return;
    }
    c->query = q;
    c->query_language = c->language;
    dd_set_text(f, DD_A_DB_QUERY_TEXT, q.text, DD_DERIVED);
}

static gw_str first_word(gw_str s)
{
    return gw_str_n(s.ptr, gw_str_find(s, ' '));
}

/* Removes the system from "mongo.find" (Go) and "couchbase.upsert" (Node). */
static gw_str without_system(gw_str word)
{
    static const gw_str prefixes[] = {GW_LIT("mongo."), GW_LIT("couchbase.")};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (gw_str_starts(word, prefixes[i]))
            return gw_str_from(word, prefixes[i].len);
    return word;
}

static bool is_letters(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (gw_lower(s.ptr[i]) < 'a' || gw_lower(s.ptr[i]) > 'z')
            return false;
    return s.len;
}

static bool is_store(const struct call *c)
{
    return c->language == COMMAND || c->language == MEMCACHED;
}

/* Returns whether the call is several commands in one request. */
static bool is_pipeline(const struct dd_fields *f, const struct call *c)
{
    gw_str text = c->query.text;
    return c->language == COMMAND &&
           (dd_is_set(f, DD_A_DB_BATCH_SIZE) || (text.len && gw_str_find(text, '\n') < text.len));
}

/* Returns "SELECT orders" with the collection that a tag names, because the text may contain an alias. */
static gw_str summary_of(struct dd_fields *f, const struct dd_query *q)
{
    gw_str said = dd_set_text_of(f, DD_A_DB_COLLECTION_NAME);
    if (!said.len || !q->operation.len || !q->collection.len || gw_str_ends(q->collection, said))
        return q->summary;
    return dd_sql_summary(f->arena, &(struct dd_sql_about){q->operation, said});
}

static void about_query(struct dd_fields *f, const struct call *c)
{
    const struct dd_query *q = &c->query;
    if (q->text.len && c->query_language == SQL) {
        dd_set_text(f, DD_A_DB_OPERATION_NAME, q->operation, DD_DERIVED);
        dd_set_text(f, DD_A_DB_QUERY_SUMMARY, summary_of(f, q), DD_DERIVED);
        dd_set_text(f, DD_A_DB_COLLECTION_NAME, q->collection, DD_DERIVED);
        return;
    }
    if (is_pipeline(f, c)) {
        dd_set_text(f, DD_A_DB_OPERATION_NAME, GW_STR("PIPELINE"), DD_DERIVED);
        return;
    }
    bool of_query = q->text.len && c->query_language != JSON;
    gw_str word = of_query ? dd_command_name(q->text) : without_system(first_word(f->span->resource));
    if (is_letters(word) && (of_query || !gw_str_eq(f->span->resource, f->span->name)))
        dd_set_text(f, DD_A_DB_OPERATION_NAME, c->language == COMMAND ? dd_upper(f->arena, word) : word,
                    DD_DERIVED);
}

/* Proposes "GET" for key-value stores, a query's summary, or "find users". If no operation is known, the name
 * is the resource. */
static void propose_db_name(struct dd_fields *f, const struct call *c)
{
    gw_str operation = dd_set_text_of(f, DD_A_DB_OPERATION_NAME),
           target = dd_set_text_of(f, DD_A_DB_COLLECTION_NAME),
           summary = dd_set_text_of(f, DD_A_DB_QUERY_SUMMARY);
    bool of_query = c->query.text.len && c->query_language == SQL;
    if (is_store(c))
        dd_propose_name(f, operation);
    if (of_query || dd_has(f, DD_A_DB_QUERY_SUMMARY))
        dd_propose_name(f, summary);
    if (!target.len)
        target = dd_set_text_of(f, DD_A_DB_NAMESPACE);
    if (operation.len)
        dd_propose_call_name(f, operation, target);
    dd_propose_name(f, summary);
}

/* Two or more commands are a batch; a single one is not. */
static void set_batch(struct dd_fields *f, unsigned tag)
{
    int64_t n;
    if (dd_int_of(f, tag, &n) && n > 1)
        dd_rename(f, tag);
}

/* Node's MongoDB instrumentation writes "database.collection"; a database's name contains no dot. */
static void split_mongodb_namespace(struct dd_fields *f)
{
    gw_str said = dd_set_text_of(f, DD_A_DB_NAMESPACE);
    size_t dot = gw_str_find(said, '.');
    if (dot == 0 || dot >= said.len || f->out[DD_A_DB_NAMESPACE].sure == DD_EXPLICIT)
        return;
    gw_str collection = gw_str_from(said, dot + 1);
    f->out[DD_A_DB_NAMESPACE].s = gw_str_n(said.ptr, dot);
    if (!gw_str_starts(collection, GW_STR("$")))
        dd_set_text(f, DD_A_DB_COLLECTION_NAME, collection, DD_DERIVED);
}

static void rename_lower(struct dd_fields *f, unsigned tag)
{
    dd_rename_as(f, tag, dd_lower(f->arena, dd_text_of(f, tag)));
}

/* Sets attributes that only one system has or that it names differently. */
static void system_facts(struct dd_fields *f, gw_str system)
{
    static const unsigned words[] = {DD_T_CASSANDRA_CONSISTENCY_TAG, DD_T_DB_CASSANDRA_CONSISTENCY,
                                     DD_T_COSMOS_MODE, DD_T_DB_COSMOS_MODE};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (dd_has(f, words[i]))
            rename_lower(f, words[i]);
    if (dd_has(f, DD_T_REDIS_PIPELINE_LENGTH))
        set_batch(f, DD_T_REDIS_PIPELINE_LENGTH);
    if (dd_has(f, DD_T_VALKEY_PIPELINE_LENGTH))
        set_batch(f, DD_T_VALKEY_PIPELINE_LENGTH);
    if (dd_has(f, DD_T_PLAIN_BUCKET) && dd_same(system, GW_STR("couchbase")))
        dd_rename(f, DD_T_PLAIN_BUCKET);
}

void dd_db(struct dd_fields *f)
{
    struct call c = {0};
    if (!find_db_system(f))
        return;
    gw_str system = dd_set_text_of(f, DD_A_DB_SYSTEM_NAME);
    c.language = query_language_of(system);
    c.dialect = c.language == SQL ? dd_sql_dialect(system) : DD_SQL_STANDARD;
    if (f->rare)
        system_facts(f, system);
    if (dd_same(system, GW_STR("mongodb")))
        split_mongodb_namespace(f);
    find_query(f, &c);
    read_resource(f, &c);
    about_query(f, &c);
    propose_db_name(f, &c);
}
