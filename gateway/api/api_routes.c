/* api_routes.c: The table of resources, and the handler of a path. Called by the admin listener, on its threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "gateway/api/api.h"

static const struct gw_api_route routes[] = {
#define ROUTE(method, path, handler) {#method, path, handler},
#include "gateway/api/routes.def"
#undef ROUTE
};

enum { ROUTES = sizeof routes / sizeof *routes };

/* The next segment of a path, without its slash. */
static gw_str next_segment(gw_str *path)
{
    *path = gw_str_from(*path, 1);
    const char *slash = path->len ? memchr(path->ptr, '/', path->len) : NULL;
    gw_str segment = gw_str_n(path->ptr, slash ? (size_t)(slash - path->ptr) : path->len);
    *path = gw_str_from(*path, segment.len);
    return segment;
}

static bool matches(const char *route, gw_str path, struct gw_api_call *call)
{
    gw_str pattern = gw_str_z(route);
    size_t n = 0;
    while (pattern.len && path.len) {
        gw_str want = next_segment(&pattern), segment = next_segment(&path);
        if (gw_str_eq(want, GW_STR("*")) && segment.len)
            call->segments[n++] = segment;
        else if (!gw_str_eq(want, segment))
            return false;
    }
    return !pattern.len && !path.len;
}

const struct gw_api_route *gw_api_find(gw_str path, struct gw_api_call *call)
{
    for (size_t i = 0; i < ROUTES; i++)
        if (matches(routes[i].path, path, call))
            return &routes[i];
    return NULL;
}
