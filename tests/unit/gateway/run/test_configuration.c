/* The configuration, from text to structs: values of every type, all mistakes at once with their places,
 * ${…}, environment variables, defaults.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/config/config_diagnostic.h"
#include "gateway/run/configuration.h"

#define LINES_OPTS(X)                                                                                        \
    X(list, listen, "listen", "127.0.0.1:1, [::1]:1", "", "", "Where.")                                      \
    X(map, resource, "resource", "", "", "", "Attributes.")                                                  \
    X(flag, keep, "keep", "false", "", "", "Keep.")

#define WIRE_OPTS(X)                                                                                         \
    X(str, endpoint, "endpoint", "http://localhost:1", "", "", "Where to.")                                  \
    X(map, headers, "headers", "", "", "", "Headers.")                                                       \
    X(secret, token, "token", "", "", "", "A secret.")                                                       \
    X(choice, compression, "compression", "none", "none|gzip", "", "How.")                                   \
    X(str, tls_ca, "tls.ca", "", "", "", "CA.")                                                              \
    X(str, tls_key, "tls.key", "", "", "", "Key.")

struct lines {
    LINES_OPTS(GW_FIELD)
};
struct wire {
    WIRE_OPTS(GW_FIELD)
};
struct none {
    bool unused;
};
#define GW_CONF struct lines
static const struct gw_opt lines_opts[] = {LINES_OPTS(GW_ROW) GW_OPT_END};
#undef GW_CONF
#define GW_CONF struct wire
static const struct gw_opt wire_opts[] = {WIRE_OPTS(GW_ROW) GW_OPT_END};
static const struct gw_opt no_opts[] = {GW_OPT_END};

static const struct gw_receiver lines_module = {
    .name = "lines", .by_default = true, .opts = lines_opts, .conf_size = sizeof(struct lines)};
static const struct gw_exporter wire_module = {
    .name = "otlp_grpc", .opts = wire_opts, .conf_size = sizeof(struct wire), .signals = 1u << GW_TRACES};
static const struct gw_exporter print_module = {
    .name = "stdout", .opts = no_opts, .conf_size = sizeof(struct none), .signals = 1u << GW_TRACES};
static const struct gw_receiver *const receivers[] = {&lines_module, NULL};
static const struct gw_exporter *const exporters[] = {&wire_module, &print_module, NULL};

/* The environment of the test that runs. */
static const char *const *environment; /* name, value, name, value, …, NULL */
static const char *env(const char *name)
{
    for (const char *const *e = environment; e && *e; e += 2)
        if (strcmp(*e, name) == 0)
            return e[1];
    return NULL;
}
static const struct gw_conf_environment conf_environment = {receivers, exporters, env};

struct fixture {
    struct gw_diagnostics *diagnostics;
    struct gw_conf *conf;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    f->diagnostics = gw_diagnostics_new();
    environment = NULL;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    gw_conf_drop(f->conf);
    gw_diagnostics_drop(f->diagnostics);
    free(f);
    return 0;
}

static void read_text(struct fixture *f, const char *text)
{
    f->conf = gw_conf_read_text(gw_str_z(text), "t.conf", &conf_environment, f->diagnostics);
    assert_non_null(f->conf);
}

static void assert_said(struct fixture *f, const char *expected)
{
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    gw_diagnostics_print(f->diagnostics, to);
    fclose(to);
    assert_string_equal(text, expected);
    free(text);
}

static const struct wire *wire(struct fixture *f, size_t i)
{
    assert_true(i < f->conf->exporters_n);
    assert_ptr_equal(f->conf->exporters[i].module, &wire_module);
    return f->conf->exporters[i].conf;
}

