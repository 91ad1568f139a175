/* config_path.h: the name of a file in messages, where the option that should hold it may hold a secret by mistake.
 *
 *     tls.key = "${env:KEY}"          KEY is the PEM text itself, and not the name of a file
 *     token = "${file:s3cr3t}"        the secret stands where the name of its file should
 *
 * A name is shown when there is such a file, or the folder that it would be in (not /), when it ends as files of keys and certificates do, or begins with / and has
 * small letters only.
 * Of anything else a message says what it is, without a character of it.
 *
 * Threads: pure functions, but for a look at the file system.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CONFIG_PATH_H
#define GW_CONFIG_PATH_H

#include "core/base/str.h"

/* Can it be the name of a file? */
bool gw_path_is_name(gw_str);

struct gw_path_shown {
    char text[320];
};
/* The name, or words that stand for it: "what stands there (the text of a key, not the name of a file)". */
struct gw_path_shown gw_path_shown(gw_str);

#endif
