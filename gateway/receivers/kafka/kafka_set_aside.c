/* kafka_set_aside.c: handles a record that cannot be used: counts it, logs its position, and writes it as a
 * line of JSON if dead_letter.directory is set. It never blocks later records: if the file cannot be written,
 * the record is only in Kafka, as long as its topic keeps it. Owns nothing beyond the line. Called by
 * kafka_batch.c.
 *
 *     {"topic":"otlp_spans","partition":3,"offset":1742,"timestamp":1764450000000,"reason":"malformed",
 *      "detail":"…","signal":"traces","key":"…","value":"…"}      key and value in base64
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "gateway/receivers/kafka/kafka_set_aside.h"

static void put_base64(FILE *to, gw_str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = (const uint8_t *)s.ptr;
    for (size_t i = 0; i < s.len; i += 3) {
        size_t n = s.len - i < 3 ? s.len - i : 3;
        uint32_t bits = (uint32_t)p[i] << 16 | (n > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (n > 2 ? p[i + 2] : 0);
        putc(digits[bits >> 18], to);
        putc(digits[bits >> 12 & 63], to);
        putc(n > 1 ? digits[bits >> 6 & 63] : '=', to);
        putc(n > 2 ? digits[bits & 63] : '=', to);
    }
}

/* For ddgate's own texts and headers: characters that are not plain ASCII become '?'. */
static void put_text(FILE *to, const char *name, gw_str s)
{
    fprintf(to, ",\"%s\":\"", name);
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '"' || s.ptr[i] == '\\')
            putc('\\', to);
        putc(s.ptr[i] >= ' ' && s.ptr[i] < 0x7f ? s.ptr[i] : '?', to);
    }
    putc('"', to);
}

static void put_line(FILE *to, const struct kafka_record *r, enum kafka_fault fault, const char *detail)
{
    fprintf(to, "{\"topic\":\"%.*s\",\"partition\":%d,\"offset\":%lld,\"timestamp\":%lld,\"reason\":\"%s\"",
            GW_FMT(r->topic), r->partition, (long long)r->offset, (long long)r->timestamp,
            kafka_fault_label(fault));
    if (*detail)
        put_text(to, "detail", gw_str_z(detail));
    if (r->signal.ptr)
        put_text(to, "signal", r->signal);
    if (r->content_type.ptr)
        put_text(to, "content_type", r->content_type);
    fputs(",\"key\":\"", to);
    put_base64(to, r->key);
    fputs("\",\"value\":\"", to);
    put_base64(to, r->value);
    fputs("\"}\n", to);
}

static bool write_line(struct kafka *k, const struct kafka_record *r, enum kafka_fault fault,
                       const char *detail)
{
    struct gw_dead_letter_fate fate;
    char *text = NULL;
    size_t len = 0, cost = r->value.len / 3 * 4 + r->key.len / 3 * 4;
    if (!gw_budget_take(k->host->budget, cost))
        return false;
    FILE *to = open_memstream(&text, &len);
    if (to)
        put_line(to, r, fault, detail);
    bool whole =
        to && fclose(to) == 0 && gw_dead_letter_file_put(&k->dead_letter, gw_str_n(text, len), &fate);
    free(text);
    gw_budget_give(k->host->budget, cost);
    return whole;
}

void kafka_set_aside(struct kafka *k, const struct kafka_record *r, enum kafka_fault fault,
                     const char *detail)
{
    bool written = k->conf.dead_letter_directory.len && write_line(k, r, fault, detail);
    kafka_count(&k->counts.faults[fault], 1);
    kafka_count(&k->counts.set_aside, written);
    gw_log(GW_WARNING, KAFKA_COMPONENT, "%.*s/%d: the record at offset %lld is %s (%s)%s%s", GW_FMT(r->topic),
           r->partition, (long long)r->offset, fault == KAFKA_FAULT_PARTIAL ? "used in part" : "not used",
           kafka_fault_label(fault), *detail ? ": " : "", detail);
}
