/* What is found in log lines without a script: each form that loggers write, and what becomes of it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/logs/log_show.h"

struct form {
    const char *line, *record;
};

/* The attribute that every record has is left out here. */
static void drop_source(struct show *s)
{
    static const char *const tails[] = {" datadog.log.source=\"x\"", "datadog.log.source=\"x\""};
    for (int i = 0; i < 2; i++)
        for (char *at; (at = strstr(s->text, tails[i]));)
            memmove(at, at + strlen(tails[i]), strlen(at + strlen(tails[i])) + 1);
}

static void check(const char *receiver, enum log_form form, const struct form *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct log_bed b = {
            .options = {.source = GW_LIT("x"), .service = GW_LIT("s"), .timezone = GW_LIT("UTC")}};
        struct show s;
        struct log_input in = {.form = form, .text = gw_str_z(f[i].line), .observed = 1700000000000000000u};
        if (receiver)
            in.source = gw_str_z(receiver);
        log_bed_open(&b, "x");
        assert_int_equal(log_add(b.batch, &in), GW_OK);
        log_bed_show(&b, &s);
        if (!receiver)
            drop_source(&s);
        assert_string_equal(s.text, f[i].record);
        log_bed_close(&b);
    }
}

static void text_forms(void **state)
{
    static const struct form forms[] = {
        /* ddtrace's documented format, and what it was before 0.21 */
        {"2026-11-21 00:35:39,530 INFO [__main__] [lt.py:48] [dd.service=App dd.env=Testing dd.version=V1.1 "
         "dd.trace_id=6b00e75b00000000290c438ab8ca0a10 dd.span_id=8077131436526403488] - Hello, World!",
         "{service.name=\"App\" service.version=\"V1.1\" deployment.environment.name=\"Testing\"} __main__ "
         "@1795221339.530000000 INFO(9) "
         "trace:6b00e75b00000000290c438ab8ca0a10 span:7017bc3f3e4bffa0 \"Hello, World!\" "
         "{code.file.path=\"lt.py\" code.line.number=48}\n"},
        {"2026-11-21 00:35:39,530 ERROR [__main__] [lt.py:48] [dd.service.name=App dd.env=Testing "
         "dd.version=V1.1 "
         "dd.trace_id=1532288605744414813 dd.span_id=0] -  * two blanks",
         "{service.name=\"App\" service.version=\"V1.1\" deployment.environment.name=\"Testing\"} __main__ "
         "@1795221339.530000000 ERROR(17) "
         "trace:00000000000000001543c85e56c6405d \"* two blanks\" {code.file.path=\"lt.py\" "
         "code.line.number=48}\n"},
        {"2018-01-01 00:00:00,000 WARNING [a.b] [x.py:1] [dd.trace_id=0 dd.span_id=0] - m",
         "{service.name=\"s\"} a.b @1514764800.000000000 WARNING(13) \"m\" {code.file.path=\"x.py\" "
         "code.line.number=1}\n"},
        /* journalctl -o json, and -o short-full */
        {"{\"__REALTIME_TIMESTAMP\":\"1795221339530000\",\"PRIORITY\":\"4\",\"_HOSTNAME\":\"h\","
         "\"SYSLOG_IDENTIFIER\":\"sshd\",\"MESSAGE\":\"m\"}",
         "{service.name=\"sshd\" host.name=\"h\"} @1795221339.530000000 warning(13) \"m\" {}\n"},
        {"Sat 2026-11-21 08:35:39 CST h sshd[7]: m",
         "{service.name=\"s\" host.name=\"h\"} @1795221339.000000000 (9) \"m\" {syslog.appname=\"sshd\" "
         "syslog.procid=\"7\"}\n"},
        {"<6>2026-11-21T00:35:39Z m", "{service.name=\"s\"} @1795221339.000000000 info(9) \"m\" {}\n"},
        /* the documented form without brackets */
        {"2026-11-21 00:35:39,530 INFO lt.py Python-App 22424432461213157931111111111 say:48 Hello, World!",
         "{service.name=\"Python-App\"} @1795221339.530000000 INFO(9) trace:0000000048750e478f61f83d020359c7 "
         "\"Hello, World!\" "
         "{code.file.path=\"lt.py\" code.function.name=\"say\" code.line.number=48}\n"},
        /* Java: logback's pattern with %X, no trace and a trace */
        {"2026-11-21 00:54:23.383 INFO  [main] org.eclipse.jetty.util.log dd.service=App dd.env=Testing "
         "dd.version=V1.1 dd.trace_id= "
         "dd.span_id= "
         "- Logging initialized @3571ms",
         "{service.name=\"App\" service.version=\"V1.1\" deployment.environment.name=\"Testing\"} "
         "org.eclipse.jetty.util.log "
         "@1795222463.383000000 INFO(9) \"Logging initialized @3571ms\" {thread.name=\"main\"}\n"},
        {"2026-11-21 00:54:23.383 [http-nio-8080-exec-1] WARN  c.e.Foo - slow",
         "{service.name=\"s\"} c.e.Foo @1795222463.383000000 WARN(13) \"slow\" "
         "{thread.name=\"http-nio-8080-exec-1\"}\n"},
        {"[dd.trace 2026-11-21 00:54:21:737 +0000] [main] INFO datadog.trace.agent.core.StatusLogger - "
         "DATADOG TRACER CONFIGURATION {}",
         "{service.name=\"s\"} datadog.trace.agent.core.StatusLogger @1795222461.737000000 INFO(9) \"DATADOG "
         "TRACER CONFIGURATION {}\" "
         "{thread.name=\"main\"}\n"},
        {"2026-11-21T00:54:23.383+08:00  INFO 12345 --- [           main] c.e.Foo                  : Started",
         "{service.name=\"s\"} c.e.Foo @1795193663.383000000 INFO(9) \"Started\" {process.pid=12345 "
         "thread.name=\"main\"}\n"},
        /* Go, Node, and what people write themselves */
        {"2026/11/21 00:51:58 hello dd.service=App dd.env=prod dd.version=1 dd.trace_id=\"123\" "
         "dd.span_id=\"456\"",
         "{service.name=\"App\" service.version=\"1\" deployment.environment.name=\"prod\"} "
         "@1795222318.000000000 (9) "
         "trace:0000000000000000000000000000007b span:00000000000001c8 \"hello dd.service=App dd.env=prod "
         "dd.version=1 dd.trace_id=\"123\" "
         "dd.span_id=\"456\"\" {}\n"},
        {"[dd.env=e dd.service=r dd.version=v dd.trace_id=5 dd.span_id=6 ddsource=ruby] started",
         "{service.name=\"r\" service.version=\"v\" deployment.environment.name=\"e\"} (9) "
         "trace:00000000000000000000000000000005 "
         "span:0000000000000006 \"started\" {ddsource=\"ruby\"}\n"},
        {"WARNING:werkzeug:a message: with colons",
         "{service.name=\"s\"} werkzeug WARNING(13) \"a message: with colons\" {}\n"},
        {"2026-11-21T00:51:58.5Z\tinfo\tserver started",
         "{service.name=\"s\"} @1795222318.500000000 info(9) \"server started\" {}\n"},
        {"[ERROR] disk full", "{service.name=\"s\"} ERROR(17) \"disk full\" {}\n"},
        {"2026-11-21 00:51:58.123 UTC [77] LOG:  checkpoint",
         "{service.name=\"s\"} @1795222318.123000000 LOG(9) \"checkpoint\" {process.pid=77}\n"},
        {"2026-11-21 00:51:58.123 | INFO     | app:main:12 - up",
         "{service.name=\"s\"} app @1795222318.123000000 INFO(9) \"up\" {code.line.number=12 "
         "code.function.name=\"main\"}\n"},
        {"MDC {dd.span_id=7, dd.trace_id=00000000000000ff} done",
         "{service.name=\"s\"} (9) trace:000000000000000000000000000000ff span:0000000000000007 \"MDC "
         "{dd.span_id=7, "
         "dd.trace_id=00000000000000ff} done\" "
         "{}\n"},
        {"2026-11-21 00:54:23,383 - app.views - WARNING - a - b",
         "{service.name=\"s\"} app.views @1795222463.383000000 WARNING(13) \"a - b\" {}\n"},
        {"2026-11-21 00:54:23,383 - INFO - up",
         "{service.name=\"s\"} @1795222463.383000000 INFO(9) \"up\" {}\n"},
        {"2026-11-21 00:54:23,383 - up - or down",
         "{service.name=\"s\"} @1795222463.383000000 (9) \"up - or down\" {}\n"},
        {"::1 - bob [10/Oct/2023:13:55:36 +0800] \"GET / HTTP/1.1\" 200 2",
         "{service.name=\"s\"} @1696917336.000000000 (9) "
         "\"::1 - bob [10/Oct/2023:13:55:36 +0800] \"GET / HTTP/1.1\" 200 2\" {}\n"},
        /* not understood: all of it stays */
        {"hello", "{service.name=\"s\"} (9) \"hello\" {}\n"},
        {"C:/path is no level", "{service.name=\"s\"} (9) \"C:/path is no level\" {}\n"},
        {"Note: neither is this", "{service.name=\"s\"} (9) \"Note: neither is this\" {}\n"},
        {"[main] neither is that", "{service.name=\"s\"} (9) \"[main] neither is that\" {}\n"},
        {"2026-11-21 00:51:58 error opening file",
         "{service.name=\"s\"} @1795222318.000000000 error(17) \"error opening file\" {}\n"},
        {"2026-13-21 00:51:58 INFO no such month",
         "{service.name=\"s\"} (9) \"2026-13-21 00:51:58 INFO no such month\" {}\n"},
        {"{\"a\":1", "{service.name=\"s\"} (9) \"{\"a\":1\" {}\n"},
    };
    check(NULL, LOG_TEXT, forms, sizeof forms / sizeof *forms);
}

