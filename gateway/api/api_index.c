/* api_index.c: GET /api/: which resources there are, and of which process. Owns nothing. Called by api.c, on the
 * admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/api.h"

static const char *const endpoints[] = {
#define ROUTE(method, path, handler) #method " " path,
#include "gateway/api/routes.def"
#undef ROUTE
};

void gw_api_index(const struct gw_api *api, struct gw_api_call *call, FILE *to)
{
    fputs("{", to);
    gw_api_text_of(to, "version", GW_STR(DDGATE_VERSION));
    putc(',', to);
    gw_api_time_of(to, "started", (uint64_t)api->started);
    fputs(",\"endpoints\":[", to);
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++) {
        fputs(i ? "," : "", to);
        gw_api_text(to, gw_str_z(endpoints[i]));
    }
    fputs("]}\n", to);
}
