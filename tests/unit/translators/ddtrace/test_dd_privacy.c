/* Rules of the user's own: the examples of Datadog's manual for replace_tags, what the agent does with numbers, hidden tags and
 * events, card numbers, and expressions that take too long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/config/config_diagnostic.h"
#include "tests/unit/translators/ddtrace/translate_bed.h"
#include "translators/ddtrace/dd_privacy.h"

static const char *const fields[] = {"operation.name", NULL};

/* "name=pattern=>repl", one after another; NULL ends them. */
static void with_rules(struct bed *b, const char *const *rules, int cards, struct dd_privacy **p,
                       struct dd_privacy_counts *counts)
{
    static struct gw_map groups[8];
    static struct gw_map_item items[8][3];
    static gw_str keep[] = {GW_LIT("order.id")};
    struct dd_privacy_conf conf = {.privacy_credit_cards = cards, .privacy_keep_values = {keep, 1}};
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    size_t n = 0;
    for (; rules[n]; n++) {
        const char *equals = strchr(rules[n], '='), *arrow = strstr(rules[n], "=>");
        items[n][0] = (struct gw_map_item){GW_STR("name"), gw_str_n(rules[n], (size_t)(equals - rules[n]))};
        items[n][1] =
            (struct gw_map_item){GW_STR("pattern"), gw_str_n(equals + 1, (size_t)(arrow - equals - 1))};
        items[n][2] = (struct gw_map_item){GW_STR("repl"), gw_str_z(arrow + 2)};
        groups[n] = (struct gw_map){items[n], 3};
    }
    conf.privacy_replace_tags = (struct gw_groups){groups, n};
    *counts = (struct dd_privacy_counts){0};
    *p = dd_privacy_new(&conf, counts, "receivers[0]", diagnostics);
    assert_int_equal(gw_diagnostics_errors(diagnostics), 0);
    assert_non_null(*p);
    gw_diagnostics_drop(diagnostics);
    b->env.privacy = dd_privacy_thread_new(*p);
    assert_non_null(b->env.privacy);
}

static void without_rules(struct bed *b, struct dd_privacy *p)
{
    dd_privacy_thread_drop(b->env.privacy);
    dd_privacy_drop(p);
    b->env.privacy = NULL;
}

struct row {
    const char *rules[4], *members, *want;
};

static void check(struct bed *b, const struct row *rows, size_t n, int cards)
{
    struct dd_privacy *p;
    struct dd_privacy_counts counts;
    for (size_t i = 0; i < n; i++) {
        with_rules(b, rows[i].rules, cards, &p, &counts);
        for (int again = 0; again < 4; again++) { /* by a plan, too */
            bed_span(b, rows[i].members);
            bed_compare(b, rows[i].members, bed_show(b, GW_OTEL, 2, fields), rows[i].want);
        }
        without_rules(b, p);
    }
}

static void the_manuals_examples(void **state)
{
    static const struct row rows[] = {
        {{"http.url=token/(.*)=>?"},
         "'name':'n','resource':'R','meta':{'k.url':'token/x','http.url':'/a/token/secret'}",
         "R | internal | k.url='token/x' resource.name='R' url.path='/a/'"},
        {{"resource.name=(.*)\\/$=>$1"},
         "'name':'n','resource':'/users/'",
         "/users | internal | resource.name='/users'"},
        {{"*=foo=>bar"},
         "'name':'foo','resource':'a foo','meta':{'k':'foofoo','_k':'foo'}",
         "a bar | internal | _k='foo' k='barbar' resource.name='a bar'"},
        {{"error.stack=(?s).*=>"},
         "'name':'n','resource':'R','meta':{'error.stack':'a\\nb'}",
         "R | internal | error.stack='' resource.name='R'"},
        {{"error.msg=[0-9]{10}=>[REDACTED]"},
         "'name':'n','resource':'R','error':1,'meta':{'error.msg':'call 0123456789 now'}",
         "R | internal | resource.name='R' | error: call [REDACTED] now"},
        {{"span.name=[0-9]+$=>x"}, "'name':'job7','resource':'R'", "R | internal | resource.name='R'"},
    };
    check(*state, rows, COUNT(rows), 0);
}

