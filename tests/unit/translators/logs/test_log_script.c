/* Records by way of Pipeline scripts: which script, what becomes of its fields, what happens when it is
 * wrong.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/logs/log_show.h"

#include <stdio.h>
#include <unistd.h>

#include "translators/logs/log_scripts.h"
#include "tests/unit/scratch.h"

static char folder[64];

static void script(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_folder(void **state)
{
    strcpy(folder, "/tmp/log_script.XXXXXX");
    return scratch_folder(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static void open_scripts(struct log_bed *b, struct gw_diagnostics *p)
{
    struct gw_diagnostics *own = gw_diagnostics_new();
    b->host.scripts = log_scripts_new();
    log_scripts_read(b->host.scripts, gw_str_z(folder), p ? p : own);
    gw_diagnostics_drop(own);
}

static struct gw_intake run(struct log_bed *b, struct log_input in, struct show *s)
{
    in.observed = in.observed ? in.observed : 1700000000000000000u;
    assert_int_equal(log_add(b->batch, &in), GW_OK);
    return log_bed_show(b, s);
}

static void close_scripts(struct log_bed *b)
{
    log_bed_close(b);
    log_scripts_drop(b->host.scripts);
}

/* The script and the line of Datakit's documentation. */
static void the_documented_script(void **state)
{
    struct log_bed b = {.options = {.source = GW_LIT("python-app"), .timezone = GW_LIT("Asia/Shanghai")}};
    struct show s;
    script("python-app.p", "grok(_, "
                           "\"%{TIMESTAMP_ISO8601:time}%{SPACE}%{WORD:level}%{SPACE}%{NOTSPACE}%{SPACE}%{"
                           "NOTSPACE}%{SPACE}\\\\[%{GREEDYDATA:trace}\\\\]"
                           "%{SPACE}-%{SPACE}%{GREEDYDATA:message}\")\n"
                           "grok(trace,\"%{EMAILLOCALPART}=%{EMAILLOCALPART:service}?%{SPACE}%{"
                           "EMAILLOCALPART}=%{EMAILLOCALPART:env}?%{SPACE}"
                           "%{EMAILLOCALPART}=%{EMAILLOCALPART:version}?%{SPACE}%{EMAILLOCALPART}=%{NUMBER:"
                           "trace_id}?%{SPACE}%{EMAILLOCALPART}=%{NUMBER:"
                           "span_id}?\")"
                           "\ndrop_key(trace)\ndefault_time(time)\n");
    open_scripts(&b, NULL);
    log_bed_open(&b, "file");
    run(&b,
        (struct log_input){
            .text =
                GW_STR("2021-06-18 10:07:08,786 INFO [__main__] [lt.py:26] [dd.service.name=Python-App "
                       "dd.env=Testing dd.version=V1.1 "
                       "dd.trace_id=16108321602917563239 dd.span_id=12837828046733169079] - Hello, World!")},
        &s);
    assert_string_equal(
        s.text,
        "{service.name=\"Python-App\" service.version=\"V1.1\" deployment.environment.name=\"Testing\"} "
        "@1623982028.786000000 INFO(9) trace:0000000000000000df8c4126fda6fb67 span:b22920973d13d1b7 \"Hello, "
        "World!\" "
        "{datadog.log.source=\"python-app\"}\n");
    close_scripts(&b);
}

