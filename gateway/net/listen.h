/* listen.h: opens listening sockets for addresses of the configuration.
 *
 *      "127.0.0.1:8126"  "[::1]:8126"  "localhost:8126" (all addresses of the name)  ":8126" or "*:8126" (every address)
 *      "/var/run/datadog/apm.socket"   a Unix stream socket
 *
 * A Unix socket gets mode 0722, because connecting requires write permission and applications run as other
 * users, in other containers. A socket file that no process answers on was left by a killed process and is
 * replaced; one that a process answers on is taken. The file is removed when the listener closes, unless it
 * was replaced.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LISTEN_H
#define GW_LISTEN_H

#include <sys/socket.h>
#include <sys/types.h>

#include "core/base/str.h"

enum gw_listen_result {
    GW_LISTEN_OK,
    GW_LISTEN_BAD,   /* not an address */
    GW_LISTEN_TAKEN, /* another process listens there */
    /* this machine does not have the address (no IPv6), or the folder of the socket does not exist */
    GW_LISTEN_ABSENT,
    GW_LISTEN_FAILED, /* anything else: permission, descriptors, … */
    GW_LISTEN_CLAIMED /* another receiver of the same configuration has it: listen_claims.h */
};

struct gw_address {
    struct sockaddr_storage sa; /* ss_family 0: none */
    socklen_t len;
};

enum { GW_LISTEN_ADDRESSES = 8, GW_LISTEN_ERROR_SIZE = 256 };

/* What went wrong and what to do, for people. */
struct gw_listen_error {
    char text[GW_LISTEN_ERROR_SIZE];
};

/* Resolves `text` to socket addresses, at most GW_LISTEN_ADDRESSES; *n is their number. */
enum gw_listen_result gw_listen_resolve(gw_str text, struct gw_address *, size_t *n,
                                        struct gw_listen_error *);
/* A non-blocking listening socket in *fd; for port 0 the address is filled in with the port that was
 * given. */
enum gw_listen_result gw_listen_open(struct gw_address *, int *fd, struct gw_listen_error *);
/* What can be known of an address without taking it: this machine has it; the folder of the socket is there, and can be
 * written. */
enum gw_listen_result gw_listen_probe(const struct gw_address *, struct gw_listen_error *);
/* The same for SOCK_STREAM or SOCK_DGRAM, which is bound and ready to be read, and with the mode of a Unix
 * socket's file. */
enum gw_listen_result gw_listen_open_as(struct gw_address *, int type, mode_t mode, int *fd,
                                        struct gw_listen_error *);
/* The same address? Port 0 is like no other. */
bool gw_listen_same(const struct gw_address *, const struct gw_address *);
/* The same words in a configuration? Port 0 is like itself. */
bool gw_listen_same_asked(const struct gw_address *, const struct gw_address *);
/* "127.0.0.1:8126", "[::1]:8126", "/run/x.socket". */
void gw_listen_name(const struct gw_address *, char *out, size_t size);
/* The port, or 0 for a Unix socket. */
int gw_listen_port(const struct gw_address *);
/* Loopback or Unix socket. */
bool gw_listen_is_local(const struct sockaddr *);

/* Identifies the file of a Unix socket, so that only ddgate's own file is removed. */
struct gw_socket_file {
    dev_t dev;
    ino_t ino;
};
struct gw_socket_file gw_listen_file(const struct gw_address *);
void gw_listen_unlink(const struct gw_address *, struct gw_socket_file);

#endif