static void templates(void **state)
{
    static const struct row rows[] = {
        {{"k=(?P<first>\\w+) (\\w+)=>$2 ${first} $$ $9 $nobody $ ${x"},
         "'name':'n','resource':'R','meta':{'k':'a b'}",
         "R | internal | k='b a $   $ ${x' resource.name='R'"},
        {{"k=(a)=>${1}x"},
         "'name':'n','resource':'R','meta':{'k':'aba'}",
         "R | internal | k='axbax' resource.name='R'"},
        {{"k=(a)=>$1x"},
         "'name':'n','resource':'R','meta':{'k':'aba'}",
         "R | internal | k='b' resource.name='R'"},
        {{"k=x*=>-"},
         "'name':'n','resource':'R','meta':{'k':'baxé'}",
         "R | internal | k='-b-a-é-' resource.name='R'"},
        {{"k=a=>b", "k=b=>c"},
         "'name':'n','resource':'R','meta':{'k':'a'}",
         "R | internal | k='c' resource.name='R'"},
    };
    check(*state, rows, COUNT(rows), 0);
}

static void numbers_events_and_links(void **state)
{
    static const struct row rows[] = {
        {{"n=12=>7"},
         "'name':'n','resource':'R','metrics':{'n':123,'m':12}",
         "R | internal | m=12 n=73 resource.name='R'"},
        {{"n=.*3=>x"},
         "'name':'n','resource':'R','metrics':{'n':123,'m':12},'meta':{'k':'v'}",
         "R | internal | k='v' m=12 n='x' resource.name='R'"},
        {{"n=\\.=>1"},
         "'name':'n','resource':'R','metrics':{'n':0.5}",
         "R | internal | n=15 resource.name='R'"},
        {{"*=secret|4=>?"},
         "'name':'n','resource':'R','span_events':[{'name':'e','time_unix_nano':7,'attributes':{'k':'a "
         "secret','_k':'secret',"
         "'n':{'type':2,'int_value':4},'l':{'type':4,'array_value':{'values':[{'type':0,'string_value':'"
         "secret'}]}}}}],"
         "'span_links':[{'trace_id':1,'span_id':2,'attributes':{'k':'secret'}}]",
         "R | internal | resource.name='R' | event e at 7 _k='secret' k='a ?' l=['?'] n='?' | link "
         "00000000000000000000000000000001/0000000000000002 "
         "state='' flags=0 k='?'"},
    };
    check(*state, rows, COUNT(rows), 0);
}

static void cards(void **state)
{
    static const struct row any[] = {
        {{NULL},
         "'name':'n','resource':'R','meta':{'a':'4111111111111112','order.id':'4111111111111111','version':'"
         "4111111111111111','_h':'4111111111111111'}",
         "R | internal | _h='4111111111111111' a='?' order.id='4111111111111111' resource.name='R'"},
        {{NULL},
         "'name':'n','resource':'R','meta':{'a':' 3782-8224 "
         "6310005','b':'41111111111','c':'41111111111111111','d':'x4111111111111111','e':'9111111111111111'}",
         "R | internal | a='?' b='41111111111' c='41111111111111111' d='x4111111111111111' "
         "e='9111111111111111' resource.name='R'"},
    };
    static const struct row luhn[] = {
        {{NULL},
         "'name':'n','resource':'R','meta':{'a':'4111111111111111','b':'4111111111111112','c':'5105-1051-"
         "0510-5100'}",
         "R | internal | a='?' b='4111111111111112' c='?' resource.name='R'"},
    };
    check(*state, any, COUNT(any), 1);
    check(*state, luhn, COUNT(luhn), 2);
}

/* What stands there when an expression gives up is never what the tracer sent; the request ends soon. */
static void what_takes_too_long_is_hidden(void **state)
{
    static const char *const rules[] = {"k=(a|aa)+[bc]{3}(a|b|ab)*$=>x", NULL};
    static char members[8192], value[4096];
    struct bed *b = *state;
    struct dd_privacy *p;
    struct dd_privacy_counts counts;
    memset(value, 'a', sizeof value - 1);
    snprintf(members, sizeof members, "'name':'n','resource':'R','meta':{'k':'%s','j':'v'}", value);
    with_rules(b, rules, 0, &p, &counts);
    gw_nsec began = gw_now();
    bed_span(b, members);
    assert_true(gw_now() - began < 10 * GW_SEC);
    const char *got = bed_show(b, GW_OTEL, 2, fields);
    assert_true(strcmp(got, "R | internal | j='v' k='?' resource.name='R'") == 0 ||
                strstr(got, "aaaa")); /* gave up, or did not match */
    assert_true((strstr(got, "'?'") != NULL) == (counts.gave_up > 0));
    without_rules(b, p);
}

static int open_bed(void **state)
{
    static struct bed b;
    bed_open(&b);
    *state = &b;
    return 0;
}

static int close_bed(void **state)
{
    bed_close(*state);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_bed, close_bed)
    const struct CMUnitTest tests[] = {TEST(the_manuals_examples), TEST(templates),
                                       TEST(numbers_events_and_links), TEST(cards),
                                       TEST(what_takes_too_long_is_hidden)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