static void fields_and_tags_become_attributes(void **state)
{
    struct gw_map_item tag = {GW_LIT("team"), GW_LIT("blue")};
    struct log_bed b = {.options = {.source = GW_LIT("fields"), .tags = {&tag, 1}}};
    struct show s;
    struct log_attr path = {.key = GW_LIT("log.file.path"), .text = GW_LIT("/x")};
    script("fields.p",
           "add_key(i, 7)\nadd_key(f, 1.5)\nadd_key(b, true)\nadd_key(t, team)\nset_tag(tagged, "
           "\"v\")\nadd_key(l, [1, \"a\"])\n"
           "m = load_json(\"{\\\"id\\\": 12345678901234567890}\")\nadd_key(id, m[\"id\"])\nadd_key(status, "
           "\"w\")\nadd_key(level, \"x\")\n"
           "add_key(service, \"svc\")\nadd_key(trace_id, \"none\")\nset_measurement(\"renamed\")\n");
    open_scripts(&b, NULL);
    log_bed_open(&b, "file");
    run(&b,
        (struct log_input){.text = GW_STR("whole line"), .attrs = &path, .attrs_n = 1, .host = GW_STR("h")},
        &s);
    assert_string_equal(s.text, "{service.name=\"svc\" host.name=\"h\"} warning(13) \"whole line\" "
                                "{team=\"blue\" i=7 f=1.5 b=true t=\"blue\" "
                                "tagged=\"v\" l=\"[1,\"a\"]\" id=\"12345678901234567890\" level=\"x\" "
                                "trace_id=\"none\" log.file.path=\"/x\" "
                                "datadog.log.source=\"renamed\"}\n");
    close_scripts(&b);
}

static void levels_in_their_order(void **state)
{
    struct log_bed b = {.options = {.source = GW_LIT("levels")}};
    struct show s;
    script("levels.p", "if match(\"both\", _) { add_key(status, \"error\")\n add_key(level, \"debug\") }\n"
                       "if match(\"level\", _) { add_key(level, \"debug\") }\n");
    open_scripts(&b, NULL);
    log_bed_open(&b, "file");
    run(&b, (struct log_input){.text = GW_STR("both")}, &s);
    assert_non_null(strstr(s.text, " error(17) \"both\" {level=\"debug\""));
    run(&b, (struct log_input){.text = GW_STR("level")}, &s);
    assert_non_null(strstr(s.text, " debug(5) \"level\" {datadog"));
    run(&b, (struct log_input){.text = GW_STR("2026-11-21 00:00:00 WARN text dd.trace_id=9")}, &s);
    assert_non_null(strstr(s.text, " WARN(13) trace:00000000000000000000000000000009 \"2026-11-21 00:00:00 "
                                   "WARN text dd.trace_id=9\" {datadog"));
    run(&b, (struct log_input){.text = GW_STR("nothing")}, &s);
    assert_non_null(strstr(s.text, " (9) \"nothing\" {datadog"));
    close_scripts(&b);
}

static void dropped_and_made_records_are_counted(void **state)
{
    struct log_bed b = {.options = {.source = GW_LIT("drop")}};
    struct show s;
    script("drop.p", "if match(\"drop\", _) { drop() }\nif match(\"more\", _) {\n  create_point(\"made\", "
                     "{\"t\": \"v\"}, {\"n\": 1, "
                     "\"message\": \"new\"}, category=\"logging\")\n}\n");
    open_scripts(&b, NULL);
    log_bed_open(&b, "file");
    struct gw_intake in = run(&b, (struct log_input){.text = GW_STR("drop this")}, &s);
    assert_int_equal(in.received, 1);
    assert_int_equal(in.not_taken[GW_REASON_SCRIPT], 1);
    assert_string_equal(s.text, "");
    in = run(&b, (struct log_input){.text = GW_STR("more of this")}, &s);
    assert_int_equal(in.received, 2);
    assert_string_equal(s.text,
                        "{service.name=\"drop\"} (9) \"more of this\" {datadog.log.source=\"drop\"}\n"
                        "{service.name=\"drop\"} (9) \"new\" {n=1 t=\"v\" datadog.log.source=\"made\"}\n");
    assert_int_equal(log_conf_counts(b.conf)->script_made, 1);
    close_scripts(&b);
}

