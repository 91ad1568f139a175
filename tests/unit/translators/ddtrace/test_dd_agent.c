/* The decoder of what agents send: AgentPayload in protobuf, with v0.x and idx payloads.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/translators/ddtrace/dd_show.h"
#include "tests/unit/translators/ddtrace/proto.h"

struct row {
    const char *body, *want;
};

static void check(const struct row *rows, size_t n)
{
    int wrong = 0;
    for (size_t i = 0; i < n; i++) {
        gw_str body = proto(rows[i].body);
        const char *got = show_payload(DD_AGENT_PROTOBUF, body, 1 << 20);
        if (strcmp(got, rows[i].want) != 0) {
            printf("%s\n   want %s\n   got  %s\n", rows[i].body, rows[i].want, got);
            wrong++;
        }
        free((char *)(uintptr_t)body.ptr);
    }
    assert_int_equal(wrong, 0);
}

static void envelopes(void **state)
{
    static const struct row rows[] = {
        {"", ""},
        {"1'host' 2'none' 7'7.85.4' 8=10.0 9=10.0 10:1", ""},
        {"5{} 11{} 5{1'id'} 11{1''}", ""},
        {"5{6{}} 11{11{}}", ""},
        {"5{6{1:1 2'rum' 4{1'_dd.p.dm' 2'-4'} 5:1}}", ""},
        /* several payloads and chunks, in any order of fields; unknown fields */
        {"5{6{3{4:1 5:2}} 6{3{4:3 5:4} 3{4:3 5:5}}} 99'x' 5{6{3{4:6 5:7} 98:1} 8'env'} 1'host'",
         "[t=1 s=2] [t=3 s=4; t=3 s=5] [t=6 s=7] env=env host=host of the payload"},
        /* what is above the spans costs the body */
        {"5:1", "BAD_PROTOBUF@1: the AgentPayload has a field that cannot be read"},
        {"1'h' 5{6:1}", "BAD_PROTOBUF@6: a TracerPayload has a field that cannot be read"},
        {"1'h' 5{6{3:1}}", "BAD_PROTOBUF@8: a TraceChunk has a field that cannot be read"},
        {"5{6{3{4:1 5:2}}} <2a 05 32>", "BAD_PROTOBUF@12: the AgentPayload has a field that cannot be read"},
        {"<2a ff ff ff ff ff ff ff ff ff ff ff>",
         "BAD_PROTOBUF@11: the AgentPayload has a field that cannot be read"},
        {"<07>", "BAD_PROTOBUF@1: the AgentPayload has a field that cannot be read"},
        {"<00>", "BAD_PROTOBUF@1: the AgentPayload has a field that cannot be read"},
        {"<0b>", "BAD_PROTOBUF@1: the AgentPayload has a field that cannot be read"}, /* a group */
        {"5{<08>}", "BAD_PROTOBUF@3: a TracerPayload has a field that cannot be read"},
        {"5{6{<ff>}}", "BAD_PROTOBUF@5: a TraceChunk has a field that cannot be read"},
    };
    check(rows, sizeof rows / sizeof *rows);
}

