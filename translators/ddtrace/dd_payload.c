/* Sorts the tags of a payload: a tag that describes the process is moved to the payload's field for it.
 *
 * Keeps no state. dd_group.c calls dd_payload_settle when everything is read; dd_fact_of is called for each
 * such tag.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_payload.h"

#include "translators/ddtrace/dd_names.h"

int dd_fact_of(unsigned name)
{
    switch (name) {
    case DD_T_DD_GIT_COMMIT:
    case DD_T_GIT_COMMIT:
        return DD_FACT_COMMIT;
    case DD_T_DD_GIT_REPOSITORY:
    case DD_T_GIT_REPOSITORY:
        return DD_FACT_REPOSITORY;
    case DD_T_CONTAINER_ID:
        return DD_FACT_CONTAINER_ID;
    case DD_T_CONTAINER_TAGS:
        return DD_FACT_CONTAINER_TAGS;
    case DD_T_PROCESS_TAGS:
        return DD_FACT_PROCESS_TAGS;
    case DD_T_CLOUD_PROVIDER:
        return DD_FACT_CLOUD_PROVIDER;
    case DD_T_FUNCTION_ARN:
        return DD_FACT_FUNCTION_ARN;
    case DD_T_PROCESS_ID:
    case DD_T_SYSTEM_PID:
        return DD_FACT_PID;
    default:
        return -1;
    }
}

/* Returns the payload's field for a tag; NULL if there is none. */
static gw_str *field_of(struct dd_payload *p, gw_str key)
{
    unsigned name = dd_name_of(key, dd_hash(key));
    int fact = dd_fact_of(name);
    switch (name) {
    case DD_T_ENV:
        return &p->env;
    case DD_T_VERSION:
        return &p->version;
    case DD_T_RUNTIME_ID:
        return &p->runtime_id;
    case DD_T_LANGUAGE:
        return &p->language;
    case DD_T_DD_HOSTNAME:
    case DD_T_DD_TRACER_HOSTNAME:
    case DD_T_HOST:
        return &p->host;
    default:
        return fact >= 0 ? &p->facts[fact] : gw_str_eq(key, GW_STR("service")) ? &p->service : NULL;
    }
}

void dd_payload_settle(struct dd_payload *p)
{
    size_t kept = 0;
    for (size_t i = 0; i < p->tags_n; i++) {
        gw_str *field = field_of(p, p->tags[i].key);
        if (!field)
            p->tags[kept++] = p->tags[i];
        else if (!field->len)
            *field = p->tags[i].value;
    }
    p->tags_n = kept;
}
