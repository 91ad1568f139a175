/* modules.c: Holds the tables of receivers and exporters from modules.def. Owns nothing else. Read by the
 * configuration, help and reference pages.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/run/modules.h"

#define EXPORTER(name)
#define RECEIVER(name) &gw_receiver_##name,
const struct gw_receiver *const gw_receivers[] = {
#include "gateway/run/modules.def"
    NULL};
#undef RECEIVER
#undef EXPORTER

#define RECEIVER(name)
#define EXPORTER(name) &gw_exporter_##name,
const struct gw_exporter *const gw_exporters[] = {
#include "gateway/run/modules.def"
    NULL};