static void values(void **state)
{
    struct fixture *f = *state;
    read_text(f, "receivers = ( { type = \"lines\"; listen = \"a:1\"; keep = true;\n"
                 "                resource = { team = \"shop\"; zone = \"z-1\"; build = 17; * = 0.1; "
                 "a-b = 1e-3; }; } );\n"
                 "exporters = ( { type = \"otlp_grpc\"; name = \"one\"; endpoint = \"http://h:2\"; "
                 "compression = \"gzip\";\n"
                 "                headers = [ \"x-a.b=1=2\", \"c=\" ]; tls = { ca = \"/ca\"; }; batch = { "
                 "items = 7; delay = \"0s\"; };\n"
                 "                queue_size = 5368709120; timeout = \"1m\"; },\n"
                 "              { type = \"stdout\"; } );\n"
                 "max_memory = \"1GiB\"; log : { level : \"debug\" }\n");
    assert_said(f, "");
    assert_int_equal(f->conf->process.max_memory, 1 << 30);
    assert_int_equal(f->conf->process.log_level, 0);
    assert_int_equal(f->conf->process.join_traces, 262144);
    const struct lines *l = f->conf->receivers[0].conf;
    assert_int_equal(l->listen.n, 1);
    assert_string_equal(l->listen.items[0].ptr, "a:1");
    assert_true(l->keep);
    assert_int_equal(l->resource.n, 5);
    assert_string_equal(l->resource.items[1].key.ptr, "zone");
    assert_string_equal(l->resource.items[1].value.ptr, "z-1");
    assert_string_equal(l->resource.items[2].value.ptr, "17");
    assert_string_equal(l->resource.items[3].key.ptr, "*");
    assert_string_equal(l->resource.items[3].value.ptr, "0.1");
    assert_string_equal(l->resource.items[4].value.ptr, "0.001");
    const struct wire *w = wire(f, 0);
    assert_string_equal(w->endpoint.ptr, "http://h:2");
    assert_int_equal(w->compression, 1);
    assert_string_equal(w->headers.items[0].key.ptr, "x-a.b");
    assert_string_equal(w->headers.items[0].value.ptr, "1=2");
    assert_string_equal(w->headers.items[1].value.ptr, "");
    assert_string_equal(w->tls_ca.ptr, "/ca");
    assert_string_equal(w->tls_key.ptr, "");
    const struct gw_sender_conf *s = &f->conf->exporters[0].sender;
    assert_string_equal(s->name.ptr, "one");
    assert_int_equal(s->batch_items, 7);
    assert_int_equal(s->batch_delay, 0);
    assert_int_equal(s->queue_size, 5368709120); /* libconfig alone would say 1073741824 */
    assert_int_equal(s->timeout, 60 * GW_SEC);
    assert_string_equal(f->conf->exporters[1].sender.name.ptr, "stdout");
    assert_string_equal(f->conf->exporters[1].path, "exporters[1]");
}

static void nothing_is_all_defaults(void **state)
{
    struct fixture *f = *state;
    read_text(f, "");
    assert_said(f, "");
    assert_int_equal(f->conf->receivers_n, 1);
    assert_int_equal(((const struct lines *)f->conf->receivers[0].conf)->listen.n, 2);
    assert_int_equal(f->conf->exporters_n, 1);
    assert_ptr_equal(f->conf->exporters[0].module, &print_module);
    assert_int_equal(f->conf->exporters[0].sender.queue_size, 64 << 20);
}

