/* The modes otel, both and datadog, and the other options. SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/translate_bed.h"

static const char *const nothing[] = {NULL};

#define FULL                                                                                                 \
    "'name':'op','type':'web','resource':'RES','error':1,'meta':{'http.method':'get','http.route':'/"        \
    "r','env':'prod','language':'python',"                                                                   \
    "'span.kind':'server','_dd.p.tid':'a','_dd.p.dm':'-3','_dd.p.usr':'u','error.type':'E','error.message':" \
    "'no','error.stack':'at',"                                                                               \
    "'http.request.headers.X-A':'1','own':'x','tracestate':'a=b'},'metrics':{'http.status_code':500,'_"      \
    "sampling_priority_v1':1,"                                                                               \
    "'_dd.top_level':1,'process_id':7}"

/* otel: the conventions' names, and tags that nothing else says. both: that and every tag. datadog: the
 * fields and every tag. */
static void modes(void **state)
{
#define FIELDS "operation.name='op'", "resource.name='RES'", "sampling.priority=1", "span.type='web'"
#define TAGS                                                                                                 \
    "_dd.p.dm='-3'", "_dd.p.tid='a'", "_dd.p.usr='u'", "_dd.top_level=1", "_sampling_priority_v1=1",         \
        "env='prod'", "error.message='no'", "error.stack='at'", "http.method='get'",                         \
        "http.request.headers.X-A='1'", "http.status_code=500", "language='python'", "process_id=7",         \
        "span.kind='server'", "tracestate='a=b'"
#define OTEL                                                                                                 \
    "datadog.sampling.mechanism=3", "datadog.top_level=true", "http.request.header.x-a=['1']",               \
        "http.request.method='GET'", "http.response.status_code=500"
#define COMMON "error.type='E'", "http.route='/r'", "own='x'"
    static const char *const otel[] = {FIELDS, OTEL, COMMON, NULL},
                             *const both[] = {FIELDS, OTEL, COMMON, TAGS, NULL},
                             *const datadog[] = {FIELDS, COMMON, TAGS, NULL};
    static const char *const *const want[] = {otel, both, datadog};
    struct bed *b = *state;
    b->env.schemas = 7;
    bed_span(b, FULL);
    for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++) {
        const valid_span *s = bed_find(b, (enum gw_attribute_schema)r, 2).span;
        const char *got = bed_show(b, (enum gw_attribute_schema)r, 2, nothing);
        size_t n = 0;
        for (; want[r][n]; n++)
            if (!strstr(got, want[r][n]))
                bed_compare_fact(b, bed_modes[r], "one of the attributes", got, want[r][n]);
        assert_int_equal(s->n_attributes, n);
        assert_int_equal(s->n_events, r == GW_DATADOG ? 0 : 1);
        assert_int_equal(s->status->code, 2);
        assert_int_equal(s->kind, 2);
        assert_true(gw_str_eq(valid_text(s->name), GW_STR("GET /r")));
        assert_int_equal(s->trace_id.data[7], 10);
    }
}

/* Only what was asked for is made. */
static void schemas_asked_for(void **state)
{
    struct bed *b = *state;
    for (unsigned mask = 0; mask < 8; mask++) {
        b->env.schemas = mask;
        bed_span(b, FULL);
        assert_int_equal(b->out.frames_n, __builtin_popcount(mask));
        for (size_t i = 0; i < b->out.frames_n; i++)
            assert_true(mask & 1u << b->out.frames[i]->schema);
    }
}

