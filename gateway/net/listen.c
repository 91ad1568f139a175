/* listen.c: Resolves addresses, opens listening sockets, and makes and removes socket files. Owns no
 * state; the caller owns descriptors. Called by the HTTP server, the admin listener and stream receivers,
 * on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "gateway/net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/folder.h"

enum { BACKLOG = 1024, SOCKET_MODE = 0722 };

static enum gw_listen_result set_error(struct gw_listen_error *, enum gw_listen_result, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static enum gw_listen_result set_error(struct gw_listen_error *why, enum gw_listen_result r, const char *fmt,
                                       ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why->text, sizeof why->text, fmt, args);
    va_end(args);
    return r;
}

static enum gw_listen_result resolve_unix(gw_str path, struct gw_address *a, size_t *n,
                                          struct gw_listen_error *why)
{
    struct sockaddr_un *un = (struct sockaddr_un *)&a->sa;
    if (path.len >= sizeof un->sun_path)
        return set_error(why, GW_LISTEN_BAD, "a socket's path has at most %zu bytes",
                         sizeof un->sun_path - 1);
    *a = (struct gw_address){.len = sizeof *un};
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, path.ptr, path.len);
    *n = 1;
    return GW_LISTEN_OK;
}

/* Cuts "host:port"; brackets around an IPv6 host are taken off. */
static bool cut(gw_str text, char *host, size_t host_size, char *port, size_t port_size)
{
    size_t colon = text.len;
    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0)
        return false;
    gw_str h = gw_str_n(text.ptr, colon - 1), p = gw_str_from(text, colon);
    uint64_t number;
    if (!gw_str_u64(p, &number) || number > 65535 || h.len >= host_size || p.len >= port_size)
        return false;
    bool bracketed = h.len >= 2 && h.ptr[0] == '[' && h.ptr[h.len - 1] == ']';
    if (bracketed)
        h = gw_str_n(h.ptr + 1, h.len - 2);
    else if (gw_str_find(h, ':') < h.len)
        return false;
    if (gw_str_eq(h, GW_STR("*")))
        h.len = 0;
    snprintf(host, host_size, "%.*s", GW_FMT(h));
    snprintf(port, port_size, "%.*s", GW_FMT(p));
    return true;
}

static enum gw_listen_result resolve_tcp(gw_str text, struct gw_address *out, size_t *n,
                                         struct gw_listen_error *why)
{
    char host[256], port[8];
    if (!cut(text, host, sizeof host, port, sizeof port))
        return set_error(why, GW_LISTEN_BAD,
                         "\"%.*s\" is not an address: write host:port, [ipv6]:port or the path of a socket",
                         GW_FMT(text));
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *found = NULL;
    int rc = getaddrinfo(*host ? host : NULL, port, &want, &found);
    if (rc)
        return set_error(why, GW_LISTEN_BAD, "\"%s\" cannot be resolved: %s", host, gai_strerror(rc));
    *n = 0;
    for (struct addrinfo *i = found; i && *n < GW_LISTEN_ADDRESSES; i = i->ai_next) {
        struct gw_address a = {.len = i->ai_addrlen};
        memcpy(&a.sa, i->ai_addr, i->ai_addrlen);
        out[(*n)++] = a;
    }
    freeaddrinfo(found);
    return GW_LISTEN_OK;
}

enum gw_listen_result gw_listen_resolve(gw_str text, struct gw_address *out, size_t *n,
                                        struct gw_listen_error *why)
{
    return text.len && text.ptr[0] == '/' ? resolve_unix(text, out, n, why) : resolve_tcp(text, out, n, why);
}

bool gw_listen_same(const struct gw_address *a, const struct gw_address *b)
{
    if (a->sa.ss_family != b->sa.ss_family || a->len != b->len)
        return false;
    if (a->sa.ss_family != AF_UNIX && gw_listen_port(a) == 0)
        return false;
    return memcmp(&a->sa, &b->sa, a->len) == 0;
}

bool gw_listen_same_asked(const struct gw_address *a, const struct gw_address *b)
{
    return a->sa.ss_family == b->sa.ss_family && a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0;
}

int gw_listen_port(const struct gw_address *a)
{
    if (a->sa.ss_family == AF_INET)
        return ntohs(((const struct sockaddr_in *)&a->sa)->sin_port);
    if (a->sa.ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)&a->sa)->sin6_port);
    return 0;
}

void gw_listen_name(const struct gw_address *a, char *out, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "";
    if (a->sa.ss_family == AF_UNIX) {
        snprintf(out, size, "%s", ((const struct sockaddr_un *)&a->sa)->sun_path);
    } else if (a->sa.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)&a->sa)->sin6_addr, host, sizeof host);
        snprintf(out, size, "[%s]:%d", host, gw_listen_port(a));
    } else {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)&a->sa)->sin_addr, host, sizeof host);
        snprintf(out, size, "%s:%d", host, gw_listen_port(a));
    }
}

bool gw_listen_is_local(const struct sockaddr *sa)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (sa->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr) >> 24 == 127;
    if (sa->sa_family != AF_INET6)
        return sa->sa_family == AF_UNIX;
    const struct in6_addr *ip = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(ip) || (memcmp(ip->s6_addr, mapped, 12) == 0 && ip->s6_addr[12] == 127);
}

