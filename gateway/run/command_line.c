/* command_line.c: Reads the command line, and prints help from the rows of the options. Owns nothing.
 * Called by main.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/run/command_line.h"

#include <string.h>
#include <unistd.h>

#include "core/config/config_diagnostic.h"
#include "core/config/did_you_mean.h"
#include "gateway/run/commands.h"
#include "gateway/run/configuration.h"
#include "gateway/run/modules.h"

static bool wrong(FILE *errors, const char *what, const char *arg)
{
    fprintf(errors, "ddgate: %s%s%s\n", what, arg ? " " : "", arg ? arg : "");
    fputs("Usage: ddgate [run] [-c FILE] | check -c FILE | health [-c FILE] | pipeline --script FILE | "
          "tap [FILTER] | --version | --help [TOPIC]\n",
          errors);
    return false;
}

static bool looks_like_file(const char *arg)
{
    return strchr(arg, '/') || gw_str_ends(gw_str_z(arg), GW_STR(".conf")) || access(arg, F_OK) == 0;
}

/* Reports an unknown argument, with the most similar known one. */
static bool unknown(FILE *errors, const struct gw_command_line *cli, const char *arg)
{
    static const char *const known[] = {"run", "check", "health",    "explain", "test",     "pipeline",
                                        "tap", "top",   "--version", "--help",  "--config", NULL};
    char what[640];
    const char *near = gw_did_you_mean(gw_str_z(arg), known);
    int n = snprintf(what, sizeof what, "there is no such command or option: %.200s", arg);
    if (gw_command_has_flags(arg) && strcmp(arg, "check") != 0)
        snprintf(what, sizeof what, "%s must be the first argument", arg);
    else if (strcmp(arg, "run") == 0 || strcmp(arg, "check") == 0 || strcmp(arg, "health") == 0)
        snprintf(what, sizeof what, "there is one command, and this is another: %s", arg);
    else if (strcmp(arg, "--connect") == 0)
        snprintf(what, sizeof what, "--connect belongs to check: ddgate check --connect -c FILE");
    else if (near)
        snprintf(what + n, sizeof what - (size_t)n, "; did you mean %s?", near);
    else if (*arg != '-' && looks_like_file(arg))
        snprintf(what + n, sizeof what - (size_t)n,
                 "; a configuration file is named with -c: ddgate %s-c %.200s",
                 cli->command == GW_COMMAND_CHECK ? "check " : "", arg);
    return wrong(errors, what, NULL);
}

static bool second_file(FILE *errors, const char *first, const char *second)
{
    char what[640];
    snprintf(what, sizeof what,
             "one file is the configuration, and here are two: %.240s and %.240s; one may hold a line "
             "@include \"FILE\" for the other",
             first, second);
    return wrong(errors, what, NULL);
}

static const char *const names[] = {
    [GW_COMMAND_RUN] = "run", [GW_COMMAND_CHECK] = "check", [GW_COMMAND_HEALTH] = "health"};

static bool set_command(struct gw_command_line *cli, const char *arg, bool *named)
{
    for (int i = GW_COMMAND_RUN; i <= GW_COMMAND_HEALTH; i++)
        if (!*named && strcmp(arg, names[i]) == 0) {
            cli->command = (enum gw_command)i;
            *named = true;
            return true;
        }
    return false;
}

/* The value of an option that is written "-c FILE", "--config FILE" or "--config=FILE"; false when arg is
 * another. */
static bool valued(const char *arg, const char *name, char *const *argv, int *i, const char **value)
{
    size_t len = strlen(name);
    if (strncmp(arg, name, len) != 0 || (arg[len] && (arg[len] != '=' || len < 3)))
        return false;
    *value = arg[len] ? arg + len + 1 : argv[*i + 1];
    *i += !arg[len] && *value;
    return true;
}

