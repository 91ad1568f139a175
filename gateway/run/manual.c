/* manual.c: Writes the manual pages from the tables, as roff, and completion beside them. Owns nothing.
 * Called by main.c for `ddgate --manual`, when the program is built.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/run/manual.h"

#include <errno.h>
#include <string.h>

#include "gateway/run/commands.h"
#include "gateway/run/configuration.h"
#include "gateway/run/modules.h"
#include "gateway/run/reference.h"

/* Text that holds nothing for roff: no escapes, no requests at the beginning of a line, and a minus that stays one. */
static void put_text(FILE *to, const char *text)
{
    bool begins = true;
    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\''))
            fputs("\\&", to);
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else if (*text == '^')
            fputs("\\(ha", to);
        else if (*text == '~')
            fputs("\\(ti", to);
        else if (*text == '`')
            continue; /* Markdown's */
        else
            fputc(*text, to);
        begins = *text == '\n';
    }
}

static void put_line(FILE *to, const char *request, const char *text)
{
    fprintf(to, "%s%s", request, *request ? " " : "");
    put_text(to, text);
    fputc('\n', to);
}

static void put_literal(FILE *to, const char *text)
{
    fputs(".PP\n.RS 4\n.nf\n", to);
    put_text(to, text);
    fputs("\n.fi\n.RE\n", to);
}

static void put_head(FILE *to, const char *title, const char *section, const char *name, const char *what)
{
    fprintf(to,
            ".\\\" Made by ddgate --manual from the program's tables.\n.TH %s %s \"\" \"ddgate %s\"\n.ad "
            "l\n.nh\n",
            title, section, DDGATE_VERSION);
    fputs(".SH NAME\n", to);
    put_text(to, name);
    fputs(" \\- ", to);
    put_text(to, what);
    fputc('\n', to);
}

/* "duration, 1s to 24h; default 10m" */
static void put_facts(FILE *to, const struct gw_opt *row)
{
    char words[256];
    if (row->type == GW_OPT_choice) {
        gw_opt_words(row, words, sizeof words);
        put_text(to, words);
    } else {
        put_text(to, gw_opt_type_text(row->type));
        if (*row->min && *row->max)
            fprintf(to, ", %s to %s", row->min, row->max);
        else if (*row->min || *row->max)
            fprintf(to, ", at %s %s", *row->min ? "least" : "most", *row->min ? row->min : row->max);
    }
    if (*row->value) {
        fputs("; default ", to);
        put_text(to, row->value);
    }
}

static void put_rows(FILE *to, const struct gw_opt *rows)
{
    for (; rows->type != GW_OPT_END_ROW; rows++) {
        put_line(to, ".TP\n.B", rows->name);
        fputc('(', to);
        put_facts(to, rows);
        fputs(")\n.br\n", to);
        put_line(to, "", rows->text);
    }
}

static void put_flag(FILE *to, const struct gw_flag_row *f)
{
    fputs(".TP\n\\fB", to);
    if (strcmp(f->name, "--config") == 0)
        fputs("\\-c\\fR, \\fB", to);
    put_text(to, f->name);
    fputs("\\fR \\fI", to);
    put_text(to, f->value);
    fputs("\\fR\n", to);
    put_line(to, "", f->text);
}

static void put_flags(FILE *to, const char *command)
{
    for (const struct gw_flag_row *f = gw_flag_rows; f->name; f++)
        if (strcmp(f->command, command) == 0)
            put_flag(to, f);
}

static void put_topic(void *to, const char *name, const char *text)
{
    put_line(to, ".TP\n.B", name);
    put_line(to, "", text);
}

