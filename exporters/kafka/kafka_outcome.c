/* kafka_outcome.c: ranks errors of records and puts the first into words. Owns nothing. Called by kafka.c for each
 * record that was not acknowledged.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/kafka/kafka_outcome.h"

#include <stdio.h>

/* By error: its rank, which decides for a request with several errors, and its verdict. */
static const struct {
    unsigned rank;
    enum gw_verdict verdict;
} kinds[] = {
    [KAFKA_AWAY] = {7, GW_RETRY},           [KAFKA_LATE] = {6, GW_TIMED_OUT},
    [KAFKA_OVER] = {5, GW_RETRY},           [KAFKA_PASSING] = {4, GW_RETRY},
    [KAFKA_REFUSED] = {3, GW_RETRY_SLOWLY}, [KAFKA_TOO_LARGE] = {2, GW_SPLIT},
    [KAFKA_BAD] = {1, GW_REFUSED},
};

void kafka_verdict_add(struct kafka_verdict *v, rd_kafka_resp_err_t error,
                       const struct kafka_trouble *trouble)
{
    enum kafka_kind kind = kafka_cause(error)->kind;
    bool explained = kind == KAFKA_LATE && trouble->code != RD_KAFKA_RESP_ERR_NO_ERROR;
    v->failed++;
    if (explained) {
        error = trouble->code;
        kind = kafka_cause(error)->kind;
    }
    if (kinds[kind].rank <= v->rank)
        return;
    v->rank = kinds[kind].rank;
    v->error = error;
    v->down = trouble->down;
    snprintf(v->detail, sizeof v->detail, "%s", explained ? trouble->text : "");
}

void kafka_verdict_outcome(const struct kafka_verdict *v, const char *topic, size_t most,
                           struct gw_outcome *out)
{
    char subject[128];
    snprintf(subject, sizeof subject, "topic %s", topic);
    const struct kafka_cause *cause =
        kafka_explain(v->error, subject, v->detail, out->text, sizeof out->text);
    out->verdict = kinds[cause->kind].verdict;
    out->unreachable = cause->kind == KAFKA_AWAY && v->down;
    out->remedy = cause->remedy;
    if (v->error != RD_KAFKA_RESP_ERR__BAD_MSG)
        return;
    snprintf(out->text, sizeof out->text, "%s: it alone is larger than max_message, %zu bytes", subject,
             most);
    out->remedy = "raise max_message, and max.message.bytes of the topic";
}
