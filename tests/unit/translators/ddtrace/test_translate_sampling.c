/* Sampling: flags, trace state and attributes, and chunks that the tracer decided against.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/ddtrace/translate_bed.h"
#include "translators/ddtrace/dd_sampler.h"

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
        {"'name':'n','metrics':{'_sampling_priority_v1':1,'_sampling_priority_rate_v1':0.5}",
         "1 [dd=s:1,ot=th:8;rv:f0948a54d43b8e] _sampling_priority_rate_v1=0.5 datadog.sampling.rate=0.5 "
         "sampling.priority=1"},
        {"'name':'n','metrics':{'_sample_rate':0.5}", "0 [] _sample_rate=0.5"},
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

/* ---- rates here ---- */

/* Of trace 1 the hash is 0.0602 of the range, of 2 0.1205, of 12 0.7228. */
struct sampled {
    int trace;
    bool root;
    const char *facts; /* members of the span */
    const char *want;  /* "here" or "tracer": who dropped it; else trace state and rate */
};

static const char *fate(struct bed *b, const struct sampled *c)
{
    static char text[1024], payload[2048];
    snprintf(payload, sizeof payload,
             "[[{'trace_id':%d,'span_id':2,'parent_id':%d,'start':" BED_START ",'duration':5,%s}]]", c->trace,
             c->root ? 0 : 9, c->facts);
    bed_run(b, payload);
    if (b->out.intake.not_taken[GW_REASON_GATEWAY_SAMPLED])
        return b->out.gateway_sampled == 1 ? "here" : "uncounted";
    if (b->out.intake.not_taken[GW_REASON_SAMPLED_OUT])
        return "tracer";
    const valid_span *s = bed_find(b, GW_OTEL, 2).span;
    const char *rate = strstr(sampling(b, 2), "datadog.sampling.rate=");
    int n = snprintf(text, sizeof text, "%.*s ", (int)s->trace_state.len, (const char *)s->trace_state.data);
    if (rate)
        snprintf(text + n, sizeof text - (size_t)n, "%.6g", atof(strchr(rate, '=') + 1));
    return text;
}

static struct dd_sampler *open_sampler(struct bed *b, struct gw_map_item *fixed, size_t n)
{
    b->env.sampler = dd_sampler_new(&(struct dd_sampler_conf){.rates = {fixed, n}});
    assert_non_null(b->env.sampler);
    return b->env.sampler;
}

static void compare_fates(struct bed *b, const struct sampled *cases, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bed_compare_fact(b, cases[i].facts, "fate", fate(b, &cases[i]), cases[i].want);
}

#define WEB "'service':'web','name':'n',"
#define RV1 ";rv:f0948a54d43b8e"
#define RV2 ";rv:e12914a9a8771c"

