/* modules.h: what this binary is made of: the rows of modules.def.
 *
 * Threads: any; the tables are const.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_MODULES_H
#define GW_MODULES_H

#include "core/delivery/exporter.h"
#include "core/delivery/receiver.h"

#define RECEIVER(name) extern const struct gw_receiver gw_receiver_##name;
#define EXPORTER(name) extern const struct gw_exporter gw_exporter_##name;
#include "gateway/run/modules.def"
#undef RECEIVER
#undef EXPORTER

/* Each ends with a NULL. */
extern const struct gw_receiver *const gw_receivers[];
extern const struct gw_exporter *const gw_exporters[];

#endif
