/* What becomes of the lines of many loggers and servers, without a script: real lines of each of them, and
 * what they must not be mistaken for.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/logs/log_show.h"

/* Each line came at 2026-11-28T12:00:00Z; the receiver's zone is UTC, its service s, its source x. */
static const uint64_t now = 1795867200000000000u;

struct row {
    const char *line, *record; /* the record without its service, where that is s, and without its source */
};

static void cut(char *text, const char *what)
{
    for (char *at; (at = strstr(text, what));)
        memmove(at, at + strlen(what), strlen(at + strlen(what)) + 1);
}

static void check(const struct row *rows, size_t n)
{
    struct log_bed b = {
        .options = {.source = GW_LIT("x"), .service = GW_LIT("s"), .timezone = GW_LIT("UTC")}};
    static struct show s;
    bool wrong = false;
    log_bed_open(&b, "x");
    for (size_t i = 0; i < n; i++) {
        struct log_input in = {.form = LOG_TEXT, .text = gw_str_z(rows[i].line), .observed = now};
        assert_int_equal(log_add(b.batch, &in), GW_OK);
        log_bed_show(&b, &s);
        cut(s.text, " datadog.log.source=\"x\"");
        cut(s.text, "datadog.log.source=\"x\"");
        cut(s.text, "{service.name=\"s\"} ");
        s.text[strlen(s.text) - 1] = 0; /* the line's end */
        if (strcmp(s.text, rows[i].record) != 0) {
            print_error("%s\n  is   %s\n  want %s\n", rows[i].line, s.text, rows[i].record);
            wrong = true;
        }
    }
    log_bed_close(&b);
    assert_false(wrong);
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows))

/* Monolog (Laravel, Symfony), PHP itself, PHP-FPM */
static void php(void **state)
{
    static const struct row rows[] = {
        {"[2022-12-09 16:02:42] production.ERROR: Hello "
         "{\"dd.trace_id\":\"1234567890abcdef\",\"dd.span_id\":\"1234567890abcdef\"}",
         "production @1670601762.000000000 ERROR(17) trace:00000000000000001234567890abcdef "
         "span:1234567890abcdef \"Hello "
         "{\"dd.trace_id\":\"1234567890abcdef\",\"dd.span_id\":\"1234567890abcdef\"}\" {}"},
        {"[2026-11-28T15:04:19.123456+00:00] app.WARNING: boom {\"a\":1} []",
         "app @1795878259.123456000 WARNING(13) \"boom {\"a\":1} []\" {}"},
        {"[2026-11-28T15:04:19.123456+00:00] request.INFO: Matched route \"home\". {\"route\":\"home\"} []",
         "request @1795878259.123456000 INFO(9) \"Matched route \"home\". {\"route\":\"home\"} []\" {}"},
        {"[2026-11-28 15:04:19] local.EMERGENCY: boom",
         "local @1795878259.000000000 EMERGENCY(21) \"boom\" {}"},
        {"[21-Nov-2026 00:35:39 UTC] PHP Fatal error:  Uncaught Exception: boom in /a.php:3",
         "@1795221339.000000000 Fatal error(21) \"PHP Fatal error:  Uncaught Exception: boom in /a.php:3\" "
         "{}"},
        {"[21-Nov-2026 00:35:39 Asia/Shanghai] PHP Warning:  Undefined variable $x in /a.php on line 3",
         "@1795192539.000000000 Warning(13) \"PHP Warning:  Undefined variable $x in /a.php on line 3\" {}"},
        {"[21-Nov-2026 00:35:39] WARNING: [pool www] child 123 said into stderr: \"x\"",
         "pool www @1795221339.000000000 WARNING(13) \"child 123 said into stderr: \"x\"\" {}"},
        {"[21-Nov-2026 00:35:39] NOTICE: fpm is running, pid 1",
         "@1795221339.000000000 NOTICE(10) \"fpm is running, pid 1\" {}"},
        {"- -  29/Nov/2026:02:26:28 +0000 \"GET /w.php\" 200",
         "@1795919188.000000000 (9) \"- -  29/Nov/2026:02:26:28 +0000 \"GET /w.php\" 200\" {}"},
    };
    CHECK(rows);
}

/* Ruby's Logger, with and without a program's name */
static void ruby(void **state)
{
    static const struct row rows[] = {
        {"W, [2019-01-16T18:38:41.123456 #123]  WARN -- : [6ab0d1e2] [dd.env=production "
         "dd.service=billing-api dd.trace_id=8545847825299552251 dd.span_id=3711755234730770098 "
         "ddsource=ruby] Started GET",
         "{service.name=\"billing-api\" deployment.environment.name=\"production\"} @1547663921.123456000 "
         "WARN(13) trace:00000000000000007698f351bb8637fb span:3382cdb86352feb2 \"[6ab0d1e2] "
         "[dd.env=production dd.service=billing-api dd.trace_id=8545847825299552251 "
         "dd.span_id=3711755234730770098 ddsource=ruby] Started GET\" {process.pid=123}"},
        {"I, [2026-11-21T00:35:39.123456 #77]  INFO -- my prog: hello: world",
         "my prog @1795221339.123456000 INFO(9) \"hello: world\" {process.pid=77}"},
        {"E, [2026-11-21T00:35:39.123456 #77] ERROR -- :   indented",
         "@1795221339.123456000 ERROR(17) \"indented\" {process.pid=77}"},
        {"F, [2026-11-21T00:35:39.123456 #77] FATAL -- rails: RuntimeError (boom)\napp/x.rb:3:in `f'",
         "rails @1795221339.123456000 FATAL(21) \"RuntimeError (boom)\napp/x.rb:3:in `f'\" {process.pid=77}"},
        {"2023-05-04T12:01:02.509Z pid=8 tid=gq0 class=HardWorker jid=abc123 INFO: start",
         "@1683201662.509000000 INFO(9) \"pid=8 tid=gq0 class=HardWorker jid=abc123 INFO: start\" {}"},
        {"2023-05-04T12:01:02.509Z 8 TID-ox2x HardWorker JID-abc ERROR: boom",
         "@1683201662.509000000 ERROR(17) \"8 TID-ox2x HardWorker JID-abc ERROR: boom\" {}"},
    };
    CHECK(rows);
}

