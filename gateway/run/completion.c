/* completion.c: Writes what bash, zsh and fish need to complete commands, options and topics, from the same
 * rows as --help. Owns nothing. Called by manual.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "core/base/str.h"
#include "gateway/run/commands.h"
#include "gateway/run/manual.h"

static const char *const head = "# Made by ddgate --manual from the program's tables.\n";

/* Inside of single quotes of a shell; in zsh's lists a colon has a meaning, and a backslash of fish's. */
static void put_quoted(FILE *to, const char *text, const char *escaped)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", to);
        else if (strchr(escaped, *text))
            fprintf(to, "\\%c", *text);
        else
            fputc(*text, to);
    }
}

static void put_words(FILE *to, const char *words)
{
    for (; *words; words++)
        fputc(*words == '|' ? ' ' : *words, to);
}

static void put_topic_name(void *to, const char *name, const char *text)
{
    fprintf(to, " %s", name);
}

static void put_topics(FILE *to)
{
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++)
        fprintf(to, "%s%s", c == gw_command_rows ? "" : " ", c->name);
    gw_each_topic(put_topic_name, to);
}

static void put_flag_names(FILE *to, const char *command)
{
    for (const struct gw_flag_row *f = gw_flag_rows; f->name; f++)
        if (strcmp(f->command, command) == 0)
            fprintf(to, " %s", f->name);
}

/* It has the options of the program itself as well. */
static bool is_of_gateway(const struct gw_command_row *c)
{
    return strstr(c->synopsis, "-c FILE") != NULL;
}

/* It works on files that are named without an option. */
static bool takes_files(const struct gw_command_row *c)
{
    gw_str synopsis = gw_str_z(c->synopsis);
    return !is_of_gateway(c) &&
           (gw_str_ends(synopsis, GW_STR(" FILE")) || gw_str_ends(synopsis, GW_STR(" DIR")) ||
            gw_str_ends(synopsis, GW_STR(" [FILE...]")));
}

static void put_bash_commands(FILE *to)
{
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++) {
        if (!gw_command_has_flags(c->name))
            continue;
        fprintf(to, "        1:%s)", c->name);
        if (takes_files(c))
            fputs(" [[ $word == -* ]] || { compopt -o default 2>/dev/null; return; }\n           ", to);
        fputs(is_of_gateway(c) ? " words='-c" : " words='--help", to);
        if (is_of_gateway(c))
            put_flag_names(to, "");
        put_flag_names(to, c->name);
        fputs("' ;;\n", to);
    }
}

void gw_completion_bash(FILE *to)
{
    fputs(head, to);
    fputs("_ddgate()\n{\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} words=\n"
          "    COMPREPLY=()\n"
          "    case $before in\n"
          "    --help|-h) words='",
          to);
    put_topics(to);
    fputs("' ;;\n    -c", to);
    for (const struct gw_flag_row *f = gw_flag_rows; f->name; f++)
        if (strcmp(f->value, "FILE") == 0)
            fprintf(to, "|%s", f->name);
    fputs(") compopt -o default 2>/dev/null; return ;;\n", to);
    for (const struct gw_flag_row *f = gw_flag_rows; f->name; f++)
        if (*f->words) {
            fprintf(to, "    %s) words='", f->name);
            put_words(to, f->words);
            fputs("' ;;\n", to);
        } else if (*f->value && strcmp(f->value, "FILE") != 0 && *f->value != '[') {
            fprintf(to, "    %s) return ;;\n", f->name);
        }
    fputs("    *)\n        case $((COMP_CWORD > 1)):${COMP_WORDS[1]} in\n", to);
    put_bash_commands(to);
    fputs("        *) words='-c", to);
    put_flag_names(to, "");
    fputs("'\n            [[ $COMP_CWORD -gt 1 ]] || words+='", to);
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++)
        fprintf(to, " %s", c->name);
    fputs("' ;;\n        esac ;;\n    esac\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
          "}\ncomplete -F _ddgate ddgate\n",
          to);
}

static void put_zsh_topic(void *to, const char *name, const char *text)
{
    fprintf(to, "        '%s:", name);
    put_quoted(to, text, ":");
    fputs("'\n", to);
}