static void all_mistakes_at_once(void **state)
{
    struct fixture *f = *state;
    read_text(f,
              "max_memory = \"12\";\n"
              "shutdown_timout = \"10s\";\n"
              "log = \"debug\"; join = { traces = 5; tll = \"1s\"; level = 1; };\n"
              "receivers = ( { type = \"lines\"; lissten = [ \"a:1\" ]; keep = \"yes\"; resource = ( "
              "\"novalue\", 5 ); },\n"
              "  { type = \"linse\"; },\n"
              "  \"lines\", { listen = \"127.0.0.1:0\"; }, { type = 5; } );\n"
              "exporters = (\n"
              "  { type = \"otlp_grpc\"; timeout = 10; in_flight = \"4\"; endpoint = 5; ca = \"x\"; batch = "
              "{ size = 5; items = 1.5; }; },\n"
              "  { type = \"stdout\"; when_full = true; batch = { bytes = \"1TiB\"; }; mode = \"otlp\"; },\n"
              "  { type = \"stdout\"; signals = { }; retry = 5; colour = 5;\n"
              "    max_age = { hours = 5; }; in_flight = 4294967297; }\n"
              ");\n");
    assert_said(
        f, "t.conf:1: max_memory: 12 is out of range: 16MiB to 1TiB\n"
           "t.conf:2: shutdown_timout: there is no such option: did you mean \"shutdown_timeout\"?\n"
           "t.conf:3: log: is a text, and wants a group: write log = { … };\n"
           "t.conf:3: join.traces: 5 is out of range: 1024 to 67108864\n"
           "t.conf:3: join.tll: there is no such option: did you mean \"ttl\"?\n"
           "t.conf:3: join.level: there is no such option: did you mean \"log.level\"?\n"
           "t.conf:4: receivers[0].lissten: there is no such option: did you mean \"listen\"?\n"
           "t.conf:4: receivers[0].keep: is a text, and wants true or false: write true or false, without "
           "quotes\n"
           "t.conf:4: receivers[0].resource[0]: is not \"key=value\"\n"
           "t.conf:4: receivers[0].resource[1]: is a number, and wants a text: write it in quotes\n"
           "t.conf:5: receivers[1].type: there is no \"linse\": did you mean \"lines\"? Known are \"lines\"\n"
           "t.conf:6: receivers[2]: wants a group: write { type = \"…\"; }\n"
           "t.conf:6: receivers[3]: has no type: write type = \"…\"; known are \"lines\"\n"
           "t.conf:6: receivers[4].type: is a number, and wants a text: write it in quotes\n"
           "t.conf:8: exporters[0].timeout: is a number, and wants a duration: write \"10s\", \"250ms\", "
           "\"2m\" or \"1h\"\n"
           "t.conf:8: exporters[0].in_flight: is a text, and wants a whole number: write digits only\n"
           "t.conf:8: exporters[0].endpoint: is a number, and wants a text: write it in quotes\n"
           "t.conf:8: exporters[0].ca: there is no such option: did you mean \"tls.ca\"?\n"
           "t.conf:8: exporters[0].batch.size: there is no such option: ddgate --help exporters.otlp_grpc "
           "lists what there is\n"
           "t.conf:8: exporters[0].batch.items: is a number, and wants a whole number: write digits only\n"
           "t.conf:9: exporters[1].when_full: is true or false, and wants one of auto, reject, drop_oldest, "
           "in quotes\n"
           "t.conf:9: exporters[1].batch.bytes: 1TiB is out of range: 1KiB to 64MiB\n"
           "t.conf:9: exporters[1].mode: \"otlp\" is not one of otel, both, datadog: did you mean \"otel\"?\n"
           "t.conf:10: exporters[2].name: exporters[1] is named \"stdout\" too: give each a name of its own\n"
           "t.conf:10: exporters[2].signals: is a group, and wants a list of texts: write [ \"a\", \"b\" ]\n"
           "t.conf:10: exporters[2].retry: is a number, and wants a group: write retry = { … };\n"
           "t.conf:10: exporters[2].colour: there is no such option: ddgate --help exporters.stdout lists "
           "what there is\n"
           "t.conf:11: exporters[2].max_age: is a group, and wants a duration: write \"10s\", \"250ms\", "
           "\"2m\" or \"1h\"\n"
           "t.conf:11: exporters[2].in_flight: 4294967297 is out of range: 1 to 64\n");
    assert_int_equal(gw_diagnostics_errors(f->diagnostics), 29);
}

static void lists_that_are_none(void **state)
{
    struct fixture *f = *state;
    read_text(f, "receivers = { type = \"lines\"; };\nexporters = ( );\n");
    assert_said(f,
                "t.conf:1: receivers: wants a list of groups: write receivers = ( { type = \"…\"; } );\n"
                "t.conf:2: exporters: is empty: leave it out for the default, or write at least one group\n");
}

static void too_many(void **state)
{
    struct fixture *f = *state;
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    fputs("exporters = (", to);
    for (int i = 0; i < GW_MAX_EXPORTERS + 1; i++)
        fprintf(to, "%s{ type = \"stdout\"; name = \"e%d\"; }", i ? ",\n" : "", i);
    fputs(");", to);
    fclose(to);
    read_text(f, text);
    free(text);
    assert_said(f, "t.conf:17: exporters[16]: is one too many: 16 exporters are the most\n");
}

static void syntax(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"a = 1;\nreceivers = (\n{ type = lines; } );\n",
         "t.conf:3:10: syntax error: text stands in quotes: \"…\"\n"
         "  { type = lines; } );\n"
         "           ^\n"},
        {"log = { level = \"info\"; };\nlog = { };\n",
         "t.conf:2: this name stood here before: keep one of the two\n"},
        {"\nx = [ 1, \"a\" ];",
         "t.conf:2: the values between [ and ] are not of one type: put every one in quotes\n"},
        {"@include \"none\"\n",
         "t.conf:1: the file that is @included cannot be opened; its name is relative to this file\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f = {.diagnostics = gw_diagnostics_new()};
        read_text(&f, cases[i].text);
        assert_said(&f, cases[i].said);
        gw_conf_drop(f.conf);
        gw_diagnostics_drop(f.diagnostics);
    }
}

/* A file of the test's own; its name is good until the next call. */
static const char *temporary(const char *contents)
{
    static char name[32];
    strcpy(name, "/tmp/ddgate-test-XXXXXX");
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, contents, strlen(contents)), strlen(contents));
    close(fd);
    return name;
}