/* logging in its usual formats, Celery, gunicorn, uvicorn, Airflow, loguru, Tornado, Django, pytest */
static void python(void **state)
{
    static const struct row rows[] = {
        {"2026-11-21 00:35:39 [error    ] boom                           order=7",
         "@1795221339.000000000 error(17) \"boom                           order=7\" {}"},
        {"2026-11-21T00:35:39.123456Z [warning  ] no stock           [shop.cart] order=7",
         "@1795221339.123456000 warning(13) \"no stock           [shop.cart] order=7\" {}"},
        {"2026-11-21 00:35:39,530 ERROR [app] [cart.py:7] - boom",
         "app @1795221339.530000000 ERROR(17) \"boom\" {code.file.path=\"cart.py\" code.line.number=7}"},
        {"2026-11-21 00:35:39,530 - app.views - WARNING - a - b",
         "app.views @1795221339.530000000 WARNING(13) \"a - b\" {}"},
        {"2026-11-21 00:35:39,530:ERROR:root:boom", "root @1795221339.530000000 ERROR(17) \"boom\" {}"},
        {"2026-11-21 00:35:39,530:app.x:ERROR:boom", "app.x @1795221339.530000000 ERROR(17) \"boom\" {}"},
        {"2026-11-21 00:35:39,530 ERROR    root         boom",
         "root @1795221339.530000000 ERROR(17) \"boom\" {}"},
        {"2026-11-21 00:35:39,530 app.x WARNING: boom",
         "app.x @1795221339.530000000 WARNING(13) \"boom\" {}"},
        {"ERROR:root:boom", "root ERROR(17) \"boom\" {}"},
        {"WARNING:app.views:a: b", "app.views WARNING(13) \"a: b\" {}"},
        {"ERROR    root:test_x.py:3 boom",
         "root ERROR(17) \"boom\" {code.file.path=\"test_x.py\" code.line.number=3}"},
        {"[2026-11-21 00:35:39,530: ERROR/ForkPoolWorker-1] Task x raised",
         "@1795221339.530000000 ERROR(17) \"Task x raised\" {thread.name=\"ForkPoolWorker-1\"}"},
        {"[2026-11-21 00:35:39,530: WARNING/MainProcess] celery@vm ready.",
         "@1795221339.530000000 WARNING(13) \"celery@vm ready.\" {thread.name=\"MainProcess\"}"},
        {"[2026-11-21 00:35:39,530: INFO/MainProcess] Task shop.add[6b0159f8] received",
         "@1795221339.530000000 INFO(9) \"Task shop.add[6b0159f8] received\" {thread.name=\"MainProcess\"}"},
        {"[INFO/MainProcess] child process calling self.run()",
         "INFO(9) \"child process calling self.run()\" {thread.name=\"MainProcess\"}"},
        {"[2026-11-21 00:35:39 +0000] [123] [INFO] Booting worker with pid: 124",
         "@1795221339.000000000 INFO(9) \"Booting worker with pid: 124\" {process.pid=123}"},
        {"[2026-11-21 00:35:39 +0800] [7] [ERROR] Exception in worker process",
         "@1795192539.000000000 ERROR(17) \"Exception in worker process\" {process.pid=7}"},
        {"INFO:     127.0.0.1:5000 - \"GET / HTTP/1.1\" 200 OK",
         "INFO(9) \"127.0.0.1:5000 - \"GET / HTTP/1.1\" 200 OK\" {}"},
        {"ERROR:    Exception in ASGI application", "ERROR(17) \"Exception in ASGI application\" {}"},
        {"WARNING:  StatReload detected changes in 'main.py'. Reloading...",
         "WARNING(13) \"StatReload detected changes in 'main.py'. Reloading...\" {}"},
        {"[2026-11-21T00:35:39.530+0000] {taskinstance.py:1138} ERROR - Dependencies not met",
         "@1795221339.530000000 ERROR(17) \"Dependencies not met\" {code.file.path=\"taskinstance.py\" "
         "code.line.number=1138}"},
        {"[2026-11-21 00:35:39,530] {{models.py:1593}} INFO - x",
         "@1795221339.530000000 INFO(9) \"x\" {code.file.path=\"models.py\" code.line.number=1593}"},
        {"2026-11-21 00:51:58.123 | ERROR    | app.x:main:12 - up",
         "app.x @1795222318.123000000 ERROR(17) \"up\" {code.line.number=12 code.function.name=\"main\"}"},
        {"2026-11-21 00:51:58.123 | SUCCESS  | __main__:<module>:3 - done",
         "__main__ @1795222318.123000000 SUCCESS(9) \"done\" {code.line.number=3 "
         "code.function.name=\"<module>\"}"},
        {"[E 210531 15:23:45 web:2246] 500 GET",
         "web @1622474625.000000000 E(17) \"500 GET\" {code.line.number=2246}"},
        {"[I 2026-11-21 00:35:39.530 ServerApp] Jupyter",
         "ServerApp @1795221339.530000000 I(9) \"Jupyter\" {}"},
        {"ERROR 2026-11-21 00:35:39,530 views 12 140 boom",
         "@1795221339.530000000 ERROR(17) \"views 12 140 boom\" {}"},
        {"2026-11-21 00:35:39 [error    ] it broke                       order=7",
         "@1795221339.000000000 error(17) \"it broke                       order=7\" {}"},
        {"Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\nValueError: no",
         "(17) \"Traceback (most recent call last):\n  File \"x.py\", line 1, in <module>\nValueError: no\" "
         "{}"},
        {"ERROR:    [Errno 98] error while attempting to bind",
         "ERROR(17) \"[Errno 98] error while attempting to bind\" {}"},
        {"2023-05-04 12:01:02,509 WARNING  shop.views       views.py:12    careful",
         "shop.views @1683201662.509000000 WARNING(13) \"careful\" {code.file.path=\"views.py\" "
         "code.line.number=12}"},
        {"2026-11-21 00:35:39 [6b0159f8-0000-4000-8be0-a7e88a5dbf4d] [ERROR] boom",
         "@1795221339.000000000 ERROR(17) \"[6b0159f8-0000-4000-8be0-a7e88a5dbf4d] [ERROR] boom\" {}"},
        {"2026-11-21 00:35:39 [10.0.0.1:5000] ERROR boom",
         "@1795221339.000000000 ERROR(17) \"[10.0.0.1:5000] ERROR boom\" {}"},
    };
    CHECK(rows);
}

/* logback, log4j, log4j2, java.util.logging, Tomcat, JBoss, Spring Boot, Datadog's raw pattern,
 * Elasticsearch, Kafka */
