/* xml(): what an XPath finds in a record, as antchfx/xmlquery finds it, and what hostile XML costs. Each row
 * says what is expected in words; NULL: nothing is set.
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <unistd.h>

#include "core/base/budget.h"
#include "script_run.h"
#include "translators/pipeline/xpath.h"

struct row {
    const char *what, *path, *xml, *expected;
};

static const char order[] = "<o><i n='1'>a</i><i n='2' x=''>b</i><i><p>c</p>d</i><t id='7'/></o>";

static const struct row paths[] = {
    {"an element by its path", "/o/t/@id", order, "7"},
    {"the first of several elements", "/o/i", order, "a"},
    {"an element anywhere", "//p", order, "c"},
    {"an element by its place", "/o/i[2]", order, "b"},
    {"the last element", "/o/i[last()]", order, "cd"},
    {"text of an element and of those in it", "/o", order, "abcd"},
    {"text nodes alone", "/o/i[3]/text()", order, "d"},
    {"an element that has an attribute", "//i[@x]", order, "b"},
    {"an attribute's value", "//i[@n='2']", order, "b"},
    {"a child's text", "//i[p='c']", order, "cd"},
    {"its own text", "//i[text()='b']/@n", order, "2"},
    {"one step up", "//p/..", order, "cd"},
    {"any name", "/*/*[4]/@*", order, "7"},
    {"the element itself", "/o/./t/@id", order, "7"},
    {"a path that does not begin at the root", "o/i", order, "a"},
    {"blanks around the path", "  /o/i ", order, "a"},
    {"a function of text", "//i[contains(., 'c')]/p", order, "c"},
    {"a count", "//*[count(p) = 1]", order, "cd"},
    {"and, or, not", "//i[not(@x) and not(p) or @n='9']", order, "a"},
    {"an axis", "//t/preceding-sibling::i[1]/p", order, "c"},
    {"a union is in the order of the document", "//t | //p", order, "c"},
    {"a name by a function", "//*[local-name()='t']/@id", order, "7"},
    {"an empty element is empty text", "//t", order, ""},
    {"what is not there", "//nope", order, NULL},
    {"a number is no node", "count(//i)", order, NULL},
    {"text is no node", "string(//i)", order, NULL},
    {"no XPath at all", "bad path[", order, NULL},
    {"an expression that is only one with brackets around it", "//t) | (//p", order, NULL},
    {"an empty expression", "", order, NULL},
    {"a function that nobody has", "//i[nope(.)]", order, NULL},
    {"a variable", "$x", order, NULL},
};

