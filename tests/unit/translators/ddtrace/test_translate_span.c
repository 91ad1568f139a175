/* A span's name, status, errors, kind, links, events and structures. SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/translate_bed.h"

#define RAISED "'error.type':'ValueError','error.message':'no','error.stack':'at x'"
#define ALL_PARTS "exception.message='no' exception.stacktrace='at x' exception.type='ValueError'"

static void status(void **state)
{
    static const struct bed_row rows[] = {
        {"'name':'n','error':0", "n | internal | "},
        {"'name':'n','error':0,'meta':{'error.message':'no'}", "n | internal | error.message='no'"},
        {"'name':'n','error':1", "n | internal |  | error"},
        {"'name':'n','error':1,'meta':{" RAISED "}",
         "n | internal | error.type='ValueError' | error: no | event exception at 1700000000000000005 "
         "exception.message='no' "
         "exception.stacktrace='at x' exception.type='ValueError'"},
        {"'name':'n','error':1,'meta':{'error.msg':'no','error.stacktrace':'at x'}",
         "n | internal |  | error: no | event exception at 1700000000000000005 exception.message='no' "
         "exception.stacktrace='at x'"},
        {"'name':'n','error':1,'meta':{'error.msg':'old','error.message':'new'}",
         "n | internal | error.msg='old' | error: new"},
        {"'name':'n','error':1,'meta':{'error.type':'E'}",
         "n | internal | error.type='E' | error: E | event exception at 1700000000000000005 "
         "exception.type='E'"},
        {"'name':'n','error':1,'meta':{'error.type':'500','error.message':'no'}",
         "n | internal | error.type='500' | error: no"},
        {"'name':'n','error':1,'meta':{'error.handling':'unhandled'}",
         "n | internal | error.handling='unhandled' | error"},
        {"'name':'n','error':1,'meta':{'_dd.span_events.has_exception':'true'," RAISED "}",
         "n | internal | _dd.span_events.has_exception='true' error.message='no' error.stack='at x' "
         "error.type='ValueError' | error: no"},
        {"'name':'n','error':1,'meta':{'_dd.span_events.has_exception':'true'," RAISED "},"
         "'span_events':[{'name':'exception','time_unix_nano':7,'attributes':{}}]",
         "n | internal | _dd.span_events.has_exception='true' error.type='ValueError' | error: no | event "
         "exception at 7 " ALL_PARTS},
        {"'name':'n','error':1,'meta':{" RAISED
         "},'span_events':[{'name':'exception','time_unix_nano':7,'attributes':{}}]",
         "n | internal | error.type='ValueError' | error: no | event exception at 7 " ALL_PARTS},
        {"'name':'n','error':1,'meta':{'events':'[{\\\"name\\\":\\\"exception\\\",\\\"time_unix_nano\\\":7}]'"
         "," RAISED "}",
         "n | internal | error.type='ValueError' | error: no | event exception at 7 " ALL_PARTS},
        {"'name':'n','error':0,'meta':{'otel.status_code':'ERROR','otel.status_description':'bad'}",
         "n | internal |  | error: bad"},
        {"'name':'n','error':1,'meta':{'otel.status_code':'Ok','error.message':'no'}",
         "n | internal | error.message='no' | ok"},
        /* not set is no order */
        {"'name':'n','error':1,'meta':{'otel.status_code':'Unset'}", "n | internal |  | error"},
        {"'name':'n','error':0,'meta':{'otel.status_code':'STATUS_CODE_UNSET'}", "n | internal | "},
        /* a handled exception: the event says it, and the tags need not */
        {"'name':'n','error':0,'meta':{" RAISED
         "},'span_events':[{'name':'exception','time_unix_nano':7,'attributes':{'exception.type':{'type':0,"
         "'string_value':'ValueError'}}}]",
         "n | internal | error.type='ValueError' | event exception at 7 " ALL_PARTS},
        /* JavaScript's bridge; setStatus came later */
        {"'name':'n','error':1,'meta':{'error.type':'ValueError','error.message':'odd','error.stack':'at "
         "x','events':'[{"
         "\\\"name\\\":\\\"ValueError\\\",\\\"time_unix_nano\\\":7,\\\"attributes\\\":{\\\"exception."
         "message\\\":\\\"no\\\","
         "\\\"exception.stacktrace\\\":\\\"at x\\\"}}]'}",
         "n | internal | error.type='ValueError' | error: odd | event exception at 7 " ALL_PARTS},
        /* another exception than the tags speak of: nothing of them is lost */
        {"'name':'n','error':1,'meta':{" RAISED ",'events':'[{\\\"name\\\":\\\"exception\\\",\\\"time_unix_"
         "nano\\\":7,\\\"attributes\\\":{\\\"exception.type\\\":"
         "\\\"KeyError\\\"}}]'}",
         "n | internal | error.stack='at x' error.type='ValueError' | error: no | event exception at 7 "
         "exception.type='KeyError'"},
        {"'name':'n','error':1,'meta':{'error.message':'no','otel.status_description':'bad','otel.status_"
         "code':'ERROR'}",
         "n | internal | error.message='no' | error: bad"},
        {"'name':'n','error':1,'meta':{'otel.status_code':'odd'}",
         "n | internal | otel.status_code='odd' | error"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

/* Every spelling in use, as text and as a number; none stays an attribute. */
static void status_spellings(void **state)
{
    static const char *const words[][8] = {
        {"unset", "'Unset'", "'UNSET'", "'STATUS_CODE_UNSET'", "'StatusCode.UNSET'", "'0'", "0"},
        {"ok", "'Ok'", "'OK'", "'STATUS_CODE_OK'", "'status_code_ok'", "'StatusCode.OK'", "'1'", "1"},
        {"error", "'Error'", "'ERROR'", "'STATUS_CODE_ERROR'", "'StatusCode.ERROR'", "' error '", "'2'",
         "2"}};
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(words); i++)
        for (size_t k = 1; k < 8 && words[i][k]; k++) {
            char members[128], want[64];
            bool text = *words[i][k] == '\'';
            snprintf(members, sizeof members, "'name':'n','error':0,'%s':{'otel.status_code':%s}",
                     text ? "meta" : "metrics", words[i][k]);
            snprintf(want, sizeof want, "n | internal | %s%s", i ? " | " : "", i ? words[i][0] : "");
            bed_span(b, members);
            bed_compare(b, members, bed_show(b, GW_OTEL, 2, bed_fields), want);
        }
}

