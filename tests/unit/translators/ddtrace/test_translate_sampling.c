/* Sampling: flags, trace state and attributes, and chunks that the tracer decided against.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/translate_bed.h"

#define MID "'service':'s','name':'n','start':" BED_START ",'duration':5"

/* flags, trace state and attributes of a span */
static const char *sampling(struct bed *b, uint64_t id)
{
    static char text[4096];
    const valid_span *s = bed_find(b, GW_OTEL, id).span;
    if (!s)
        return "not there";
    snprintf(text, sizeof text, "%u [%.*s] %s", s->flags, (int)s->trace_state.len,
             (const char *)s->trace_state.data,
             bed_show(b, GW_OTEL, id, bed_fields) + strlen("n | internal | "));
    return text;
}

static void facts(void **state)
{
    static const struct bed_row rows[] = {
        {"'name':'n'", "0 [] "},
        {"'name':'n','metrics':{'_sampling_priority_v1':1}", "1 [dd=s:1] sampling.priority=1"},
        {"'name':'n','metrics':{'_sampling_priority_v1':2},'meta':{'_dd.p.dm':'-4'}",
         "1 [dd=s:2;t.dm:-4] datadog.sampling.mechanism=4 sampling.priority=2"},
        {"'name':'n','metrics':{'_sampling_priority_v1':0}", "0 [dd=s:0] sampling.priority=0"},
        {"'name':'n','metrics':{'_sampling_priority_v1':-1}", "0 [dd=s:-1] sampling.priority=-1"},
        {"'name':'n','metrics':{'sampling.priority':1}", "0 [] sampling.priority=1"},
        {"'name':'n','meta':{'_dd.origin':'rum'}", "0 [dd=o:rum] datadog.origin='rum'"},
        {"'name':'n','meta':{'_dd.p.usr':'u=1','_dd.p.ts':'02'}", "0 [dd=t.usr:u~1;t.ts:02] "},
        {"'name':'n','meta':{'tracestate':'dd=s:2;o:x,other=1'}", "0 [dd=s:2;o:x,other=1] "},
        {"'name':'n','meta':{'w3c.tracestate':'other=1'},'metrics':{'_sampling_priority_v1':1}",
         "1 [dd=s:1,other=1] sampling.priority=1"},
        {"'name':'n','meta':{'_dd.parent_id':'00000000000000ab'}",
         "0 [dd=p:00000000000000ab] datadog.parent_id='00000000000000ab'"},
        /* trace 1: the hash is 1111111111111111111, the randomness its complement's upper 56 bits */
        {"'name':'n','metrics':{'_sampling_priority_v1':1,'_dd.agent_psr':0.5}",
         "1 [dd=s:1,ot=th:8;rv:f0948a54d43b8e] _dd.agent_psr=0.5 datadog.sampling.rate=0.5 "
         "sampling.priority=1"},
        {"'name':'n','metrics':{'_sampling_priority_v1':1,'_dd.rule_psr':0.5,'_dd.agent_psr':0.25,'_dd.limit_"
         "psr':0.5}",
         "1 [dd=s:1,ot=th:c] _dd.agent_psr=0.25 _dd.limit_psr=0.5 _dd.rule_psr=0.5 "
         "datadog.sampling.rate=0.25 sampling.priority=1"},
        {"'name':'n','metrics':{'_sampling_priority_v1':1,'_dd.rule_psr':1,'_dd.limit_psr':100}",
         "1 [dd=s:1,ot=th:0;rv:f0948a54d43b8e] _dd.limit_psr=100 _dd.rule_psr=1 datadog.sampling.rate=1.0 "
         "sampling.priority=1"},
        {"'name':'n','metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.ksr':'0.5'}",
         "1 [dd=s:1;t.ksr:0.5,ot=th:8;rv:f0948a54d43b8e] datadog.sampling.rate=0.5 sampling.priority=1"},
        /* kept by hand: no rate applies */
        {"'name':'n','metrics':{'_sampling_priority_v1':2,'_dd.agent_psr':0.5},'meta':{'_dd.p.dm':'-4','"
         "manual.keep':'true'}",
         "1 [dd=s:2;t.dm:-4] _dd.agent_psr=0.5 datadog.sampling.mechanism=4 sampling.priority=2"},
        {"'name':'n','meta':{'manual.drop':'true'}", "0 [] "},
        {"'name':'n','metrics':{'_dd.span_sampling.mechanism':8,'_sampling_priority_v1':-1}",
         "1 [dd=s:-1] _dd.span_sampling.mechanism=8 sampling.priority=-1"},
        {"'name':'n','metrics':{'_dd.top_level':1,'_dd.measured':1}",
         "0 [] datadog.measured=true datadog.top_level=true"},
        {"'name':'n','metrics':{'_top_level':1}", "0 [] datadog.top_level=true"},
        {"'name':'n','metrics':{'_dd.partial_version':3}", "0 [] datadog.partial_version=3"},
        {"'name':'n','meta':{'droppedTrace':'true'}", "0 [] datadog.dropped_trace=true"},
        {"'name':'n','meta':{'_dd.propagation_error':'x','_dd.appsec.json':'{}'},'metrics':{'_dd.tracer_kr':"
         "1,'_dd1.sr.eausr':1}",
         "0 [] _dd.appsec.json='{}' _dd.propagation_error='x' _dd.tracer_kr=1 _dd1.sr.eausr=1"},
        {"'name':'n','meta':{'_dd.p.dm':'odd'}", "0 [dd=t.dm:odd] _dd.p.dm='odd'"},
        {"'name':'n','meta':{'_dd.p.tid':'nonsense'}", "0 [] _dd.p.tid='nonsense'"},
    };
    struct bed *b = *state;
    b->opt.keep_rejected = true;
    for (size_t i = 0; i < COUNT(rows); i++) {
        bed_span(b, rows[i].span);
        bed_compare_fact(b, rows[i].span, "flags [trace state] attributes", sampling(b, 2), rows[i].want);
    }
}

