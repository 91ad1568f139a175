/* Addresses: what text means, how they are named, and sockets that are free, taken or left behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* mkdtemp */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "gateway/net/listen.h"
#include "tests/unit/scratch.h"

static void texts(void **state)
{
    static const struct {
        const char *text, *name; /* NULL: it is no address */
        bool local;
        const char *why;
    } rows[] = {
        {"127.0.0.1:8126", "127.0.0.1:8126", true, "an IPv4 address"},
        {"[::1]:8126", "[::1]:8126", true, "an IPv6 address in brackets"},
        {"[127.0.0.1]:80", "127.0.0.1:80", true, "brackets do no harm"},
        {"192.0.2.1:1", "192.0.2.1:1", false, "an address of other machines"},
        {"[2001:db8::1]:1", "[2001:db8::1]:1", false, "one of IPv6"},
        {"[::ffff:127.0.0.2]:1", "[::ffff:127.0.0.2]:1", true, "loopback, as IPv6 writes IPv4"},
        {"127.1.2.3:0", "127.1.2.3:0", true, "all of 127.0.0.0/8 is loopback, and port 0 is any"},
        {"/run/x.socket", "/run/x.socket", true, "a path"},
        {"", NULL, false, "nothing"},
        {"127.0.0.1", NULL, false, "no port"},
        {"127.0.0.1:", NULL, false, "an empty port"},
        {"127.0.0.1:http", NULL, false, "a port by name"},
        {"127.0.0.1:65536", NULL, false, "no such port"},
        {"127.0.0.1:-1", NULL, false, "a negative port"},
        {"::1:80", NULL, false, "IPv6 without brackets"},
        {"[::1", NULL, false, "a bracket that is not closed"},
        {"256.0.0.1:80", NULL, false, "no such address"},
        {"run/x.socket", NULL, false, "a relative path"},
        {"/a-path-of-more-than-the-107-bytes-that-a-unix-socket-may-have-"
         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
         NULL, false, "a path that is too long"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gw_address a[GW_LISTEN_ADDRESSES];
        struct gw_listen_error why;
        char name[128];
        size_t n = 0;
        enum gw_listen_result r = gw_listen_resolve(gw_str_z(rows[i].text), a, &n, &why);
        if (r != (rows[i].name ? GW_LISTEN_OK : GW_LISTEN_BAD))
            fail_msg("\"%s\" should%s be an address: %s", rows[i].text, rows[i].name ? "" : " not",
                     rows[i].why);
        if (!rows[i].name)
            continue;
        assert_int_equal(n, 1);
        gw_listen_name(&a[0], name, sizeof name);
        if (strcmp(name, rows[i].name) != 0 ||
            gw_listen_is_local((const struct sockaddr *)&a[0].sa) != rows[i].local)
            fail_msg("\"%s\" is %s, and%s local: %s", rows[i].text, name,
                     rows[i].local ? " should be" : " should not be", rows[i].why);
    }
}

static struct gw_address address(const char *text)
{
    struct gw_address a[GW_LISTEN_ADDRESSES];
    struct gw_listen_error why;
    size_t n;
    assert_int_equal(gw_listen_resolve(gw_str_z(text), a, &n, &why), GW_LISTEN_OK);
    return a[0];
}

static void every_address(void **state)
{
    static const char *const texts[] = {":8126", "*:8126", "0.0.0.0:8126"};
    for (size_t i = 0; i < 3; i++) {
        struct gw_address a = address(texts[i]);
        assert_false(gw_listen_is_local((const struct sockaddr *)&a.sa));
        assert_int_equal(gw_listen_port(&a), 8126);
    }
}

static void sameness(void **state)
{
    static const struct {
        const char *a, *b;
        bool same, same_asked;
        const char *why;
    } rows[] = {
        {"127.0.0.1:1", "127.0.0.1:1", true, true, "the same text"},
        {"127.0.0.1:1", "127.0.0.1:2", false, false, "other ports"},
        {"127.0.0.1:1", "127.0.0.2:1", false, false, "other hosts"},
        {"127.0.0.1:1", "[::1]:1", false, false, "other families"},
        {"127.0.0.1:0", "127.0.0.1:0", false, true, "port 0 is another port each time, but the same words"},
        {"/run/a", "/run/a", true, true, "the same path"},
        {"/run/a", "/run/b", false, false, "other paths"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gw_address a = address(rows[i].a), b = address(rows[i].b);
        if (gw_listen_same(&a, &b) != rows[i].same || gw_listen_same_asked(&a, &b) != rows[i].same_asked)
            fail_msg("%s and %s: %s", rows[i].a, rows[i].b, rows[i].why);
    }
}

static void ports(void **state)
{
    struct gw_address a = address("127.0.0.1:0"), b;
    struct gw_listen_error why;
    int fd, other = -1;
    assert_int_equal(gw_listen_open(&a, &fd, &why), GW_LISTEN_OK);
    assert_int_not_equal(gw_listen_port(&a), 0); /* the one that was given */
    b = a;
    assert_int_equal(gw_listen_open(&b, &other, &why), GW_LISTEN_TAKEN);
    assert_int_equal(other, -1);
    assert_non_null(strstr(why.text, "is taken: `ss -ltnp"));
    close(fd);
    /* at once: no TIME_WAIT stands in the way */
    assert_int_equal(gw_listen_open(&b, &other, &why), GW_LISTEN_OK);
    close(other);
    b = address("192.0.2.1:0");
    assert_int_equal(gw_listen_open(&b, &other, &why), GW_LISTEN_ABSENT);
    assert_non_null(strstr(why.text, "this machine does not have the address"));
    a = address("127.0.0.1:0");
    assert_int_equal(gw_listen_open_as(&a, SOCK_DGRAM, 0, &fd, &why), GW_LISTEN_OK);
    b = a;
    assert_int_equal(gw_listen_open_as(&b, SOCK_DGRAM, 0, &other, &why), GW_LISTEN_TAKEN);
    assert_non_null(strstr(why.text, "is taken: `ss -lunp"));
    close(fd);
}

static void socket_files(void **state)
{
    char folder[] = "/tmp/ddgate-listen-XXXXXX", path[64];
    struct gw_listen_error why;
    struct stat st;
    int fd, other = -1;
    assert_non_null(scratch_folder(folder));
    snprintf(path, sizeof path, "%s/socket", folder);
    struct gw_address a = address(path);
    assert_int_equal(gw_listen_file(&a).ino, 0);
    assert_int_equal(gw_listen_open_as(&a, SOCK_STREAM, 0640, &fd, &why), GW_LISTEN_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    struct gw_socket_file ours = gw_listen_file(&a);
    assert_int_equal(gw_listen_open(&a, &other, &why), GW_LISTEN_TAKEN); /* somebody answers */
    assert_non_null(strstr(why.text, "is taken: somebody answers on it"));
    close(fd);
    /* nobody does: a killed process left the file */
    assert_int_equal(gw_listen_open(&a, &fd, &why), GW_LISTEN_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0722);
    if (gw_listen_file(&a).ino != ours.ino) {
        gw_listen_unlink(&a, ours);
        assert_int_equal(access(path, F_OK), 0); /* another's */
    }
    gw_listen_unlink(&a, gw_listen_file(&a));
    assert_int_not_equal(access(path, F_OK), 0);
    close(fd);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(gw_listen_open(&a, &fd, &why), GW_LISTEN_FAILED); /* a file that is no socket stays */
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(path), 0);
    snprintf(path, sizeof path, "%s/none/socket", folder);
    a = address(path);
    assert_int_equal(gw_listen_open(&a, &fd, &why), GW_LISTEN_ABSENT);
    assert_non_null(strstr(why.text, "its folder does not exist"));
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts), cmocka_unit_test(every_address), cmocka_unit_test(sameness),
        cmocka_unit_test(ports), cmocka_unit_test(socket_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
