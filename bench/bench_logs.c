/* bench_logs: what a log line costs from its text to the bytes of its frame: one thread, the best of several
 * rounds, in ns of CPU time.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/base/budget.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/receiver.h"
#include "translators/logs/log_record.h"
#include "translators/logs/log_scripts.h"

enum { ROUNDS = 20, LINES = 4000, FORMS = 64 /* different lines of a row */ };

struct row {
    const char *name, *source, *format; /* two numbers: seconds, an id */
    const char *script;
    int parse; /* of log_options */
};

static const char documented[] =
    "2026-11-21 10:07:%02d,786 INFO [__main__] [lt.py:26] [dd.service=Python-App dd.env=Testing "
    "dd.version=V1.1 "
    "dd.trace_id=161083216029175%05d dd.span_id=12837828046733169079] - Hello, World!";

static const struct row rows[] = {
    {"plain line, parse = none", "app",
     "2026-11-21 10:07:%02d,786 INFO a plain line of text that nobody reads, as long as most are: %05d", NULL,
     1},
    {"plain line", "app",
     "2026-11-21 10:07:%02d,786 INFO a plain line of text that nobody reads, as long as most are: %05d", NULL,
     0},
    {"documented Python form", "app", documented, NULL, 0},
    {"Java, logback", "app",
     "2026-11-21 10:07:%02d.786 INFO  [http-nio-8080-exec-1] com.example.shop.Cart dd.service=App "
     "dd.env=Testing dd.version=V1.1 "
     "dd.trace_id=6b00e75b000000002%05d38ab8ca0a10 dd.span_id=8077131436526403488 - added an item",
     NULL, 0},
    {"JSON of pino", "app",
     "{\"level\":30,\"time\":17952218557%02d,\"pid\":313,\"hostname\":\"vm\",\"dd\":{\"trace_id\":"
     "\"302365240014%05d\",\"span_id\":"
     "\"8941112361932924817\",\"service\":\"App\",\"version\":\"V1.1\",\"env\":\"Testing\"},\"extra\":1,"
     "\"msg\":\"added an item\"}",
     NULL, 0},
    {"documented Python script", "documented", documented,
     "grok(_, "
     "\"%{TIMESTAMP_ISO8601:time}%{SPACE}%{WORD:level}%{SPACE}%{NOTSPACE}%{SPACE}%{NOTSPACE}%{SPACE}\\\\[%{"
     "GREEDYDATA:trace}\\\\]"
     "%{SPACE}-%{SPACE}%{GREEDYDATA:message}\")\n"
     "grok(trace,\"%{EMAILLOCALPART}=%{EMAILLOCALPART:service}?%{SPACE}%{EMAILLOCALPART}=%{EMAILLOCALPART:"
     "env}?%{SPACE}"
     "%{EMAILLOCALPART}=%{EMAILLOCALPART:version}?%{SPACE}%{EMAILLOCALPART}=%{NUMBER:trace_id}?%{SPACE}%{"
     "EMAILLOCALPART}=%{NUMBER:span_id}?"
     "\")\n"
     "drop_key(trace)\n"
     "default_time(time)\n",
     0},
    {"nginx combined by grok", "nginx",
     "203.0.113.9 - frank [10/Oct/2023:13:55:%02d +0800] \"GET /api?id=%05d HTTP/1.1\" 200 2326 "
     "\"https://example.com/start.html\" "
     "\"Mozilla/5.0 (X11; Linux x86_64)\"",
     "grok(_, \"%{COMBINEDAPACHELOG}\")\n", 0},
    {"load_json of 10 keys", "ten",
     "{\"time\":\"2023-10-10T13:55:%02d.123Z\",\"level\":\"error\",\"msg\":\"request "
     "failed\",\"method\":\"GET\",\"path\":\"/api\","
     "\"ms\":12.75,\"user\":%05d,\"trace_id\":\"16108321602917563239\",\"span_id\":\"7\",\"ok\":false}",
     "d = load_json(_)\n", 0},
};

static double cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* A folder with the row's script. */
static void write_script(const char *folder, const struct row *row)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.p", folder, row->source);
    FILE *f = fopen(path, "w");
    if (!f)
        exit(1);
    fputs(row->script, f);
    fclose(f);
}

/* %02d and %05d; the compiler would like to see the format. */
static void fill(char text[512], const char *format, int second, int id)
{
    char number[16];
    size_t n = 0;
    for (const char *at = format; *at; at++) {
        if (*at != '%') {
            text[n++] = *at;
            continue;
        }
        int digits = at[2] - '0';
        snprintf(number, sizeof number, "%05d", digits == 2 ? second : id);
        memcpy(text + n, number + 5 - digits, (size_t)digits);
        n += (size_t)digits;
        at += 3;
    }
    text[n] = 0;
}

static size_t once(struct log_batch *batch, char text[FORMS][512])
{
    struct gw_frame *frames[8];
    struct gw_intake intake;
    size_t bytes = 0;
    for (int i = 0; i < LINES; i++) {
        struct log_input in = {.text = gw_str_z(text[i % FORMS]), .observed = 1795221339530000000u};
        if (log_add(batch, &in) != GW_OK)
            exit(1);
    }
    for (size_t n; (n = log_finish(batch, frames, 8, &intake));)
        while (n--) {
            bytes += frames[n]->len;
            gw_frame_drop(frames[n]);
        }
    return bytes;
}

static void measure(const char *folder, const struct row *row)
{
    static char text[FORMS][512];
    struct gw_budget budget = {.limit = SIZE_MAX};
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    struct log_environment host = {.budget = &budget, .scripts = log_scripts_new()};
    struct log_options options = {.source = gw_str_z(row->source), .parse = row->parse};
    size_t bytes = 0;
    double best = 1e18;
    if (row->script)
        write_script(folder, row);
    log_scripts_read(host.scripts, row->script ? gw_str_z(folder) : GW_NOSTR, diagnostics);
    struct log_conf *conf = log_conf_new(&options, &host, "receivers[0]", "bench", diagnostics);
    struct log_batch *batch = log_batch_new(conf);
    gw_diagnostics_print(diagnostics, stderr);
    for (int i = 0; i < FORMS; i++)
        fill(text[i], row->format, i % 60, 10000 + i * 7);
    for (int round = 0; round < ROUNDS; round++) {
        double before = cpu_ns();
        bytes = once(batch, text);
        double cost = (cpu_ns() - before) / LINES;
        best = cost < best ? cost : best;
    }
    printf("%-28s %8.0f ns a line %8zu bytes of OTLP\n", row->name, best, bytes / LINES);
    log_batch_drop(batch);
    log_conf_drop(conf);
    log_scripts_drop(host.scripts);
    gw_diagnostics_drop(diagnostics);
}

/* With an argument: only rows whose name begins so. */
int main(int argc, char **argv)
{
    char folder[] = "/tmp/bench_logs.XXXXXX", command[64];
    if (!mkdtemp(folder))
        return 1;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (argc < 2 || gw_str_starts(gw_str_z(rows[i].name), gw_str_z(argv[1])))
            measure(folder, &rows[i]);
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}