static void write_command(FILE *to)
{
    put_head(
        to, "DDGATE", "1", "ddgate",
        "receives data of Datadog's libraries and OpenTelemetry's SDKs, and exports it as OpenTelemetry");
    fputs(".SH SYNOPSIS\n", to);
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++) {
        fputs(c == gw_command_rows ? ".B ddgate\n" : ".br\n.B ddgate\n", to);
        put_line(to, "", c->synopsis);
    }
    fputs(".SH DESCRIPTION\n"
          "ddgate takes the place of a Datadog agent for traces, logs, DogStatsD metrics and trace "
          "statistics. It\n"
          "translates them to OpenTelemetry, links each log line to its span, and sends all of it over "
          "OTLP/gRPC or\n"
          "OTLP/HTTP to any backend, as line protocol to a Datakit, or prints it.\n"
          ".SH COMMANDS\n",
          to);
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++) {
        put_line(to, ".TP\n.B", c->name);
        put_line(to, "", c->text);
    }
    fputs(".SH OPTIONS\n", to);
    put_flags(to, "");
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++)
        if (gw_command_has_flags(c->name)) {
            fprintf(to, ".SS Of ddgate %s\n", c->name);
            put_flags(to, c->name);
        }
    fputs(".SH TOPICS OF \\-\\-help\n", to);
    gw_each_topic(put_topic, to);
    fputs(
        ".SH SIGNALS\n.TP\n.BR SIGTERM , SIGINT\nddgate accepts no more data, delivers what it holds for "
        "at most\n"
        ".BR shutdown_timeout ,\nprints the ledger and ends. A second signal ends it at once.\n"
        ".TP\n.B SIGHUP\nReads the configuration file again. If it has mistakes, they are logged and "
        "nothing changes.\n"
        ".SH EXIT STATUS\n.TP\n.B 0\nSuccess.\n.TP\n.B 1\nAny other failure.\n.TP\n.B 2\nThe command or the "
        "configuration is "
        "wrong.\n.TP\n.B 3\nAccepted data was neither delivered nor stored.\n"
        ".TP\n.B SIGPIPE\n(141 in a shell) The reader of standard output is gone, and there is no other "
        "exporter.\n"
        ".SH ENVIRONMENT\nThe\n.B OTEL_EXPORTER_OTLP_\nvariables set options of exporters that the "
        "configuration does not set; see\n"
        ".BR ddgate.conf (5).\n.TP\n.B NOTIFY_SOCKET\nSocket of the service manager, which ddgate notifies "
        "when it is ready, reloads and "
        "stops.\n.TP\n.BR WATCHDOG_USEC , WATCHDOG_PID\nHow often the service manager expects a sign of "
        "life.\n"
        ".TP\n.B TZ\nThe zone of times in log lines without a zone.\n.TP\n.B NO_COLOR\nNo colours on "
        "a terminal.\n"
        ".SH FILES\n.TP\n.I /etc/ddgate/ddgate.conf\nThe configuration of the packaged service.\n.TP\n"
        ".I /var/lib/ddgate\nIts disk queue, and the offsets of log files.\n.TP\n.I /run/datadog/apm.socket\n"
        "The socket that tracers find without configuration.\n"
        ".SH SEE ALSO\n.BR ddgate.conf (5),\n.BR ddgate\\-pipeline (7)\n",
        to);
}

static void put_environment(void *to, const char *name, const char *option)
{
    put_line(to, ".TP\n.B", name);
    put_line(to, "", option);
}

static void write_configuration(FILE *to)
{
    put_head(to, "DDGATE.CONF", "5", "ddgate.conf", "configuration of ddgate");
    fputs(".SH DESCRIPTION\nThe file has the format of libconfig. All options have defaults: an empty file "
          "has the same effect as no file.\n"
          ".B ddgate check \\-c\n.I FILE\nprints every mistake in it.\n",
          to);
    put_literal(to, "receivers = ( { type = \"ddtrace\"; listen = [ \"127.0.0.1:8126\" ]; }, … );\n"
                    "exporters = ( { type = \"otlp_grpc\"; endpoint = \"http://127.0.0.1:4317\"; }, … );\n"
                    "max_memory = \"96MiB\";\nlog = { level = \"info\"; };");
    fputs(".PP\nAn option with a dot in its name is in a group: tls.ca is\n.BR \"tls = { ca = "
          "\\(dq…\\(dq; };\" .\n"
          ".SH VALUES\n",
          to);
    for (int type = GW_OPT_str; type <= GW_OPT_map; type++) {
        put_line(to, ".TP\n.B", gw_opt_type_text((enum gw_opt_type)type));
        put_line(to, "", gw_opt_type_hint((enum gw_opt_type)type));
    }
    fputs(".PP\nDurations have a unit (ns us ms s m h d), sizes too (B KiB MiB GiB TiB; a number alone is "
          "bytes).\n"
          "A text may contain ${env:NAME}, ${env:NAME:\\-default} and ${file:/path}, so the file need not "
          "contain secrets.\n"
          ".SH THE PROCESS\n",
          to);
    put_rows(to, gw_process_opts);
    fputs(".SH RECEIVERS\n", to);
    for (const struct gw_receiver *const *r = gw_receivers; *r; r++) {
        put_line(to, ".SS", (*r)->name);
        put_line(to, "", (*r)->summary);
        put_rows(to, (*r)->opts);
    }
    fputs(".SH EXPORTERS\n.SS Every exporter\n", to);
    put_rows(to, gw_sender_opts);
    for (const struct gw_exporter *const *e = gw_exporters; *e; e++) {
        put_line(to, ".SS", (*e)->name);
        put_line(to, "", (*e)->summary);
        put_rows(to, (*e)->opts);
    }
    fputs(".SH ENVIRONMENT\nIf the configuration of an exporter whose type begins with otlp_ does not set an "
          "option, its variable does:\n",
          to);
    gw_reference_environment(put_environment, to);
    fputs(".SH SEE ALSO\n.BR ddgate (1),\n.BR ddgate\\-pipeline (7)\n", to);
}