/* They stand on one span and hold for all of the chunk. */
static void of_the_chunk(void **state)
{
    struct bed *b = *state;
    for (int carrier = 0; carrier < 2; carrier++) {
        char payload[1024];
        const char *said = ",'meta':{'_dd.p.dm':'-3','_dd.origin':'lambda'},'metrics':{'_sampling_priority_"
                           "v1':1,'_dd.rule_psr':0.5}";
        snprintf(payload, sizeof payload,
                 "[[{'trace_id':1,'span_id':1," MID "%s},{'trace_id':1,'span_id':2,'parent_id':1," MID
                 "%s}]]",
                 carrier ? "" : said, carrier ? said : "");
        bed_run(b, payload);
        for (uint64_t id = 1; id <= 2; id++) {
            const char *got = sampling(b, id), *own = carrier + 1u == id ? "_dd.rule_psr=0.5 " : "";
            char want[512];
            snprintf(want, sizeof want,
                     "1 [dd=s:1;o:lambda;t.dm:-3,ot=th:8;rv:f0948a54d43b8e] %sdatadog.origin='lambda' "
                     "datadog.sampling.mechanism=3 "
                     "datadog.sampling.rate=0.5 sampling.priority=1",
                     own);
            bed_compare_fact(b, payload, "flags [trace state] attributes", got, want);
        }
    }
}

/* A chunk that the tracer decided against goes no further, but for spans kept one by one. */
static void rejected(void **state)
{
    const char *payload =
        "[[{'trace_id':1,'span_id':1," MID ",'metrics':{'_sampling_priority_v1':-1}},"
        "{'trace_id':1,'span_id':2,'parent_id':1," MID ",'metrics':{'_dd.span_sampling.mechanism':8}}],"
        "[{'trace_id':2,'span_id':3," MID ",'metrics':{'_sampling_priority_v1':0}}],"
        "[{'trace_id':3,'span_id':4," MID
        ",'metrics':{'_sampling_priority_v1':1}}],[{'trace_id':4,'span_id':5," MID "}]]";
    struct bed *b = *state;
    bed_run(b, payload);
    assert_int_equal(b->out.intake.received, 5);
    assert_int_equal(b->out.intake.not_taken[GW_REASON_SAMPLED_OUT], 2);
    assert_string_equal(sampling(b, 1), "not there");
    assert_string_equal(sampling(b, 2), "1 [dd=s:-1] _dd.span_sampling.mechanism=8 sampling.priority=-1");
    assert_string_equal(sampling(b, 3), "not there");
    assert_string_equal(sampling(b, 4), "1 [dd=s:1] sampling.priority=1");
    assert_string_equal(sampling(b, 5), "0 [] ");
    b->opt.keep_rejected = true;
    bed_run(b, payload);
    assert_int_equal(b->out.intake.not_taken[GW_REASON_SAMPLED_OUT], 0);
    assert_string_equal(sampling(b, 1), "0 [dd=s:-1] sampling.priority=-1");
    assert_string_equal(sampling(b, 3), "0 [dd=s:0] sampling.priority=0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {BED_TEST(facts), BED_TEST(of_the_chunk), BED_TEST(rejected)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
