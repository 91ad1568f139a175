/* kafka_topic.c: the brokers' rule for names of topics. Owns nothing. Called when options are checked.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/kafka/kafka_topic.h"

enum { LONGEST = 249 };

const char *kafka_topic_fault(gw_str name)
{
    if (name.len > LONGEST)
        return "is longer than 249 characters";
    if (gw_str_eq(name, GW_STR(".")) || gw_str_eq(name, GW_STR("..")))
        return "is no name of a topic";
    for (size_t i = 0; i < name.len; i++) {
        char c = gw_lower(name.ptr[i]);
        if (!gw_is_digit(c) && !(c >= 'a' && c <= 'z') && !gw_char_in(c, "._-"))
            return "is no name of a topic: letters, digits, '.', '_' and '-' only";
    }
    return name.len ? NULL : "is no name of a topic";
}
