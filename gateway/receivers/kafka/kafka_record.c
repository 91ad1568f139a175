/* kafka_record.c: Looks at a record's headers, topic and first byte. Owns nothing. Called by kafka_batch.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/kafka/kafka_record.h"

#include <regex.h>

const char *kafka_fault_label(enum kafka_fault f)
{
    static const char *const labels[KAFKA_FAULTS] = {
        [KAFKA_FAULT_NONE] = "none",
        [KAFKA_FAULT_UNKNOWN_SIGNAL] = "unknown_signal",
        [KAFKA_FAULT_UNKNOWN_ENCODING] = "unknown_encoding",
        [KAFKA_FAULT_MALFORMED] = "malformed",
        [KAFKA_FAULT_TOO_LARGE] = "too_large",
        [KAFKA_FAULT_PARTIAL] = "partial",
    };
    return labels[f];
}

static bool matches(gw_str pattern, const char *topic)
{
    regex_t re;
    if (!gw_str_starts(pattern, GW_STR("^")))
        return gw_str_eq(pattern, gw_str_z(topic));
    if (regcomp(&re, pattern.ptr, REG_EXTENDED | REG_NOSUB) != 0)
        return false;
    bool does = regexec(&re, topic, 0, NULL, 0) == 0;
    regfree(&re);
    return does;
}

int kafka_topic_signal(const struct kafka_topics *topics, const char *topic)
{
    for (int s = 0; s < GW_SIGNALS; s++)
        for (size_t i = 0; topics->of[s] && i < topics->of[s]->n; i++)
            if (matches(topics->of[s]->items[i], topic))
                return s;
    return -1;
}

static bool signal_of(const struct kafka_record *r, enum gw_signal *signal)
{
    for (int s = 0; s < GW_SIGNALS; s++)
        if (r->signal.ptr ? gw_str_eq(r->signal, gw_str_z(gw_signal_name((enum gw_signal)s)))
                          : r->topic_signal == s) {
            *signal = (enum gw_signal)s;
            return true;
        }
    return false;
}

static bool is_json(gw_str type)
{
    type.len = gw_str_find(type, ';');
    return gw_str_ieq(gw_str_trim(type), GW_STR("application/json"));
}

static bool is_protobuf(gw_str type)
{
    type.len = gw_str_find(type, ';');
    type = gw_str_trim(type);
    return gw_str_ieq(type, GW_STR("application/x-protobuf")) ||
           gw_str_ieq(type, GW_STR("application/protobuf"));
}

enum kafka_fault kafka_record_read(const struct kafka_record *r, enum kafka_encoding encoding,
                                   enum gw_signal *signal, bool *json)
{
    if (!signal_of(r, signal))
        return KAFKA_FAULT_UNKNOWN_SIGNAL;
    if (encoding != KAFKA_AUTO) {
        *json = encoding == KAFKA_JSON;
        return KAFKA_FAULT_NONE;
    }
    *json = r->content_type.ptr ? is_json(r->content_type) : gw_str_starts(r->value, GW_STR("{"));
    bool known = !r->content_type.ptr || *json || is_protobuf(r->content_type);
    return known ? KAFKA_FAULT_NONE : KAFKA_FAULT_UNKNOWN_ENCODING;
}