static void spans(void **state)
{
    static const struct row rows[] = {
        {"5{6{3{1'svc' 2'op' 3'res' 4:10 5:11 6:12 7:13 8:14 9:1 10{1'k' 2'v'} 11{1'm' 2=1.5} 12'web' "
         "13{1's' 2<81 a1 61 01>}}}}",
         "[t=10 s=11 p=12 service=svc name=op resource=res type=web start=13 duration=14 error=1 meta{k=v} "
         "metrics{m=1.5d} struct{s=\x81\xa1\x61\x01}]"},
        /* maps in parts, between other fields, with keys and values left out, in any order, with more */
        {"5{6{3{4:1 5:2 10{1'a' 2'1'} 1'svc' 10{2'2' 1'b'} 11{1'x'} 10{} 10{1'c' 2'3' 9'?'} 11{2=2.0 "
         "1'y'}}}}",
         "[t=1 s=2 service=svc meta{a=1 b=2 = c=3} metrics{x=0d y=2d}]"},
        {"5{6{3{4:1 5:18446744073709551615 7:-5 8:-1 9:-1}}}",
         "[t=1 s=18446744073709551615 start=-5 duration=-1 error=-1]"},
        /* a tag that cannot be read costs itself */
        {"5{6{3{4:1 5:2 10{1'a' 2'1'} 10{1:7} 10{2:7} 10<0a 09> 11{1'n' 2'1'} 11{1'm' 2=1.0} 13{2:1}}}}",
         "[t=1 s=2 meta{a=1} metrics{m=1d}], left out tags=5 links=0 events=0"},
        /* a span that cannot be read costs itself */
        {"5{6{3{4:1 5:2} 3{4:1 5:3 1:7} 3{4'x' 5:4} 3<22 ff> 3{4:1 5:5 10:1} 3{4:1 5:6}}}",
         "[t=1 s=2; t=1 s=6] refused bad_span=4"},
        {"5{6{3{4:1} 3{} 3{1'svc'} 3{5:9}}}", "[t=0 s=9] refused zero_trace_id=2 zero_span_id=1"},
        /* links */
        {"5{6{3{4:1 5:2 14{1:3 2:4 3:5 4{1'a' 2'b'} 5'c=d' 6:2147483649} 14{} 14{1'x'} 14<08> 14{4{1:1}}}}}",
         "[t=1 s=2 link{40000000000000003:5 state=c=d flags=2147483649 attrs{a=b}} link{00000000000000000:0} "
         "link{00000000000000000:0}], left out tags=1 links=2 events=0"},
        /* events: a type that is not written is text, or that of the only value */
        {"5{6{3{4:1 5:2 15{1#99 2'e' 3{1's' 2{2't'}} 3{1'b' 2{1:1 3:1}} 3{1'i' 2{1:2 4:-7}} 3{1'd' 2{1:3 "
         "5=0.5}} "
         "3{1'a' 2{1:4 6{1{2'x'} 1{1:2 4:8}}}} 3{1'o' 2{4:9}} 3{1'e'} 3{1'z' 2{1:4}}}}}}",
         "[t=1 s=2 event{e@99 s='t' b=true i=-7 d=0.5d a=('x',8) o=9 e='' z=()}]"},
        {"5{6{3{4:1 5:2 15{1#1 3{1'a' 2{1:9}} 3{1'b' 2{1:4 6{1{1:4 6{}}}}} 3{1'c' 2{2:1}} 3{1'd' 2{2'ok'}}} "
         "15{1:1}}}}",
         "[t=1 s=2 event{@1 d='ok'}], left out tags=3 links=0 events=1"},
    };
    check(rows, sizeof rows / sizeof *rows);
}

/* An idx payload's table, then "svc" "op" "res" "k" "v" are 1 to 5. */
#define STRINGS "1'' 1'svc' 1'op' 1'res' 1'k' 1'v'"
#define ID "6<0000000000000007 000000000000000a>"