/* The exception is completed in modes otel and both; in mode datadog events are as they were sent. */
static void exceptions_by_mode(void **state)
{
    static const char *const want[] = {
        [GW_OTEL] = "n | internal | error.type='ValueError' | error: no | event exception at 7 " ALL_PARTS,
        [GW_BOTH] = "n | internal | error.message='no' error.stack='at x' error.type='ValueError' | error: "
                    "no | event "
                    "exception at 7 " ALL_PARTS,
        [GW_DATADOG] = "n | internal | error.message='no' error.stack='at x' error.type='ValueError' | "
                       "error: no | event "
                       "ValueError at 7 exception.message='no'"};
    struct bed *b = *state;
    b->env.schemas = 7;
    bed_span(b, "'name':'n','error':1,'meta':{" RAISED
                "},'span_events':[{'name':'ValueError','time_unix_nano':7,'attributes':{'exception.message':"
                "{'type':0,'string_value':'no'}}}]");
    for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++)
        bed_expect_span(b, (enum gw_attribute_schema)r, 2, bed_fields, want[r]);
}

/* Keys of tags, of attributes of links and events: once each, the last counts; none is empty, in no mode. */
static void keys(void **state)
{
#define TWICE "{'a':{'type':2,'int_value':1},'':{'type':2,'int_value':2},'a':{'type':2,'int_value':3}}"
    struct bed *b = *state;
    b->env.schemas = 7;
    bed_span(b, "'name':'n','meta':{'':'x','k':'1','k':'2'},'metrics':{'':3},'span_events':[{'name':'e','"
                "time_unix_nano':7,"
                "'attributes':" TWICE "}],'span_links':[{'trace_id':5,'span_id':7,'dropped_attributes_count':"
                "'2','attributes':{'a':'1','':'2','a':'3'}}]");
    for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++)
        bed_expect_span(b, (enum gw_attribute_schema)r, 2, bed_fields,
                        "n | internal | k='2' | event e at 7 a=3 | link "
                        "00000000000000000000000000000005/0000000000000007 state='' flags=0 a='3'");
    assert_int_equal(b->out.odd.empty_keys, 4);
}

