/* descriptors.h: the google.protobuf.FileDescriptorSet of proto/served, in the program. Files stand behind those that they import.
 * Constant; any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DDGATE_DESCRIPTORS_H
#define DDGATE_DESCRIPTORS_H

#include <stddef.h>

extern const unsigned char descriptors[];
extern const size_t descriptors_len;

#endif
