/* dd_card.c: finds numbers of payment cards in texts. Keeps no state. Called by dd_privacy.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_card.h"

enum { LEAST = 12, MOST = 16 };

/* Ranges of issuers: the first and the last value of the leading digits. */
static const struct {
    unsigned digits, first, last;
} issuers[] = {{1, 1, 1},          {1, 4, 4},           {2, 34, 39},         {2, 51, 55},
               {2, 62, 62},        {2, 65, 65},         {3, 300, 305},       {3, 309, 309},
               {3, 636, 636},      {3, 644, 649},       {4, 3528, 3589},     {4, 5019, 5019},
               {4, 6011, 6011},    {6, 222100, 272099}, {6, 500000, 509999}, {6, 560000, 589999},
               {6, 600000, 699999}};

static bool has_issuer(const char *digits)
{
    for (size_t i = 0; i < sizeof issuers / sizeof *issuers; i++) {
        unsigned number = 0;
        for (unsigned d = 0; d < issuers[i].digits; d++)
            number = number * 10 + (unsigned)(digits[d] - '0');
        if (number >= issuers[i].first && number <= issuers[i].last)
            return true;
    }
    return false;
}

/* ISO/IEC 7812-1, annex B. */
static bool checksum_is_right(const char *digits, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned digit = (unsigned)(digits[n - 1 - i] - '0') << (i & 1);
        sum += digit > 9 ? digit - 9 : digit;
    }
    return sum % 10 == 0;
}

bool dd_is_card(gw_str s, bool luhn)
{
    char digits[MOST];
    size_t n = 0;
    if (s.len < LEAST)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == ' ' || s.ptr[i] == '-')
            continue;
        if (!gw_is_digit(s.ptr[i]) || n == MOST)
            return false;
        digits[n++] = s.ptr[i];
    }
    return n >= LEAST && has_issuer(digits) && (!luhn || checksum_is_right(digits, n));
}

bool dd_card_spares(gw_str tag)
{
    static const gw_str spared[] = {GW_LIT("account_id"),
                                    GW_LIT("aws_account"),
                                    GW_LIT("error"),
                                    GW_LIT("error.msg"),
                                    GW_LIT("error.type"),
                                    GW_LIT("error.stack"),
                                    GW_LIT("env"),
                                    GW_LIT("graphql.field"),
                                    GW_LIT("graphql.query"),
                                    GW_LIT("graphql.type"),
                                    GW_LIT("graphql.operation.name"),
                                    GW_LIT("grpc.code"),
                                    GW_LIT("grpc.method"),
                                    GW_LIT("grpc.request"),
                                    GW_LIT("http.status_code"),
                                    GW_LIT("http.method"),
                                    GW_LIT("runtime-id"),
                                    GW_LIT("out.host"),
                                    GW_LIT("out.port"),
                                    GW_LIT("sampling.priority"),
                                    GW_LIT("span.type"),
                                    GW_LIT("span.name"),
                                    GW_LIT("service.name"),
                                    GW_LIT("service"),
                                    GW_LIT("sql.query"),
                                    GW_LIT("version"),
                                    GW_LIT("databricks_job_id"),
                                    GW_LIT("databricks_job_run_id"),
                                    GW_LIT("databricks_task_run_id"),
                                    GW_LIT("config.spark_app_startTime")};
    if (tag.len && *tag.ptr == '_')
        return true;
    for (size_t i = 0; i < sizeof spared / sizeof *spared; i++)
        if (gw_str_eq(tag, spared[i]))
            return true;
    return false;
}