static void java(void **state)
{
    static const struct row rows[] = {
        {"15:02:22.123 [main] ERROR a.B - boom",
         "a.B @1795791742.123000000 ERROR(17) \"boom\" {thread.name=\"main\"}"},
        {"15:02:22.123 [main] INFO  a.B -- boom",
         "a.B @1795791742.123000000 INFO(9) \"boom\" {thread.name=\"main\"}"},
        {"15:02:22.123 [http-nio-8080-exec-1] WARN  org.example.Foo.Bar -- a=1 boom",
         "org.example.Foo.Bar @1795791742.123000000 WARN(13) \"a=1 boom\" "
         "{thread.name=\"http-nio-8080-exec-1\"}"},
        {"2026-11-21 00:35:39,530 WARN  [pool-1-thread-2] c.e.Cart (Cart.java:12) - slow",
         "c.e.Cart @1795221339.530000000 WARN(13) \"slow\" {code.file.path=\"Cart.java\" code.line.number=12 "
         "thread.name=\"pool-1-thread-2\"}"},
        {"Nov 21, 2026 12:35:39 AM com.x.Foo bar\nSEVERE: it broke",
         "com.x.Foo @1795221339.000000000 SEVERE(17) \"it broke\" {code.function.name=\"bar\"}"},
        {"Nov 21, 2026 12:35:39 PM com.x.Foo <init>\nWARNING: it broke\njava.lang.X: y\n\tat a.b",
         "com.x.Foo @1795264539.000000000 WARNING(13) \"it broke\njava.lang.X: y\n\tat a.b\" "
         "{code.function.name=\"<init>\"}"},
        {"06-Sep-2021 22:33:30.513 SEVERE [main] org.apache.catalina.startup.HostConfig.deployWAR failed",
         "org.apache.catalina.startup.HostConfig @1630967610.513000000 SEVERE(17) \"failed\" "
         "{code.function.name=\"deployWAR\" thread.name=\"main\"}"},
        {"06-Sep-2021 22:33:30.513 INFO [main] org.apache.catalina.startup.Catalina.start Server startup in "
         "[123] milliseconds",
         "org.apache.catalina.startup.Catalina @1630967610.513000000 INFO(9) \"Server startup in [123] "
         "milliseconds\" {code.function.name=\"start\" thread.name=\"main\"}"},
        {"00:35:39,530 INFO  [org.jboss.as] (MSC service thread 1-1) WFLYSRV0025: started",
         "org.jboss.as @1795826139.530000000 INFO(9) \"WFLYSRV0025: started\" {thread.name=\"MSC service "
         "thread 1-1\"}"},
        {"2026-11-21 00:35:39,530 ERROR [org.jboss.msc] (default task-1) MSC000001: failed",
         "org.jboss.msc @1795221339.530000000 ERROR(17) \"MSC000001: failed\" {thread.name=\"default "
         "task-1\"}"},
        {"2026-11-21T00:35:39.530+08:00 ERROR 12345 --- [shop] [           main] c.e.Foo                     "
         "             : it broke",
         "{service.name=\"shop\"} c.e.Foo @1795192539.530000000 ERROR(17) \"it broke\" {process.pid=12345 "
         "thread.name=\"main\"}"},
        {"2026-11-21T00:35:39.530+08:00  INFO 12345 --- [shop] [nio-8080-exec-1] "
         "[6b0159f8000000006be0a7e88a5dbf4d-81b6ce4128d4ef58] c.e.Foo                                  : it "
         "broke",
         "{service.name=\"shop\"} c.e.Foo @1795192539.530000000 INFO(9) "
         "trace:6b0159f8000000006be0a7e88a5dbf4d span:81b6ce4128d4ef58 \"it broke\" {process.pid=12345 "
         "thread.name=\"nio-8080-exec-1\"}"},
        {"2026-11-21T00:35:39.530+08:00  INFO 12345 --- [nio-8080-exec-1] [                                  "
         "               ] c.e.Foo                                  : it broke",
         "c.e.Foo @1795192539.530000000 INFO(9) \"it broke\" {process.pid=12345 "
         "thread.name=\"nio-8080-exec-1\"}"},
        {"2026-11-21 00:35:39.530  INFO 12345 --- [           main] c.e.Foo                                  "
         ": it broke",
         "c.e.Foo @1795221339.530000000 INFO(9) \"it broke\" {process.pid=12345 thread.name=\"main\"}"},
        {"2021-01-01 00:00:00.000  INFO [shop,6b0159f8000000006be0a7e88a5dbf4d,81b6ce4128d4ef58] 12345 --- "
         "[main] c.e.Foo : msg",
         "{service.name=\"shop\"} c.e.Foo @1609459200.000000000 INFO(9) "
         "trace:6b0159f8000000006be0a7e88a5dbf4d span:81b6ce4128d4ef58 \"msg\" {process.pid=12345 "
         "thread.name=\"main\"}"},
        {"2021-01-01 00:00:00.000  INFO [shop,,] 12345 --- [main] c.e.Foo : msg",
         "{service.name=\"shop\"} c.e.Foo @1609459200.000000000 INFO(9) \"msg\" {process.pid=12345 "
         "thread.name=\"main\"}"},
        {"2016-09-02 15:02:29 ERROR Foo:12 - 6b0159f8000000006be0a7e88a5dbf4d 9346884855907282776 - boom",
         "Foo @1472828549.000000000 ERROR(17) trace:6b0159f8000000006be0a7e88a5dbf4d span:81b6ce4128d4ef58 "
         "\"boom\" {code.line.number=12}"},
        {"2016-09-02 15:02:29 INFO  Foo:12 - 8545847825299552251 3711755234730770098 - boom - x",
         "Foo @1472828549.000000000 INFO(9) trace:00000000000000007698f351bb8637fb span:3382cdb86352feb2 "
         "\"boom - x\" {code.line.number=12}"},
        {"2016-09-02 15:02:29 INFO  Foo:12 -   - boom",
         "Foo @1472828549.000000000 INFO(9) \"boom\" {code.line.number=12}"},
        {"2016-09-02 15:02:29 INFO  Foo:12 - 0 0 - boom",
         "Foo @1472828549.000000000 INFO(9) \"boom\" {code.line.number=12}"},
        {"[2026-11-21T00:35:39,530][INFO ][o.e.n.Node               ] [node-1] started",
         "o.e.n.Node @1795221339.530000000 INFO(9) \"[node-1] started\" {}"},
        {"[2026-11-21 00:35:39,530] INFO [Controller id=1] started (kafka.controller.KafkaController)",
         "@1795221339.530000000 INFO(9) \"[Controller id=1] started (kafka.controller.KafkaController)\" {}"},
        {"[2026-11-21 00:35:39,530] ERROR Shutdown broker because of x (kafka.server.LogDirFailureChannel)",
         "@1795221339.530000000 ERROR(17) \"Shutdown broker because of x "
         "(kafka.server.LogDirFailureChannel)\" {}"},
        {"17/06/09 20:10:40 INFO executor.CoarseGrainedExecutorBackend: Registered signal handlers for "
         "[TERM, HUP, INT]",
         "executor.CoarseGrainedExecutorBackend @1497039040.000000000 INFO(9) \"Registered signal handlers "
         "for [TERM, HUP, INT]\" {}"},
        {"17/06/09 20:10:40 ERROR Executor: Exception in task",
         "Executor @1497039040.000000000 ERROR(17) \"Exception in task\" {}"},
        {"081109 203615 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1",
         "dfs.DataNode$PacketResponder @1226262975.000000000 INFO(9) \"PacketResponder 1\" "
         "{process.pid=148}"},
        {"2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop.mapreduce.v2.app.MRAppMaster: Created",
         "org.apache.hadoop.mapreduce.v2.app.MRAppMaster @1445191307.978000000 INFO(9) \"Created\" "
         "{thread.name=\"main\"}"},
        {"2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - "
         "Notification time out: 3200",
         "FastLeaderElection @1438191704.747000000 INFO(9) \"Notification time out: 3200\" "
         "{thread.name=\"QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181\" code.line.number=774}"},
        {"Exception in thread \"main\" java.lang.X: y\n\tat a.b(C.java:1)",
         "(17) \"Exception in thread \"main\" java.lang.X: y\n\tat a.b(C.java:1)\" {}"},
        {"java.lang.IllegalStateException: no\n\tat a.b(C.java:1)",
         "(17) \"java.lang.IllegalStateException: no\n\tat a.b(C.java:1)\" {}"},
        {"12:01:02,509 |-ERROR in ch.qos.logback.core.FileAppender[FILE] - openFile failed",
         "ch.qos.logback.core.FileAppender @1795867262.509000000 ERROR(17) \"openFile failed\" {}"},
        {"12:01:02,509 |-INFO in ch.qos.logback.classic.joran.action.RootLoggerAction - Setting level",
         "ch.qos.logback.classic.joran.action.RootLoggerAction @1795867262.509000000 INFO(9) \"Setting "
         "level\" {}"},
        {"2023-05-04T12:01:02.509+02:00 ERROR 99 --- [my-app] [nio-8080-exec-2] "
         "o.a.c.c.C.[.[.[/].[dispatcherServlet]    : Servlet.service() threw",
         "{service.name=\"my-app\"} o.a.c.c.C.[.[.[/].[dispatcherServlet] @1683194462.509000000 ERROR(17) "
         "\"Servlet.service() threw\" {process.pid=99 thread.name=\"nio-8080-exec-2\"}"},
        {"2016-09-02 15:02:29,123 main ERROR Unable to locate appender \"A\"",
         "@1472828549.123000000 ERROR(17) \"Unable to locate appender \"A\"\" {thread.name=\"main\"}"},
        {"23/05/04 12:01:02.509 dispatcher-event-loop-1 INFO BlockManagerInfo: Added",
         "BlockManagerInfo @1683201662.509000000 INFO(9) \"Added\" "
         "{thread.name=\"dispatcher-event-loop-1\"}"},
    };
    CHECK(rows);
}