static void idx_spans(void **state)
{
    static const struct row rows[] = {
        /* the table behind and before */
        {"11{11{" ID " 4{1:1 2:2 3:3 4#11 5:12 6#13 7:14 8:1 9{1:4 2{1:5}} 10:5}} " STRINGS "}",
         "[chunk high=7: t=10 s=11 p=12 service=svc name=op resource=res type=v start=13 duration=14 error=1 "
         "meta{k=v}]"},
        {"11{" STRINGS " 11{4{4#11 13:1 14:2 15:3 16:2} " ID "}}",
         "[chunk high=7: t=10 s=11 meta{env=svc version=op component=res span.kind=server}]"},
        {"11{" STRINGS " 11{" ID " 4{4#11 16:6}}}", "[chunk high=7: t=10 s=11]"},
        /* a span that the agent has turned into this form: internal says nothing */
        {"11{1'' 1'_dd.convertedv1' 1'v04' 11{" ID
         " 4{4#11 16:1 9{1:1 2{1:2}}} 4{4#12 9{1:1 2{1:2}} 16:2} 4{4#13 16:1}}}",
         "[chunk high=7: t=10 s=11; t=10 s=12 meta{span.kind=server}; t=10 s=13 meta{span.kind=internal}]"},
        /* values of every type */
        {"11{" STRINGS " 11{" ID
         " 4{4#11 9{1:1 2{1:5}} 9{1:2 2{2:1}} 9{1:3 2{3=1.5}} 9{1:4 2{4:-3}} 9{1:5 2{5<01>}} "
         "9{1:2 2{2:0}}}}}",
         "[chunk high=7: t=10 s=11 meta{svc=v op=true op=false} metrics{res=1.5d k=-3} struct{v=\x01}]"},
        /* arrays and lists become tags of their own */
        {"11{" STRINGS " 11{" ID
         " 4{4#11 9{1:4 2{6{1{1:5} 1{4:1} 1{6{1{2:1}}}}}} 9{1:1 2{7{1{1:2 2{1:5}} 1{1:3 2{7{}}}}}}}}}",
         "[chunk high=7: t=10 s=11 meta{k.0=v k.2.0=true svc.op=v svc.res={}} metrics{k.1=1}]"},
        /* numbers outside the table: of a name, of an attribute */
        {"11{" STRINGS " 11{" ID " 4{4#11 1:6} 4{4#12 9{1:6 2{1:5}} 9{1:4 2{1:99}} 9{1:4}} 4{4#13 13:77}}}",
         "[chunk high=7: t=10 s=12] refused bad_index=2, left out tags=3 links=0 events=0"},
        {"11{11{" ID " 4{4#11 1:0} 4{4#12 1:1}}}", "[chunk high=7: t=10 s=11] refused bad_index=1"},
        /* wrong types */
        {"11{" STRINGS " 11{" ID " 4{4:11} 4{4#11 1'svc'} 4{4#12 8'x'} 4{4#13}}}",
         "[chunk high=7: t=10 s=13] refused bad_span=3"},
        /* trace ids of another length are none */
        {"11{11{6<07> 4{4#11}} 11{4{4#12}} 11{" ID " 4{4#13}}}",
         "[t=0 s=11] [t=0 s=12] [chunk high=7: t=10 s=13]"},
        /* links and events */
        {"11{" STRINGS " 11{" ID
         " 4{4#11 11{1<0000000000000001 0000000000000002> 2#3 3{1:4 2{1:5}} 3{1:1 2{4:7}} "
         "3{1:2 2{2:1}} 4:5 5:2147483649} 12{1#99 2:2 3{1:4 2{1:5}} 3{1:1 2{6{1{4:1} 1{1:5}}}} 3{1:2 "
         "2{7{1{1:3 2{2:0}}}}} "
         "3{1:3 2{5<00>}}}}}}",
         "[chunk high=7: t=10 s=11 link{10000000000000002:3 state=v flags=2147483649 attrs{k=v op=true "
         "svc=7}} event{op@99 k='v' svc=(1,'v') op={res=false} res=bytes }]"},
        /* as in v1.0: a field wins over an attribute of its name; empty arrays and lists; bytes of a link */
        {"11{1'' 1'env' 1'version' 1'component' 1'span.kind' 1'x' 11{" ID
         " 4{4#11 9{1:1 2{1:5}} 9{1:2 2{1:5}} 9{1:3 2{1:5}} 9{1:4 2{1:5}} 13:1 14:2 15:3 16:3} "
         "4{4#12 9{1:1 2{1:5}} 9{1:5 2{6{}}}} 4{4#13 11{3{1:5 2{5<79>}}}}}}",
         "[chunk high=7: t=10 s=11 meta{env=env version=version component=component span.kind=client}; "
         "t=10 s=12 meta{env=x x=[]}; t=10 s=13 link{00000000000000000:0 attrs{x=y}}]"},
        {"11{" STRINGS " 11{" ID " 4{4#11 11{2:1} 11{4:9} 12{1:1} 12{2:9}}}}",
         "[chunk high=7: t=10 s=11], left out tags=0 links=2 events=2"},
    };
    check(rows, sizeof rows / sizeof *rows);
}

/* The bytes as a length-delimited field. */
static size_t wrap(uint8_t *bytes, size_t n, unsigned number)
{
    uint8_t head[8];
    size_t head_n = (size_t)(wire_put_len_head(head, number, n) - head);
    memmove(bytes + head_n, bytes, n);
    memcpy(bytes, head, head_n);
    return head_n + n;
}

