/* ddtrace_untranslated.h: the rows of ddtrace_untranslated.def by name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_UNTRANSLATED_H
#define GW_DDTRACE_UNTRANSLATED_H

enum ddtrace_quiet_row {
#define QUIET(id, path, prefix, methods, status, body, listed, what, off) DDTRACE_QUIET_##id,
#include "gateway/receivers/ddtrace/ddtrace_untranslated.def"
    DDTRACE_QUIETS
};

#endif
