/* Queries without their data, and what they are about.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/translators/ddtrace/arena_bed.h"
#include "translators/ddtrace/dd_sql.h"

#define ANY DD_SQL_STANDARD
#define MY DD_SQL_MYSQL
#define PG DD_SQL_POSTGRESQL
#define ORA DD_SQL_ORACLE
#define MS DD_SQL_SQLSERVER

static void literals_become_question_marks(void **state)
{
    static const struct {
        enum dd_sql_dialect dialect;
        const char *query, *want;
    } cases[] = {
        {ANY, "SELECT * FROM t WHERE a = 'x' AND b IN (1, 2, 3) -- c",
         "SELECT * FROM t WHERE a = ? AND b IN (?)"},
        {ANY, "  SELECT 1 ;\n", "SELECT ?"},
        /* text */
        {ANY, "a='it''s' or b=''", "a=? or b=?"},
        {ANY, "a='C:\\' AND b='secret'", "a=? AND b=?"},
        {ANY, "a='it\\'s secret'", "a=?"}, /* one of two readings leaves no text open */
        {ANY, "a='it\\'s' and b='my secret'", "a=? and b=?"},
        {ANY, "a='it\\'s' and b='x\\'y secret z'", "a=? and b=?"},
        {ANY, "a='secret", "a=?"},
        {ANY, "a=\"secret", "a=?"},
        {MY, "a='it\\'s' and b=\"say \\\"x\\\"\" and `c``d`='\\\\'", "a=? and b=? and `c``d`=?"},
        {PG, "\"Name\" = 'x' and e = E'a\\'b' and b = B'01' and n = N'x' and h = X'ff'",
         "\"Name\" = ? and e = ? and b = ? and n = ? and h = ?"},
        {PG, "a = 'C:\\' and b = 'x'", "a = ? and b = ?"},
        {PG, "select $$it's$$, $fn$ $$ ' $fn$, $1, $a", "select ?, ?, $1, $a"},
        {PG, "select $body$ never closed", "select ?"},
        {MY, "select _utf8'x', _utf8mb4 'y'", "select ?, _utf8mb4 ?"},
        {ORA, "select q'[it's]', q'!x'y!', nq'{z}' from v$session", "select ?, ?, ? from v$session"},
        {MS, "select [a]]b] from [dbo].[t] where x = N'y' and #tmp.id = 3",
         "select [a]]b] from [dbo].[t] where x = ? and #tmp.id = ?"},
        /* numbers */
        {ANY, "a=1 b=-1 c=+1.5 d=.5 e=1e-5 f=0x1F g=1.5E+3 h=(-1) i=x-1 j=2-1",
         "a=? b=? c=? d=? e=? f=? g=? h=(?) i=x-? j=?-?"},
        {ANY, "t1.c2 = a1b2 and x_1 = y$2", "t1.c2 = a1b2 and x_1 = y$2"},
        {ANY, "limit 10 offset 20", "limit ? offset ?"},
        {ANY, "4111111111111111", "?"},
        {ANY, "x=true and y is null and z=FALSE", "x=true and y is null and z=FALSE"},
        /* placeholders */
        {ANY, "a=$1 and b=:name and c=:1 and d=@p1 and e=? and f=?2 and g=%s and h=%(id)s",
         "a=$1 and b=:name and c=:1 and d=@p1 and e=? and f=?2 and g=%s and h=%(id)s"},
        {PG, "a::int[1:2] = '{}'::jsonb ->> 'k'", "a::int[?:?] = ?::jsonb ->> ?"},
        {MS, "select @@ROWCOUNT, @x", "select @@ROWCOUNT, @x"},
        /* comments */
        {ANY, "/* a */ SELECT /* b */ x -- c\nFROM t", "SELECT x FROM t"},
        {ANY, "a/**/b", "a b"},
        {ANY, "a /*+ hint */ b/* c */", "a b"},
        {ANY, "SELECT 1/* 'never closed", "SELECT ?"},
        {ANY, "a--b", "a"},
        {ANY, "a # b", "a # b"},
        {MY, "a # 'b\nc", "a c"},
        {MY, "a=5--1", "a=?-?"},
        {MY, "a-- b", "a"},
        {PG, "/* a /* b */ 'c' */ d", "d"},
        {MY, "/* a /* b */ 'c' */ d", "? */ d"},
        /* lists */
        {ANY, "x in('a','b')", "x in(?)"},
        {ANY, "x IN ( 1 , 2 )", "x IN (?)"},
        {ANY, "x IN (?, ?, ?)", "x IN (?)"},
        {ANY, "x IN ($1, $2) AND y IN ($3)", "x IN (?) AND y IN ($3)"},
        {ANY, "x IN (-1, NULL, 'a', true)", "x IN (?)"},
        {ANY, "x IN (a, 1)", "x IN (a, ?)"},
        {ANY, "x IN (SELECT 1, 2)", "x IN (SELECT ?, ?)"},
        {ANY, "x IN (1, 2", "x IN (?, ?"},
        {ANY, "f(1, 2) + g(?, ?)", "f(?, ?) + g(?, ?)"},
        {ANY, "INSERT INTO t (a, b) VALUES (1, 'x'), (2, 'y'),(3,'z') RETURNING id",
         "INSERT INTO t (a, b) VALUES (?) RETURNING id"},
        {ANY, "VALUES (1), (2), (3)", "VALUES (?)"},
        {ANY, "VALUES (?, ?), (?, f(?)), (?, ?)", "VALUES (?), (?, f(?)), (?, ?)"},
        {ANY, "VALUES (?), 1", "VALUES (?), ?"},
        {ANY, "VALUES (DEFAULT, 1) ON CONFLICT (a, b) DO NOTHING",
         "VALUES (?) ON CONFLICT (a, b) DO NOTHING"},
        {ANY, "caf\xC3\xA9 = 'd\xC3\xA9j\xC3\xA0'", "caf\xC3\xA9 = ?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gw_str got = dd_sql_sanitize(&arena, cases[i].dialect, gw_str_z(cases[i].query));
        if (!gw_str_eq(got, gw_str_z(cases[i].want)))
            fail_msg("%s\n got %.*s\nwant %s", cases[i].query, GW_FMT(got), cases[i].want);
        gw_str again = dd_sql_sanitize(&arena, cases[i].dialect, got);
        if (!gw_str_eq(again, got))
            fail_msg("not stable: %.*s ─▶ %.*s", GW_FMT(got), GW_FMT(again));
    }
}