static const struct row texts[] = {
    {"entities of the standard and numbers", "/a", "<a>&lt;&#65;&#x42;&amp;&quot;&apos;</a>", "<AB&\"'"},
    {"entities in attributes", "/a/@b", "<a b='&lt;&#65;'/>", "<A"},
    {"CDATA is text", "/a", "<a>x<![CDATA[<y>]]></a>", "x<y>"},
    {"CDATA is a text node of its own", "/a/text()", "<a>x<![CDATA[<y>]]></a>", "x"},
    {"a comment separates text nodes", "/a/text()", "<a>x<!-- c -->y</a>", "x"},
    {"a comment is no text", "/a", "<a>x<!-- c -->y</a>", "xy"},
    {"a processing instruction is no text", "/a", "<a>x<?p i?>y</a>", "xy"},
    {"line ends become \\n", "/a", "<a>\r\n1\r2</a>", "\n1\n2"},
    {"blanks are kept", "/a", "<a> 1 </a>", " 1 "},
    {"white space in an attribute is blanks", "/a/@b", "<a b='x\ny\tz'/>", "x y z"},
    {"words before the XML, as in a log line", "/a", "2024-01-01 INFO <a>1</a>", "1"},
    {"words after the XML", "/a", "<a>1</a> done", "1"},
    {"an ampersand in the words around it", "/a", "x & y <a>1</a> & z", "1"},
    {"two root elements", "/b", "<a>1</a><b>2</b>", "2"},
    {"words between root elements", "/b", "<a>1</a> and <b>2</b>", "2"},
    {"a declaration and a comment", "/a", "<?xml version='1.0'?><!-- c --><a>1</a><!-- d -->", "1"},
    {"a declaration that is not at the beginning", "/b",
     "<?xml version='1.0'?><a/>\n<?xml version='1.0'?><b>2</b>", NULL},
    {"a byte order mark", "/a", "\xEF\xBB\xBF<a>1</a>", "1"},
    {"a document type is skipped", "/a", "<!DOCTYPE a><a>1</a>", "1"},
    {"a document type elsewhere is not fetched", "/a",
     "<!DOCTYPE a SYSTEM 'http://127.0.0.1:1/a.dtd'><a>1</a>", "1"},
    {"a declared encoding is not followed", "/a", "<?xml version='1.0' encoding='GBK'?><a>é</a>", "é"},
    {"an encoding that needs a converter", "/a", "<?xml version='1.0' encoding='ISO-2022-CN-EXT'?><a>é</a>",
     "é"},
    {"bytes that are no UTF-8", "/a", "<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE9</a>", NULL},
    {"XML 1.1", "/a", "<?xml version='1.1'?><a/>", NULL},
    {"text without markup has an empty root", "/", "words", ""},
    {"text without markup has no elements", "//*", "words", NULL},
    {"an element that is not closed", "/a", "<a>", NULL},
    {"elements that cross", "/a", "<a><b></a></b>", NULL},
    {"an end without a beginning", "/a", "<a/></b>", NULL},
    {"an attribute without quotes", "/a", "<a b=1/>", NULL},
    {"an attribute without a value", "/a", "<a b/>", NULL},
    {"an attribute that comes twice", "/a", "<a b='1' b='2'/>", NULL},
    {"a < in an attribute", "/a", "<a b='<'/>", NULL},
    {"two hyphens in a comment", "/a", "<!-- -- --><a/>", NULL},
    {"]]> in text", "/a", "<a>]]></a>", NULL},
    {"a control character", "/a", "<a>\x01</a>", NULL},
    {"a control character as a number", "/a", "<a>&#1;</a>", NULL},
    {"NUL as a number", "/a", "<a>&#0;</a>", NULL},
    {"an ampersand alone", "/a", "<a>a & b</a>", NULL},
    {"an entity that nobody declared", "/a", "<a>&nbsp;</a>", NULL},
    {"an entity where a document type might declare it", "/a", "<!DOCTYPE a SYSTEM 'x.dtd'><a>&e;</a>", NULL},
    {"the same in an attribute", "/a", "<!DOCTYPE a SYSTEM 'x.dtd'><a b='&e;'/>", NULL},
};

static const struct row prefixes[] = {
    {"a prefix is a part of the name", "//p:b", "<a xmlns:p='u'><p:b>1</p:b><b>2</b></a>", "1"},
    {"a name without a prefix", "//b", "<a xmlns:p='u'><p:b>1</p:b><b>2</b></a>", "2"},
    {"a name space without a prefix changes no name", "/a/b", "<a xmlns='u'><b>1</b></a>", "1"},
    {"two prefixes of one name space are two names", "//q:b", "<a xmlns:p='u' xmlns:q='u'><p:b>1</p:b></a>",
     NULL},
    {"a declaration is an attribute", "/a/@xmlns:p", "<a xmlns:p='u'/>", "u"},
    {"so is one without a prefix", "/a/@xmlns", "<a xmlns='u'/>", "u"},
    {"the prefix xml needs none", "/a/@xml:lang", "<a xml:lang='en'/>", "en"},
    {"an attribute's prefix needs none", "/a/@p:b", "<a p:b='1'/>", "1"},
    {"an element's prefix does", "//*", "<p:a/>", NULL},
    {"a declaration ends with its element", "//*", "<a><b xmlns:p='u'/><p:c/></a>", NULL},
    {"a declaration inside another one", "//c", "<a xmlns:p='u'><b xmlns:p='v'/><p:c/><c>1</c></a>", "1"},
    {"a prefix that the record does not have", "//z:b", "<a xmlns:p='u'><p:b/></a>", NULL},
};

/* None of these may take time, memory, a file or the network. */
static const struct row hostile[] = {
    {"entities that multiply", "/a",
     "<!DOCTYPE a [<!ENTITY b 'xxxxxxxxxx'><!ENTITY c '&b;&b;&b;&b;&b;&b;'><!ENTITY d "
     "'&c;&c;&c;&c;&c;'>]><a>&d;&d;&d;</a>",
     NULL},
    {"an entity that is a file", "/a", "<!DOCTYPE a [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><a>&f;</a>",
     NULL},
    {"a parameter entity from the network", "/a",
     "<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/'> %p;]><a/>", NULL},
    {"an entity that contains itself", "/a", "<!DOCTYPE a [<!ENTITY e '&e;'>]><a>&e;</a>", NULL},
    {"an attribute that a document type would add", "/a/@b", "<!DOCTYPE a [<!ATTLIST a b CDATA 'x'>]><a/>",
     NULL},
    {"XInclude is markup like any other", "//*",
     "<a xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='/etc/passwd'/></a>", ""},
};