bool gw_command_line_parse(struct gw_command_line *cli, int argc, char *const *argv, FILE *errors)
{
    bool named = false;
    const char *file = NULL;
    *cli = (struct gw_command_line){.command = GW_COMMAND_RUN};
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        if (valued(arg, "-c", argv, &i, &file) || valued(arg, "--config", argv, &i, &file)) {
            if (!file || !*file)
                return wrong(errors, arg, "wants a file");
            if (cli->file)
                return second_file(errors, cli->file, file);
            cli->file = file;
        } else if (valued(arg, "-h", argv, &i, &cli->topic) || valued(arg, "--help", argv, &i, &cli->topic)) {
            if (!cli->topic && named)
                cli->topic = names[cli->command];
            cli->command = GW_COMMAND_HELP;
            return true;
        } else if (valued(arg, "--reference", argv, &i, &cli->dir)) {
            cli->command = GW_COMMAND_REFERENCE;
            return cli->dir ? true : wrong(errors, arg, "wants the project's folder");
        } else if (valued(arg, "--manual", argv, &i, &cli->dir)) {
            cli->command = GW_COMMAND_MANUAL;
            return cli->dir ? true : wrong(errors, arg, "wants a folder");
        } else if (strcmp(arg, "--version") == 0 || strcmp(arg, "-V") == 0) {
            cli->command = GW_COMMAND_VERSION;
            return true;
        } else if (strcmp(arg, "--connect") == 0 && cli->command == GW_COMMAND_CHECK) {
            cli->connect = true;
        } else if (!set_command(cli, arg, &named)) {
            return unknown(errors, cli, arg);
        }
    }
    return cli->command != GW_COMMAND_CHECK || cli->file ? true
                                                         : wrong(errors, "check wants a file: -c FILE", NULL);
}

static void print_topic_entry(void *to, const char *name, const char *text)
{
    gw_print_entry(to, name, text);
}

static void print_overview(FILE *to)
{
    char name[96];
    fputs("ddgate " DDGATE_VERSION ": receives data of Datadog's libraries and of OpenTelemetry,\n"
          "and exports it as OpenTelemetry.\n\n"
          "Commands:\n",
          to);
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++) {
        snprintf(name, sizeof name, "ddgate %s", c->synopsis);
        gw_print_entry(to, name, c->text);
    }
    fputs("\nOptions:\n", to);
    for (const struct gw_flag_row *f = gw_flag_rows; f->name; f++)
        if (!*f->command) {
            snprintf(name, sizeof name, "%s%s%s", f->name, *f->value ? " " : "", f->value);
            gw_print_entry(to, name, f->text);
        }
    fputs("\nTopics:\n", to);
    gw_print_entry(to, "run", "The command that runs the gateway.");
    gw_print_entry(to, "check", "The command that checks a configuration.");
    gw_print_entry(to, "health", "The command that checks a running ddgate.");
    gw_print_entry(to, "explain", "The command that explains a recorded request.");
    gw_print_entry(to, "test", "The command that tests mappings and scripts.");
    gw_print_entry(to, "pipeline", "The command that tries a Pipeline script.");
    gw_print_entry(to, "tap", "The command that shows what passes.");
    gw_print_entry(to, "top", "The command that shows rates and queues.");
    gw_each_topic(print_topic_entry, to);
    fputs("\n"
          "Exit codes: 0 success; 2 wrong command or configuration; 3 accepted data was\n"
          "neither delivered nor stored; 1 any other failure. SIGTERM and SIGINT stop it:\n"
          "it first delivers its data, for at most shutdown_timeout; a second signal stops\n"
          "it at once.\n",
          to);
}

/* "a size, 1KiB to 64MiB; default 8MiB" */
static void print_facts(FILE *to, const struct gw_opt *row)
{
    char words[256] = "", bounds[128] = "", text[512];
    if (row->type == GW_OPT_choice || row->type == GW_OPT_groups)
        gw_opt_words(row, words, sizeof words);
    else if (*row->min && *row->max)
        snprintf(bounds, sizeof bounds, ", %s to %s", row->min, row->max);
    else if (*row->min || *row->max)
        snprintf(bounds, sizeof bounds, ", at %s %s", *row->min ? "least" : "most",
                 *row->min ? row->min : row->max);
    snprintf(text, sizeof text, "%s%s%s%s%s%s", gw_opt_type_text(row->type),
             !*words                      ? ""
             : row->type == GW_OPT_choice ? " "
                                          : " of ",
             words, bounds, *row->value ? "; default " : "", row->value);
    fputs("      ", to);
    gw_print_wrapped(to, text, 6, 6, GW_HELP_WIDTH);
}

