/* admin_internal.h: shared by the files of the admin listener; other files do not include it.
 *
 *   admin.c           addresses, daemons and connections      main thread; the daemons' threads
 *   admin_request.c   from a request to its answer            the daemons' threads
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_ADMIN_INTERNAL_H
#define GW_ADMIN_INTERNAL_H

#include <microhttpd.h>
#include <stdatomic.h>

#include "gateway/admin/admin.h"
#include "gateway/admin/admin_follow.h"
#include "gateway/http/framing.h"

/* A connection of a daemon; its thread's only. */
struct peer {
    struct peer *prev, *next; /* newest first */
    int fd;
    struct gw_framing framing;
    uint32_t begun; /* number of requests that libmicrohttpd has begun, out of framing.heads */
    gw_nsec since;  /* when the last of them was, or the connection */
    bool ended;     /* shut down: libmicrohttpd closes it */
};

struct listener {
    struct gw_admin *admin;
    struct gw_address address;
    struct gw_socket_file file;
    int fd;
    bool shared; /* with a running predecessor, whose socket file it is until that retires */
    bool shows;  /* the page and the API */
    struct MHD_Daemon *daemon;
    struct peer *peers; /* the daemon's thread's */
};

struct gw_admin {
    struct gw_admin_source source;
    struct gw_admin_conf conf; /* its texts are malloc'd */
    struct gw_admin_access access;
    struct gw_followers *followers;
    atomic_bool retired;
    struct listener listeners[GW_LISTEN_ADDRESSES];
    size_t n;
};

/* --- admin_request.c: callbacks of libmicrohttpd, with a listener --- */

enum MHD_Result gw_admin_on_request(void *listener, struct MHD_Connection *, const char *url,
                                    const char *method, const char *version, const char *data, size_t *size,
                                    void **request);
void gw_admin_on_completed(void *listener, struct MHD_Connection *, void **request,
                           enum MHD_RequestTerminationCode);

#endif