static void rates_decide_what_tracers_did_not(void **state)
{
    static const struct sampled cases[] = {
        /* nobody decided */
        {1, true, WEB "'meta':{}", "ot=th:e666" RV1 " 0.1"},
        {2, true, WEB "'meta':{}", "here"},
        {2, false, WEB "'meta':{}", "here"},
        {1, false, WEB "'meta':{}", "ot=th:e666" RV1 " 0.1"},
        {2, true, "'service':'db','name':'n'", "ot=th:8" RV2 " 0.5"},
        {12, true, "'service':'db','name':'n'", "here"},
        {2, true, "'name':'n'", "ot=th:8" RV2 " 0.5"},
        /* kept by default: before the tracer knew rates */
        {1, true, WEB "'metrics':{'_sampling_priority_v1':1}", "dd=s:1,ot=th:e666" RV1 " 0.1"},
        {2, true, WEB "'metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.dm':'-0'}", "here"},
        {2, false, WEB "'metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.dm':'-0'}", "here"},
        /* somebody before us may have sampled, and does not say how */
        {1, false, WEB "'metrics':{'_sampling_priority_v1':1}", "dd=s:1 "},
        {2, false, WEB "'metrics':{'_sampling_priority_v1':1}", "here"},
        /* by the rates: what is kept stays, what another rate kept is cut to ours */
        {1, true, WEB "'metrics':{'_sampling_priority_v1':1,'_dd.agent_psr':0.1},'meta':{'_dd.p.dm':'-1'}",
         "dd=s:1;t.dm:-1,ot=th:e666" RV1 " 0.1"},
        {1, true, WEB "'metrics':{'_sampling_priority_v1':1,'_dd.agent_psr':0.07}",
         "dd=s:1,ot=th:ee14" RV1 " 0.07"},
        {1, true, WEB "'metrics':{'_sampling_priority_v1':1,'_dd.agent_psr':1}",
         "dd=s:1,ot=th:e666" RV1 " 0.1"},
        {2, true, WEB "'metrics':{'_sampling_priority_v1':1,'_dd.agent_psr':1}", "here"},
        /* decided elsewhere by the rates: at the greatest of ours at least */
        {2, false, WEB "'metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.dm':'-1','_dd.p.ksr':'0.2'}",
         "dd=s:1;t.dm:-1;t.ksr:0.2,ot=th:cccd" RV2 " 0.2"},
        {2, false, WEB "'metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.dm':'-1'}", "dd=s:1;t.dm:-1 "},
        {12, false, WEB "'metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.dm':'-1'}", "here"},
        /* by a rule: the smaller of both */
        {2, true, WEB "'metrics':{'_sampling_priority_v1':2,'_dd.rule_psr':1},'meta':{'_dd.p.dm':'-3'}",
         "here"},
        {1, true, WEB "'metrics':{'_sampling_priority_v1':2,'_dd.rule_psr':0.5},'meta':{'_dd.p.dm':'-3'}",
         "dd=s:2;t.dm:-3,ot=th:e666" RV1 " 0.1"},
        {1, true, WEB "'metrics':{'_sampling_priority_v1':2,'_dd.rule_psr':0.07,'_dd.limit_psr':0.5}",
         "dd=s:2,ot=th:f70a4 0.035"},
        {1, true, WEB "'metrics':{'_sampling_priority_v1':2,'_dd.rule_psr':1,'_dd.limit_psr':0.5}",
         "dd=s:2,ot=th:f3333 0.05"},
        {2, false, WEB "'metrics':{'_sampling_priority_v1':2},'meta':{'_dd.p.dm':'-3','_dd.p.ksr':'0.2'}",
         "here"},
        {1, false, WEB "'metrics':{'_sampling_priority_v1':2},'meta':{'_dd.p.dm':'-3'}", "dd=s:2;t.dm:-3 "},
        {2, true, WEB "'metrics':{'_sampling_priority_v1':2},'meta':{'_dd.p.dm':'-11'}", "here"},
        {2, true, WEB "'metrics':{'_sampling_priority_v1':2},'meta':{'_dd.p.dm':'-9'}", "here"},
        /* by a person or a product */
        {12, true, WEB "'metrics':{'_sampling_priority_v1':2}", "dd=s:2 "},
        {12, true, WEB "'metrics':{'_sampling_priority_v1':2,'_dd.agent_psr':1},'meta':{'_dd.p.dm':'-4'}",
         "dd=s:2;t.dm:-4 "},
        {12, false, WEB "'metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.dm':'-4'}", "dd=s:1;t.dm:-4 "},
        {12, false, WEB "'metrics':{'_sampling_priority_v1':2},'meta':{'_dd.p.dm':'-5'}", "dd=s:2;t.dm:-5 "},
        {12, true, WEB "'metrics':{'_sampling_priority_v1':2},'meta':{'_dd.p.dm':'-10'}", "dd=s:2;t.dm:-10 "},
        {12, true, WEB "'metrics':{'_sampling_priority_v1':2},'meta':{'_dd.p.dm':'-13'}", "dd=s:2;t.dm:-13 "},
        /* against, by the tracer */
        {1, true, WEB "'metrics':{'_sampling_priority_v1':0}", "tracer"},
        {1, true, WEB "'metrics':{'_sampling_priority_v1':-1}", "tracer"},
        {1, true, WEB "'metrics':{'_sampling_priority_v1':0},'error':1", "tracer"},
        /* OpenTelemetry sampled before: by other randomness, both count */
        {1, true, WEB "'meta':{'tracestate':'ot=th:8;x:y,a=1'}", "ot=th:f3333;x:y,a=1 0.05"},
        {1, true, WEB "'meta':{'tracestate':'ot=th:8;rv:80000000000000'}", "ot=th:f3333 0.05"},
        {1, true, WEB "'meta':{'tracestate':'ot=th:8" RV1 "'}", "ot=th:e666" RV1 " 0.1"},
        {1, true, WEB "'meta':{'tracestate':'ot=rv:80000000000000'}", "ot=th:e666" RV1 " 0.1"},
    };
    struct gw_map_item fixed[] = {{GW_LIT("*"), GW_LIT("0.5")}, {GW_LIT("web"), GW_LIT("0.1")}};
    struct bed *b = *state;
    struct dd_sampler *s = open_sampler(b, fixed, 2);
    compare_fates(b, cases, COUNT(cases));
    b->opt.keep_rejected = true;
    const struct sampled rejected = {12, true, WEB "'metrics':{'_sampling_priority_v1':0}", "dd=s:0 "};
    compare_fates(b, &rejected, 1);
    dd_sampler_drop(s);
}