static void json_forms(void **state)
{
    static const struct form forms[] = {
        /* structlog with Python 0.x: numbers above 2^53 */
        {"{\"event\": \"in outer\", \"dd.trace_id\": 9857984778103717792, \"dd.span_id\": "
         "16257955398283565131, \"k\": "
         "12345678901234567890}",
         "{service.name=\"s\"} (9) trace:000000000000000088ce98ed04147fa0 span:e19fdc4be0d6184b \"in outer\" "
         "{k=\"12345678901234567890\"}\n"},
        {"{\"event\": \"x\", \"dd.trace_id\": \"0\", \"dd.span_id\": \"0\", \"dd.service\": \"A\", "
         "\"dd.version\": \"\", \"dd.env\": "
         "\"E\"}",
         "{service.name=\"A\" deployment.environment.name=\"E\"} (9) \"x\" {dd.version=\"\"}\n"},
        /* pino, winston, bunyan */
        {"{\"level\":30,\"time\":1795221855737,\"pid\":313,\"hostname\":\"vm\",\"dd\":{\"trace_id\":"
         "\"3023652400146109456\","
         "\"span_id\":\"8941112361932924817\",\"service\":\"App\",\"version\":\"V1.1\",\"env\":\"Testing\"},"
         "\"extra\":1,\"msg\":\"in b\"}",
         "{service.name=\"App\" service.version=\"V1.1\" deployment.environment.name=\"Testing\" "
         "host.name=\"vm\"} @1795221855.737000000 "
         "info(9) "
         "trace:000000000000000029f62bd682f75410 span:7c15365235dda791 \"in b\" {pid=313 extra=1}\n"},
        {"{\"dd\":{\"env\":\"T\",\"other\":[1,{\"message\":\"x\"}]},\"level\":\"warn\",\"message\":\"in "
         "inner\"}",
         "{service.name=\"s\" deployment.environment.name=\"T\"} warn(13) \"in inner\" {dd={other=[1 "
         "{message=\"x\"}]}}\n"},
        {"{\"name\":\"app\",\"hostname\":\"h\",\"level\":50,\"err\":{\"message\":\"boom\",\"name\":\"E\","
         "\"stack\":\"at "
         "x\"},\"msg\":\"failed\","
         "\"time\":\"2026-11-21T00:54:23.383Z\",\"src\":{\"file\":\"a.js\",\"line\":7},\"v\":0}",
         "{service.name=\"s\" host.name=\"h\"} app @1795222463.383000000 error(17) \"failed\" "
         "{err={name=\"E\"} "
         "v=0 code.line.number=7 "
         "code.file.path=\"a.js\" exception.stacktrace=\"at x\" exception.message=\"boom\"}\n"},
        /* logback's encoder, log4j2's JSON, ECS */
        {"{\"@timestamp\":\"2026-11-21T00:54:23.383Z\",\"@version\":\"1\",\"message\":\"m\",\"logger_name\":"
         "\"c.e.F\",\"thread_name\":"
         "\"main\","
         "\"level\":\"INFO\",\"level_value\":20000,\"dd.trace_id\":\"5\",\"stack_trace\":\"java.lang.X\"}",
         "{service.name=\"s\"} c.e.F @1795222463.383000000 INFO(9) trace:00000000000000000000000000000005 "
         "\"m\" {@version=\"1\" "
         "thread.name=\"main\" level_value=20000 exception.stacktrace=\"java.lang.X\"}\n"},
        {"{\"instant\":{\"epochSecond\":1795222463,\"nanoOfSecond\":383000001},\"thread\":\"main\",\"level\":"
         "\"ERROR\",\"loggerName\":"
         "\"l\","
         "\"message\":\"m\",\"contextMap\":{\"dd.trace_id\":\"7\",\"dd.span_id\":\"8\",\"user\":\"u\"},"
         "\"thrown\":{\"name\":\"E\",\"message\":\"w\",\"extendedStackTrace\":\"s\"}}",
         "{service.name=\"s\"} l @1795222463.383000001 ERROR(17) trace:00000000000000000000000000000007 "
         "span:0000000000000008 \"m\" "
         "{thread.name=\"main\" contextMap={user=\"u\"} exception.stacktrace=\"s\" exception.message=\"w\" "
         "exception.type=\"E\"}\n"},
        {"{\"@timestamp\":\"2026-11-21T00:54:23Z\",\"log.level\":\"warn\",\"log\":{\"logger\":\"l\"},"
         "\"service\":{\"name\":\"n\","
         "\"version\":\"2\"},"
         "\"trace.id\":\"6b00e75b00000000290c438ab8ca0a10\",\"message\":\"m\"}",
         "{service.name=\"n\" service.version=\"2\"} l @1795222463.000000000 warn(13) "
         "trace:6b00e75b00000000290c438ab8ca0a10 \"m\" {}\n"},
        /* zap, slog, zerolog */
        {"{\"level\":\"info\",\"ts\":1795222463.5,\"caller\":\"a/"
         "b.go:12\",\"msg\":\"m\",\"f\":1.5,\"ok\":true,\"none\":null}",
         "{service.name=\"s\"} @1795222463.500000000 info(9) \"m\" {code.file.path=\"a/b.go\" "
         "code.line.number=12 f=1.5 ok=true}\n"},
        {"{\"time\":\"2026-11-21T00:51:58.156148857Z\",\"level\":\"INFO+2\",\"source\":{\"function\":\"main."
         "f\",\"file\":\"m.go\",\"line\":"
         "3},"
         "\"msg\":\"Hello, "
         "World!\",\"dd.trace_id\":\"6b00eb2e000000001cadbebeb08c0ce5\",\"dd.span_id\":"
         "\"2066517530247957733\"}",
         "{service.name=\"s\"} @1795222318.156148857 INFO+2(11) trace:6b00eb2e000000001cadbebeb08c0ce5 "
         "span:1cadbebeb08c0ce5 "
         "\"Hello, World!\" {code.line.number=3 code.file.path=\"m.go\" code.function.name=\"main.f\"}\n"},
        /* Serilog */
        {"{\"@t\":\"2026-11-21T00:54:23.3834567Z\",\"@mt\":\"Hi "
         "{Name}\",\"@l\":\"Warning\",\"Name\":\"x\",\"dd_trace_id\":\"9\",\"dd_span_id\":\"10\","
         "\"dd_service\":\"net\",\"dd_env\":\"e\",\"dd_version\":\"v\",\"SourceContext\":\"A.B\"}",
         "{service.name=\"net\" service.version=\"v\" deployment.environment.name=\"e\"} A.B "
         "@1795222463.383456700 Warning(13) "
         "trace:00000000000000000000000000000009 span:000000000000000a \"Hi {Name}\" {Name=\"x\"}\n"},
        {"{\"Timestamp\":\"2026-11-21T00:54:23+00:00\",\"Level\":\"Fatal\",\"MessageTemplate\":\"t\","
         "\"RenderedMessage\":\"r\","
         "\"Properties\":{\"dd_trace_id\":\"9\",\"x\":1}}",
         "{service.name=\"s\"} @1795222463.000000000 Fatal(21) trace:00000000000000000000000000000009 \"r\" "
         "{MessageTemplate=\"t\" "
         "Properties={x=1}}\n"},
        /* PHP's Monolog */
        {"{\"message\":\"m\",\"context\":{\"dd\":{\"trace_id\":\"142486142857142857142857142857142857\","
         "\"span_id\":\"5\"}},\"level\":400,"
         "\"level_name\":\"ERROR\",\"channel\":\"app\",\"datetime\":\"2026-11-21T00:54:23.000001+00:00\"}",
         "{service.name=\"s\"} app @1795222463.000001000 ERROR(17) trace:001b711bf650e3bf474cde8789249249 "
         "span:0000000000000005 \"m\" "
         "{level=400}\n"},
        /* Docker: a line within */
        {"{\"log\":\"2026-11-21 00:54:23,001 ERROR [a] [b.py:3] [dd.trace_id=5 dd.span_id=6] - "
         "inner\\n\",\"stream\":\"stderr\","
         "\"time\":\"2026-11-21T00:54:24Z\"}",
         "{service.name=\"s\"} a @1795222463.001000000 ERROR(17) trace:00000000000000000000000000000005 "
         "span:0000000000000006 \"inner\" "
         "{stream=\"stderr\" code.file.path=\"b.py\" code.line.number=3}\n"},
        /* what is no level, time or message stays what it is; the better key wins */
        {"{\"status\":200,\"level\":\"debug\",\"time\":0.25,\"event\":{\"a\":1},\"msg\":\"low\",\"message\":"
         "\"high\"}",
         "{service.name=\"s\"} debug(5) \"high\" {status=200 time=0.25 event={a=1} msg=\"low\"}\n"},
        {"{\"a\":{\"b\":{}},\"c\":[],\"a\":2,\"trace_id\":\"not one\"}",
         "{service.name=\"s\"} (9) \"{\"a\":{\"b\":{}},\"c\":[],\"a\":2,\"trace_id\":\"not one\"}\" "
         "{a={b={}} c=[] "
         "trace_id=\"not one\"}\n"},
    };
    check(NULL, LOG_TEXT, forms, sizeof forms / sizeof *forms);
}