/* ASP.NET Core's console, Serilog, NLog, log4net */
static void dotnet(void **state)
{
    static const struct row rows[] = {
        {"fail: Microsoft.AspNetCore.Server.Kestrel[13]\n      Connection id \"0HM\" exception",
         "Microsoft.AspNetCore.Server.Kestrel fail(17) \"Connection id \"0HM\" exception\" {event.id=13}"},
        {"info: Microsoft.Hosting.Lifetime[0]\n      Now listening on: http://localhost:5000",
         "Microsoft.Hosting.Lifetime info(9) \"Now listening on: http://localhost:5000\" {}"},
        {"warn: Microsoft.AspNetCore.HttpsPolicy.HttpsRedirectionMiddleware[3] Failed",
         "Microsoft.AspNetCore.HttpsPolicy.HttpsRedirectionMiddleware warn(13) \"Failed\" {event.id=3}"},
        {"[00:35:39 ERR] boom", "@1795826139.000000000 ERR(17) \"boom\" {}"},
        {"[00:35:39 INF] Hello", "@1795826139.000000000 INF(9) \"Hello\" {}"},
        {"2026-11-21 00:35:39.530 +08:00 [ERR] boom", "@1795192539.530000000 ERR(17) \"boom\" {}"},
        {"2026-11-21 00:35:39.5300|ERROR|Name.Space.Class|boom",
         "Name.Space.Class @1795221339.530000000 ERROR(17) \"boom\" {}"},
        {"2026-11-21 00:35:39.5300|INFO|Name.Space.Class|a|b",
         "Name.Space.Class @1795221339.530000000 INFO(9) \"a|b\" {}"},
        {"2026-11-21 00:35:39,530 [7] ERROR Name.Space.Class [(null)] - boom",
         "Name.Space.Class @1795221339.530000000 ERROR(17) \"boom\" {thread.id=7}"},
        {"2026-11-21 00:35:39,530 [7] ERROR Name.Space.Class - boom",
         "Name.Space.Class @1795221339.530000000 ERROR(17) \"boom\" {thread.id=7}"},
        {"Unhandled exception. System.InvalidOperationException: no\n   at P.Main()",
         "(17) \"Unhandled exception. System.InvalidOperationException: no\n   at P.Main()\" {}"},
        {"2023-05-04 12:01:02.5093|0|INFO|Microsoft.Hosting.Lifetime|Now listening",
         "Microsoft.Hosting.Lifetime @1683201662.509300000 INFO(9) \"Now listening\" {}"},
        {"2023-05-04 12:01:02.5093|7|ERROR|Shop.Cart|it broke|url: http://x",
         "Shop.Cart @1683201662.509300000 ERROR(17) \"it broke|url: http://x\" {event.id=7}"},
    };
    CHECK(rows);
}

/* its log package, glog and klog, zap, zerolog, logrus, hclog */
static void go(void **state)
{
    static const struct row rows[] = {
        {"2026/11/21 00:35:39 hello", "@1795221339.000000000 (9) \"hello\" {}"},
        {"2026/11/21 00:35:39 main.go:12: hello",
         "@1795221339.000000000 (9) \"hello\" {code.file.path=\"main.go\" code.line.number=12}"},
        {"2026/11/21 00:35:39.123456 /s/main.go:12: hello",
         "@1795221339.123456000 (9) \"hello\" {code.file.path=\"/s/main.go\" code.line.number=12}"},
        {"2026/11/21 00:35:39 http: TLS handshake error from 10.0.0.1:5000: EOF",
         "@1795221339.000000000 (9) \"http: TLS handshake error from 10.0.0.1:5000: EOF\" {}"},
        {"2026/11/21 00:35:39 main.go:12: ERROR boom",
         "@1795221339.000000000 ERROR(17) \"boom\" {code.file.path=\"main.go\" code.line.number=12}"},
        {"2026/11/21 00:35:39 main.go:12: ERROR: boom",
         "@1795221339.000000000 ERROR(17) \"boom\" {code.file.path=\"main.go\" code.line.number=12}"},
        {"ERROR: 2026/11/21 00:35:39 main.go:12: boom",
         "@1795221339.000000000 ERROR(17) \"boom\" {code.file.path=\"main.go\" code.line.number=12}"},
        {"2026/11/21 00:35:39 [ERROR] agent: boom", "@1795221339.000000000 ERROR(17) \"agent: boom\" {}"},
        {"E1121 00:35:39.123456       1 reflector.go:138] Failed to watch",
         "@1795221339.123456000 E(17) \"Failed to watch\" {thread.id=1 code.file.path=\"reflector.go\" "
         "code.line.number=138}"},
        {"W0930 01:02:03.000001   12 a/b/c.go:7] x",
         "@1790730123.000001000 W(13) \"x\" {thread.id=12 code.file.path=\"a/b/c.go\" code.line.number=7}"},
        {"I20261121 00:35:39.123456 12345 main.cc:12] hello",
         "@1795221339.123456000 I(9) \"hello\" {thread.id=12345 code.file.path=\"main.cc\" "
         "code.line.number=12}"},
        {"F1121 00:35:39.123456 7 x.cc:1] no",
         "@1795221339.123456000 F(21) \"no\" {thread.id=7 code.file.path=\"x.cc\" code.line.number=1}"},
        {"2026-11-21T00:35:39.530Z\tERROR\tdb\tmain.go:12\tboom\t{\"a\":1}",
         "db @1795221339.530000000 ERROR(17) \"boom\t{\"a\":1}\" {code.file.path=\"main.go\" "
         "code.line.number=12}"},
        {"2026-11-21T00:35:39.530+0800\tinfo\tmain.go:12\tup",
         "@1795192539.530000000 info(9) \"up\" {code.file.path=\"main.go\" code.line.number=12}"},
        {"12:35AM INF hello key=v", "@1795826100.000000000 INF(9) \"hello key=v\" {}"},
        {"2026-11-21T00:35:39Z WRN hello key=v", "@1795221339.000000000 WRN(13) \"hello key=v\" {}"},
        {"INFO[0012] A group of walrus emerges     animal=walrus size=10",
         "INFO(9) \"A group of walrus emerges     animal=walrus size=10\" {}"},
        {"2026-11-21T00:35:39.530Z [INFO]  agent: starting",
         "@1795221339.530000000 INFO(9) \"agent: starting\" {}"},
        {"panic: boom\n\ngoroutine 1 [running]:", "(17) \"panic: boom\n\ngoroutine 1 [running]:\" {}"},
        {"{\"@level\":\"warn\",\"@message\":\"boom\",\"@module\":\"core\",\"@timestamp\":\"2023-05-04T12:01:"
         "02.509Z\"}",
         "core @1683201662.509000000 warn(13) \"boom\" {}"},
    };
    CHECK(rows);
}

/* slog, logrus, log15, go-kit, structlog, Grafana, behind a time, and what is none */
static void logfmt(void **state)
{
    static const struct row rows[] = {
        {"time=\"2026-11-21T00:35:39Z\" level=error msg=\"cannot connect\" "
         "dd.trace_id=6b0159f8000000006be0a7e88a5dbf4d",
         "@1795221339.000000000 error(17) trace:6b0159f8000000006be0a7e88a5dbf4d \"cannot connect\" {}"},
        {"time=2026-11-28T15:03:39.476Z level=ERROR source=/s/main.go:47 msg=\"slog text\" order=7",
         "@1795878219.476000000 ERROR(17) \"slog text\" {code.file.path=\"/s/main.go\" code.line.number=47 "
         "order=\"7\"}"},
        {"ts=2026-11-21T00:35:39.123Z level=error caller=main.go:12 msg=\"slow\"",
         "@1795221339.123000000 error(17) \"slow\" {code.file.path=\"main.go\" code.line.number=12}"},
        {"t=2026-11-21T00:35:39+0800 lvl=eror msg=\"log15 \\\"x\\\"\" logger=db err=\"no such\"",
         "db @1795192539.000000000 eror(17) \"log15 \"x\"\" {err=\"no such\"}"},
        {"logger=settings t=2026-11-21T00:35:39.123Z level=info msg=\"Starting Grafana\" version=10",
         "settings @1795221339.123000000 info(9) \"Starting Grafana\" {version=\"10\"}"},
        {"level=info ts=2026-11-21T00:35:39.123Z caller=main.go:12 component=web msg=up",
         "@1795221339.123000000 info(9) \"up\" {code.file.path=\"main.go\" code.line.number=12 "
         "component=\"web\"}"},
        {"timestamp='2026-11-21T00:35:39Z' level='warning' event='it\\'s' user=None",
         "@1795221339.000000000 warning(13) \"it's\" {user=\"None\"}"},
        {"2026-11-21T00:35:39Z level=error msg=x", "@1795221339.000000000 error(17) \"x\" {}"},
        {"level=warn some words msg=x", "warn(13) \"level=warn some words msg=x\" {}"},
        {"a=1 b=2", "(9) \"a=1 b=2\" {}"},
        {"key=value in prose, level unknown", "(9) \"key=value in prose, level unknown\" {}"},
        {"WARN[0004] careful                                       key=1",
         "WARN(13) \"careful                                       key=1\" {}"},
    };
    CHECK(rows);
}