/* Those whose names begin so. */
static void print_rows(FILE *to, const struct gw_opt *rows, const char *prefix)
{
    for (; rows->type != GW_OPT_END_ROW; rows++) {
        if (strncmp(rows->name, prefix, strlen(prefix)) != 0)
            continue;
        fprintf(to, "  %s\n", rows->name);
        print_facts(to, rows);
        fputs("      ", to);
        gw_print_wrapped(to, rows->text, 6, 6, GW_HELP_WIDTH);
    }
}

static bool is_topic(const char *topic, const char *kind, const char *name)
{
    size_t len = strlen(kind);
    return strcmp(topic, name) == 0 ||
           (strncmp(topic, kind, len) == 0 && topic[len] == '.' && strcmp(topic + len + 1, name) == 0);
}

static void print_receivers(FILE *to)
{
    fputs("Receivers accept data. A list of groups, each with its type:\n\n"
          "  receivers = (\n"
          "    { type = \"ddtrace\"; listen = [ \"127.0.0.1:8126\" ]; },\n"
          "    { type = \"file\"; path = \"/var/log/app/*.log\"; }\n"
          "  );\n\n"
          "Without it ddtrace, otlp, dogstatsd and http run, at their default addresses.\n\n",
          to);
    for (const struct gw_receiver *const *r = gw_receivers; *r; r++)
        gw_print_entry(to, (*r)->name, (*r)->summary);
    fputs("\nddgate --help receivers.NAME lists the options of one.\n", to);
}

static void print_exporters(FILE *to)
{
    fputs("Exporters send data. A list of groups, each with its type:\n\n"
          "  exporters = (\n"
          "    { type = \"otlp_grpc\"; endpoint = \"http://127.0.0.1:4317\"; },\n"
          "    { type = \"stdout\"; }\n"
          "  );\n\n"
          "Each gets all data. Without it data is printed to standard output, or sent to\n"
          "OTEL_EXPORTER_OTLP_ENDPOINT if that is set.\n\n",
          to);
    for (const struct gw_exporter *const *e = gw_exporters; *e; e++)
        gw_print_entry(to, (*e)->name, (*e)->summary);
    fputs("\nddgate --help exporters.NAME lists the options of one.\n", to);
}

static bool print_command(FILE *to, const char *topic)
{
    if (strcmp(topic, "receivers") == 0)
        print_receivers(to);
    else if (strcmp(topic, "exporters") == 0)
        print_exporters(to);
    else if (strcmp(topic, "run") == 0)
        fputs("ddgate [run] [-c FILE]\n\n"
              "Runs until SIGTERM or SIGINT. FILE has libconfig's syntax, - is standard input;\n"
              "conf/ has examples, conf/ddgate.conf every option. SIGHUP reloads FILE.\n"
              "Exit codes: 0 success; 2 wrong command or configuration; 3 accepted data was\n"
              "neither delivered nor stored; 1 any other failure.\n",
              to);
    else if (strcmp(topic, "check") == 0)
        fputs("ddgate check [--connect] -c FILE\n\n"
              "Prints every mistake in FILE with its line, and everything that would not work:\n"
              "files and scripts that cannot be read, folders that cannot be written, addresses\n"
              "that two components want. It binds nothing, so it can run beside ddgate.\n"
              "Without a mistake it prints what would run: addresses, destinations, scripts,\n"
              "and the options that are set, with their origin; secrets are hidden.\n"
              "With --connect it also sends one span, one log record and one metric point of\n"
              "the service ddgate-check to each exporter that takes them, and prints what the\n"
              "backend answered. Nothing is queued or stored.\n"
              "Exit codes: 0 no mistake; 2 mistakes; 1 any other failure, or with --connect\n"
              "something was not taken.\n",
              to);
    else if (strcmp(topic, "health") == 0)
        fputs("ddgate health [-c FILE]\n\n"
              "Requests /healthz from the admin listener of the ddgate on this machine, at\n"
              "admin.listen of FILE or 127.0.0.1:8127, and waits at most 5 s for the answer.\n"
              "For containers without other programs (HEALTHCHECK, exec probes).\n"
              "Exit codes: 0 it answered 200; 1 any other result; 2 wrong arguments.\n",
              to);
    else if (strcmp(topic, "explain") == 0)
        fputs("ddgate explain [OPTIONS] FILE\n\n"
              "Shows what became of each span of a recorded request: what came in, what goes\n"
              "out, and the row of the mapping that made it. It uses no network.\n"
              "ddgate explain --help lists its options.\n"
              "Exit codes: 0 all spans were translated; 1 something was refused or not\n"
              "understood; 2 wrong arguments or configuration.\n",
              to);
    else if (strcmp(topic, "test") == 0)
        fputs("ddgate test [--update] DIR\n\n"
              "Tests what ddgate makes of requests and log lines, by the files in DIR.\n"
              "ddgate test --help says which.\n"
              "Exit codes: 0 all passed; 1 one failed; 2 wrong arguments, or DIR has no case.\n",
              to);
    else if (strcmp(topic, "pipeline") == 0)
        fputs("ddgate pipeline --script FILE [OPTIONS] [FILE...]\n\n"
              "Tries a Pipeline script on log lines. ddgate pipeline --help lists its options.\n",
              to);
    else if (strcmp(topic, "tap") == 0)
        fputs("ddgate tap [OPTIONS] [FILTER...]\n\n"
              "Shows the traces and log records that pass through the ddgate that runs on this\n"
              "machine, as they come. ddgate tap --help lists its options.\n",
              to);
    else if (strcmp(topic, "top") == 0)
        fputs("ddgate top [OPTIONS]\n\n"
              "Shows flow, exporters and clients of the ddgate that runs on this machine, every\n"
              "two seconds. ddgate top --help lists its options.\n",
              to);
    else
        return false;
    return true;
}