static void errors_are_said_and_the_record_goes_on(void **state)
{
    struct log_bed b = {.options = {.source = GW_LIT("wrong")}};
    struct show s;
    script("wrong.p", "add_key(a, 1)\nadd_key(b, 1 + [])\nadd_key(c, 1)\n");
    open_scripts(&b, NULL);
    log_bed_open(&b, "file");
    assert_null(log_batch_fault(b.batch));
    run(&b, (struct log_input){.text = GW_STR("2026-11-21 00:00:00Z ERROR x")}, &s);
    assert_string_equal(s.text, "{service.name=\"wrong\"} ERROR(17) \"2026-11-21 00:00:00Z ERROR x\" {a=1 "
                                "datadog.log.source=\"wrong\"}\n");
    const char *fault = log_batch_fault(b.batch);
    assert_non_null(fault);
    assert_non_null(strstr(fault, "wrong.p:2:"));
    assert_null(log_batch_fault(b.batch));
    assert_int_equal(log_conf_counts(b.conf)->script_errors, 1);
    close_scripts(&b);
}

static void a_broken_script_is_shown_and_its_records_go_on(void **state)
{
    struct log_bed b = {.options = {.source = GW_LIT("broken")}};
    struct show s;
    struct gw_diagnostics *p = gw_diagnostics_new();
    char *words;
    size_t size;
    script("broken.p", "add_key(a, 1)\nno_such(1)\n");
    open_scripts(&b, p);
    FILE *f = open_memstream(&words, &size);
    gw_diagnostics_print(p, f);
    fclose(f);
    assert_int_equal(gw_diagnostics_errors(p), 0);
    assert_non_null(strstr(words, "broken.p:2:1: "));
    assert_non_null(strstr(words, "    no_such(1)\n    ^"));
    free(words);
    gw_diagnostics_drop(p);
    log_bed_open(&b, "file");
    run(&b, (struct log_input){.text = GW_STR("[WARN] as it was")}, &s);
    assert_string_equal(s.text,
                        "{service.name=\"broken\"} WARN(13) \"as it was\" {datadog.log.source=\"broken\"}\n");
    assert_int_equal(log_conf_counts(b.conf)->unparsed, 1);
    close_scripts(&b);
}

static void the_option_names_a_script_or_a_file(void **state)
{
    char path[96];
    struct show s;
    struct gw_diagnostics *p = gw_diagnostics_new();
    snprintf(path, sizeof path, "%s/named.p", folder);
    script("named.p", "use(\"other.p\")\n");
    script("other.p", "add_key(k, \"v\")\n");
    const gw_str names[] = {GW_LIT("named"), GW_LIT("named.p"), gw_str_z(path)};
    for (int i = 0; i < 3; i++) {
        struct log_bed b = {.options = {.pipeline = names[i], .parse = 1}};
        if (i < 2)
            open_scripts(&b, p);
        log_bed_open(&b, "file");
        assert_int_equal(gw_diagnostics_errors(b.diagnostics), 0);
        run(&b, (struct log_input){.text = GW_STR("x"), .source = GW_STR("levels")}, &s);
        assert_non_null(strstr(s.text, "{k=\"v\" datadog.log.source=\"levels\"}"));
        close_scripts(&b);
    }
    struct log_bed none = {.options = {.pipeline = GW_LIT("/no/such.p")}};
    log_bed_open(&none, "file");
    assert_int_equal(gw_diagnostics_errors(none.diagnostics), 1);
    log_bed_close(&none);
    gw_diagnostics_drop(p);
}

/* An item says its source, which finds the script for its message. */
static void items_find_their_script(void **state)
{
    struct log_bed b = {.options = {.source = GW_LIT("http")}};
    struct show s;
    script("special.p", "add_key(seen, message)\n");
    open_scripts(&b, NULL);
    log_bed_open(&b, "datadog_logs");
    run(&b,
        (struct log_input){.form = LOG_ITEM,
                           .text = GW_STR("{\"message\":\"m\",\"ddsource\":\"special\",\"ddtags\":\"env:e,k:"
                                          "v,pod_name:p\",\"service\":\"svc\",\"free\":1}")},
        &s);
    assert_string_equal(
        s.text,
        "{service.name=\"svc\" deployment.environment.name=\"e\" k8s.pod.name=\"p\"} (9) \"m\" {free=1 "
        "k=\"v\" seen=\"m\" "
        "datadog.log.source=\"special\"}\n");
    close_scripts(&b);
}