/* env_logger, tracing, fern */
static void rust(void **state)
{
    static const struct row rows[] = {
        {"[2026-11-21T00:35:39Z ERROR my_crate::module] boom",
         "my_crate::module @1795221339.000000000 ERROR(17) \"boom\" {}"},
        {"[2026-11-21T00:35:39Z INFO  my_crate] boom", "my_crate @1795221339.000000000 INFO(9) \"boom\" {}"},
        {"2026-11-21T00:35:39.123456Z ERROR my_crate::module: boom a=1",
         "my_crate::module @1795221339.123456000 ERROR(17) \"boom a=1\" {}"},
        {"2026-11-21T00:35:39.123456Z  INFO my_crate: boom a=1",
         "my_crate @1795221339.123456000 INFO(9) \"boom a=1\" {}"},
        {"[2026-11-21][00:35:39][my_crate][INFO] hello",
         "my_crate @1795221339.000000000 INFO(9) \"hello\" {}"},
        {"thread 'main' panicked at src/main.rs:2:5:\nboom\nnote: run with `RUST_BACKTRACE=1`",
         "(17) \"thread 'main' panicked at src/main.rs:2:5:\nboom\nnote: run with `RUST_BACKTRACE=1`\" {}"},
        {"2023-05-04T12:01:02.509123Z ERROR request{id=7 path=\"/x\"}:load{n=1}: shop::cart: it broke",
         "shop::cart @1683201662.509123000 ERROR(17) \"request{id=7 path=\"/x\"}:load{n=1}: shop::cart: it "
         "broke\" {}"},
        {"2023-05-04T12:01:02.509123Z  INFO ThreadId(01) shop: src/main.rs:12: up",
         "shop @1683201662.509123000 INFO(9) \"up\" {thread.id=1 code.file.path=\"src/main.rs\" "
         "code.line.number=12}"},
        {"{\"timestamp\":\"2023-05-04T12:01:02.509123Z\",\"level\":\"ERROR\",\"fields\":{\"message\":"
         "\"boom\",\"n\":1},\"target\":\"shop::cart\"}",
         "shop::cart @1683201662.509123000 ERROR(17) \"boom\" {fields={n=1}}"},
    };
    CHECK(rows);
}

/* winston, pino and bunyan by their numbers, an error on standard error */
static void node(void **state)
{
    static const struct row rows[] = {
        {"error: boom", "error(17) \"boom\" {}"},
        {"warn: boom {\"a\":1}", "warn(13) \"boom {\"a\":1}\" {}"},
        {"{\"level\":50,\"time\":1795221339530,\"msg\":\"boom\"}",
         "@1795221339.530000000 error(17) \"boom\" {}"},
        {"{\"name\":\"app\",\"level\":30,\"msg\":\"hi\",\"time\":\"2026-11-21T00:35:39.530Z\",\"v\":0}",
         "app @1795221339.530000000 info(9) \"hi\" {v=0}"},
        {"Error: boom\n    at f (a.js:1:1)", "Error(17) \"Error: boom\n    at f (a.js:1:1)\" {}"},
        {"TypeError: x is not a function\n    at f (a.js:1:1)",
         "(17) \"TypeError: x is not a function\n    at f (a.js:1:1)\" {}"},
    };
    CHECK(rows);
}

/* Logger, request ids before the level, RabbitMQ */
static void elixir_and_erlang(void **state)
{
    static const struct row rows[] = {
        {"00:35:39.530 [error] GenServer terminating",
         "@1795826139.530000000 error(17) \"GenServer terminating\" {}"},
        {"00:35:39.530 request_id=F12 [info] GET /",
         "@1795826139.530000000 info(9) \"request_id=F12 [info] GET /\" {}"},
        {"2026-11-21 00:35:39.530119+00:00 [error] <0.123.0> closing AMQP",
         "@1795221339.530119000 error(17) \"<0.123.0> closing AMQP\" {}"},
        {"=INFO REPORT==== 21-Nov-2026::00:35:39.530 ===\naccepting AMQP",
         "@1795221339.530000000 INFO(9) \"accepting AMQP\" {}"},
        {"** (RuntimeError) boom\n    (app 0.1.0) lib/x.ex:3: X.f/0",
         "(17) \"** (RuntimeError) boom\n    (app 0.1.0) lib/x.ex:3: X.f/0\" {}"},
    };
    CHECK(rows);
}