static void unchanged_text_is_the_same_view(void **state)
{
    static const char *const same[] = {
        "",
        "SELECT id, name FROM users WHERE id = ? AND x IN (?)",
        "SELECT * FROM users WHERE id IN ( ? )",
        "INSERT INTO t (a, b) VALUES (?)",
        "UPDATE \"t\" SET a = $1 WHERE b = :b",
        "BEGIN",
        "GET /users/{id}",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        gw_str got = dd_sql_sanitize(&arena, DD_SQL_STANDARD, gw_str_z(same[i]));
        if (got.len != strlen(same[i]) || (got.len && got.ptr != same[i]))
            fail_msg("%s: %.*s", same[i], GW_FMT(got));
    }
    assert_int_equal(dd_sql_sanitize(&arena, DD_SQL_MYSQL, GW_NOSTR).len, 0);
}

static void dialects_go_by_system(void **state)
{
    assert_int_equal(dd_sql_dialect(GW_STR("mysql")), DD_SQL_MYSQL);
    assert_int_equal(dd_sql_dialect(GW_STR("MariaDB")), DD_SQL_MYSQL);
    assert_int_equal(dd_sql_dialect(GW_STR("postgres")), DD_SQL_POSTGRESQL);
    assert_int_equal(dd_sql_dialect(GW_STR("microsoft.sql_server")), DD_SQL_SQLSERVER);
    assert_int_equal(dd_sql_dialect(GW_STR("sql-server")), DD_SQL_SQLSERVER);
    assert_int_equal(dd_sql_dialect(GW_STR("oracle.db")), DD_SQL_ORACLE);
    assert_int_equal(dd_sql_dialect(GW_STR("sqlite")), DD_SQL_SQLITE);
    assert_int_equal(dd_sql_dialect(GW_STR("cassandra")), DD_SQL_STANDARD);
    assert_int_equal(dd_sql_dialect(GW_NOSTR), DD_SQL_STANDARD);
}