static void a_batch_keeps_its_scripts_until_it_is_empty(void **state)
{
    struct log_bed b = {.options = {.source = GW_LIT("reread")}};
    struct show s;
    struct log_input in = {.text = GW_STR("x"), .observed = 1};
    script("reread.p", "add_key(v, 1)\n");
    open_scripts(&b, NULL);
    log_bed_open(&b, "file");
    assert_int_equal(log_add(b.batch, &in), GW_OK);
    script("reread.p", "add_key(v, 2)\n");
    log_scripts_read(b.host.scripts, gw_str_z(folder), b.diagnostics);
    log_scripts_renew(b.host.scripts, b.diagnostics);
    assert_int_equal(log_add(b.batch, &in), GW_OK); /* the batch is not empty: still the old one */
    log_bed_show(&b, &s);
    assert_string_equal(s.text, "{service.name=\"reread\"} (9) \"x\" {v=1 datadog.log.source=\"reread\"}\n"
                                "{service.name=\"reread\"} (9) \"x\" {v=1 datadog.log.source=\"reread\"}\n");
    run(&b, in, &s);
    assert_string_equal(s.text, "{service.name=\"reread\"} (9) \"x\" {v=2 datadog.log.source=\"reread\"}\n");
    close_scripts(&b);
}

/* Nobody's options changed, but the files did. */
static void changed_scripts_reach_all_receivers(void **state)
{
    struct log_bed b = {.options = {.source = GW_LIT("renewed")}};
    struct show s;
    struct log_input in = {.text = GW_STR("x"), .observed = 1};
    script("renewed.p", "add_key(v, 1)\n");
    open_scripts(&b, NULL);
    log_bed_open(&b, "file");
    run(&b, in, &s);
    assert_non_null(strstr(s.text, "{v=1 "));
    script("renewed.p", "add_key(v, 2)\n");
    log_scripts_read(b.host.scripts, gw_str_z(folder), b.diagnostics);
    log_scripts_renew(b.host.scripts, b.diagnostics);
    run(&b, in, &s);
    assert_non_null(strstr(s.text, "{v=2 "));
    log_bed_close(&b);
    log_scripts_renew(b.host.scripts, NULL); /* nobody is left */
    log_scripts_drop(b.host.scripts);
}