static enum gw_listen_result taken(const struct gw_address *a, int type, struct gw_listen_error *why)
{
    char name[128];
    gw_listen_name(a, name, sizeof name);
    if (a->sa.ss_family == AF_UNIX)
        return set_error(why, GW_LISTEN_TAKEN,
                         "%s is taken: somebody answers on it; `ss -lxp src %s` tells who (a Datadog agent? "
                         "another ddgate?)",
                         name, name);
    return set_error(
        why, GW_LISTEN_TAKEN,
        "%s is taken: `ss -l%cnp 'sport = :%d'` tells by whom (a Datadog agent? Datakit? another ddgate?)",
        name, type == SOCK_DGRAM ? 'u' : 't', gw_listen_port(a));
}

static enum gw_listen_result trouble(const struct gw_address *a, int type, int error,
                                     struct gw_listen_error *why)
{
    char name[128];
    gw_listen_name(a, name, sizeof name);
    if (error == EADDRINUSE)
        return taken(a, type, why);
    if (error == EADDRNOTAVAIL || error == EAFNOSUPPORT)
        return set_error(why, GW_LISTEN_ABSENT, "%s: this machine does not have the address", name);
    if (error == ENOENT || error == ENOTDIR)
        return set_error(why, GW_LISTEN_ABSENT,
                         "%s: its folder does not exist; create it and let this user write there", name);
    if (error == EACCES || error == EPERM)
        return set_error(why, GW_LISTEN_FAILED, "%s: %s; the user that runs ddgate has no right to it", name,
                         strerror(error));
    if (error == EEXIST)
        return set_error(why, GW_LISTEN_FAILED,
                         "%s is there, and is no socket: delete it, or name another path", name);
    return set_error(why, GW_LISTEN_FAILED, "%s: %s", name, strerror(error));
}

/* Removes the socket file of a process that no longer answers. False when it must stay (see errno). */
static bool clear_stale(const struct gw_address *a, int type)
{
    const char *path = ((const struct sockaddr_un *)&a->sa)->sun_path;
    struct stat st;
    if (stat(path, &st) != 0)
        return errno == ENOENT || errno == ENOTDIR;
    if (!S_ISSOCK(st.st_mode)) {
        errno = EEXIST;
        return false;
    }
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool dead = connect(fd, (const struct sockaddr *)&a->sa, a->len) != 0 && errno == ECONNREFUSED;
    close(fd);
    if (dead)
        return unlink(path) == 0;
    errno = EADDRINUSE;
    return false;
}

static bool prepare(int fd, const struct gw_address *a, int type)
{
    int on = 1;
    if (a->sa.ss_family == AF_UNIX)
        return clear_stale(a, type);
    if (a->sa.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (type == SOCK_STREAM) /* on sockets without connections it would let two receivers share an address */
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return true;
}

enum gw_listen_result gw_listen_open(struct gw_address *a, int *fd, struct gw_listen_error *why)
{
    return gw_listen_open_as(a, SOCK_STREAM, SOCKET_MODE, fd, why);
}

enum gw_listen_result gw_listen_open_as(struct gw_address *a, int type, mode_t mode, int *fd,
                                        struct gw_listen_error *why)
{
    *fd = socket(a->sa.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0)
        return trouble(a, type, errno, why);
    bool ok = prepare(*fd, a, type) && bind(*fd, (struct sockaddr *)&a->sa, a->len) == 0;
    if (ok && a->sa.ss_family == AF_UNIX)
        ok = chmod(((struct sockaddr_un *)&a->sa)->sun_path, mode) == 0;
    if (!ok || (type == SOCK_STREAM && listen(*fd, BACKLOG) != 0)) {
        int error = errno;
        close(*fd);
        *fd = -1;
        return trouble(a, type, error, why);
    }
    if (a->sa.ss_family != AF_UNIX) {
        a->len = sizeof a->sa;
        getsockname(*fd, (struct sockaddr *)&a->sa, &a->len);
    }
    return GW_LISTEN_OK;
}

/* Port 0 of the address is always free; of a Unix socket only the folder is checked. */
enum gw_listen_result gw_listen_probe(const struct gw_address *a, struct gw_listen_error *why)
{
    struct gw_address at = *a;
    struct stat st;
    char folder[sizeof(struct sockaddr_un)];
    if (at.sa.ss_family == AF_UNIX) {
        const char *path = ((const struct sockaddr_un *)&at.sa)->sun_path, *slash = strrchr(path, '/');
        snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
        if (!gw_folder_takes_files(folder))
            return trouble(a, SOCK_STREAM, errno, why);
        bool other = stat(path, &st) == 0 && !S_ISSOCK(st.st_mode);
        return other ? trouble(a, SOCK_STREAM, EEXIST, why) : GW_LISTEN_OK;
    }
    if (at.sa.ss_family == AF_INET)
        ((struct sockaddr_in *)&at.sa)->sin_port = 0;
    else
        ((struct sockaddr_in6 *)&at.sa)->sin6_port = 0;
    int fd = socket(at.sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool there = fd >= 0 && bind(fd, (const struct sockaddr *)&at.sa, at.len) == 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    return there ? GW_LISTEN_OK : trouble(a, SOCK_STREAM, error, why);
}

struct gw_socket_file gw_listen_file(const struct gw_address *a)
{
    struct stat st;
    if (a->sa.ss_family != AF_UNIX || stat(((const struct sockaddr_un *)&a->sa)->sun_path, &st) != 0)
        return (struct gw_socket_file){0};
    return (struct gw_socket_file){st.st_dev, st.st_ino};
}

void gw_listen_unlink(const struct gw_address *a, struct gw_socket_file ours)
{
    struct gw_socket_file now = gw_listen_file(a);
    if (ours.ino && now.ino == ours.ino && now.dev == ours.dev)
        unlink(((const struct sockaddr_un *)&a->sa)->sun_path);
}
