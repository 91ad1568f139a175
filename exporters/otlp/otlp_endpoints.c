/* otlp_endpoints.c: reads the lists of backends. The caller owns the result. Called by otlp_grpc.c and
 * otlp_http.c when they open.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/otlp_endpoints.h"

#include <stdlib.h>

#include "core/config/config_diagnostic.h"
#include "exporters/otlp/balancer.h"

/* Reads each item of the list, and reports each that is wrong. */
static bool read_list(struct otlp_endpoints *e, const struct gw_list *list, const char *option,
                      const struct otlp_protocol *protocol, const char *path,
                      struct gw_diagnostics *diagnostics)
{
    bool good = true;
    for (size_t i = 0; i < list->n; i++) {
        struct otlp_endpoint *one = &e->all[e->n++];
        good &= otlp_endpoint_read(one, list->items[i], protocol, path, option, diagnostics);
        if (one->tls != e->all[0].tls) {
            gw_option_error(diagnostics, path, option,
                            "has http:// and https:// side by side: write one of them");
            return false;
        }
    }
    return good;
}

bool otlp_endpoints_read(struct otlp_endpoints *e, const struct gw_list *endpoints,
                         const struct gw_list *failover, gw_str endpoint,
                         const struct otlp_protocol *protocol, const char *path,
                         struct gw_diagnostics *diagnostics)
{
    size_t n = endpoints->n + failover->n;
    if (failover->n && !endpoints->n) {
        gw_option_error(diagnostics, path, "failover",
                        "is for when none of endpoints takes data: write endpoints too");
        return false;
    }
    if (n > BALANCER_TARGETS) {
        gw_option_error(diagnostics, path, "endpoints", "names %zu backends with failover, more than %d", n,
                        BALANCER_TARGETS);
        return false;
    }
    if (endpoint.len && n)
        gw_option_warning(diagnostics, path, "endpoint", "is not used, as endpoints is set");
    e->all = calloc(n + 1, sizeof *e->all);
    if (!e->all)
        return false;
    e->backups = (unsigned)failover->n;
    bool good = read_list(e, endpoints, "endpoints", protocol, path, diagnostics);
    return read_list(e, failover, "failover", protocol, path, diagnostics) && good;
}

void otlp_endpoints_describe(const struct otlp_endpoints *e, FILE *to)
{
    for (unsigned i = 0; i < e->n; i++)
        fprintf(to, "%s%s://%s%s",
                i == 0                   ? ""
                : i == e->n - e->backups ? ", else "
                                         : ", ",
                e->all[i].tls ? "https" : "http", e->all[i].authority, e->all[i].path);
}

void otlp_endpoints_close(struct otlp_endpoints *e)
{
    free(e->all);
    *e = (struct otlp_endpoints){.n = 0};
}
