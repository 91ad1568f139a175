/* health.c: Asks the admin listener of a running ddgate for /healthz. Owns its socket until it returns.
 * Called by main.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "gateway/run/health.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/config/config_diagnostic.h"
#include "gateway/admin/admin.h"
#include "gateway/net/listen.h"

enum { SECONDS = 5 };

static bool wrong(const char *where, const char *why)
{
    fprintf(stderr, "ddgate health: %s: %s\n", where, why);
    return false;
}

/* Reads the beginning of the answer, as much as arrives in time. */
static size_t exchange(int fd, char *answer, size_t size)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    size_t have = 0;
    ssize_t n = send(fd, request, sizeof request - 1, MSG_NOSIGNAL);
    while (n > 0 && have < size - 1) {
        n = recv(fd, answer + have, size - 1 - have, 0);
        have += n > 0 ? (size_t)n : 0;
    }
    answer[have] = '\0';
    return have;
}

static bool ask(const struct gw_address *address)
{
    static const struct timeval most = {.tv_sec = SECONDS};
    char name[256], answer[128];
    gw_listen_name(address, name, sizeof name);
    int fd = socket(address->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return wrong(name, strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most); /* of connect, too */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    bool connected = connect(fd, (const struct sockaddr *)&address->sa, address->len) == 0;
    int error = errno == EINPROGRESS ? ETIMEDOUT : errno;
    size_t len = connected ? exchange(fd, answer, sizeof answer) : 0;
    close(fd);
    if (!connected)
        return wrong(name, strerror(error));
    if (!len)
        return wrong(name, "there is no answer");
    if (strncmp(answer, "HTTP/1.1 200 ", 13) == 0)
        return true;
    answer[strcspn(answer, "\r\n")] = '\0';
    return wrong(name, answer);
}

/* One address that answers is enough: a name may mean some that this machine does not have. */
static bool ask_all(gw_str listen)
{
    struct gw_address addresses[GW_LISTEN_ADDRESSES];
    struct gw_listen_error why;
    size_t n = 0;
    if (!listen.len)
        return wrong("admin.listen", "it is empty, so nobody can be asked");
    if (gw_listen_resolve(listen, addresses, &n, &why) != GW_LISTEN_OK)
        return wrong("admin.listen", why.text);
    for (size_t i = 0; i < n; i++)
        if (ask(&addresses[i])) {
            puts("ok");
            return true;
        }
    return false;
}

bool gw_health(const char *file, const struct gw_conf_environment *environment)
{
    if (!file)
        return ask_all(GW_STR(GW_ADMIN_LISTEN));
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    struct gw_conf *conf = diagnostics ? gw_conf_read(file, environment, diagnostics) : NULL;
    bool well = false;
    if (conf && conf->unread)
        gw_diagnostics_print(diagnostics, stderr);
    else if (conf)
        well = ask_all(conf->process.admin_listen);
    gw_conf_drop(conf);
    gw_diagnostics_drop(diagnostics);
    return well;
}