/* Redis, MySQL, MariaDB, MongoDB, PostgreSQL */
static void databases(void **state)
{
    static const struct row rows[] = {
        {"122:M 14 May 2019 19:11:40.164 # WARNING overcommit_memory is set to 0!",
         "@1557861100.164000000 warning(13) \"WARNING overcommit_memory is set to 0!\" {process.pid=122 "
         "redis.role=\"M\"}"},
        {"1:C 14 May 2019 19:11:40.164 * oO0OoO0OoO0Oo Redis is starting",
         "@1557861100.164000000 notice(10) \"oO0OoO0OoO0Oo Redis is starting\" {process.pid=1 "
         "redis.role=\"C\"}"},
        {"7:S 14 May 2019 19:11:40.164 - Accepted 127.0.0.1:5",
         "@1557861100.164000000 verbose(9) \"Accepted 127.0.0.1:5\" {process.pid=7 redis.role=\"S\"}"},
        {"[4018] 14 Nov 07:01:22.119 * Background saving terminated",
         "@1794639682.119000000 notice(10) \"Background saving terminated\" {process.pid=4018}"},
        {"2021-05-31T15:23:45.110000Z 0 [ERROR] [MY-010119] [Server] Aborting",
         "Server @1622474625.110000000 ERROR(17) \"Aborting\" {thread.id=0 mysql.error_code=\"MY-010119\"}"},
        {"2021-05-31T15:23:45.110000Z 0 [System] [MY-010116] [Server] /usr/sbin/mysqld starting",
         "Server @1622474625.110000000 System(9) \"/usr/sbin/mysqld starting\" {thread.id=0 "
         "mysql.error_code=\"MY-010116\"}"},
        {"2021-05-31T15:23:45.110000Z 12 [Note] Access denied",
         "@1622474625.110000000 Note(10) \"Access denied\" {thread.id=12}"},
        {"2021-05-31 15:23:45 0 [Warning] InnoDB: x",
         "InnoDB @1622474625.000000000 Warning(13) \"x\" {thread.id=0}"},
        {"2021-05-31  5:23:45 139 [ERROR] mysqld: Table",
         "@1622438625.000000000 ERROR(17) \"mysqld: Table\" {thread.id=139}"},
        {"210531 15:23:45 [ERROR] Event Scheduler", "@1622474625.000000000 ERROR(17) \"Event Scheduler\" {}"},
        {"{\"t\":{\"$date\":\"2020-05-01T15:16:17.180+00:00\"},\"s\":\"E\",\"c\":\"NETWORK\",\"id\":12345,"
         "\"ctx\":\"listener\",\"msg\":\"Listening\",\"attr\":{\"a\":1}}",
         "NETWORK @1588346177.180000000 E(17) \"Listening\" {id=12345 thread.name=\"listener\" attr={a=1}}"},
        {"{\"s\":\"E\",\"c\":\"NETWORK\",\"msg\":\"not MongoDB's\"}",
         "E(17) \"not MongoDB's\" {c=\"NETWORK\"}"},
        {"2014-11-03T18:28:32.450-0500 E NETWORK  [initandlisten] waiting for connections",
         "NETWORK @1415057312.450000000 E(17) \"waiting for connections\" {thread.name=\"initandlisten\"}"},
        {"2014-11-03T18:28:32.450-0500 I -        [conn7] end",
         "@1415057312.450000000 I(9) \"[conn7] end\" {}"},
        {"2021-05-31 15:23:45.110 GMT [74305] ERROR:  relation \"x\" does not exist",
         "@1622474625.110000000 ERROR(17) \"relation \"x\" does not exist\" {process.pid=74305}"},
        {"2021-05-31 15:23:45.110 UTC [74305] postgres@shop FATAL:  no",
         "@1622474625.110000000 FATAL(21) \"no\" {user.name=\"postgres\" db.namespace=\"shop\" "
         "process.pid=74305}"},
        {"2021-05-31 15:23:45.110 CET [74305] LOG:  checkpoint starting: time",
         "@1622471025.110000000 LOG(9) \"checkpoint starting: time\" {process.pid=74305}"},
        {"2021-05-31 15:23:45.110 UTC [74305] STATEMENT:  select 1",
         "@1622474625.110000000 (9) \"STATEMENT:  select 1\" {process.pid=74305}"},
        {"2021-05-31 15:23:45.110 UTC [74305] PANIC:  could not locate a valid checkpoint record",
         "@1622474625.110000000 PANIC(21) \"could not locate a valid checkpoint record\" "
         "{process.pid=74305}"},
        {"{\"t\":{\"$date\":\"2023-05-04T12:01:02.509+02:00\"},\"s\":\"D1\",\"c\":\"-\",\"ctx\":\"conn7\","
         "\"msg\":\"x\"}",
         "@1683194462.509000000 D1(5) \"x\" {thread.name=\"conn7\"}"},
        {"2023-05-04 12:01:02 UTC [12345]: [3-1] user=app,db=shop,app=psql,client=10.0.0.1 FATAL:  starting "
         "up",
         "@1683201662.000000000 FATAL(21) \"[3-1] user=app,db=shop,app=psql,client=10.0.0.1 FATAL:  starting "
         "up\" {process.pid=12345}"},
        {"2023-05-04 12:01:02.509 EDT [12345] [unknown]@[unknown] LOG:  invalid length of startup packet",
         "@1683216062.509000000 LOG(9) \"invalid length of startup packet\" {process.pid=12345}"},
        {"2023-05-04 12:01:02 UTC:10.0.0.1(5000):app@shop:[12345]:ERROR:  canceling statement",
         "@1683201662.000000000 ERROR(17) \"canceling statement\" {client.address=\"10.0.0.1\" "
         "client.port=5000 user.name=\"app\" db.namespace=\"shop\" process.pid=12345}"},
        {"2023-05-04 12:01:02 UTC::@:[12345]:LOG:  checkpoint",
         "@1683201662.000000000 LOG(9) \"checkpoint\" {process.pid=12345}"},
        {"< 2023-05-04 12:01:02.509 UTC >ERROR:  old style",
         "@1683201662.509000000 ERROR(17) \"old style\" {}"},
        {"2021-05-31 15:23:45.110 UTC [74305] STATEMENT:  select\n\tx\n\tfrom y",
         "@1622474625.110000000 (9) \"STATEMENT:  select\n\tx\n\tfrom y\" {process.pid=74305}"},
    };
    CHECK(rows);
}

/* Apache, nginx, HAProxy, Envoy, Squid */
static void servers(void **state)
{
    static const struct row rows[] = {
        {"[Wed Oct 11 14:32:52.123456 2023] [core:error] [pid 35708:tid 4328636416] [client "
         "72.15.99.187:1234] File does not exist",
         "core @1697034772.123456000 error(17) \"File does not exist\" {process.pid=35708 "
         "thread.id=4328636416 client.address=\"72.15.99.187\" client.port=1234}"},
        {"[Wed Oct 11 14:32:52.123456 2023] [ssl:trace3] [pid 1] x",
         "ssl @1697034772.123456000 trace3(1) \"x\" {process.pid=1}"},
        {"[Wed Oct 11 14:32:52.123456 2023] [mpm_event:notice] [pid 7:tid 7] AH00489: Apache/2.4.57 "
         "configured",
         "mpm_event @1697034772.123456000 notice(10) \"AH00489: Apache/2.4.57 configured\" {process.pid=7 "
         "thread.id=7}"},
        {"[Sun Dec 04 04:47:44 2005] [error] mod_jk child workerEnv in error state 6",
         "@1133671664.000000000 error(17) \"mod_jk child workerEnv in error state 6\" {}"},
        {"[Sun Dec 04 04:47:44 2005] [error] [client 10.0.0.1] Directory index forbidden",
         "@1133671664.000000000 error(17) \"Directory index forbidden\" {client.address=\"10.0.0.1\"}"},
        {"2026/11/21 00:35:39 [error] 123#456: *7 open() failed, client: 1.2.3.4",
         "@1795221339.000000000 error(17) \"*7 open() failed, client: 1.2.3.4\" {process.pid=123 "
         "thread.id=456}"},
        {"2026/11/21 00:35:39 [notice] 1#1: nginx/1.2",
         "@1795221339.000000000 notice(10) \"nginx/1.2\" {process.pid=1 thread.id=1}"},
        {"nginx: [emerg] bind() to 0.0.0.0:80 failed",
         "emerg(21) \"nginx: [emerg] bind() to 0.0.0.0:80 failed\" {}"},
        {"[NOTICE]   (12) : New worker (14) forked",
         "NOTICE(10) \"New worker (14) forked\" {process.pid=12}"},
        {"[2026-11-21 00:35:39.530][12][warning][main] [source/server/server.cc:123] there is no",
         "main @1795221339.530000000 warning(13) \"there is no\" {code.file.path=\"source/server/server.cc\" "
         "code.line.number=123 process.pid=12}"},
        {"1286536308.779    180 192.168.0.224 TCP_MISS/200 411 GET http://x",
         "@1286536308.779000000 (9) \"1286536308.779    180 192.168.0.224 TCP_MISS/200 411 GET http://x\" "
         "{}"},
        {"10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 2326",
         "@971211336.000000000 (9) \"10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 2326\" "
         "{}"},
        {"example.com:80 10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 2326",
         "@971211336.000000000 (9) \"example.com:80 10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET / "
         "HTTP/1.0\" 200 2326\" {}"},
        {"2017-05-16 00:00:00.008 25746 INFO nova.osapi_compute.wsgi.server [req-38101a0b-2096 113d3a - - -] "
         "10.11.10.1 \"GET",
         "nova.osapi_compute.wsgi.server @1494892800.008000000 INFO(9) \"[req-38101a0b-2096 113d3a - - -] "
         "10.11.10.1 \"GET\" {process.pid=25746}"},
        {"nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 ERROR nova.compute [-] boom",
         "nova.compute @1494892800.008000000 ERROR(17) \"nova-api.log.1.2017-05-16_13:53:08 2017-05-16 "
         "00:00:00.008 25746 ERROR nova.compute [-] boom\" {process.pid=25746}"},
        {"[Sun Nov 29 02:25:09.017849 2026] [proxy:error] [pid 7634:tid 7668] (111)Connection refused: "
         "AH00957: http: failed",
         "proxy @1795919109.017849000 error(17) \"(111)Connection refused: AH00957: http: failed\" "
         "{process.pid=7634 thread.id=7668}"},
        {"[Sun Nov 29 02:25:09.017720 2026] [proxy:debug] [pid 7634:tid 7668] mod_proxy.c(1467): [client "
         "127.0.0.1:48870] AH01143: Running",
         "proxy @1795919109.017720000 debug(5) \"AH01143: Running\" {process.pid=7634 thread.id=7668 "
         "code.file.path=\"mod_proxy.c\" code.line.number=1467 client.address=\"127.0.0.1\" "
         "client.port=48870}"},
        {"[Thu May 04 12:01:02.509123 2023] [wsgi:error] [pid 7:tid 140] [remote 10.0.0.1:5000] mod_wsgi: "
         "Exception",
         "wsgi @1683201662.509123000 error(17) \"mod_wsgi: Exception\" {process.pid=7 thread.id=140 "
         "client.address=\"10.0.0.1\" client.port=5000}"},
    };
    CHECK(rows);
}