static void strip(void **state)
{
    static gw_str items[] = {GW_LIT("own"), GW_LIT("_dd.*"), GW_LIT("http.request.headers.authorization"),
                             GW_LIT("http.url")};
    struct bed *b = *state;
    b->opt.strip = (struct gw_list){items, COUNT(items)};
    bed_reopen(b);
    b->env.schemas = 7;
    bed_span(b, "'name':'op','meta':{'own':'x','owner':'y','_dd.p.tid':'a','_dd.x':'1','http.url':'http://h/"
                "','http.method':'GET',"
                "'http.request.headers.authorization':'s3cret','http.request.headers.accept':'*'},'metrics':{"
                "'_dd.measured':1}");
    bed_expect_span(b, GW_OTEL, 2, bed_fields,
                    "op | internal | http.request.header.accept=['*'] http.request.method='GET' owner='y'");
    bed_expect_span(
        b, GW_BOTH, 2, bed_fields,
        "op | internal | http.method='GET' http.request.header.accept=['*'] http.request.headers.accept='*' "
        "http.request.method='GET' owner='y'");
    bed_expect_span(b, GW_DATADOG, 2, bed_fields,
                    "op | internal | http.method='GET' http.request.headers.accept='*' owner='y'");
    /* the trace id is complete all the same */
    assert_int_equal(bed_find(b, GW_OTEL, 2).span->trace_id.data[7], 10);
}

static void promote(void **state)
{
    static gw_str items[] = {GW_LIT("team"), GW_LIT("region")};
    struct bed *b = *state;
    b->opt.promote = (struct gw_list){items, COUNT(items)};
    bed_reopen(b);
    b->env.schemas = 7;
    bed_run(b, "[[{'trace_id':1,'span_id':1,'service':'s','name':'n','start':" BED_START
               ",'duration':1,'meta':{'team':'a','region':'eu'}},"
               "{'trace_id':1,'span_id':2,'parent_id':1,'service':'s','name':'n','start':" BED_START
               ",'duration':1,'meta':{'team':'b'}},"
               "{'trace_id':1,'span_id':3,'parent_id':1,'service':'s','name':'n','start':" BED_START
               ",'duration':1,'meta':{'team':'a',"
               "'region':'eu'}}]]");
    assert_int_equal(b->got[GW_OTEL]->n_resource_spans, 2);
    bed_expect_resource(b, 1, "region='eu' service.name='s' team='a'");
    bed_expect_resource(b, 2, "service.name='s' team='b'");
    bed_expect_resource(b, 3, "region='eu' service.name='s' team='a'");
    bed_expect_span(b, GW_OTEL, 1, bed_fields, "n | internal | ");
    bed_expect_span(b, GW_BOTH, 1, bed_fields, "n | internal | region='eu' team='a'");
}

/* text that is not UTF-8, keys that stand twice, members that are absent. */
static void tolerance(void **state)
{
    struct bed *b = *state;
    b->env.schemas = 7;
    /* {trace_id:1, span_id:2, name:nil, service:"\xff", meta:{"k\xff":"v\xfe", "a":"1", "a":"2"},
     * metrics:{"a":3, "b":true}} */
    assert_int_equal(bed_bytes(b, DD_V04_MSGPACK,
                               GW_STR("\x91\x91\x86\xa8trace_id\x01\xa7span_"
                                      "id\x02\xa4name\xc0\xa7service\xa1\xff\xa4meta\x83\xa2k\xff"
                                      "\xa2v\xfe\xa1"
                                      "a\xa1"
                                      "1\xa1"
                                      "a\xa1"
                                      "2\xa7metrics\x82\xa1"
                                      "a\x03\xa1"
                                      "b\xc3")),
                     GW_OK);
    for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++)
        assert_non_null(strstr(bed_show(b, (enum gw_attribute_schema)r, 2, bed_fields), "a=3 b=1"));
    bed_expect_resource(b, 2, "service.name='\xef\xbf\xbd'");
    assert_non_null(strstr(bed_show(b, GW_OTEL, 2, bed_fields), "k\xef\xbf\xbd='v\xef\xbf\xbd'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {BED_TEST(modes), BED_TEST(schemas_asked_for), BED_TEST(strip),
                                       BED_TEST(promote), BED_TEST(tolerance)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
