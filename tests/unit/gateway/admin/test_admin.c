/* The admin listener over a real socket: which requests it takes, and how long one may take to come.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* mkdtemp */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/config/config_diagnostic.h"
#include "gateway/admin/admin.h"
#include "tests/unit/scratch.h"

#define LINE "GET /healthz HTTP/1.1\r\n"
#define GET LINE "Host: x\r\n\r\n"

static atomic_llong ahead; /* seconds by which the program's clock goes before the system's */

int __wrap_clock_gettime(clockid_t id, struct timespec *t);
int __real_clock_gettime(clockid_t id, struct timespec *t);
int __wrap_clock_gettime(clockid_t id, struct timespec *t)
{
    int rc = __real_clock_gettime(id, t);
    t->tv_sec += (time_t)atomic_load(&ahead);
    return rc;
}

static struct gw_admin *admin;
static char folder[] = "/tmp/test_admin.XXXXXX";
static char path[sizeof folder + 8];

static int setup(void **state)
{
    static const struct gw_admin_source source;
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    assert_non_null(scratch_folder(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    const struct gw_admin_conf conf = {.listen = gw_str_z(path)};
    admin = gw_admin_open(&conf, NULL, &source, diagnostics);
    gw_diagnostics_drop(diagnostics);
    return admin && gw_admin_start(admin) ? 0 : -1;
}

static int teardown(void **state)
{
    gw_admin_drop(admin);
    return rmdir(folder);
}

static int dial(void)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct timeval grace_period = {.tv_sec = 20};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &grace_period, sizeof grace_period), 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* What is said until it ends like a page of /healthz, or the connection ends: then *over. */
static const char *answer(int fd, bool *over)
{
    static char text[4096];
    size_t n = 0;
    ssize_t got = 1;
    text[0] = 0;
    while (got > 0 && !strstr(text, "\r\n\r\nok\n")) {
        got = read(fd, text + n, n + 1 < sizeof text); /* the next answer may stand behind */
        assert_true(got >= 0);
        n += (size_t)got;
        text[n] = 0;
    }
    *over = got == 0;
    return text;
}

static void assert_answered(int fd)
{
    bool over;
    assert_non_null(strstr(answer(fd, &over), "HTTP/1.1 200 "));
    assert_false(over);
}

static void assert_ended(int fd, const char *status)
{
    bool over;
    const char *text = answer(fd, &over);
    if (strncmp(text, status, strlen(status)) != 0 || !over)
        fail_msg("wanted %s and the end, not %s", status, text);
    close(fd);
}

static void what_two_readers_could_read_in_two_ways_is_refused(void **state)
{
    static const char *const requests[] = {"GET /healthz HTTP/1.1\n\n", LINE "X: y\n\n", LINE " X: y\r\n\r\n",
                                           LINE "Content-Length : 5\r\n\r\n" GET};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        int fd = dial();
        send_text(fd, GET); /* in front of it one that is right */
        assert_answered(fd);
        send_text(fd, requests[i]);
        assert_ended(fd, "HTTP/1.1 400 ");
    }
}

static void what_stands_before_is_answered(void **state)
{
    int fd = dial();
    send_text(fd, GET GET LINE "\n");
    for (int i = 0; i < 2; i++)
        assert_answered(fd);
    assert_ended(fd, "HTTP/1.1 400 ");
}

static void a_request_that_trickles_ends(void **state)
{
    int fd = dial();
    send_text(fd, GET);
    assert_answered(fd);
    for (int i = 0; i < 2; i++) { /* each request has its own time */
        send_text(fd, LINE);
        atomic_fetch_add(&ahead, 19);
        send_text(fd, "Host: x\r\n\r\n");
        assert_answered(fd);
    }
    send_text(fd, LINE);
    atomic_fetch_add(&ahead, 21);
    send_text(fd, "H");
    assert_ended(fd, "HTTP/1.1 408 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_two_readers_could_read_in_two_ways_is_refused),
        cmocka_unit_test(what_stands_before_is_answered),
        cmocka_unit_test(a_request_that_trickles_ends),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
