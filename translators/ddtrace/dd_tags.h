/* dd_tags.h: writes "key:value,key:value" lists about containers and processes as resource attributes.
 *
 *   meta _dd.tags.container                           kube_namespace:shop,pod_name:web-1   ─▶ k8s.*, container.*
 *   meta _dd.tags.process, X-Datadog-Process-Tags     entrypoint.name:app                   ─▶ process.*
 *
 * The table is dd_tags.def, from which docs/reference/mapping.md is also generated. Unknown keys become
 * datadog.container.<key> and datadog.process.<key>. A key that occurs twice (kube_service may) becomes an
 * array; attributes that are arrays by convention (container.image.tags) always are.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_TAGS_H
#define DD_TAGS_H

#include "translators/otlp/otlp_write.h"
#include "translators/tags/dd_tag_rows.h"

enum {
    DD_MAX_LIST_TAGS = 128
}; /* of one list; further ones are left out, and so are entries without a key */

/* Writes attributes as elements of `field` (1 in Resource), except the `done_n` names in `done`, which the
 * resource has already. */
void dd_write_tag_list(struct otlp_buf *, unsigned field, enum dd_tag_list, gw_str tags, const gw_str *done,
                       size_t done_n);

#endif
