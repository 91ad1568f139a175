/* sls_url.h: the endpoint as users of SLS know it becomes a whole one.
 *
 *     cn-hangzhou.log.aliyuncs.com, project p ─▶ https://p.cn-hangzhou.log.aliyuncs.com:10010         (gRPC)
 *                                             ─▶ https://p.cn-hangzhou.log.aliyuncs.com/opentelemetry (HTTP)
 *
 * SLS's console shows the regional host, with or without the project in front; its OTLP documentation shows
 * the whole. What is written already stays as it is.
 *
 * Threads: pure function.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SLS_URL_H
#define GW_SLS_URL_H

#include "core/base/str.h"

/* A text of at most room - 1 bytes, cut if need be: an endpoint that long is refused by who reads it. */
void sls_url(gw_str endpoint, gw_str project, bool http, char *out, size_t room);

#endif