static void queries_have_an_operation_and_a_target(void **state)
{
    static const struct {
        const char *query, *summary;
    } cases[] = {
        {"select * from users where id = 1", "SELECT users"},
        {"SELECT a FROM \"public\".\"users\" u", "SELECT \"public\".\"users\""},
        {"SELECT a FROM public . users", "SELECT public . users"},
        {"SELECT a FROM `users`", "SELECT users"},
        {"/* c */ ( SELECT 1 FROM a ) UNION SELECT 2 FROM b", "SELECT a"},
        {"SELECT (SELECT 1 FROM inner_t) FROM outer_t", "SELECT outer_t"},
        {"SELECT * FROM (SELECT * FROM (SELECT 1 FROM deep) x) y", "SELECT deep"},
        {"SELECT extract(year FROM ts), a IS DISTINCT FROM b FROM t", "SELECT t"},
        {"SELECT * FROM generate_series(1, 2)", "SELECT"},
        {"SELECT * FROM ONLY t", "SELECT t"},
        {"SELECT 1", "SELECT"},
        {"INSERT INTO orders (a) SELECT a FROM old", "INSERT orders"},
        {"insert low_priority ignore into `o r` values (1)", "INSERT o r"},
        {"REPLACE INTO t VALUES (1)", "REPLACE t"},
        {"UPDATE ONLY t SET a = 1 FROM b", "UPDATE t"},
        {"UPDATE OR IGNORE t SET a = 1", "UPDATE t"},
        {"DELETE FROM t WHERE a = 1", "DELETE t"},
        {"DELETE a FROM a JOIN b", "DELETE a"},
        {"MERGE INTO t USING s ON 1", "MERGE t"},
        {"TRUNCATE TABLE t", "TRUNCATE t"},
        {"CREATE TABLE IF NOT EXISTS s.t (a int)", "CREATE s.t"},
        {"CREATE UNIQUE INDEX i ON t (a)", "CREATE"},
        {"DROP TABLE t", "DROP t"},
        {"ALTER TABLE t ADD c int", "ALTER t"},
        {"WITH x AS (SELECT * FROM a), y (c) AS (DELETE FROM b) INSERT INTO t SELECT * FROM x", "INSERT t"},
        {"WITH RECURSIVE x AS (SELECT 1 FROM a) SELECT * FROM x", "SELECT x"},
        {"WITH x AS (SELECT 1", "WITH"},
        {"EXPLAIN (ANALYZE, FORMAT json) SELECT * FROM t", "SELECT t"},
        {"EXPLAIN ANALYZE DELETE FROM t", "DELETE t"},
        {"EXPLAIN t", "EXPLAIN"},
        {"COPY t FROM STDIN", "COPY t"},
        {"LOAD DATA LOCAL INFILE 'f' INTO TABLE t", "LOAD t"},
        {"BEGIN", "BEGIN"},
        {"commit;", "COMMIT"},
        {"CALL p(1)", "CALL"},
        {"Table", "TABLE"},
        {"GET /users", ""},
        {"GetUser", ""},
        {"?", ""},
        {"", ""},
        {"'x' SELECT", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dd_sql_about about;
        dd_sql_about(DD_SQL_STANDARD, gw_str_z(cases[i].query), &about);
        gw_str got = dd_sql_summary(&arena, &about);
        if (!gw_str_eq(got, gw_str_z(cases[i].summary)))
            fail_msg("%s: %.*s", cases[i].query, GW_FMT(got));
    }
    struct dd_sql_about about;
    dd_sql_about(DD_SQL_SQLSERVER, GW_STR("select * from [my table]"), &about);
    assert_true(gw_str_eq(about.operation, GW_STR("select")));
    assert_true(gw_str_eq(about.collection, GW_STR("my table")));
    dd_sql_about(DD_SQL_MYSQL, GW_STR("select * from \"text\""), &about);
    assert_int_equal(about.collection.len, 0);
}

static void commands_lose_their_arguments(void **state)
{
    static const char *const redis[][2] = {
        {"SET key value", "SET ?"},
        {"get k", "get ?"},
        {"PING", "PING"},
        {"AUTH user secret", "AUTH ?"},
        {"AUTH secret", "AUTH ?"},
        {"CONFIG SET requirepass secret", "CONFIG SET ?"},
        {"ACL SETUSER u >secret", "ACL SETUSER ?"},
        {"CLIENT LIST", "CLIENT LIST"},
        {"CLIENT \"x y\"", "CLIENT ?"},
        {"SET a b\nGET a\nPING", "SET ?\nGET ?\nPING"},
        {"SET a line one\nsecret line two\nGET a", "SET ?\nGET ?"},
        {"MY.MODULE x", "MY.MODULE ?"},
        {"  GET   a  ", "GET ?"},
        {"GET ?", "GET ?"},
        {"", ""},
        {" ", ""},
    };
    static const char *const memcached[][2] = {
        {"set key 0 60 5\r\nvalue", "set ?"},
        {"get a b", "get ?"},
        {"flush_all", "flush_all"},
        {"get ?", "get ?"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof redis / sizeof *redis; i++) {
        gw_str got = dd_redis_sanitize(&arena, gw_str_z(redis[i][0]));
        if (!gw_str_eq(got, gw_str_z(redis[i][1])))
            fail_msg("%s: %.*s", redis[i][0], GW_FMT(got));
    }
    for (size_t i = 0; i < sizeof memcached / sizeof *memcached; i++) {
        gw_str got = dd_memcached_sanitize(&arena, gw_str_z(memcached[i][0]));
        if (!gw_str_eq(got, gw_str_z(memcached[i][1])))
            fail_msg("%s: %.*s", memcached[i][0], GW_FMT(got));
    }
    assert_true(gw_str_eq(dd_command_name(GW_STR(" GET k\nSET v")), GW_STR("GET")));
    assert_true(gw_str_eq(dd_command_name(GW_STR("PING\n")), GW_STR("PING")));
    assert_int_equal(dd_command_name(GW_NOSTR).len, 0);
    static char many[100 * 6];
    for (int i = 0; i < 100; i++)
        memcpy(many + i * 6, "GET a\n", 6);
    assert_int_equal(dd_redis_sanitize(&arena, gw_str_n(many, sizeof many)).len, DD_MAX_COMMANDS * 6 - 1);
}

static void bodies_lose_their_values(void **state)
{
    static const char *const cases[][2] = {
        {"{\"find\": \"users\", \"filter\": {\"age\": {\"$gt\": 21}, \"ok\": true, \"x\": null}}",
         "{\"find\": \"?\", \"filter\": {\"age\": {\"$gt\": \"?\"}, \"ok\": \"?\", \"x\": null}}"},
        {"[1,-2.5,\"a\\\"b\"]", "[\"?\",\"?\",\"?\"]"},
        {"{\"index\":{}}\n{\"q\":1}\n", "{\"index\":{}}\n{\"q\":\"?\"}\n"},
        {"{\"a\": 1, \"b\": \"never closed", "{\"a\": \"?\"?"},
        {"{\"a\": 1, b: 2}", "{\"a\": \"?\"?"},
        {"{\"a\": secret}", "?"},
        {"find users {x: 1}", "?"},
        {"{\"k\\n\": \"v\"}", "{\"k\\n\": \"?\"}"},
        {"7", "\"?\""},
        {"", ""},
        {" ", " "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gw_str got = dd_json_sanitize(&arena, gw_str_z(cases[i][0]));
        if (!gw_str_eq(got, gw_str_z(cases[i][1])))
            fail_msg("%s: %.*s", cases[i][0], GW_FMT(got));
    }
    gw_str same = GW_STR("{\"a\": \"?\", \"b\": [\"?\", null]}");
    assert_ptr_equal(dd_json_sanitize(&arena, same).ptr, same.ptr);
    /* deeper than it looks, values are whole */
    static char deep[800];
    memset(deep, '[', 400);
    memset(deep + 400, ']', 400);
    gw_str got = dd_json_sanitize(&arena, gw_str_n(deep, sizeof deep));
    assert_int_equal(got.len, 256 + 3 + 256);
    assert_memory_equal(got.ptr + 254, "[[\"?\"]]", 7);
}

static void without_memory_nothing_leaks(void **state)
{
    struct gw_arena small;
    gw_arena_init(&small, 0);
    assert_int_equal(
        dd_sql_sanitize(&small, DD_SQL_STANDARD, GW_STR("a='secret' and b in ('x', 'y') /* */ c")).len, 0);
    assert_int_equal(dd_redis_sanitize(&small, GW_STR("SET a b")).len, 0);
    assert_int_equal(dd_memcached_sanitize(&small, GW_STR("set a b")).len, 0);
    assert_int_equal(dd_json_sanitize(&small, GW_STR("{\"a\":1}")).len, 0);
    gw_arena_fini(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_become_question_marks),
        cmocka_unit_test(unchanged_text_is_the_same_view),
        cmocka_unit_test(dialects_go_by_system),
        cmocka_unit_test(queries_have_an_operation_and_a_target),
        cmocka_unit_test(commands_lose_their_arguments),
        cmocka_unit_test(bodies_lose_their_values),
        cmocka_unit_test(without_memory_nothing_leaks),
    };
    return cmocka_run_group_tests(tests, arena_open, arena_close);
}
