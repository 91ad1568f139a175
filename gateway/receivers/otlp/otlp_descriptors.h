/* otlp_descriptors.h: finds the descriptors of the services over gRPC, for server reflection.
 *
 *     "opentelemetry/proto/trace/v1/trace.proto" ─┐
 *     "opentelemetry.proto.trace.v1.Span.name" ───┴▶ its file, and those that it imports: FileDescriptorProtos
 *
 * They are those of proto/served, which are in the program. Pure; any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_DESCRIPTORS_H
#define GW_OTLP_DESCRIPTORS_H

#include "core/base/str.h"

enum { OTLP_DESCRIPTORS = 32 };

struct otlp_descriptors {
    gw_str files
        [OTLP_DESCRIPTORS]; /* FileDescriptorProtos: the one asked for, then those that it needs, each once */
    size_t n;
};

/* False: there is no such file. */
bool otlp_descriptors_of_file(gw_str name, struct otlp_descriptors *);
/* By the full name, without a dot in front, of a message, field, oneof, enum, value of an enum, service, method or extension.
 * False: no file declares it. */
bool otlp_descriptors_of_symbol(gw_str symbol, struct otlp_descriptors *);
/* Whether it is the full name of a message. */
bool otlp_descriptors_has_message(gw_str name);

#endif
