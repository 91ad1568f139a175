/* re_name.h: what compiling an expression (re.h) and reading its syntax (re_syntax.h) share: the names of
 * groups, and the room for a reason. SPDX-License-Identifier: Apache-2.0
 */
#ifndef RE_NAME_H
#define RE_NAME_H

#include "core/base/str.h"

enum { RE_ERROR_SIZE = 200 }; /* size of the message about a refused expression */

struct re_name {
    gw_str name;
    unsigned group;
};

#endif