static void items_of_datadogs_intake(void **state)
{
    static const struct form forms[] = {
        {"{\"message\":\"2026-11-21 00:54:23,001 ERROR [a] [b.py:3] [dd.service=real dd.trace_id=5 "
         "dd.span_id=6] - "
         "m\",\"ddsource\":\"python\","
         "\"ddtags\":\"env:prod,version:1,team:blue,role:a,role:b\",\"hostname\":\"h\",\"service\":\"item\","
         "\"status\":\"info\","
         "\"timestamp\":1795222000000}",
         "{service.name=\"real\" service.version=\"1\" deployment.environment.name=\"prod\" host.name=\"h\"} "
         "a @1795222463.001000000 "
         "ERROR(17) "
         "trace:00000000000000000000000000000005 span:0000000000000006 \"m\" {code.file.path=\"b.py\" "
         "code.line.number=3 team=\"blue\" "
         "role=[\"a\" \"b\"] datadog.log.source=\"python\"}\n"},
        {"{\"message\":\"{\\\"level\\\":\\\"warn\\\",\\\"msg\\\":\\\"in\\\",\\\"n\\\":1}\",\"service\":"
         "\"item\",\"ddtags\":\"service:tag\","
         "\"n\":2}",
         "{service.name=\"item\"} warn(13) \"in\" {n=2 datadog.log.source=\"q\"}\n"},
        /* the container's and the pod's names are the resource's */
        {"{\"message\":\"m\",\"ddtags\":\"kube_namespace:ns,pod_name:p,team:a,kube_container_name:c,"
         "container_id:abc,image_tag:7,pod_name:q,kube_service:x,kube_service:y,env:e\"}",
         "{service.name=\"s\" deployment.environment.name=\"e\" k8s.namespace.name=\"ns\" "
         "k8s.pod.name=[\"p\" \"q\"] k8s.container.name=\"c\" container.id=\"abc\" "
         "container.image.tags=[\"7\"] k8s.service.name=[\"x\" \"y\"]} (9) \"m\" {team=\"a\" "
         "datadog.log.source=\"q\"}\n"},
        {"{\"message\":\"plain\",\"status\":\"alert\",\"timestamp\":\"2026-11-21T00:54:23Z\",\"error\":{"
         "\"kind\":\"K\",\"stack\":\"S\"}}",
         "{service.name=\"s\"} @1795222463.000000000 alert(19) \"plain\" {exception.stacktrace=\"S\" "
         "exception.type=\"K\" "
         "datadog.log.source=\"q\"}\n"},
    };
    check("q", LOG_ITEM, forms, sizeof forms / sizeof *forms);
}

