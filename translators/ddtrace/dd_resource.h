/* dd_resource.h: writes the OTLP Resource of a group, which describes the sender of its spans.
 * docs/reference/mapping.md, "The resource", lists the attributes.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_RESOURCE_H
#define DD_RESOURCE_H

#include "translators/ddtrace/dd_group.h"
#include "translators/ddtrace/dd_options.h"
#include "translators/ddtrace/dd_request.h"

/* Returns the serialized Resource message of a group, in the arena; empty, with w->failed set, if there is no
 * memory. */
void dd_resource_write(struct otlp_buf *, const struct dd_group *, const struct dd_request *,
                       const struct dd_options *);

/* Returns the key of the first of these attributes, which are elements of a field below 16; *rest then begins
 * after it. */
gw_str dd_next_attribute(gw_str *rest);

#endif
