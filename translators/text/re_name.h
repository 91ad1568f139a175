/* re_name.h: what an expression (re.h) and its rewriting (re_syntax.h) say of groups: how many there may be, and what they are called.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RE_NAME_H
#define RE_NAME_H

#include "core/base/str.h"

enum { RE_ERROR_SIZE = 200 /* bytes of the words for an expression that is refused */, RE_GROUPS = 400 };

struct re_name {
    gw_str name;
    unsigned group;
};

#endif
