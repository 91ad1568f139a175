/* otlp_resource.h: what becomes of the resources of a request that comes as OTLP: attributes that are added, and an
 * application's credentials, which are taken out.
 *
 *     Export…Request { Resource… { resource { attributes − credentials − set + set + missing } scope… } … }
 *
 * SLS's documented set-up has applications put the keys of their project into their resource (sls.otel.project,
 * sls.otel.akid, sls.otel.aksecret …). A gateway in front of any backend would hand these secrets on, to logs, disks
 * and other backends.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_RESOURCE_H
#define OTLP_RESOURCE_H

#include "translators/otlp/otlp_write.h"

/* The prefix of credentials' names. */
#define OTLP_CREDENTIALS "sls.otel."

struct otlp_attribute {
    gw_str key, value;
};

struct otlp_resource_policy {
    const struct otlp_attribute *set; /* whatever stands there */
    size_t set_n;
    const struct otlp_attribute *missing; /* where no attribute of that key stands */
    size_t missing_n;
    bool takes_credentials_out;
};

/* Before:  otlp_check took `body`; *out is an empty writer.
 * After:   *out is the same request with its resources changed, out->failed where there is no memory. Returns how
 *          many credentials were taken out. */
uint64_t otlp_resource_rewrite(const struct otlp_resource_policy *, gw_str body, struct otlp_buf *out);

#endif