static void put_zsh_flag(FILE *to, const struct gw_flag_row *f)
{
    fprintf(to, "        '%s%s[", f->name, *f->value && *f->value != '[' ? "=" : "");
    put_quoted(to, f->text, "[]:\\");
    fputs("]", to);
    if (strcmp(f->value, "FILE") == 0)
        fputs(":file:_files", to);
    else if (*f->words) {
        fputs(":value:(", to);
        put_words(to, f->words);
        fputs(")", to);
    } else if (*f->value == '[')
        fputs(":topic:_ddgate_topics", to);
    else if (*f->value)
        fputs(":value: ", to);
    fputs("'\n", to);
}

void gw_completion_zsh(FILE *to)
{
    fputs("#compdef ddgate\n", to);
    fputs(head, to);
    fputs("_ddgate_topics() {\n    local -a topics=(\n", to);
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++)
        put_zsh_topic(to, c->name, c->text);
    gw_each_topic(put_zsh_topic, to);
    fputs("    )\n    _describe topic topics\n}\n"
          "_ddgate() {\n    local -a commands=(\n",
          to);
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++)
        put_zsh_topic(to, c->name, c->text);
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++) {
        if (!gw_command_has_flags(c->name))
            continue;
        fprintf(to, "    ) of_%s=(\n", c->name);
        for (const struct gw_flag_row *f = gw_flag_rows; f->name; f++)
            if (strcmp(f->command, c->name) == 0)
                put_zsh_flag(to, f);
    }
    fputs("    ) general=(\n        '-c[The configuration file.]:file:_files'\n", to);
    for (const struct gw_flag_row *f = gw_flag_rows; f->name; f++)
        if (!*f->command)
            put_zsh_flag(to, f);
    fputs("    )\n    case $((CURRENT > 2)):$words[2] in\n", to);
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++)
        if (gw_command_has_flags(c->name))
            fprintf(to, "    1:%s) _arguments -S '1:command:' %s$of_%s %s ;;\n", c->name,
                    is_of_gateway(c) ? "$general " : "", c->name,
                    takes_files(c) ? "'*:file:_files'" : "'*:word:'");
    fputs("    *) _arguments $general '1:command:{_describe command commands}' ;;\n    esac\n}\n"
          "if [[ $zsh_eval_context[-1] == loadautofunc ]]; then\n    _ddgate \"$@\"\nelse\n    compdef "
          "_ddgate ddgate\nfi\n",
          to);
}

static void put_fish_topic(void *to, const char *name, const char *text)
{
    fprintf(to, "complete -c ddgate -n '__fish_prev_arg_in --help -h' -f -a %s -d '", name);
    put_quoted(to, text, "");
    fputs("'\n", to);
}

/* The command is there; "": none of those that have options of their own. */
static void put_fish_condition(FILE *to, const char *command)
{
    fprintf(to, "%s__fish_seen_subcommand_from", *command ? "" : "not ");
    if (*command)
        fprintf(to, " %s", command);
    for (const struct gw_command_row *c = gw_command_rows; !*command && c->name; c++)
        if (gw_command_has_flags(c->name) && !is_of_gateway(c))
            fprintf(to, " %s", c->name);
}

static void put_fish_flag(FILE *to, const struct gw_flag_row *f)
{
    fputs("complete -c ddgate -n '", to);
    put_fish_condition(to, f->command);
    fprintf(to, "' -l %s", f->name + 2);
    if (*f->words) {
        fputs(" -x -a '", to);
        put_words(to, f->words);
        fputs("'", to);
    } else if (strcmp(f->value, "FILE") == 0) {
        fputs(" -r -F", to);
    } else if (*f->value && *f->value != '[') {
        fputs(" -x", to);
    }
    fputs(" -d '", to);
    put_quoted(to, f->text, "");
    fputs("'\n", to);
}

void gw_completion_fish(FILE *to)
{
    fputs(head, to);
    fputs("complete -c ddgate -n '", to);
    put_fish_condition(to, "");
    fputs("' -f\ncomplete -c ddgate -n '", to);
    put_fish_condition(to, "");
    fputs("' -s c -r -F -d 'The configuration file.'\n", to);
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++) {
        fprintf(to, "complete -c ddgate -n __fish_use_subcommand -f -a %s -d '", c->name);
        put_quoted(to, c->text, "");
        fputs("'\n", to);
    }
    for (const struct gw_flag_row *f = gw_flag_rows; f->name; f++)
        put_fish_flag(to, f);
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++)
        put_fish_topic(to, c->name, c->text);
    gw_each_topic(put_fish_topic, to);
}
