/* dd_resource.h: who sent the spans, as the OTLP Resource of a group. docs/reference/mapping.md, "The
 * resource", lists the attributes.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_RESOURCE_H
#define DD_RESOURCE_H

#include "translators/ddtrace/dd_group.h"
#include "translators/ddtrace/dd_options.h"
#include "translators/ddtrace/dd_request.h"

/* The serialized Resource message of a group, in the arena; empty and w->failed when memory is out. */
void dd_resource_write(struct otlp_buf *, const struct dd_group *, const struct dd_request *,
                       const struct dd_options *);

/* The key of the first of these attributes, which are elements of a field below 16; *rest then begins behind it. */
gw_str dd_next_attribute(gw_str *rest);

#endif