/* With one rate for all it does not matter where a trace began. */
static void one_rate_for_all(void **state)
{
    static const struct sampled cases[] = {
        {2, false, WEB "'metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.dm':'-1'}",
         "dd=s:1;t.dm:-1,ot=th:8" RV2 " 0.5"},
        {12, false, WEB "'metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.dm':'-1'}", "here"},
    };
    struct gw_map_item fixed[] = {{GW_LIT("*"), GW_LIT("0.5")}};
    struct bed *b = *state;
    struct dd_sampler *s = open_sampler(b, fixed, 1);
    compare_fates(b, cases, COUNT(cases));
    dd_sampler_drop(s);
}

static void rates_of_none_and_all(void **state)
{
    static const struct sampled cases[] = {
        {1, true, WEB "'meta':{}", "here"},
        {1, true, WEB "'metrics':{'_sampling_priority_v1':2}", "dd=s:2 "},
        {12, true, "'service':'db','name':'n'", " "},
        {12, true, "'service':'db','name':'n','metrics':{'_sampling_priority_v1':1,'_dd.rule_psr':0.8}",
         "dd=s:1,ot=th:3333;rv:46f67bf9f2caaa 0.8"},
        {12, true, "'service':'db','name':'n','meta':{'tracestate':'ot=th:8'}", "ot=th:8 "},
    };
    struct gw_map_item fixed[] = {{GW_LIT("web"), GW_LIT("0")}, {GW_LIT("*"), GW_LIT("1")}};
    struct bed *b = *state;
    struct dd_sampler *s = open_sampler(b, fixed, 2);
    compare_fates(b, cases, COUNT(cases));
    dd_sampler_drop(s);
}

/* An error goes on whatever rates say, and nobody can tell with which probability. */
static void errors_are_kept(void **state)
{
    static const struct sampled cases[] = {
        {12, true, WEB "'error':1", " "},
        {1, true, WEB "'error':1,'metrics':{'_sampling_priority_v1':1,'_dd.agent_psr':0.1}", "dd=s:1 "},
        {12, true, WEB "'error':1,'metrics':{'_sampling_priority_v1':0,'_dd.agent_psr':0.1}", "dd=s:0 "},
        {12, false, WEB "'error':1,'meta':{'tracestate':'ot=th:8;x:y'}", "ot=x:y "},
        {1, true, WEB "'error':1,'metrics':{'_sampling_priority_v1':-1}", "tracer"},
        {12, true, WEB "'error':1,'metrics':{'_sampling_priority_v1':2}", "dd=s:2 "},
        {12, true, WEB "'error':0", "here"},
        {12, true, WEB "'metrics':{'_sampling_priority_v1':0}", "tracer"},
    };
    struct gw_map_item fixed[] = {{GW_LIT("*"), GW_LIT("0.1")}};
    struct bed *b = *state;
    struct dd_sampler *s = open_sampler(b, fixed, 1);
    b->opt.keep_errors = true;
    compare_fates(b, cases, COUNT(cases));
    bed_run(b, "[[{'trace_id':12,'span_id':2," MID "},{'trace_id':12,'span_id':3,'parent_id':2,'error':1," MID
               "}]]");
    assert_int_equal(gw_intake_accepted(&b->out.intake), 2);
    assert_int_equal(b->out.kept_errors, 1);
    dd_sampler_drop(s);
    /* without rates, too */
    s = open_sampler(b, NULL, 0);
    const struct sampled alone[] = {
        {12, true, WEB "'error':1,'metrics':{'_sampling_priority_v1':0}", "dd=s:0 "},
        {12, true, WEB "'metrics':{'_sampling_priority_v1':0}", "tracer"},
        {12, true, WEB "'metrics':{'_sampling_priority_v1':1}", "dd=s:1 "}};
    compare_fates(b, alone, COUNT(alone));
    dd_sampler_drop(s);
}