/* "log": log.level and its siblings. */
static bool print_group(FILE *to, const char *topic)
{
    char prefix[64];
    snprintf(prefix, sizeof prefix, "%.60s.", topic);
    for (const struct gw_opt *row = gw_process_opts; row->type != GW_OPT_END_ROW; row++)
        if (strncmp(row->name, prefix, strlen(prefix)) == 0) {
            fprintf(to, "%.60s = { … }; at the top level of the configuration file.\n\n", topic);
            print_rows(to, gw_process_opts, prefix);
            return true;
        }
    return false;
}

static bool print_topic(FILE *to, const char *topic)
{
    if (strcmp(topic, "process") == 0) {
        fputs("Options of the process, at the top level of the configuration file.\n\n", to);
        print_rows(to, gw_process_opts, "");
        return true;
    }
    if (print_command(to, topic) || print_group(to, topic))
        return true;
    for (const struct gw_receiver *const *r = gw_receivers; *r; r++)
        if (is_topic(topic, "receivers", (*r)->name)) {
            gw_print_wrapped(to, (*r)->summary, 0, 0, GW_HELP_WIDTH);
            fprintf(to, "receivers = ( { type = \"%s\"; … } );\n\n", (*r)->name);
            print_rows(to, (*r)->opts, "");
            return true;
        }
    for (const struct gw_exporter *const *e = gw_exporters; *e; e++)
        if (is_topic(topic, "exporters", (*e)->name)) {
            gw_print_wrapped(to, (*e)->summary, 0, 0, GW_HELP_WIDTH);
            fprintf(to, "exporters = ( { type = \"%s\"; … } );\n\n", (*e)->name);
            print_rows(to, (*e)->opts, "");
            fputs("\nOptions of every exporter:\n\n", to);
            print_rows(to, gw_sender_opts, "");
            return true;
        }
    return false;
}

bool gw_command_line_help(const char *topic, FILE *to, FILE *errors)
{
    if (!topic) {
        print_overview(to);
        return true;
    }
    if (print_topic(to, topic))
        return true;
    const char *topics[64] = {"run", "check",   "health",    "explain",   "test", "pipeline", "tap",
                              "top", "process", "receivers", "exporters", "log",  "admin",    "storage"};
    size_t n = 14;
    for (const struct gw_receiver *const *r = gw_receivers; *r && n < 40; r++)
        topics[n++] = (*r)->name;
    for (const struct gw_exporter *const *e = gw_exporters; *e && n < 63; e++)
        topics[n++] = (*e)->name;
    const char *dot = strrchr(topic, '.'), *near = gw_did_you_mean(gw_str_z(dot ? dot + 1 : topic), topics);
    fprintf(errors, "ddgate: there is no help on %s%s%s; ddgate --help names the topics\n", topic,
            near ? ": did you mean " : "", near ? near : "");
    return false;
}