/* What a script leaves open of a line, the line says: ids, level, service, env and version. */
static void a_script_that_finds_less_than_the_line_shows(void **state)
{
    static const char pattern[] =
        "grok(_, \"%{LOGLEVEL:status} \\\\[dd.service=%{NOTSPACE:service} dd.env=%{NOTSPACE:env} "
        "dd.version=%{NOTSPACE:version} dd.trace_id=%{NUMBER:trace_id} "
        "dd.span_id=%{NUMBER:span_id}\\\\]\")\n";
    static const struct {
        const char *script, *text, *tags, *want;
    } rows[] = {
        /* the documented script's %{NUMBER:trace_id} meets a hexadecimal id */
        {pattern,
         "ERROR [dd.service=shop dd.env=prod dd.version=1.2 dd.trace_id=ab0159f8000000006be0a7e88a5dbf4d "
         "dd.span_id=5] x",
         "",
         "{service.name=\"shop\" service.version=\"1.2\" deployment.environment.name=\"prod\"} ERROR(17) "
         "trace:ab0159f8000000006be0a7e88a5dbf4d span:0000000000000005 "},
        /* and a decimal one: what the script says counts */
        {pattern, "ERROR [dd.service=shop dd.env=prod dd.version=1.2 dd.trace_id=7 dd.span_id=5] x",
         "env:tagged",
         "{service.name=\"shop\" service.version=\"1.2\" deployment.environment.name=\"prod\"} error(17) "
         "trace:00000000000000000000000000000007 span:0000000000000005 "},
        {"set_tag(service, \"mine\")\nadd_key(trace_id, \"\")\n",
         "2026-11-21 00:00:00 INFO [dd.service=shop dd.env=prod dd.version= dd.trace_id=7 dd.span_id=5] - x",
         "env:tagged",
         "{service.name=\"mine\" deployment.environment.name=\"prod\"} INFO(9) "
         "trace:00000000000000000000000000000007 span:0000000000000005 "},
        {"add_key(seen, 1)\n", "no tracer at all", "env:tagged",
         "{service.name=\"given\" deployment.environment.name=\"tagged\"} (9) "},
        {"add_key(seen, 1)\n", "{\"msg\":\"m\",\"dd\":{\"service\":\"j\",\"version\":\"3\"}}", "",
         "{service.name=\"j\" service.version=\"3\"} (9) "},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct log_bed b = {.options = {.source = GW_LIT("less"), .service = GW_LIT("given")}};
        struct show s;
        script("less.p", rows[i].script);
        open_scripts(&b, NULL);
        log_bed_open(&b, "file");
        run(&b, (struct log_input){.text = gw_str_z(rows[i].text), .tags = gw_str_z(rows[i].tags)}, &s);
        if (strncmp(s.text, rows[i].want, strlen(rows[i].want)) != 0)
            assert_string_equal(s.text, rows[i].want);
        assert_null(strstr(s.text, "service=\"")); /* an attribute */
        close_scripts(&b);
    }
}

static void patterns_that_do_not_match_are_counted(void **state)
{
    struct log_bed b = {.options = {.source = GW_LIT("missed")}};
    struct show s;
    const struct log_miss *first, *second;
    script("missed.p", "if grok(_, \"^a%{INT:n}\") {\n} elif grok(_, \"^b\") {\n}\n");
    open_scripts(&b, NULL);
    log_bed_open(&b, "file");
    run(&b, (struct log_input){.text = GW_STR("a1")}, &s);
    run(&b, (struct log_input){.text = GW_STR("b")}, &s);
    run(&b, (struct log_input){.text = GW_STR("c")}, &s);
    log_scripts_read(b.host.scripts, gw_str_z(folder), b.diagnostics); /* goes on counting */
    log_scripts_renew(b.host.scripts, b.diagnostics);
    run(&b, (struct log_input){.text = GW_STR("d")}, &s);
    size_t i = 0;
    while ((first = log_scripts_miss(b.host.scripts, i)) && strcmp(first->script, "missed.p") != 0)
        i++;
    second = log_scripts_miss(b.host.scripts, i + 1);
    assert_true(first && second);
    if (strncmp(first->pattern, "1:4", 3) != 0) { /* in whichever order */
        const struct log_miss *other = first;
        first = second;
        second = other;
    }
    assert_string_equal(first->pattern, "1:4 ^a%{INT:n}");
    assert_string_equal(second->pattern, "2:8 ^b");
    assert_int_equal(first->n, 3);
    assert_int_equal(second->n, 2);
    close_scripts(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_script_that_finds_less_than_the_line_shows),
        cmocka_unit_test(patterns_that_do_not_match_are_counted),
        cmocka_unit_test(the_documented_script),
        cmocka_unit_test(fields_and_tags_become_attributes),
        cmocka_unit_test(levels_in_their_order),
        cmocka_unit_test(dropped_and_made_records_are_counted),
        cmocka_unit_test(errors_are_said_and_the_record_goes_on),
        cmocka_unit_test(a_broken_script_is_shown_and_its_records_go_on),
        cmocka_unit_test(the_option_names_a_script_or_a_file),
        cmocka_unit_test(items_find_their_script),
        cmocka_unit_test(a_batch_keeps_its_scripts_until_it_is_empty),
        cmocka_unit_test(changed_scripts_reach_all_receivers),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
