/* sls_response.c: refines an outcome by the SLS error code in its text. Pure. Called by sls.c for each
 * answer.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sls/sls_response.h"

#include <string.h>

/* Quotas count by the minute or the second; asking again sooner only adds to them. */
#define QUOTA_WAIT (5 * GW_SEC)

static const struct row {
    const char *word;
    enum gw_verdict verdict;
    const char *remedy;
} rows[] = {
    {"QuotaExceed", GW_RETRY,
     "A quota of the SLS project is used up; ddgate waits. Raise it in the console (project, resource quota) "
     "or split shards."},
    {"ServerBusy", GW_RETRY, "SLS is busy; ddgate waits."},
    {"SignatureNotMatch", GW_RETRY_SLOWLY, "access_key_secret does not belong to access_key_id."},
    {"Unauthorized", GW_RETRY_SLOWLY,
     "SLS does not know this access key, or it may not write to the project: check access_key_id and its "
     "permissions "
     "(log:PostLogStoreLogs)."},
    {"InvalidAccessKeyId", GW_RETRY_SLOWLY, "SLS does not know this access key: check access_key_id."},
    {"SecurityToken", GW_RETRY_SLOWLY,
     "The temporary key's security_token is missing, wrong or has expired."},
    {"ProjectNotExist", GW_RETRY_SLOWLY,
     "There is no such project in this region: check project, and the region in endpoint."},
    {"LogStoreNotExist", GW_RETRY_SLOWLY, "There is no such trace instance in the project: check instance."},
    {"InstanceNotExist", GW_RETRY_SLOWLY, "There is no such trace instance in the project: check instance."},
    {"RequestTimeTooSkewed", GW_RETRY_SLOWLY, "This machine's clock is off by more than 15 minutes: set it."},
};

void sls_response(struct gw_outcome *out)
{
    if (out->verdict == GW_DONE)
        return;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!strstr(out->text, rows[i].word))
            continue;
        out->verdict = rows[i].verdict;
        out->remedy = rows[i].remedy;
        if (out->verdict == GW_RETRY && out->retry_after < QUOTA_WAIT)
            out->retry_after = QUOTA_WAIT;
        return;
    }
}