struct bed {
    struct gw_arena arena;
    struct sc_thread *thread;
};

static int set_up(void **state)
{
    static struct bed bed;
    gw_arena_init(&bed.arena, 256 << 20);
    bed.thread = sc_thread_new();
    *state = &bed;
    return bed.thread ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    sc_thread_drop(bed->thread);
    gw_arena_fini(&bed->arena);
    return 0;
}

static const char *find(struct bed *bed, const char *path, gw_str xml)
{
    gw_str script = gw_arena_printf(&bed->arena, "xml(_, \"%s\", r)", path);
    return script_run(&bed->arena, bed->thread, script, xml);
}

static void run_rows(struct bed *bed, const struct row *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *got = find(bed, r[i].path, gw_str_z(r[i].xml));
        bool good = r[i].expected ? strncmp(got, "r = ", 4) == 0 && strcmp(got + 4, r[i].expected) == 0
                                  : strcmp(got, "nothing") == 0;
        if (!good)
            fail_msg("%s: %s in %s\n  gives    %s\n  expected %s", r[i].what, r[i].path, r[i].xml, got,
                     r[i].expected ? r[i].expected : "nothing");
    }
}

static void finds_what_xpath_says(void **state)
{
    run_rows(*state, paths, sizeof paths / sizeof *paths);
}

static void reads_xml_as_the_reference_does(void **state)
{
    run_rows(*state, texts, sizeof texts / sizeof *texts);
}

static void prefixes_are_names(void **state)
{
    run_rows(*state, prefixes, sizeof prefixes / sizeof *prefixes);
}

static void hostile_xml_finds_nothing(void **state)
{
    run_rows(*state, hostile, sizeof hostile / sizeof *hostile);
}

static void functions_that_are_not_here_do_not_load(void **state)
{
    static const char *const expressions[] = {"//i[ends-with(., 'b')]", "//i[matches(., 'b')]",
                                              "//i[replace(., 'a', 'b') = 'b']", "reverse(//i)"};
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++)
        assert_memory_equal(find(*state, expressions[i], GW_STR("<a/>")), "no load: xml: ends-with, matches",
                            32);
}

static void a_nul_is_no_xml_and_no_xpath(void **state)
{
    struct bed *bed = *state;
    assert_string_equal(find(bed, "/a", gw_str_n("<a\0/>", 5)), "nothing");
    assert_string_equal(find(bed, "/a", gw_str_n("<a>\0</a>", 8)), "nothing");
    assert_string_equal(find(bed, "/a", gw_str_n("<a/>\0", 5)), "nothing");
    /* which looks like UTF-16 */
    assert_string_equal(find(bed, "/a", gw_str_n("<\0?\0x\0m\0l\0", 10)), "nothing");
    assert_string_equal(find(bed, "/a\\x00", GW_STR("<a>1</a>")), "nothing");
    assert_string_equal(find(bed, "\\x00/a", GW_STR("<a>1</a>")), "nothing");
}

/* libxml2 would report its errors there, for every record. */
static void nothing_is_written_to_standard_error(void **state)
{
    static const char *const bad[][2] = {
        {"//i[nope(.)]", "<i/>"}, {"bad path[", "<a/>"}, {"$x", "<a/>"}, {"//z:a", "<a/>"}, {"/a", "<a"}};
    FILE *file = tmpfile();
    int kept = dup(STDERR_FILENO);
    assert_non_null(file);
    assert_int_equal(dup2(fileno(file), STDERR_FILENO), STDERR_FILENO);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        find(*state, bad[i][0], gw_str_z(bad[i][1]));
    dup2(kept, STDERR_FILENO);
    close(kept);
    assert_int_equal(lseek(fileno(file), 0, SEEK_END), 0);
    fclose(file);
}

/* `before`, n times `repeated`, `after` */
static gw_str repeat(struct gw_arena *a, const char *before, const char *repeated, size_t n,
                     const char *after)
{
    struct gw_text b = {.arena = a};
    gw_text_put_z(&b, before);
    while (n--)
        gw_text_put_z(&b, repeated);
    gw_text_put_z(&b, after);
    return gw_text_result(&b);
}

static gw_str numbered(struct gw_arena *a, const char *before, const char *name, const char *value, size_t n,
                       const char *after)
{
    struct gw_text b = {.arena = a};
    gw_text_put_z(&b, before);
    for (size_t i = 0; i < n; i++)
        gw_text_put_str(&b, gw_arena_printf(a, " %s%zu=%s", name, i, value));
    gw_text_put_z(&b, after);
    return gw_text_result(&b);
}

