/* pem_file.h: certificates and keys that options name by their files.
 *
 *     tls = { ca = "/etc/ssl/kafka.pem"; };   ─▶   the PEM text, or a mistake with file and line
 *
 * A file that cannot be read, is not a regular file, is too large or contains no PEM text is a mistake. If
 * the option contains the text of a key in place of a file name, the message does not repeat it.
 *
 * Threads: main. Ownership: the text is malloc'd, ends with a NUL byte and is the caller's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PEM_FILE_H
#define GW_PEM_FILE_H

#include "core/config/config_diagnostic.h"

/* *text is NULL for an empty name, which is no mistake. False, with *text NULL and a diagnostic at the option of
 * `path`, when there is one. */
bool gw_pem_read(gw_str file, const char *path, const char *option, struct gw_diagnostics *, char **text);
/* Wipes and frees the text; NULL is legal. */
void gw_pem_forget(char *text);

#endif