static void expansion(void **state)
{
    static const char *const vars[] = {"KEY", "k3y", "EMPTY", "", "N", "9", "YES", "true", NULL};
    struct fixture *f = *state;
    char text[1024];
    const char *file = temporary("from a file\r\n\n");
    environment = vars;
    snprintf(text, sizeof text,
             "exporters = ( { type = \"otlp_grpc\"; endpoint = "
             "\"a${env:KEY}b${env:EMPTY:-c}$${env:KEY}${env:EMPTY}$\";\n"
             "  token = \"${file:%s}\"; in_flight = \"${env:N}\"; name = \"${env:NONE:-d:-e}\"; headers = [ "
             "\"x=${env:KEY}\" ]; } );\n"
             "receivers = ( { type = \"${env:TYPE:-lines}\"; keep = \"${env:YES}\"; } );",
             file);
    read_text(f, text);
    unlink(file);
    assert_said(f, "");
    const struct wire *w = wire(f, 0);
    assert_string_equal(w->endpoint.ptr, "ak3ybc${env:KEY}$");
    assert_string_equal(w->token.ptr, "from a file");
    assert_string_equal(w->headers.items[0].value.ptr, "k3y");
    assert_int_equal(f->conf->exporters[0].sender.in_flight, 9);
    assert_string_equal(f->conf->exporters[0].sender.name.ptr, "d:-e");
    assert_true(((const struct lines *)f->conf->receivers[0].conf)->keep);
}

static void failed_expansion_tells_no_secret(void **state)
{
    static const char *const vars[] = {"SECRET", "hunter2", NULL};
    struct fixture *f = *state;
    environment = vars;
    read_text(
        f, "exporters = ( { type = \"otlp_grpc\"; endpoint = \"${env:NOPE}\"; token = "
           "\"${file:/nonexistent}\";\n"
           "  timeout = \"${env:SECRET}\"; compression = \"${env:SECRET}\"; in_flight = \"1${env:SECRET}\";\n"
           "  headers = { a = \"${foo}\"; b = \"${env:SECRET\"; c = \"${file:/tmp}\"; d = \"${env:}\"; }; } "
           ");\n");
    assert_said(
        f, "t.conf:1: exporters[0].endpoint: the environment variable NOPE is not set: set it, or write "
           "${env:NOPE:-default}\n"
           "t.conf:1: exporters[0].token: /nonexistent cannot be read: No such file or directory\n"
           "t.conf:2: exporters[0].timeout: \"${env:SECRET}\" is not a duration: write \"10s\", \"250ms\", "
           "\"2m\" or \"1h\"\n"
           "t.conf:2: exporters[0].compression: \"${env:SECRET}\" is not one of none, gzip\n"
           "t.conf:2: exporters[0].in_flight: \"1${env:SECRET}\" is not a whole number: write digits only\n"
           "t.conf:3: exporters[0].headers.a: ${foo} is neither ${env:NAME} nor ${file:/path}; the "
           "characters ${ themselves are "
           "written $${\n"
           "t.conf:3: exporters[0].headers.b: ${env:SECRET has no closing }\n"
           "t.conf:3: exporters[0].headers.c: /tmp cannot be read: it is a directory\n"
           "t.conf:3: exporters[0].headers.d: ${env:} names no variable: write ${env:NAME}\n");
}

static void variables_fill_what_is_left_out(void **state)
{
    static const char *const vars[] = {"OTEL_EXPORTER_OTLP_ENDPOINT",
                                       "http://general:1",
                                       "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
                                       "http://traces:2",
                                       "OTEL_EXPORTER_OTLP_HEADERS",
                                       "x-a=1%202, x-b = c=d,",
                                       "OTEL_EXPORTER_OTLP_TIMEOUT",
                                       "2500",
                                       "OTEL_EXPORTER_OTLP_COMPRESSION",
                                       "gzip",
                                       "OTEL_EXPORTER_OTLP_CERTIFICATE",
                                       "/from/variable",
                                       "OTEL_EXPORTER_OTLP_CLIENT_KEY",
                                       "",
                                       NULL};
    struct fixture *f = *state;
    environment = vars;
    read_text(f, "exporters = ( { type = \"otlp_grpc\"; compression = \"none\"; tls = { key = \"/k\"; }; }, "
                 "{ type = \"stdout\"; } );");
    assert_said(f, "");
    const struct wire *w = wire(f, 0);
    assert_string_equal(w->endpoint.ptr, "http://traces:2");
    assert_int_equal(w->headers.n, 2);
    assert_string_equal(w->headers.items[0].value.ptr, "1 2");
    assert_string_equal(w->headers.items[1].key.ptr, "x-b");
    assert_string_equal(w->headers.items[1].value.ptr, "c=d");
    assert_int_equal(w->compression, 0);
    assert_string_equal(w->tls_ca.ptr, "/from/variable");
    assert_string_equal(w->tls_key.ptr, "/k");
    assert_int_equal(f->conf->exporters[0].sender.timeout, 2500 * GW_MSEC);
    assert_int_equal(f->conf->exporters[1].sender.timeout, 10 * GW_SEC);
}