/* By the tag, in any letters. */
static void kind_by_tag(void **state)
{
    static const char *const pairs[][2] = {
        {"server", "server"},     {"SERVER", "server"},     {"client", "client"},  {"Producer", "producer"},
        {"consumer", "consumer"}, {"internal", "internal"}, {"broker", "consumer"}};
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(pairs); i++) {
        char members[128], want[64];
        snprintf(members, sizeof members, "'name':'n','type':'custom','meta':{'span.kind':'%s'}",
                 pairs[i][0]);
        snprintf(want, sizeof want, "n | %s | ", pairs[i][1]);
        bed_span(b, members);
        bed_compare(b, members, bed_show(b, GW_OTEL, 2, bed_fields), want);
    }
    bed_span(b, "'name':'n','meta':{'span.kind':'odd'}");
    bed_expect_span(b, GW_OTEL, 2, bed_fields, "n | internal | span.kind='odd'");
}

/* By type, name and tags, where no tag says it. */
static void kind_by_inference(void **state)
{
    static const struct {
        const char *members, *kind;
    } rows[] = {
        {"'name':'n','type':'web'", "server"},
        {"'name':'n','type':'serverless'", "server"},
        {"'name':'n','type':'lambda'", "server"},
        {"'name':'grpc.server'", "server"},
        {"'name':'servlet.request'", "server"},
        {"'name':'aspnet.request','meta':{'http.route':'/'}", "server"},
        {"'name':'aspnet.request'", "internal"},
        {"'name':'n','type':'http'", "client"},
        {"'name':'n','type':'sql'", "client"},
        {"'name':'n','type':'db'", "client"},
        {"'name':'n','type':'cassandra'", "client"},
        {"'name':'n','type':'redis'", "client"},
        {"'name':'n','type':'valkey'", "client"},
        {"'name':'n','type':'memcached'", "client"},
        {"'name':'n','type':'mongodb'", "client"},
        {"'name':'n','type':'elasticsearch'", "client"},
        {"'name':'n','type':'opensearch'", "client"},
        {"'name':'n','type':'cache'", "client"},
        {"'name':'n','type':'dns'", "client"},
        {"'name':'n','type':'consul'", "client"},
        {"'name':'n','type':'aerospike'", "client"},
        {"'name':'n','type':'leveldb'", "client"},
        {"'name':'x.client'", "client"},
        {"'name':'kafka.produce','type':'queue'", "producer"},
        {"'name':'q','resource':'Send to x','type':'queue'", "producer"},
        {"'name':'sns.publish','type':'queue'", "producer"},
        {"'name':'kafka.consume','type':'queue'", "consumer"},
        {"'name':'kafka.consume','resource':'Consume Topic to-send','type':'queue'", "consumer"},
        {"'name':'sqs.receive','type':'queue'", "consumer"},
        {"'name':'amqp.deliver','type':'queue'", "consumer"},
        {"'name':'q.process','type':'queue'", "consumer"},
        {"'name':'kafka.poll','type':'queue'", "consumer"},
        {"'name':'q','type':'queue'", "internal"},
        {"'name':'celery.run','type':'worker'", "consumer"},
        {"'name':'grpc.server','type':'rpc'", "server"},
        {"'name':'grpc.client','type':'grpc'", "client"},
        {"'name':'grpc','type':'grpc','meta':{'out.host':'h'}", "client"},
        {"'name':'grpc','type':'grpc'", "internal"},
        {"'name':'n','type':'graphql'", "internal"},
        {"'name':'n','type':'template'", "internal"},
        {"'name':'n','type':'custom'", "internal"},
        {"'name':'n','type':''", "internal"},
        {"'name':'n','type':'llm'", "internal"},
        {"'name':'n','type':'llm','meta':{'out.host':'h'}", "client"},
        {"'name':'flask.request','type':'http','meta':{'flask.endpoint':'e'}", "server"},
        {"'name':'httpd.request','type':'server'", "server"},
        {"'name':'n','type':'client'", "client"},
        {"'name':'n','type':'producer'", "producer"},
        {"'name':'n','type':'Consumer'", "consumer"},
        {"'name':'n','type':'internal'", "internal"},
    };
    static const char *const kinds[] = {"unspecified", "internal", "server",
                                        "client",      "producer", "consumer"};
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bed_span(b, rows[i].members);
        bed_compare_fact(b, rows[i].members, "the span's kind", kinds[bed_find(b, GW_OTEL, 2).span->kind],
                         rows[i].kind);
    }
}

