/* otlp_resource.h: changes the resources of an OTLP request: adds attributes and removes credentials.
 *
 *     Export…Request { Resource… { resource { attributes − credentials − set + set + missing } scope… } … }
 *
 * SLS's documented setup puts the keys of a project into the resource of each application (sls.otel.project,
 * sls.otel.akid, sls.otel.aksecret …). A gateway must not pass these secrets on to logs, disks and other
 * backends, so it removes them.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_RESOURCE_H
#define OTLP_RESOURCE_H

#include "translators/otlp/otlp_write.h"

/* The prefix of the credentials' names. */
#define OTLP_CREDENTIALS "sls.otel."

struct otlp_attribute {
    gw_str key, value;
};

struct otlp_resource_policy {
    const struct otlp_attribute *set; /* replaces an attribute of the same key */
    size_t set_n;
    const struct otlp_attribute *missing; /* added if there is no attribute of this key */
    size_t missing_n;
    bool takes_credentials_out;
};

/* Before:  otlp_check accepted `body`; *out is an empty writer.
 * Returns: the number of credentials that were removed. *out is the same request with changed resources, or
 *          out->failed is set if there is no memory. */
uint64_t otlp_resource_rewrite(const struct otlp_resource_policy *, gw_str body, struct otlp_buf *out);

#endif
