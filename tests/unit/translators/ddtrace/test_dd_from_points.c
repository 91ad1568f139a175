/* Points of Datakit as payloads of v0.4: the span of `message` with what the point adds, or one of tags and fields.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "translators/ddtrace/dd_from_points.h"

/* The payload with ' for ", and the number of points that were left out. */
static void check(gw_str lines, uint64_t bad, const char *expected)
{
    struct gw_arena arena;
    struct points p;
    struct otlp_buf payload = {0};
    struct dd_points_bad left_out = {0};
    struct gw_err err;
    gw_arena_init(&arena, 1 << 20);
    assert_int_equal(points_begin(&p, POINTS_LINES, lines, 0, &arena, &err), GW_OK);
    assert_int_equal(dd_from_points(&p, &payload, &left_out, &err), GW_OK);
    for (size_t i = 0; i < payload.len; i++)
        if (payload.data[i] == '"')
            payload.data[i] = '\'';
    otlp_append(&payload, gw_str_n("", 1));
    assert_string_equal((char *)payload.data, expected);
    assert_int_equal(left_out.n, bad);
    otlp_fini(&payload);
    gw_arena_fini(&arena);
}

static void the_span_of_the_message(void **state)
{
    (void)state;
    check(GW_STR("ddtrace,env=prod,host=h1,http_method=GET,service=shop,team=x,type=web duration=5i,"
                 "message=\"{\\\"name\\\":\\\"a\\\",\\\"meta\\\":{\\\"env\\\":\\\"test\\\",\\\"http."
                 "method\\\":\\\"GET\\\"},\\\"metrics\\\":{\\\"process_id\\\":7},"
                 "\\\"span_id\\\":2,\\\"trace_id\\\":1}\",parent_id=\"0\",pid=\"7\",trace_id=\"1\",span_id="
                 "\"2\" 1700000000000000000\n"),
          0,
          "[[{ "
          "'name':'a','span_id':2,'trace_id':1,'meta':{'_dd.hostname':'h1','team':'x','env':'test','http."
          "method':'GET'},"
          "'metrics':{'process_id':7}}]]");
    check(GW_STR("ddtrace "
                 "trace_id=\"00000000000000ab0000000000000001\",span_id=\"0000000000000002\",message=\"{"
                 "\\\"trace_id\\\":1,\\\"span_id\\\":2}\" 1"),
          0, "[[{ 'trace_id':1,'span_id':2,'meta':{'_dd.p.tid':'00000000000000ab'},'metrics':{}}]]");
}

static void the_span_of_the_point(void **state)
{
    (void)state;
    check(GW_STR("opentelemetry,service=shop,operation=op,status=critical,source_type=db,span_type=exit,http_"
                 "status_code=200,env=e "
                 "duration=5i,start=1700000000000001i,message=\"{\\\"x\\\":1}\",pid=\"12\",resource=\"R\",ok="
                 "true,rows=3i,"
                 "trace_id=\"ff\",span_id=\"0a\",parent_id=\"\" 1700000000000001999"),
          0,
          "[[{ "
          "'service':'shop','name':'op','resource':'R','type':'db','trace_id':255,'span_id':10,'parent_id':0,"
          "'start':1700000000000001999,'duration':5000,'error':1,'meta':{'source':'opentelemetry','message':'"
          "{\\'x\\':1}',"
          "'http.status_code':'200','env':'e','ok':'true'},'metrics':{'system.pid':12,'rows':3}}]]");
    /* numbers in text are written as JSON has them */
    check(GW_STR("x,pid=088 trace_id=\"1\",span_id=\"2\" 1\nx,pid=.5 trace_id=\"1\",span_id=\"3\" 1\n"
                 "x,pid=1e999 trace_id=\"1\",span_id=\"4\" 1"),
          0,
          "[[{ 'service':'','name':'','resource':'','type':'','trace_id':1,'span_id':2,'parent_id':0,'start"
          "':1000000000,'duration':0,'error':0,'meta':{'source':'x'},'metrics':{'system.pid':88}},{ 'servic"
          "e':'','name':'','resource':'','type':'','trace_id':1,'span_id':3,'parent_id':0,'start':100000000"
          "0,'duration':0,'error':0,'meta':{'source':'x'},'metrics':{'system.pid':0.5}},{ 'service':'','nam"
          "e':'','resource':'','type':'','trace_id':1,'span_id':4,'parent_id':0,'start':1000000000,'duratio"
          "n':0,'error':0,'meta':{'source':'x','system.pid':'1e999'},'metrics':{}}]]");
    /* a message that is another span's is not this one */
    check(GW_STR("ddtrace trace_id=\"1\",span_id=\"2\",message=\"{\\\"trace_id\\\":1,\\\"span_id\\\":3}\" 1"),
          0,
          "[[{ "
          "'service':'','name':'','resource':'','type':'','trace_id':1,'span_id':2,'parent_id':0,'start':"
          "1000000000,'duration':0,"
          "'error':0,'meta':{'message':'{\\'trace_id\\':1,\\'span_id\\':3}'},'metrics':{}}]]");
}

static void traces_are_laid_together(void **state)
{
    (void)state;
    check(
        GW_STR("ddtrace trace_id=\"2\",span_id=\"1\",message=\"{\\\"trace_id\\\":2,\\\"span_id\\\":1}\" 1\n"
               "ddtrace trace_id=\"1\",span_id=\"5\",message=\"{\\\"trace_id\\\":1,\\\"span_id\\\":5}\" 1\n"
               "ddtrace trace_id=\"2\",span_id=\"4\",message=\"{\\\"trace_id\\\":2,\\\"span_id\\\":4}\" 1\n"),
        0,
        "[[{ 'trace_id':1,'span_id':5,'meta':{},'metrics':{}}],[{ "
        "'trace_id':2,'span_id':1,'meta':{},'metrics':{}},"
        "{ 'trace_id':2,'span_id':4,'meta':{},'metrics':{}}]]");
}

static void points_that_are_no_spans(void **state)
{
    (void)state;
    check(
        GW_STR("ddtrace trace_id=\"x\",span_id=\"1\"\nddtrace span_id=\"1\"\nddtrace trace_id=1i\nno point\n"
               "ddtrace trace_id=1i,span_id=2i,parent_id=\"no\"\n"),
        5, "[]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_span_of_the_message), cmocka_unit_test(the_span_of_the_point),
        cmocka_unit_test(traces_are_laid_together), cmocka_unit_test(points_that_are_no_spans)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