/* "key value", optional from the least number on: key[, value]. Letters before a colon are types. */
static void put_parameters(FILE *to, const char *params, int least)
{
    int n = 0;
    for (; *params; n++) {
        int len = (int)strcspn(params, " "), type = len > 1 && params[1] == ':' ? 2 : 0;
        fprintf(to, "%s%s\\fI%.*s\\fR", n == least ? "[" : "", n ? ", " : "", len - type, params + type);
        params += len + (params[len] == ' ');
    }
    if (n > least)
        fputc(']', to);
}

static void put_function(FILE *to, const char *name, const char *params, int least, const char *text)
{
    fprintf(to, ".TP\n\\fB%s\\fR(", name);
    put_parameters(to, params, least);
    fputs(")\n", to);
    put_line(to, "", text);
}

static void write_pipeline(FILE *to)
{
    put_head(to, "DDGATE-PIPELINE", "7", "ddgate-pipeline", "the language of scripts that read log lines");
    fputs(".SH DESCRIPTION\nPipeline scripts split log lines into fields, like Datakit's. They are "
          "selected by the options\n"
          ".B pipelines.directory\nand\n.B pipeline\nof log receivers;\n.B ddgate pipeline\ntries one:\n",
          to);
    put_literal(to, "$ cat app.p\n"
                    "grok(_, \"%{TIMESTAMP_ISO8601:time} %{LOGLEVEL:status} %{GREEDYDATA:msg}\")\n"
                    "default_time(time)\n"
                    "$ echo '2021-06-18 10:07:08 ERROR it broke' | ddgate pipeline --script app.p");
    fputs(".SH THE LANGUAGE\nA statement ends with its line or with a semicolon; # begins a comment.\n", to);
    static const char *const parts[][2] = {
        {"types", "nil, bool, int (64 bits), float, str, list [1, \"a\"], map {\"k\": v}"},
        {"text", "\"…\" and '…' with escapes (a regular expression's \\d is written \"\\\\d\"); "
                 "\"\"\"…\"\"\" and '''…''' without "
                 "escapes, over several lines"},
        {"names", "letters, digits and _; in backquotes any characters. _ is the field message"},
        {"operators", "|| && in == != < <= > >= + - * / % !"},
        {"statements", "x = e, x[k] = e, x += e, if e {…} elif e {…} else {…}, for x in e {…}, for init; "
                       "cond; step {…}, break, "
                       "continue"}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        put_topic(to, parts[i][0], parts[i][1]);
    fputs(".PP\nA name that is read means a variable or, if there is none, a tag or field of the record. An "
          "assignment always sets a variable;\n"
          "functions that set a key always write the record.\n"
          ".SH FUNCTIONS\nFunctions that take a key change the field of that name in the record; the others "
          "return a value.\n",
          to);
#define FN(name, style, params, least, most, text, check, run) put_function(to, #name, params, least, text);
#include "translators/pipeline/functions.def"
#undef FN
    fputs(".SH SEE ALSO\n.BR ddgate (1),\n.BR ddgate.conf (5)\n", to);
}

bool gw_manual_write(const char *dir)
{
    static const struct gw_page pages[] = {
        {"ddgate.1", write_command},           {"ddgate.conf.5", write_configuration},
        {"ddgate-pipeline.7", write_pipeline}, {"ddgate.bash", gw_completion_bash},
        {"_ddgate", gw_completion_zsh},        {"ddgate.fish", gw_completion_fish},
    };
    return gw_pages_write(dir, pages, sizeof pages / sizeof *pages);
}