/* A payload with an attribute that is an array of arrays. */
static const char *show_nested(int depth)
{
    static uint8_t bytes[4096];
    static const uint8_t id[] = "\x32\x10\0\0\0\0\0\0\0\7\0\0\0\0\0\0\0\x0a";
    size_t n = 2;
    memcpy(bytes, "\x20\x01", n);
    for (int i = 0; i < depth; i++)
        n = wrap(bytes, wrap(bytes, n, 1), 6);
    n = wrap(bytes, wrap(bytes, n, 2), 9);
    memmove(bytes + 9, bytes, n);
    memcpy(bytes, "\x21\x0b\0\0\0\0\0\0", 9);
    n = wrap(bytes, n + 9, 4);
    memcpy(bytes + n, id, sizeof id - 1);
    n = wrap(bytes, n + sizeof id - 1, 11);
    n = wrap(bytes, n, 11);
    return show_payload(DD_AGENT_PROTOBUF, gw_str_n((char *)bytes, n), 1 << 20);
}

static void nesting(void **state)
{
    assert_string_equal(show_nested(0), "[chunk high=7: t=10 s=11 metrics{=1}]");
    assert_string_equal(show_nested(2), "[chunk high=7: t=10 s=11 metrics{.0.0=1}]");
    assert_null(strstr(show_nested(DD_MAX_DEPTH), "left out"));
    assert_string_equal(show_nested(DD_MAX_DEPTH + 1),
                        "[chunk high=7: t=10 s=11], left out tags=1 links=0 events=0");
    assert_string_equal(show_nested(400), "[chunk high=7: t=10 s=11], left out tags=1 links=0 events=0");
}

/* ---- what is said once ---- */

static struct gw_arena arena;
static struct dd_decoder decoder;

/* The next chunk of the payload; the arena is never gone back to. */
static struct dd_chunk next_chunk(void)
{
    struct dd_chunk chunk;
    struct gw_err err;
    struct gw_intake intake = {0};
    bool more;
    assert_int_equal(dd_decode_next(&decoder, &chunk, &more, &intake, &err), GW_OK);
    return chunk;
}

static gw_str begin(const char *text)
{
    struct gw_err err;
    gw_str body = proto(text);
    gw_arena_init(&arena, 1 << 20);
    assert_int_equal(dd_decode_begin(&decoder, DD_AGENT_PROTOBUF, body, &arena, &err), GW_OK);
    return body;
}

static void end(gw_str body)
{
    assert_int_equal(next_chunk().n, 0);
    gw_arena_fini(&arena);
    free((char *)(uintptr_t)body.ptr);
}

static void assert_text(gw_str got, const char *want)
{
    if (!gw_str_eq(got, gw_str_z(want)))
        fail_msg("got '%.*s', want '%s'", GW_FMT(got), want);
}

static void chunk_facts(void **state)
{
    gw_str body =
        begin("5{6{1:-1 2'rum' 3{4:1 5:2} 4{1'_dd.p.dm' 2'-4'} 5:1} 6{1:4294967168 3{4:1 5:2}} 6{3{4:1 5:2}}}"
              "11{" STRINGS " 11{1:4294967295 2:1 3{1:4 2{1:5}} 3{1:3 2{4:7}} 4{4#11} 5:1 " ID " 7:4}"
              " 11{2:77 4{4#11} " ID "}}");
    struct dd_chunk c = next_chunk();
    assert_int_equal(c.priority, -1);
    assert_text(c.origin, "rum");
    assert_true(c.dropped && c.delivered && c.meta_n == 1 && c.mechanism == DD_NO_MECHANISM && c.high == 0);
    assert_text(c.meta[0].value, "-4");
    assert_int_equal(next_chunk().priority, DD_NO_PRIORITY);
    c = next_chunk();
    assert_true(c.priority == DD_NO_PRIORITY && c.delivered && !c.dropped && !c.origin.len);
    c = next_chunk();
    assert_true(c.priority == -1 && c.high == 7 && c.mechanism == 4 && c.dropped && c.meta_n == 1 &&
                c.metrics_n == 1);
    assert_text(c.origin, "svc");
    assert_text(c.meta[0].key, "k");
    c = next_chunk();
    assert_true(!c.origin.len && decoder.left_out.tags == 1);
    end(body);
}

#define FACTS "1'cid' 2'python' 3'3.11' 4'4.16.0' 5'rid' 8'prod' 9'web-1' 10'1.2'"
#define CHUNK "6{3{4:1 5:2}}"

