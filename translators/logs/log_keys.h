/* log_keys.h: which keys of JSON log lines mean what: log_keys.def.
 * Pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_KEYS_H
#define LOG_KEYS_H

#include <stdio.h>

#include "core/base/str.h"

/* Up to ROLE_RANKED only one key of a role can win; of the others each is an attribute of another name. */
enum log_role {
    ROLE_NONE,
    ROLE_TIME,
    ROLE_SECOND,
    ROLE_NANO,
    ROLE_HOST,
    ROLE_SERVICE,
    ROLE_ENV,
    ROLE_VERSION,
    ROLE_STATUS,
    ROLE_TRACE,
    ROLE_SPAN,
    ROLE_MESSAGE,
    ROLE_LINE,
    ROLE_LOGGER,
    ROLE_SOURCE,
    ROLE_TAGS,
    ROLE_RANKED,
    ROLE_THREAD,
    ROLE_FUNCTION,
    ROLE_PATH,
    ROLE_PLACE,
    ROLE_CALLER,
    ROLE_ERROR,
    ROLE_REASON,
    ROLE_STACK
};

struct log_key {
    enum log_role role;
    unsigned rank; /* smaller is better */
};

/* `path` is the path of the parents with its dots, "" at the top. */
struct log_key log_key_find(gw_str path, gw_str key);
/* docs/reference/logs.md */
void log_keys_reference(FILE *);

#endif
