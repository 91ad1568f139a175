/* config_text.h: reads a file into text, and replaces ${…} by values.
 *
 *   "${env:SLS_AK_ID}"            the environment variable; an error with its name if it is not set
 *   "${env:REGION:-cn-hangzhou}"  the same with a default, for a variable that is not set or empty
 *   "${file:/run/secrets/key}"    the file's contents without the newlines at its end, at most GW_CONF_SECRET bytes
 *   "$${"                         the characters ${
 *
 * So the configuration need not contain secrets. Inserted values are never shown: messages show the text as
 * it was written.
 *
 * libconfig silently truncates integers without an L to 32 bits, and takes those beyond 64 bits for -1:
 * gw_conf_widen adds an L where one is needed, and puts the largest number of 64 bits, which is out of every
 * range, in the place of larger ones. (libconfig itself reads files that the configuration @includes: in them a number above 2147483647
 * needs its L.)
 *
 * Threads: main thread. Ownership: results are in the given arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CONFIG_TEXT_H
#define GW_CONFIG_TEXT_H

#include "core/base/arena.h"
#include "core/config/option.h"

enum { GW_CONF_FILE = 1024 * 1024, GW_CONF_SECRET = 64 * 1024 };

/* getenv, or a test's own. */
typedef const char *gw_env_f(const char *name);

/* The whole file ("-": standard input); GW_NOSTR on an error, which is a diagnostic at path "". */
gw_str gw_conf_load(const char *file, struct gw_arena *, struct gw_diagnostics *);
/* Ready for libconfig. */
gw_str gw_conf_widen(gw_str text, struct gw_arena *);

/* False on a mistake: the diagnostics at `path` have the reason. */
bool gw_conf_expand(gw_str raw, gw_env_f *, struct gw_arena *, gw_str *out, const char *path,
                    struct gw_diagnostics *) GW_MUST_CHECK;

#endif