/* Only where a span enters its service is it a server's. */
static void nested_entries(void **state)
{
    struct bed *b = *state;
#define WEB(id, parent, service)                                                                             \
    "{'trace_id':1,'span_id':" #id ",'parent_id':" #parent ",'service':'" service                            \
    "','name':'n','type':'web','start':" BED_START ",'duration':1}"
    bed_run(b, "[[" WEB(1, 0, "a") "," WEB(2, 1, "a") "," WEB(3, 2, "b") "," WEB(4, 99, "b") "]]");
    static const int want[] = {2, 1, 2, 2};
    for (uint64_t id = 1; id <= 4; id++)
        assert_int_equal(bed_find(b, GW_OTEL, id).span->kind, want[id - 1]);
}

#define ALL "'name':'op','type':'web','resource':'RES','meta':{'http.method':'GET','http.route':'/r'}"

static void names(void **state)
{
    static const struct {
        enum dd_span_name option;
        const char *members, *name;
    } rows[] = {
        {DD_NAME_OTEL, ALL, "GET /r"},
        {DD_NAME_RESOURCE, ALL, "RES"},
        {DD_NAME_OPERATION, ALL, "op"},
        {DD_NAME_OTEL, "'name':'op','resource':'RES'", "RES"},
        {DD_NAME_OTEL, "'name':'op','resource':''", "op"},
        {DD_NAME_OTEL, "'name':'op'", "op"},
        {DD_NAME_RESOURCE, "'name':'op'", "op"},
        {DD_NAME_OPERATION, "'name':'','resource':'RES'", "RES"},
        {DD_NAME_OTEL, "'name':''", "unnamed_operation"},
        {DD_NAME_RESOURCE, "'name':'q','type':'sql','resource':'SELECT 1 FROM t WHERE a = 7'",
         "SELECT ? FROM t WHERE a = ?"},
        {DD_NAME_OTEL, "'name':'q','type':'sql','resource':'SELECT 1 FROM t WHERE a = 7'", "SELECT t"},
    };
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        b->opt.span_name = rows[i].option;
        bed_reopen(b);
        bed_span(b, rows[i].members);
        const valid_span *s = bed_find(b, GW_OTEL, 2).span;
        char got[128];
        snprintf(got, sizeof got, "%.*s", (int)s->name.len, (const char *)s->name.data);
        bed_compare_fact(b, rows[i].members, "the span's name", got, rows[i].name);
    }
}

/* Whatever the name: operation.name, resource.name and span.type are always there, and a tag cannot take
 * their place. */
static void own_fields_are_kept(void **state)
{
    static const char *const nothing[] = {NULL};
    struct bed *b = *state;
    b->env.schemas = 7;
    bed_span(b, "'name':'op','type':'web','resource':'RES','meta':{'operation.name':'x','resource.name':'y','"
                "span.type':'z'}");
    for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++)
        bed_expect_span(b, (enum gw_attribute_schema)r, 2, nothing,
                        "RES | server | operation.name='op' resource.name='RES' span.type='web'");
}

static void links(void **state)
{
#define LINK                                                                                                 \
    "'span_links':[{'trace_id':5,'trace_id_high':6,'span_id':7,'flags':2147483649,'tracestate':'a=b','"      \
    "attributes':{'k':'v'}}]"
#define SHOWN "link 00000000000000060000000000000005/0000000000000007 state='a=b' flags=1 k='v'"
#define JSON_LINK                                                                                            \
    "'_dd.span_links':'[{\\\"trace_id\\\":\\\"00000000000000060000000000000005\\\",\\\"span_id\\\":"         \
    "\\\"0000000000000007\\\","                                                                              \
    "\\\"tracestate\\\":\\\"a=b\\\",\\\"flags\\\":1,\\\"attributes\\\":{\\\"k\\\":\\\"v\\\"}}]'"
    static const struct bed_row rows[] = {
        {"'name':'n'," LINK, "n | internal |  | " SHOWN},
        {"'name':'n','meta':{" JSON_LINK "}", "n | internal |  | " SHOWN},
        {"'name':'n','meta':{" JSON_LINK "}," LINK, "n | internal |  | " SHOWN},
        {"'name':'n','meta':{'_dd.span_links':'oops'}", "n | internal | _dd.span_links='oops'"},
        {"'name':'n','metrics':{'_dd.span_links':2}", "n | internal | _dd.span_links=2"},
    };
    struct bed *b = *state;
    bed_rows(b, GW_OTEL, rows, COUNT(rows));
    bed_span(b, rows[3].span);
    assert_int_equal(b->out.odd.bad_links, 1);
}