/* Without a script, whose time is limited. */
static bool is_found(struct gw_arena *a, const char *path, gw_str xml)
{
    struct sc_xpath expression;
    struct sc_xml x;
    gw_str text;
    sc_xml_init();
    assert_true(sc_xpath_init(&expression, a, gw_str_z(path)));
    bool found = sc_xml_read(&x, a, xml) && sc_xpath_text(&expression, &x, &text);
    sc_xml_free(&x);
    return found;
}

static gw_str nested(struct gw_arena *a, size_t depth)
{
    struct gw_text b = {.arena = a};
    gw_text_put_str(&b, repeat(a, "", "<a>", depth, ""));
    gw_text_put_str(&b, repeat(a, "", "</a>", depth, ""));
    return gw_text_result(&b);
}

static void documents_are_bounded(void **state)
{
    struct bed *bed = *state;
    struct gw_arena *a = &bed->arena;
    enum { ATTRIBUTES = SC_XML_ATTRIBUTES, PREFIXES = SC_XML_PREFIXES - 2 /* xml and xmlns */ };
    const struct {
        const char *what;
        gw_str within, beyond;
    } limits[] = {
        {"nodes", repeat(a, "<a>", "<b/>", SC_XML_NODES - 1, "</a>"),
         repeat(a, "<a>", "<b/>", SC_XML_NODES, "</a>")},
        {"root elements", repeat(a, "", "<a/>", SC_XML_NODES, ""),
         repeat(a, "", "<a/>", SC_XML_NODES + 1, "")},
        {"depth", nested(a, SC_XML_DEPTH), nested(a, SC_XML_DEPTH + 1)},
        {"attributes of an element", numbered(a, "<a", "n", "''", ATTRIBUTES, "/>"),
         numbered(a, "<a", "n", "''", ATTRIBUTES + 1, "/>")},
        {"attributes with the end of a tag in their values", numbered(a, "<a", "n", "'>'", ATTRIBUTES, "/>"),
         numbered(a, "<a", "n", "'>'", ATTRIBUTES + 1, "/>")},
        {"attributes behind a comment with half a tag in it",
         numbered(a, "<!-- <x ' --><a", "n", "''", ATTRIBUTES, "/>"),
         numbered(a, "<!-- <x ' --><a", "n", "''", ATTRIBUTES + 1, "/>")},
        {"prefixes", numbered(a, "<a", "xmlns:p", "''", PREFIXES, "/>"),
         numbered(a, "<a", "xmlns:p", "''", PREFIXES + 1, "/>")},
        {"comments side by side", repeat(a, "<a>", "<!---->", SC_XML_SIBLINGS, "</a>"),
         repeat(a, "<a>", "<!---->", SC_XML_SIBLINGS + 1, "</a>")},
        {"CDATA sections side by side", repeat(a, "<a>", "<![CDATA[x]]>", SC_XML_SIBLINGS, "</a>"),
         repeat(a, "<a>", "<![CDATA[x]]>", SC_XML_SIBLINGS + 1, "</a>")},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (!is_found(a, "/a", limits[i].within))
            fail_msg("%s: nothing is found within the limit", limits[i].what);
        if (is_found(a, "/a", limits[i].beyond))
            fail_msg("%s: something is found beyond the limit", limits[i].what);
    }
}

/* Long runs of what libxml2 reports piece by piece come together in linear time. */
static void text_of_many_pieces_is_whole(void **state)
{
    struct bed *bed = *state;
    struct sc_xml x;
    sc_xml_init();
    assert_true(sc_xml_read(&x, &bed->arena, repeat(&bed->arena, "<a>", "&lt;", 200000, "</a>")));
    assert_int_equal(strspn((const char *)x.doc->children->children->content, "<"), 200000);
    sc_xml_free(&x);
}

/* libxml2 compares every node that such a path finds with all before it. In a large document the path finds
 * nothing; a path that can find no node twice does. */
static void paths_are_bounded(void **state)
{
    static const char *const paths_twice[] = {"//a/following-sibling::a", "//a//b", "//b/..", "//b | //a",
                                              "//a[../b = ../a]"};
    struct bed *bed = *state;
    gw_str small = repeat(&bed->arena, "<r><b/>", "<a><b/></a>", 50, "</r>"),
           large = repeat(&bed->arena, "<r><b/>", "<a><b/></a>", 30000, "</r>");
    for (size_t i = 0; i < sizeof paths_twice / sizeof *paths_twice; i++) {
        if (!is_found(&bed->arena, paths_twice[i], small) || is_found(&bed->arena, paths_twice[i], large))
            fail_msg("%s has to be found in the small document alone", paths_twice[i]);
    }
    assert_true(is_found(&bed->arena, "//a", large));
    assert_true(is_found(&bed->arena, "/r/a[30000]/b", large));
}

