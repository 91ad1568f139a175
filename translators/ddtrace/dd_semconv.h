/* dd_semconv.h: the one version of OpenTelemetry's semantic conventions that we write.
 *
 * Attribute names of dd_attrs.def are checked against this release by tests/lint/semconv.py.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_SEMCONV_H
#define DD_SEMCONV_H

#define DD_SEMCONV_VERSION "1.44.0"
#define DD_SCHEMA_URL "https://opentelemetry.io/schemas/" DD_SEMCONV_VERSION

#endif