static void events(void **state)
{
#define EVENT                                                                                                \
    "'span_events':[{'time_unix_nano':9,'name':'e','attributes':{'s':{'type':0,'string_value':'x'},'b':{'"   \
    "type':1,'bool_value':true},"                                                                            \
    "'i':{'type':2,'int_value':3},'d':{'type':3,'double_value':0.5},'a':{'type':4,'array_value':{'values':[" \
    "{'type':2,'int_value':1}]}}}}]"
#define JSON_EVENT                                                                                           \
    "'events':'[{\\\"name\\\":\\\"e\\\",\\\"time_unix_nano\\\":9,\\\"attributes\\\":{\\\"s\\\":\\\"x\\\"}}]" \
    "'"
    static const struct bed_row rows[] = {
        {"'name':'n'," EVENT, "n | internal |  | event e at 9 a=[1] b=true d=0.5 i=3 s='x'"},
        {"'name':'n','meta':{" JSON_EVENT "}", "n | internal |  | event e at 9 s='x'"},
        {"'name':'n','meta':{" JSON_EVENT
         "},'span_events':[{'time_unix_nano':9,'name':'e','attributes':{'s':{'type':0,'string_value':'x'}}}]",
         "n | internal |  | event e at 9 s='x'"},
        {"'name':'n','meta':{'events':'party'}", "n | internal | events='party'"},
        {"'name':'n','metrics':{'events':5}", "n | internal | events=5"},
    };
    bed_rows(*state, GW_OTEL, rows, COUNT(rows));
}

/* A span in msgpack whose meta_struct has these entries. */
#define STRUCT_SPAN(entries)                                                                                 \
    GW_LIT("\x91\x91\x85\xa8trace_id\x01\xa7span_id\x02\xa4name\xa1n\xa4meta\x82\xa1k\xa1t\xa3"              \
           "env\xa1p\xabmeta_struct" entries)

static void structures(void **state)
{
    static const struct {
        gw_str body;
        const char *want;
    } rows[] = {
        /* {"_dd.stack": {"a": [1, true], "b": "x"}} */
        {STRUCT_SPAN("\x81\xa9_dd.stack\xc4\x0a\x82\xa1\x61\x92\x01\xc3\xa1\x62\xa1x"),
         "_dd.stack={a=[1 true] b='x'} k='t'"},
        /* not msgpack: its bytes */
        {STRUCT_SPAN("\x81\xa7_llmobs\xc4\x02\xc1\xff"), "_llmobs=bytes:c1ff k='t'"},
        /* under a key that a tag has: the structure */
        {STRUCT_SPAN("\x81\xa1k\xc4\x01\x07"), "k=7"},
    };
    static const char *const without[] = {"operation.name", "datadog.implausible_start", NULL};
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char want[256];
        snprintf(want, sizeof want, "n | internal | %s", rows[i].want);
        assert_int_equal(bed_bytes(b, DD_V04_MSGPACK, rows[i].body), GW_OK);
        bed_compare(b, rows[i].want, bed_show(b, GW_OTEL, 2, without), want);
        assert_int_equal(b->out.odd.bad_struct, i == 1);
    }
}

/* Repaired, and counted; two keys that come out the same are one. */
static void text_that_is_not_utf8(void **state)
{
    static const struct bed_row rows[] = {
        {"'name':'n','meta':{'k\xff':'v\xfe','http.useragent':'u\x80'}",
         "n | internal | k\xEF\xBF\xBD='v\xEF\xBF\xBD' user_agent.original='u\xEF\xBF\xBD'"},
        {"'name':'n','meta':{'k\xff':'a','k\xfe':'b'}", "n | internal | k\xEF\xBF\xBD='b'"},
    };
    static const unsigned repaired[] = {3, 2};
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bed_rows(b, GW_OTEL, &rows[i], 1);
        assert_int_equal(b->out.odd.repaired_text, repaired[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {BED_TEST(status),
                                       BED_TEST(status_spellings),
                                       BED_TEST(exceptions_by_mode),
                                       BED_TEST(keys),
                                       BED_TEST(kind_by_tag),
                                       BED_TEST(kind_by_inference),
                                       BED_TEST(nested_entries),
                                       BED_TEST(names),
                                       BED_TEST(own_fields_are_kept),
                                       BED_TEST(links),
                                       BED_TEST(events),
                                       BED_TEST(structures),
                                       BED_TEST(text_that_is_not_utf8)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
