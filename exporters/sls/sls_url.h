/* sls_url.h: completes the endpoint that a user of SLS configures.
 *
 *     cn-hangzhou.log.aliyuncs.com, project p ─▶ https://p.cn-hangzhou.log.aliyuncs.com:10010         (gRPC)
 *                                             ─▶ https://p.cn-hangzhou.log.aliyuncs.com/opentelemetry (HTTP)
 *
 * SLS's console shows the regional host, with or without the project in front; its OTLP documentation shows
 * the complete URL. Parts that are already there are kept.
 *
 * Threads: pure function.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SLS_URL_H
#define GW_SLS_URL_H

#include "core/base/str.h"

/* Writes at most room - 1 bytes and truncates if necessary: an endpoint of that length is refused by the code
 * that parses it. */
void sls_url(gw_str endpoint, gw_str project, bool http, char *out, size_t room);

#endif