static void memory_is_charged_and_given_back(void **state)
{
    struct gw_budget account = {.limit = 4 << 20};
    struct gw_arena a;
    struct sc_xml x;
    (void)state;
    gw_arena_init(&a, 64 << 20);
    a.account = &account;
    sc_xml_init();
    assert_true(sc_xml_read(&x, &a, GW_STR("<a b='1'>text<c/></a>")));
    size_t charged = x.charged;
    assert_true(charged > 0 && atomic_load(&account.used) >= charged);
    size_t with_tree = atomic_load(&account.used);
    sc_xml_free(&x);
    assert_int_equal(atomic_load(&account.used), with_tree - charged);
    gw_arena_fini(&a);
    assert_int_equal(atomic_load(&account.used), 0);
}

/* 30,000 elements are some 6 MB of libxml2's memory. */
static void memory_is_bounded(void **state)
{
    struct bed *bed = *state;
    gw_str xml = repeat(&bed->arena, "<a>", "<b/>", 30000, "</a>");
    struct gw_budget account = {.limit = 4 << 20};
    struct gw_arena by_account, by_budget;
    struct sc_xml x;
    sc_xml_init();
    gw_arena_init(&by_account, 64 << 20);
    by_account.account = &account;
    assert_false(sc_xml_read(&x, &by_account, xml));
    assert_true(by_account.spent);
    sc_xml_free(&x);
    gw_arena_fini(&by_account);
    assert_int_equal(atomic_load(&account.used), 0);

    gw_arena_init(&by_budget, 4 << 20);
    assert_false(sc_xml_read(&x, &by_budget, xml));
    assert_true(by_budget.spent);
    sc_xml_free(&x);
    gw_arena_fini(&by_budget);
}

enum { THREADS = 4, RUNS = 200 };

/* Runs the shared script; the number of wrong results. */
static void *run_in_thread(void *shared)
{
    const struct sc_script *script = shared;
    struct sc_thread *thread = sc_thread_new();
    struct gw_arena a;
    size_t wrong = 0;
    gw_arena_init(&a, 1 << 20);
    for (int i = 0; i < RUNS; i++) {
        struct sc_env env = {
            .arena = &a, .thread = thread, .now = INT64_C(1700000000123456789), .zone = zone_utc()};
        struct sc_point p;
        struct sc_fault fault;
        gw_arena_reset(&a, 1 << 20);
        sc_point_init(&p, &a, GW_STR("n"), env.now);
        sc_point_set(&p, GW_STR("message"),
                     sc_str(gw_arena_printf(&a, "<a xmlns:p='u'><p:b>%d</p:b></a>", i)));
        bool ran = sc_run(script, &env, &p, &fault);
        const struct sc_field *f = sc_point_get(&p, GW_STR("r"));
        wrong += !ran || !f || !gw_str_eq(f->val.s, gw_arena_printf(&a, "%d", i));
    }
    gw_arena_fini(&a);
    sc_thread_drop(thread);
    return (void *)wrong;
}

static void threads_share_a_script(void **state)
{
    struct sc_source source = {GW_STR("t.p"), GW_STR("xml(_, \"/a/p:b[string-length(.) > 0]\", r)")};
    struct sc_set *set = sc_load(&source, 1);
    pthread_t threads[THREADS];
    void *wrong;
    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_in_thread, (void *)sc_find(set, source.name)),
                         0);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    sc_drop(set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_xpath_says),
        cmocka_unit_test(reads_xml_as_the_reference_does),
        cmocka_unit_test(prefixes_are_names),
        cmocka_unit_test(hostile_xml_finds_nothing),
        cmocka_unit_test(functions_that_are_not_here_do_not_load),
        cmocka_unit_test(a_nul_is_no_xml_and_no_xpath),
        cmocka_unit_test(nothing_is_written_to_standard_error),
        cmocka_unit_test(documents_are_bounded),
        cmocka_unit_test(text_of_many_pieces_is_whole),
        cmocka_unit_test(paths_are_bounded),
        cmocka_unit_test(memory_is_charged_and_given_back),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(threads_share_a_script),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
