/* profile_resource.h: the tags of an upload as resource attributes, and as attributes of its profiles.
 *
 * Threads: pure functions.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef PROFILES_PROFILE_RESOURCE_H
#define PROFILES_PROFILE_RESOURCE_H

#include "translators/profiles/otlp_dictionary.h"
#include "translators/profiles/profile_upload.h"

/* The fields of a Resource. */
void profile_resource(struct otlp_buf *, const struct profile_upload *, gw_str host_name);
/* Writes tags that are not resource attributes, and the file's name, into the dictionary. The numbers of the
 * attributes are consecutive: returns the first; *n is how many. */
uint32_t profile_attributes(struct otlp_dictionary *, const struct profile_upload *, gw_str file,
                            uint32_t *n);

#endif
