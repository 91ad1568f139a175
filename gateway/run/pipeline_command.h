/* pipeline_command.h: `ddgate pipeline`: tries a Pipeline script on lines, without a gateway around it.
 *
 *     lines ──▶ script ──▶ one JSON object a record: {"name", "tags", "fields", "time", "dropped", "error"}
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PIPELINE_COMMAND_H
#define GW_PIPELINE_COMMAND_H

struct gw_conf_environment;

/* The arguments behind the word `pipeline`. The process's exit code: 0; 2 when the arguments or the script
 * are wrong; 1 anything else. */
int gw_pipeline_command(int argc, char *const *argv, const struct gw_conf_environment *);

#endif
