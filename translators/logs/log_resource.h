/* log_resource.h: attributes of a record's resource beyond service, env, version and host: which container
 * and which pod wrote it.
 *
 *     ddtags        kube_namespace:ns,pod_name:p,image_tag:7 ─┐  by dd_tags.def, as spans are read
 *     a log's path  /var/log/pods/NS_POD_UID/CONTAINER/2.log ─┴─▶ k8s.*, container.*: log_origin's `more`
 *
 * They are written once as OTLP has them, a Resource's `attributes` end to end, and compared, kept and sent
 * as these bytes.
 *
 * Threads: no state but the caller's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOG_RESOURCE_H
#define LOG_RESOURCE_H

#include "translators/logs/log_attrs.h"
#include "translators/logs/log_group.h"

enum { LOG_RESOURCE_ATTRIBUTES = 1 /* field of Resource */ };

/* "k:v,k:v", as Datadog's tags are written. Service, env, version and host go to the origin if it has none,
 * keys of the table to the resource, all others to the record. A repeated key makes an array of its values. */
void log_tags_read(gw_str tags, struct log_attrs *record, struct log_attrs *resource, struct log_origin *);
/* True if the key is among the tags and in the table: it is an attribute of the resource. */
bool log_tag_is_resource(gw_str tags, gw_str key);
/* Removes the next attribute from the written ones. False: there is none. */
bool log_resource_next(gw_str *written, gw_str *key, gw_str *attribute);

#endif
