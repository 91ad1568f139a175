/* Replaces the data in commands of key-value stores and in documents of document stores by "?": the part of
 * dd_sql.h that is not SQL.
 *
 * Keeps no state; results are in the arena. Called by dd_semconv_db.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/json.h"
#include "translators/ddtrace/dd_sql.h"

#include "translators/ddtrace/dd_strings.h"

/* ---- Redis, Valkey, memcached ---- */

/* Names of Redis commands. They tell the lines of a pipeline from values that contain line breaks. */
static const char redis_commands[] = " acl append asking auth bf.add bf.exists bgrewriteaof bgsave bitcount "
                                     "bitfield bitfield_ro bitop bitpos blmove blmpop blpop "
                                     "brpop brpoplpush bzmpop bzpopmax bzpopmin client cluster command "
                                     "config copy dbsize debug decr decrby del discard dump echo "
                                     "eval eval_ro evalsha evalsha_ro exec exists expire expireat expiretime "
                                     "failover fcall fcall_ro flushall flushdb ft.search "
                                     "function geoadd geodist geohash geopos georadius georadiusbymember "
                                     "geosearch geosearchstore get getbit getdel getex getrange "
                                     "getset hdel hello hexists hexpire hget hgetall hincrby hincrbyfloat "
                                     "hkeys hlen hmget hmset hrandfield hscan hset hsetnx "
                                     "hstrlen hvals incr incrby incrbyfloat info json.del json.get json.mget "
                                     "json.set keys lastsave latency lcs lindex linsert llen "
                                     "lmove lmpop lolwut lpop lpos lpush lpushx lrange lrem lset ltrim "
                                     "memory mget migrate module monitor move mset msetnx multi "
                                     "object persist pexpire pexpireat pexpiretime pfadd pfcount pfmerge "
                                     "ping psetex psubscribe psync pttl publish pubsub "
                                     "punsubscribe quit randomkey readonly readwrite rename renamenx "
                                     "replicaof reset restore role rpop rpoplpush rpush rpushx sadd "
                                     "save scan scard script sdiff sdiffstore select set setbit setex setnx "
                                     "setrange shutdown sinter sintercard sinterstore "
                                     "sismember slaveof slowlog smembers smismember smove sort sort_ro spop "
                                     "spublish srandmember srem sscan ssubscribe strlen "
                                     "subscribe substr sunion sunionstore sunsubscribe swapdb sync time "
                                     "touch ttl type unlink unsubscribe unwatch wait waitaof "
                                     "watch xack xadd xautoclaim xclaim xdel xgroup xinfo xlen xpending "
                                     "xrange xread xreadgroup xrevrange xsetid xtrim zadd zcard "
                                     "zcount zdiff zdiffstore zincrby zinter zintercard zinterstore "
                                     "zlexcount zmpop zmscore zpopmax zpopmin zrandmember zrange "
                                     "zrangebylex zrangebyscore zrangestore zrank zrem zremrangebylex "
                                     "zremrangebyrank zremrangebyscore zrevrange zrevrangebylex "
                                     "zrevrangebyscore zrevrank zscan zscore zunion zunionstore ";
/* Commands whose second word is part of the command. */
static const char redis_containers[] = " acl client cluster command config debug function latency memory "
                                       "module object pubsub script slowlog xgroup xinfo ";

