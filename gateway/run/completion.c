/* completion.c: Writes what bash, zsh and fish need to complete commands, options and topics, from the same
 * rows as --help. Owns nothing. Called by manual.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

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
    fputs("    *)\n        if [[ ${COMP_WORDS[1]} == pipeline && $COMP_CWORD -gt 1 ]]; then\n"
          "            [[ $word == -* ]] || { compopt -o default 2>/dev/null; return; }\n            "
          "words='--help",
          to);
    put_flag_names(to, "pipeline");
    fputs("'\n        else\n            words='-c", to);
    put_flag_names(to, "");
    fputs("'\n            [[ $COMP_CWORD -gt 1 ]] || words+='", to);
    for (const struct gw_command_row *c = gw_command_rows; c->name; c++)
        fprintf(to, " %s", c->name);
    fputs("'\n        fi ;;\n    esac\n"
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
    fputs("    ) pipeline=(\n", to);
    for (const struct gw_flag_row *f = gw_flag_rows; f->name; f++)
        if (strcmp(f->command, "pipeline") == 0)
            put_zsh_flag(to, f);
    fputs("    ) general=(\n        '-c[The configuration file.]:file:_files'\n", to);
    for (const struct gw_flag_row *f = gw_flag_rows; f->name; f++)
        if (!*f->command)
            put_zsh_flag(to, f);
    fputs("    )\n"
          "    if [[ $words[2] == pipeline && CURRENT -gt 2 ]]; then\n"
          "        _arguments -S '1:command:' $pipeline '*:file:_files'\n"
          "    else\n"
          "        _arguments $general '1:command:{_describe command commands}'\n"
          "    fi\n}\n"
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

static void put_fish_flag(FILE *to, const struct gw_flag_row *f)
{
    fprintf(to, "complete -c ddgate -n '%s__fish_seen_subcommand_from pipeline' -l %s",
            *f->command ? "" : "not ", f->name + 2);
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
    fputs("complete -c ddgate -n 'not __fish_seen_subcommand_from pipeline' -f\n"
          "complete -c ddgate -n 'not __fish_seen_subcommand_from pipeline' -s c -r -F -d 'The configuration "
          "file.'\n",
          to);
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
