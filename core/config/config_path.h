/* config_path.h: the name of a file in messages, if the option may hold a secret by mistake.
 *
 *     tls.key = "${env:KEY}"          KEY is the PEM text itself, and not the name of a file
 *     token = "${file:s3cr3t}"        the secret itself is written in place of its file's name
 *
 * A name is shown if the file or its folder (not /) exists, if it ends like files of keys and certificates,
 * or if it begins with / and has only small letters. Of any other text a message gives only a description.
 *
 * Threads: pure functions, except for a look at the file system.
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
/* The name, or a description of the text: "what stands there (the text of a key, not the name of a file)". */
struct gw_path_shown gw_path_shown(gw_str);

#endif