static void assert_facts(const struct dd_payload *p)
{
    assert_text(p->facts[DD_FACT_CONTAINER_ID], "cid");
    assert_text(p->language, "python");
    assert_text(p->facts[DD_FACT_LANGUAGE_VERSION], "3.11");
    assert_text(p->facts[DD_FACT_TRACER_VERSION], "4.16.0");
    assert_text(p->runtime_id, "rid");
    assert_text(p->env, "prod");
    assert_text(p->host, "web-1");
    assert_text(p->version, "1.2");
}

static void payload_facts(void **state)
{
    /* behind the chunks; as idx; what the process does not say, from the agent, but for the env "none" */
    gw_str body = begin("5{" CHUNK FACTS "} 11{11{" ID " 4{4#1}} 2:1 3:2 4:3 5:4 6:5 7:6 8:7 9:8"
                        " 10{1:1 2{1:2}} 10{1:2 2{4:7}} 10{1:77 2{1:1}}"
                        " 1'' 1'cid' 1'python' 1'3.11' 1'4.16.0' 1'rid' 1'prod' 1'web-1' 1'1.2'}"
                        " 5{" CHUNK " 7{1'_dd.tags.container' 2'a:b'}} 11{11{" ID " 4{4#1}} 7:99}"
                        " 1'agent-host' 2'lab' 6{1'_dd.apm_mode' 2'edge'}");
    struct dd_payload *p = next_chunk().payload;
    assert_facts(p);
    assert_int_equal(p->tags_n, 1);
    assert_text(p->tags[0].key, "_dd.apm_mode");
    p = next_chunk().payload;
    assert_facts(p);
    assert_int_equal(p->tags_n, 3);
    assert_text(p->tags[0].value, "python");
    assert_text(p->tags[1].value, "7");
    p = next_chunk().payload;
    assert_text(p->host, "agent-host");
    assert_text(p->env, "lab");
    assert_text(p->tags[0].value, "a:b");
    assert_text(p->tags[1].value, "edge");
    p = next_chunk().payload;
    assert_text(p->env, "lab");
    assert_int_equal(decoder.left_out.tags, 1);
    end(body);
    body = begin("2'none' 5{" CHUNK "}");
    assert_text(next_chunk().payload->env, "");
    end(body);
}

/* Payloads that say the same are one, whatever kind they are. */
static void equal_payloads(void **state)
{
    gw_str body = begin("5{5'a' " CHUNK "} 5{" CHUNK " 5'b'} 5{" CHUNK " 5'a'} 5{5'a' 7{1'x' 2'y'} " CHUNK "}"
                        " 11{6:1 1'' 1'a' 11{" ID " 4{4#1}}} 5{5'a' 7{1'x' 2'y'} " CHUNK
                        "} 5{7{1'x' 2'z'} 5'a' " CHUNK "}");
    struct dd_payload *a = next_chunk().payload, *b = next_chunk().payload;
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(next_chunk().payload, a);
    struct dd_payload *tagged = next_chunk().payload;
    assert_ptr_not_equal(tagged, a);
    assert_ptr_equal(next_chunk().payload, a);
    assert_ptr_equal(next_chunk().payload, tagged);
    assert_ptr_not_equal(next_chunk().payload, tagged);
    end(body);
}

/* Memory is bounded by the arena, wherever it runs out. */
static void too_large(void **state)
{
    gw_str body =
        proto("5{6{3{4:1 5:2 10{1'a' 2'b'} 14{} 15{3{1'a' 2{1:4 6{1{2'x'}}}}}} 4{1'a' 2'b'}} 7{1'a' 2'b'}}"
              "11{" STRINGS " 11{" ID " 4{4#11 9{1:4 2{6{1{1:5} 1{4:1}}}} 11{} 12{3{1:4 2{1:5}}}}}}");
    int refused = 0;
    for (size_t budget = 0; budget < 1 << 17; budget += 256) {
        const char *got = show_payload(DD_AGENT_PROTOBUF, body, budget);
        refused += strncmp(got, "BUDGET@", 7) == 0;
    }
    assert_true(refused > 0 && refused < 512);
    free((char *)(uintptr_t)body.ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(envelopes),      cmocka_unit_test(spans),       cmocka_unit_test(idx_spans),
        cmocka_unit_test(nesting),        cmocka_unit_test(chunk_facts), cmocka_unit_test(payload_facts),
        cmocka_unit_test(equal_payloads), cmocka_unit_test(too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