static bool is_listed(gw_str word, const char *words)
{
    char wanted[40];
    if (word.len == 0 || word.len > sizeof wanted - 3)
        return false;
    wanted[0] = ' ';
    for (size_t i = 0; i < word.len; i++)
        if ((wanted[i + 1] = gw_lower(word.ptr[i])) <= ' ')
            return false;
    wanted[word.len + 1] = ' ';
    wanted[word.len + 2] = '\0';
    return strstr(words, wanted) != NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Splits the next word off *line. */
static gw_str next_word(gw_str *line)
{
    size_t from = 0, to;
    if (line->len == 0)
        return GW_NOSTR;
    while (from < line->len && is_blank(line->ptr[from]))
        from++;
    for (to = from; to < line->len && !is_blank(line->ptr[to]);)
        to++;
    gw_str word = gw_str_n(line->ptr + from, to - from);
    *line = gw_str_from(*line, to);
    return word;
}

gw_str dd_command_name(gw_str command)
{
    return next_word(&command);
}

struct out {
    char *ptr;
    size_t len;
};

static void append_text(struct out *o, gw_str s)
{
    if (s.len)
        memcpy(o->ptr + o->len, s.ptr, s.len);
    o->len += s.len;
}

/* Writes one line as "NAME", "NAME ?" or "NAME SUBNAME ?". */
static void put_command(struct out *o, gw_str line, const char *containers)
{
    gw_str name = next_word(&line), rest = line, second = next_word(&rest);
    append_text(o, name);
    if (second.len && is_listed(name, containers) && !memchr(second.ptr, '"', second.len)) {
        append_text(o, GW_STR(" "));
        append_text(o, second);
        second = next_word(&rest);
    }
    if (second.len)
        append_text(o, GW_STR(" ?"));
}

static gw_str unless_same(gw_str result, gw_str input)
{
    return gw_str_eq(result, input) ? input : result;
}

gw_str dd_redis_sanitize(struct gw_arena *arena, gw_str command)
{
    struct out o = {.ptr = gw_arena_raw(arena, command.len, 1)}; /* a line never gets longer */
    gw_str rest = command, line;
    if (!o.ptr)
        return GW_NOSTR;
    for (size_t lines = 0; lines < DD_MAX_COMMANDS && gw_str_next(&rest, '\n', &line); lines++) {
        gw_str name = dd_command_name(line);
        if (lines && !is_listed(name, redis_commands))
            continue;
        if (o.len)
            append_text(&o, GW_STR("\n"));
        put_command(&o, line, redis_containers);
    }
    return unless_same(gw_str_n(o.ptr, o.len), command);
}

gw_str dd_memcached_sanitize(struct gw_arena *arena, gw_str command)
{
    struct out o = {.ptr = gw_arena_raw(arena, command.len, 1)};
    if (!o.ptr)
        return GW_NOSTR;
    put_command(&o, command, "");
    return unless_same(gw_str_n(o.ptr, o.len), command);
}

/* ---- JSON bodies ---- */

enum { JSON_DEPTH = 256 };

struct body {
    struct gw_json j;
    struct out o;
    const char *copied; /* the input up to here has been copied */
};

/* Copies the input up to `upto`. */
static void append_up_to(struct body *b, const char *upto)
{
    append_text(&b->o, gw_str_n(b->copied, (size_t)(upto - b->copied)));
    b->copied = upto;
}

static void replace_value(struct body *b)
{
    enum gw_json_kind kind = gw_json_kind(&b->j);
    const char *begin = b->j.at;
    if (!gw_json_skip(&b->j) || kind == GW_JSON_NULL)
        return;
    append_up_to(b, begin);
    append_text(&b->o, GW_STR("\"?\""));
    b->copied = b->j.at;
}

static void read_body(struct body *b, unsigned depth)
{
    gw_str name;
    switch (depth < JSON_DEPTH ? gw_json_kind(&b->j) : GW_JSON_STRING) {
    case GW_JSON_OBJECT:
        gw_json_object(&b->j);
        while (gw_json_member(&b->j, &name))
            read_body(b, depth + 1);
        return;
    case GW_JSON_ARRAY:
        gw_json_array(&b->j);
        while (gw_json_item(&b->j))
            read_body(b, depth + 1);
        return;
    default:
        replace_value(b);
    }
}

gw_str dd_json_sanitize(struct gw_arena *arena, gw_str body)
{
    /* A value of one byte becomes three bytes, but two values are always separated by another byte. */
    struct body b = {.o = {.ptr = gw_arena_raw(arena, 2 * body.len + 8, 1)}};
    if (!b.o.ptr)
        return GW_NOSTR;
    gw_json_init(&b.j, body, arena);
    b.copied = b.j.begin;
    while (gw_json_kind(&b.j) != GW_JSON_NONE) /* a bulk request consists of several documents */
        read_body(&b, 0);
    if (b.j.why)
        append_text(&b.o, GW_STR("?"));
    else
        append_up_to(&b, b.j.end);
    return unless_same(gw_str_n(b.o.ptr, b.o.len), body);
}

gw_str dd_json_sanitize_part(struct gw_arena *arena, gw_str text)
{
    size_t brace = gw_str_find(text, '{');
    if (brace == text.len)
        return text;
    gw_str rest = gw_str_from(text, brace), safe = dd_json_sanitize(arena, rest);
    return safe.ptr == rest.ptr && safe.len == rest.len
               ? text
               : dd_concat(arena, gw_str_n(text.ptr, brace), GW_NOSTR, safe);
}