static void numbers_of_levels_by_source(void **state)
{
    static const struct form python[] = {
        {"{\"level\":20,\"msg\":\"m\"}",
         "{service.name=\"s\"} INFO(9) \"m\" {datadog.log.source=\"python-json\"}\n"}};
    static const struct form other[] = {
        {"{\"level\":20,\"msg\":\"m\"}", "{service.name=\"s\"} debug(5) \"m\" {datadog.log.source=\"js\"}\n"},
        {"{\"level\":3,\"msg\":\"m\"}", "{service.name=\"s\"} err(17) \"m\" {datadog.log.source=\"js\"}\n"}};
    check("python-json", LOG_TEXT, python, 1);
    check("js", LOG_TEXT, other, 2);
}

static void envelopes_complete_the_text(void **state)
{
    struct log_bed b = {.options = {.service = GW_LIT("opt"), .env = GW_LIT("o")}};
    struct show s;
    struct log_input in = {.text = GW_STR("plain"),
                           .observed = 1,
                           .time = 1000000005,
                           .severity = 17,
                           .severity_text = GW_STR("err"),
                           .service = GW_STR("conn"),
                           .tags = GW_STR("env:t,a:b"),
                           .host = GW_STR("h")};
    log_bed_open(&b, "x");
    assert_int_equal(log_add(b.batch, &in), GW_OK);
    in.text = GW_STR("2026-11-21 00:51:58Z WARN [dd.service=own dd.trace_id=1] - m");
    assert_int_equal(log_add(b.batch, &in), GW_OK);
    log_bed_show(&b, &s);
    assert_string_equal(s.text,
                        "{service.name=\"conn\" deployment.environment.name=\"t\" host.name=\"h\"} "
                        "@1.000000005 err(17) \"plain\" "
                        "{a=\"b\" datadog.log.source=\"x\"}\n"
                        "{service.name=\"own\" deployment.environment.name=\"t\" host.name=\"h\"} "
                        "@1795222318.000000000 WARN(13) "
                        "trace:00000000000000000000000000000001 \"m\" {a=\"b\" datadog.log.source=\"x\"}\n");
    log_bed_close(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_forms),
        cmocka_unit_test(json_forms),
        cmocka_unit_test(items_of_datadogs_intake),
        cmocka_unit_test(numbers_of_levels_by_source),
        cmocka_unit_test(envelopes_complete_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
