/* notify.c: notifies the service manager about the state of the process. Owns only what it read from the
 * environment. Called by main.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "gateway/run/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/pulse.h"
#include "core/base/str.h"

static const gw_nsec SPARE =
    20 * GW_SEC; /* of a stop, beside the drain: requests under way, the last words */

static struct {
    struct sockaddr_un to;
    socklen_t len;    /* 0: there is no service manager */
    gw_nsec watchdog; /* 0: none */
    gw_nsec next;     /* when it is looked again */
} manager;

static bool read_number(const char *name, uint64_t *number)
{
    const char *text = getenv(name);
    return text && gw_str_u64(gw_str_z(text), number);
}

void gw_notify_begin(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    size_t len = path ? strlen(path) : 0;
    uint64_t usec, pid;
    if (len < 2 || len >= sizeof manager.to.sun_path || (*path != '/' && *path != '@'))
        return;
    manager.to.sun_family = AF_UNIX;
    memcpy(manager.to.sun_path, path, len);
    if (*path == '@')
        manager.to.sun_path[0] = '\0'; /* the name of an abstract socket */
    manager.len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*path == '/'));
    bool ours = !read_number("WATCHDOG_PID", &pid) || pid == (uint64_t)getpid();
    if (ours && read_number("WATCHDOG_USEC", &usec) && usec > 0 && usec < INT64_MAX / (uint64_t)GW_USEC)
        manager.watchdog = (gw_nsec)usec * GW_USEC;
}

static void tell(const char *text)
{
    if (!manager.len)
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ssize_t sent =
        sendto(fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&manager.to, manager.len);
    if (sent < 0)
        gw_log(GW_WARNING, "ddgate", "the service manager (NOTIFY_SOCKET) cannot be notified: %s",
               strerror(errno));
    if (fd >= 0)
        close(fd);
}

void gw_notify_ready(void)
{
    tell("READY=1\nSTATUS=running");
}

void gw_notify_reloading(void)
{
    char text[128];
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reads the configuration again",
             (long long)(gw_now() / GW_USEC));
    tell(text);
}

/* Sets the watchdog's timeout to that of the stop, because main waits for the drain and cannot notify
 * meanwhile. */
void gw_notify_stopping(gw_nsec most)
{
    char text[256];
    long long usec = (long long)((most + SPARE) / GW_USEC);
    snprintf(text, sizeof text,
             "STOPPING=1\nSTATUS=delivers what it holds\nEXTEND_TIMEOUT_USEC=%lld\nWATCHDOG_USEC=%lld", usec,
             usec);
    tell(text);
}

gw_nsec gw_notify_watchdog(void)
{
    char name[32];
    gw_nsec now = gw_now();
    if (!manager.watchdog)
        return GW_NEVER;
    if (now < manager.next)
        return manager.next - now;
    manager.next = now + manager.watchdog / 4;
    if (gw_pulse_stuck(now, manager.watchdog / 2, name, sizeof name))
        gw_log(GW_ERROR, "ddgate",
               "the thread %s has been stuck for %lld ms: the service manager's watchdog is not notified",
               name, (long long)(manager.watchdog / 2 / GW_MSEC));
    else
        tell("WATCHDOG=1");
    return manager.watchdog / 4;
}