/* RFC 3164 and RFC 3339 forms, with a level, JSON or a trace's ids in the message */
static void syslog_files(void **state)
{
    static const struct row rows[] = {
        {"Dec 10 06:55:46 host1 sshd[24200]: Invalid user webmaster",
         "{service.name=\"s\" host.name=\"host1\"} @1765349746.000000000 (9) \"Invalid user webmaster\" "
         "{syslog.appname=\"sshd\" syslog.procid=\"24200\"}"},
        {"Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; x",
         "{service.name=\"s\" host.name=\"combo\"} @1781450161.000000000 (9) \"authentication failure; x\" "
         "{syslog.appname=\"sshd\" syslog.procid=\"19939\"}"},
        {"Jul  1 09:00:55 calvisitor-10-105-160-95 kernel[0]: IOThunderbolt",
         "{service.name=\"s\" host.name=\"calvisitor-10-105-160-95\"} @1782896455.000000000 (9) "
         "\"IOThunderbolt\" {syslog.appname=\"kernel\" syslog.procid=\"0\"}"},
        {"Jul  2 15:21:42 host com.apple.xpc.launchd[1] (com.apple.x[13]): Service exited",
         "{service.name=\"s\" host.name=\"host\"} @1783005702.000000000 (9) \"Service exited\" "
         "{syslog.appname=\"com.apple.xpc.launchd\" syslog.procid=\"1\"}"},
        {"2026-11-28T15:15:09.807143+00:00 web1 sshd[29757]: error: PAM: Authentication failure",
         "{service.name=\"s\" host.name=\"web1\"} @1795878909.807143000 error(17) \"PAM: Authentication "
         "failure\" {syslog.appname=\"sshd\" syslog.procid=\"29757\"}"},
        {"2026-11-28T15:15:09.807143+08:00 web1 app[29757]: {\"level\":\"error\",\"msg\":\"x\"}",
         "{service.name=\"s\" host.name=\"web1\"} @1795850109.807143000 error(17) \"x\" "
         "{syslog.appname=\"app\" syslog.procid=\"29757\"}"},
        {"2026-11-28T15:15:09.807143+00:00 web1 kernel: [    0.000000] Linux",
         "{service.name=\"s\" host.name=\"web1\"} @1795878909.807143000 (9) \"[    0.000000] Linux\" "
         "{syslog.appname=\"kernel\"}"},
        {"Nov 21 00:35:39 web1 app[7]: 2026-11-21 00:35:40,530 ERROR [py] [x.py:18] [dd.service=s2 "
         "dd.trace_id=5 dd.span_id=6] - boom",
         "{service.name=\"s2\" host.name=\"web1\"} py @1795221340.530000000 ERROR(17) "
         "trace:00000000000000000000000000000005 span:0000000000000006 \"boom\" {syslog.appname=\"app\" "
         "syslog.procid=\"7\" code.file.path=\"x.py\" code.line.number=18}"},
        {"Nov 21 00:35:39 web1 CRON[7]: (root) CMD (run-parts /etc/cron.hourly)",
         "{service.name=\"s\" host.name=\"web1\"} @1795221339.000000000 (9) \"(root) CMD (run-parts "
         "/etc/cron.hourly)\" {syslog.appname=\"CRON\" syslog.procid=\"7\"}"},
        {"Nov 21 00:35:39 web1 cron[7]: (*system*bad) ERROR (Syntax error, this crontab file will be "
         "ignored)",
         "{service.name=\"s\" host.name=\"web1\"} @1795221339.000000000 ERROR(17) \"(*system*bad) ERROR "
         "(Syntax "
         "error, this crontab file will be ignored)\" {syslog.appname=\"cron\" syslog.procid=\"7\"}"},
        {"Nov 21 00:35:39 web1 CRON[7]: (CRON) info (No MTA installed, discarding output)",
         "{service.name=\"s\" host.name=\"web1\"} @1795221339.000000000 info(9) \"(CRON) info (No MTA "
         "installed, "
         "discarding output)\" {syslog.appname=\"CRON\" syslog.procid=\"7\"}"},
        {"1795961817.267908 vm sshd[98]: error: kex_exchange_identification: Connection closed",
         "{service.name=\"s\" host.name=\"vm\"} @1795961817.267908000 error(17) "
         "\"kex_exchange_identification: "
         "Connection closed\" {syslog.appname=\"sshd\" syslog.procid=\"98\"}"},
        {"1795961817.267908 vm worker: text",
         "@1795961817.267908000 (9) \"1795961817.267908 vm worker: text\" {}"},
        {"Nov 21 00:35:39 combo syslogd 1.4.1: restart.",
         "@1795221339.000000000 (9) \"combo syslogd 1.4.1: restart.\" {}"},
        {"<38>1 2026-11-21T00:35:39.530119+08:00 web1 sshd 7 - - error: PAM: x",
         "{service.name=\"s\" host.name=\"web1\"} @1795192539.530119000 error(17) \"PAM: x\" "
         "{syslog.appname=\"sshd\" syslog.procid=\"7\"}"},
        {"<35>Nov 21 00:35:39 web1 sshd[7]: Connection closed",
         "{service.name=\"s\" host.name=\"web1\"} @1795221339.000000000 err(17) \"Connection closed\" "
         "{syslog.appname=\"sshd\" syslog.procid=\"7\"}"},
        {"<13>hello", "(9) \"<13>hello\" {}"},
        {"Nov 21 00:35:39 ise1 CISE_Passed: 0000000001 1 0 2023-05-04 12:01:02.509 +02:00 0000 5200 NOTICE "
         "Passed-Authentication: x",
         "{service.name=\"s\" host.name=\"ise1\"} @1683194462.509000000 NOTICE(10) \"0000000001 1 0 "
         "2023-05-04 12:01:02.509 +02:00 0000 5200 NOTICE Passed-Authentication: x\" "
         "{syslog.appname=\"CISE_Passed\"}"},
    };
    CHECK(rows);
}

/* Android, Windows, HealthApp, Proxifier, BGL, HPC, Thunderbird */
static void devices_and_machines(void **state)
{
    static const struct row rows[] = {
        {"03-17 16:13:38.811  1702  2395 D WindowManager: printFreezing",
         "WindowManager @1773764018.811000000 D(5) \"printFreezing\" {thread.id=2395 process.pid=1702}"},
        {"03-17 16:13:38.811  1702  8671 I PowerManagerService: going: x",
         "PowerManagerService @1773764018.811000000 I(9) \"going: x\" {thread.id=8671 process.pid=1702}"},
        {"20171223-22:15:29:606|Step_LSC|30002312|onStandStepChanged 3579",
         "Step_LSC @1514067329.606000000 (9) \"onStandStepChanged 3579\" {process.pid=30002312}"},
        {"2016-09-28 04:30:30, Info                  CBS    Loaded Servicing Stack",
         "CBS @1475037030.000000000 Info(9) \"Loaded Servicing Stack\" {}"},
        {"[10.30 16:49:06] chrome.exe - proxy.cse.cuhk.edu.hk:5070 open through",
         "@1793378946.000000000 (9) \"chrome.exe - proxy.cse.cuhk.edu.hk:5070 open through\" {}"},
        {"- 1117838570 2005.06.03 R02-M1-N0-C:J12-U11 2005-06-03-15.42.50.363779 R02-M1-N0-C:J12-U11 RAS "
         "KERNEL INFO instruction cache",
         "@1117838570.000000000 INFO(9) \"- 1117838570 2005.06.03 R02-M1-N0-C:J12-U11 "
         "2005-06-03-15.42.50.363779 R02-M1-N0-C:J12-U11 RAS KERNEL INFO instruction cache\" {}"},
        {"APPREAD 1117869872 2005.06.04 R23-M1-N8-I:J18-U11 2005-06-04-00.24.32.398284 R23-M1-N8-I:J18-U11 "
         "RAS APP FATAL ciod: failed",
         "@1117869872.000000000 FATAL(21) \"APPREAD 1117869872 2005.06.04 R23-M1-N8-I:J18-U11 "
         "2005-06-04-00.24.32.398284 R23-M1-N8-I:J18-U11 RAS APP FATAL ciod: failed\" {}"},
        {"134681 node-246 unix.hw state_change.unavailable 1077804742 1 Component",
         "@1077804742.000000000 (9) \"134681 node-246 unix.hw state_change.unavailable 1077804742 1 "
         "Component\" {}"},
        {"- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond(pam_unix)[2915]: session",
         "@1131566461.000000000 (9) \"- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 "
         "crond(pam_unix)[2915]: session\" {}"},
    };
    CHECK(rows);
}