static void bad_variables(void **state)
{
    static const char *const vars[] = {"OTEL_EXPORTER_OTLP_ENDPOINT",
                                       "http://x:1",
                                       "OTEL_EXPORTER_OTLP_TIMEOUT",
                                       "2s",
                                       "OTEL_EXPORTER_OTLP_COMPRESSION",
                                       "brotli",
                                       "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
                                       "secret",
                                       NULL};
    struct fixture *f = *state;
    environment = vars;
    f->conf = gw_conf_read(NULL, &conf_environment, f->diagnostics);
    assert_ptr_equal(f->conf->exporters[0].module, &wire_module);
    assert_said(f, "environment variable OTEL_EXPORTER_OTLP_TRACES_HEADERS: exporters[0].headers: is not "
                   "key=value,key=value\n"
                   "environment variable OTEL_EXPORTER_OTLP_COMPRESSION: exporters[0].compression: "
                   "\"brotli\" is not one of none, gzip\n"
                   "environment variable OTEL_EXPORTER_OTLP_TIMEOUT: exporters[0].timeout: is a number of "
                   "milliseconds, without a unit\n");
}

static void an_endpoint_for_a_protocol_that_is_not_there(void **state)
{
    static const char *const vars[] = {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://x:1",
                                       "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", NULL};
    struct fixture *f = *state;
    environment = vars;
    f->conf = gw_conf_read(NULL, &conf_environment, f->diagnostics);
    assert_int_equal(f->conf->exporters_n, 0);
    assert_int_equal(gw_diagnostics_errors(f->diagnostics), 1);
}

static void files(void **state)
{
    struct fixture *f = *state;
    const char *file = temporary("log = { level = \"error\"; };\n");
    f->conf = gw_conf_read(file, &conf_environment, f->diagnostics);
    unlink(file);
    assert_int_equal(f->conf->process.log_level, 3);
    gw_conf_drop(f->conf);
    f->conf = gw_conf_read("/nonexistent/x.conf", &conf_environment, f->diagnostics);
    assert_said(f, "/nonexistent/x.conf: cannot be read: No such file or directory\n");
}

static void widening(void **state)
{
    static const char *const cases[][2] = {
        {"a = 2147483647;", "a = 2147483647;"},
        {"a = 2147483648;", "a = 2147483648L;"},
        {"a=9999999999", "a=9999999999L"},
        {"a = 9999999999L;", "a = 9999999999L;"},
        {"a = 9223372036854775807;", "a = 9223372036854775807L;"},
        {"a = 9223372036854775808;", "a = 9223372036854775807L;"},
        {"a = -99999999999999999999L; b = 0x1FFFFFFFFFFFFFFFF;",
         "a = -9223372036854775807L; b = 9223372036854775807L;"},
        {"a = 0x7FFFFFFF; b = 0x80000000; c = 0xFFFFFFFFLL; d = 0xx; e = 0x;",
         "a = 0x7FFFFFFF; b = 0x80000000L; c = 0xFFFFFFFFLL; d = 0xx; e = 0x;"},
        {"a = \"9999999999 \\\" 9999999999\";", "a = \"9999999999 \\\" 9999999999\";"},
        {"# 9999999999\n// 9999999999\n/* 9999999999\n*/9999999999",
         "# 9999999999\n// 9999999999\n/* 9999999999\n*/9999999999L"},
        {"x9999999999 = 1.9999999999; y = 9999999999.5", "x9999999999 = 1.9999999999; y = 9999999999.5"},
        {"\"open 9999999999", "\"open 9999999999"},
        {"/* open 9999999999", "/* open 9999999999"},
        {"", ""},
    };
    struct gw_arena a;
    (void)state;
    gw_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(gw_conf_widen(gw_str_z(cases[i][0]), &a).ptr, cases[i][1]);
    gw_arena_fini(&a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values),
        TEST(nothing_is_all_defaults),
        TEST(all_mistakes_at_once),
        TEST(lists_that_are_none),
        TEST(too_many),
        cmocka_unit_test(syntax),
        TEST(expansion),
        TEST(failed_expansion_tells_no_secret),
        TEST(variables_fill_what_is_left_out),
        TEST(bad_variables),
        TEST(an_endpoint_for_a_protocol_that_is_not_there),
        TEST(files),
        cmocka_unit_test(widening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