/* Of a trace that is dropped here, spans that were kept one by one go on, and its id is learned. */
static void single_spans_and_ids_survive(void **state)
{
    struct gw_map_item fixed[] = {{GW_LIT("*"), GW_LIT("0.1")}};
    struct bed *b = *state;
    struct dd_sampler *s = open_sampler(b, fixed, 1);
    bed_run(b,
            "[[{'trace_id':12,'span_id':1," MID
            ",'metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.tid':'000000000000000a'}},"
            "{'trace_id':12,'span_id':2,'parent_id':1," MID ",'metrics':{'_dd.span_sampling.mechanism':8}}],"
            "[{'trace_id':12,'span_id':3,'parent_id':2," MID
            ",'metrics':{'_sampling_priority_v1':2},'meta':{'_dd.p.dm':'-4'}}]]");
    assert_int_equal(b->out.intake.not_taken[GW_REASON_GATEWAY_SAMPLED], 1);
    assert_int_equal(b->out.gateway_sampled, 1);
    assert_string_equal(sampling(b, 2), "1 [dd=s:1] _dd.span_sampling.mechanism=8 sampling.priority=1");
    const valid_span *kept = bed_find(b, GW_OTEL, 3).span;
    assert_int_equal(kept->trace_id.data[7], 10);
    dd_sampler_drop(s);
}

/* Whatever the services: a trace that one service's smaller rate keeps, a greater one keeps. */
static void decisions_are_nested(void **state)
{
    struct gw_map_item fixed[] = {{GW_LIT("*"), GW_LIT("0.7")}, {GW_LIT("web"), GW_LIT("0.3")}};
    struct bed *b = *state;
    struct dd_sampler *s = open_sampler(b, fixed, 2);
    unsigned kept[2] = {0};
    for (int trace = 1; trace <= 1000; trace++) {
        const struct sampled web = {trace, true, WEB "'error':0", ""},
                             db = {trace, false, "'service':'db','name':'n'", ""};
        bool by_web = strcmp(fate(b, &web), "here") != 0, by_db = strcmp(fate(b, &db), "here") != 0;
        assert_true(by_db || !by_web);
        kept[0] += by_web;
        kept[1] += by_db;
    }
    assert_in_range(kept[0], 285, 315);
    assert_in_range(kept[1], 685, 715);
    dd_sampler_drop(s);
}

/* Only what the rates can act upon is counted for the target. */
static void what_is_counted(void **state)
{
    static const struct {
        const char *facts;
        bool root;
        int traces;
    } cases[] = {
        {"'error':0", true, 1},
        {"'metrics':{'_sampling_priority_v1':0}", true, 1},
        {"'metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.dm':'-1'}", true, 1},
        {"'metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.dm':'-3'}", false, 1},
        {"'metrics':{'_sampling_priority_v1':1},'meta':{'_dd.p.dm':'-1'}", false, 0},
        {"'metrics':{'_sampling_priority_v1':0}", false, 0},
        {"'metrics':{'_sampling_priority_v1':-1}", true, 0},
        {"'metrics':{'_sampling_priority_v1':2}", true, 0},
    };
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        b->env.sampler = dd_sampler_new(&(struct dd_sampler_conf){.target = 1});
        b->env.now = 0;
        char facts[200];
        snprintf(facts, sizeof facts, WEB "%s", cases[i].facts);
        const struct sampled c = {1, cases[i].root, facts, ""};
        for (int n = 0; n < 50; n++)
            fate(b, &c);
        b->env.now = 5 * GW_SEC;
        fate(b, &(struct sampled){1, true, "'service':'other','name':'n'", ""});
        struct dd_rates *r = dd_sampler_rates(b->env.sampler);
        double rate = dd_rates_find(r, GW_STR("web"), GW_NOSTR);
        if (rate != (cases[i].traces ? 0.1 : 1))
            fail_msg("%s: %g", cases[i].facts, rate);
        dd_rates_drop(r);
        dd_sampler_drop(b->env.sampler);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {BED_TEST(facts),
                                       BED_TEST(of_the_chunk),
                                       BED_TEST(rejected),
                                       BED_TEST(rates_decide_what_tracers_did_not),
                                       BED_TEST(one_rate_for_all),
                                       BED_TEST(rates_of_none_and_all),
                                       BED_TEST(errors_are_kept),
                                       BED_TEST(single_spans_and_ids_survive),
                                       BED_TEST(decisions_are_nested),
                                       BED_TEST(what_is_counted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