/* what is no level, no logger, no thread, no time */
static void no_level(void **state)
{
    static const struct row rows[] = {
        {"config: loaded", "(9) \"config: loaded\" {}"},
        {"http: x", "(9) \"http: x\" {}"},
        {"0 errors found", "(9) \"0 errors found\" {}"},
        {"note: it", "(9) \"note: it\" {}"},
        {"fail: to see", "(9) \"fail: to see\" {}"},
        {"ERROR_COUNT=0", "(9) \"ERROR_COUNT=0\" {}"},
        {"2026-11-21 00:35:39 config: loaded", "@1795221339.000000000 (9) \"config: loaded\" {}"},
        {"2026-11-21 00:35:39 0 errors found", "@1795221339.000000000 (9) \"0 errors found\" {}"},
        {"2026-11-21 00:35:39 handled ERROR in prose",
         "@1795221339.000000000 (9) \"handled ERROR in prose\" {}"},
        {"2026-11-21 00:35:39 I am here", "@1795221339.000000000 (9) \"I am here\" {}"},
        {"2026-11-21 00:35:39 5 ERROR rows", "@1795221339.000000000 ERROR(17) \"rows\" {process.pid=5}"},
        {"2026-11-21 00:35:39 GET /x 200", "@1795221339.000000000 (9) \"GET /x 200\" {}"},
        {"2026-11-21 00:35:39 Error: boom", "@1795221339.000000000 Error(17) \"Error: boom\" {}"},
        {"2026-11-21 00:35:39 error opening file",
         "@1795221339.000000000 error(17) \"error opening file\" {}"},
        {"2026-11-21 00:35:39 [http] x", "@1795221339.000000000 (9) \"x\" {thread.name=\"http\"}"},
        {"[main] neither is that", "(9) \"[main] neither is that\" {}"},
        {"Error: boom", "Error(17) \"Error: boom\" {}"},
        {"[2026-99-21 00:35:39] [error] a time that is none",
         "error(17) \"[2026-99-21 00:35:39] [error] a time that is none\" {}"},
        {"[31/31/2026 00:35] [error] a time that is none",
         "error(17) \"[31/31/2026 00:35] [error] a time that is none\" {}"},
        {"2026-11-21 00:35:39 INFO example.com:443 connected",
         "@1795221339.000000000 INFO(9) \"example.com:443 connected\" {}"},
        {"2026-11-21 00:35:39 INFO 10.0.0.1:80 - connected",
         "@1795221339.000000000 INFO(9) \"10.0.0.1:80 - connected\" {}"},
        {"2026-11-21 00:35:39 INFO   indented", "@1795221339.000000000 INFO(9) \"indented\" {}"},
        {"2600-01-01 00:00:00 INFO past what OTLP holds",
         "(9) \"2600-01-01 00:00:00 INFO past what OTLP holds\" {}"},
        {"2026-11-21 00:35:39 Connection from X ERROR: boom",
         "@1795221339.000000000 (9) \"Connection from X ERROR: boom\" {}"},
        {"2026-11-21 00:35:39 (111)x", "@1795221339.000000000 (9) \"(111)x\" {}"},
        {"2026-11-21 00:35:39 shop a/b/10 c", "@1795221339.000000000 (9) \"shop a/b/10 c\" {}"},
    };
    CHECK(rows);
}

/* exact keys, dd. first, camel case, underscores; those of others */
static void ids(void **state)
{
    static const struct row rows[] = {
        {"2026-11-21 00:35:39 INFO handled parent_trace_id=5 trace_id=6b0159f8000000006be0a7e88a5dbf4d "
         "span_id=81b6ce4128d4ef58",
         "@1795221339.000000000 INFO(9) trace:6b0159f8000000006be0a7e88a5dbf4d span:81b6ce4128d4ef58 "
         "\"handled parent_trace_id=5 trace_id=6b0159f8000000006be0a7e88a5dbf4d span_id=81b6ce4128d4ef58\" "
         "{}"},
        {"2026-11-21 00:35:39 INFO handled upstream_trace_id=5 parent_span_id=7",
         "@1795221339.000000000 INFO(9) \"handled upstream_trace_id=5 parent_span_id=7\" {}"},
        {"2026-11-21 00:35:39 INFO handled trace_id=5 span_id=6 and dd.trace_id=7 dd.span_id=8",
         "@1795221339.000000000 INFO(9) trace:00000000000000000000000000000007 span:0000000000000008 "
         "\"handled trace_id=5 span_id=6 and dd.trace_id=7 dd.span_id=8\" {}"},
        {"2026-11-21 00:35:39 INFO handled traceId=5, spanId=6",
         "@1795221339.000000000 INFO(9) trace:00000000000000000000000000000005 span:0000000000000006 "
         "\"handled traceId=5, spanId=6\" {}"},
        {"{\"_dd.trace_id\":\"5\",\"_dd.span_id\":\"6\",\"_dd.service\":\"shop\",\"_logger\":\"l\",\"_"
         "thread\":\"t\",\"short_message\":\"m\",\"level\":3}",
         "{service.name=\"shop\"} l err(17) trace:00000000000000000000000000000005 span:0000000000000006 "
         "\"m\" {thread.name=\"t\"}"},
        {"{\"parent_trace_id\":\"5\",\"upstream.trace_id\":\"6\",\"trace_id\":\"7\",\"parentSpanId\":\"8\","
         "\"msg\":\"m\"}",
         "(9) trace:00000000000000000000000000000007 \"m\" {parent_trace_id=\"5\" upstream.trace_id=\"6\" "
         "parentSpanId=\"8\"}"},
        {"{\"TraceId\":\"6b0159f8000000006be0a7e88a5dbf4d\",\"SpanId\":\"81b6ce4128d4ef58\",\"Message\":"
         "\"m\"}",
         "(9) trace:6b0159f8000000006be0a7e88a5dbf4d span:81b6ce4128d4ef58 \"m\" {}"},
        {"{\"@t\":\"2026-11-21T00:35:39Z\",\"@m\":\"m\",\"@tr\":\"6b0159f8000000006be0a7e88a5dbf4d\",\"@sp\":"
         "\"81b6ce4128d4ef58\"}",
         "@1795221339.000000000 (9) trace:6b0159f8000000006be0a7e88a5dbf4d span:81b6ce4128d4ef58 \"m\" {}"},
    };
    CHECK(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(php),          cmocka_unit_test(ruby),
        cmocka_unit_test(python),       cmocka_unit_test(java),
        cmocka_unit_test(dotnet),       cmocka_unit_test(go),
        cmocka_unit_test(logfmt),       cmocka_unit_test(rust),
        cmocka_unit_test(node),         cmocka_unit_test(elixir_and_erlang),
        cmocka_unit_test(databases),    cmocka_unit_test(servers),
        cmocka_unit_test(syslog_files), cmocka_unit_test(devices_and_machines),
        cmocka_unit_test(no_level),     cmocka_unit_test(ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
