/* A listener's certificate: which files are good, what is said of others, and when changed ones are read
 * again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* mkdtemp */
#include "tests/unit/gateway/net/certs.h"

#include "gateway/net/tls.h"
#include "tests/unit/gateway/net/diagnostics_text.h"

static struct cert_folder folder;

static int setup(void **state)
{
    folder_open(&folder);
    cert_write(&folder, "ca", NULL, -1, 30);
    cert_write(&folder, "server", "ca", -1, 30);
    cert_write(&folder, "other", "ca", -1, 30);
    cert_write(&folder, "old", "ca", -30, -1);
    cert_write(&folder, "early", "ca", 1, 30);
    cert_file(&folder, "text.pem", "hello");
    cert_file(&folder, "empty.pem", "");
    return 0;
}

static int teardown(void **state)
{
    folder_close(&folder);
    return 0;
}

static gw_str path_of(const char *name)
{
    return name ? cert_path(&folder, name) : GW_NOSTR;
}

static void files(void **state)
{
    static const struct {
        const char *cert, *key, *client_ca;
        bool good;
        const char *says; /* NULL: nothing */
        const char *why;
    } rows[] = {
        {"server.pem", "server.key", NULL, true, NULL, "a certificate and its key"},
        {"server.pem", "server.key", "ca.pem", true, NULL, "and the CA of clients"},
        {"old.pem", "old.key", NULL, true,
         "receivers[0].tls.cert: warning: the certificate of CN=old expired on", "one that has expired"},
        {"early.pem", "early.key", NULL, true, "the certificate of CN=early is not valid yet",
         "one of tomorrow"},
        {"server.pem", "other.key", NULL, false, "receivers[0].tls.key: ", "a key of another certificate"},
        {"none.pem", "server.key", NULL, false, "receivers[0].tls.cert: ", "a file that is not there"},
        {"server.pem", "none.key", NULL, false, "none.key cannot be read: No such file",
         "a key that is not there"},
        {"text.pem", "server.key", NULL, false, "text.pem holds no certificate chain in PEM form",
         "a file that is no certificate"},
        {"empty.pem", "server.key", NULL, false, "empty.pem holds no certificate chain in PEM form",
         "an empty file"},
        {"server.pem", "text.pem", NULL, false, "text.pem holds no private key in PEM form",
         "a file that is no key"},
        {"", "server.key", NULL, false, "is not a file of at most 1 MiB", "a folder"},
        {"server.pem", "server.key", "text.pem", false,
         "receivers[0].tls.client_ca: ", "a CA that is no certificate"},
        {"server.pem", "server.key", "none.pem", false, "none.pem cannot be read", "a CA that is not there"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gw_diagnostics *diagnostics = gw_diagnostics_new();
        const struct gw_tls_conf conf = {path_of(rows[i].cert), path_of(rows[i].key),
                                         path_of(rows[i].client_ca)};
        struct gw_tls *t = gw_tls_new(&conf, "receiver=test", "receivers[0]", diagnostics);
        const char *said = diagnostics_text(diagnostics);
        if ((t != NULL) != rows[i].good)
            fail_msg("row %zu should%s be good: %s; it says %s", i, rows[i].good ? "" : " not", rows[i].why,
                     said);
        if (rows[i].says ? !strstr(said, rows[i].says) : *said)
            fail_msg("row %zu says \"%s\": %s", i, said, rows[i].why);
        assert_int_equal(gw_tls_asks_clients(t), rows[i].good && rows[i].client_ca);
        gw_tls_drop(t);
    }
}

static void the_same_files(void **state)
{
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    const struct gw_tls_conf one = {path_of("server.pem"), path_of("server.key"), GW_NOSTR};
    const struct gw_tls_conf two = {path_of("server.pem"), path_of("server.key"), path_of("ca.pem")};
    struct gw_tls *a = gw_tls_new(&one, "test", "r", diagnostics),
                  *b = gw_tls_new(&one, "test", "r", diagnostics);
    struct gw_tls *c = gw_tls_new(&two, "test", "r", diagnostics);
    assert_true(gw_tls_same(a, b) && gw_tls_same(NULL, NULL) && gw_tls_same(c, c));
    assert_false(gw_tls_same(a, c) || gw_tls_same(a, NULL) || gw_tls_same(NULL, a));
    gw_tls_drop(a);
    gw_tls_drop(b);
    gw_tls_drop(c);
    gw_diagnostics_drop(diagnostics);
}

static void copy(const char *from, const char *to)
{
    char command[300];
    snprintf(command, sizeof command, "cp %s %s.new && mv %s.new %s", path_of(from).ptr, path_of(to).ptr,
             path_of(to).ptr, path_of(to).ptr);
    assert_int_equal(system(command), 0);
}

/* Files are looked at when a connection comes, at most every two seconds; what cannot be used leaves the keys
 * before in place. */
static void changed_files(void **state)
{
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    gw_nsec now = gw_now();
    copy("server.pem", "live.pem");
    copy("server.key", "live.key");
    const struct gw_tls_conf conf = {path_of("live.pem"), path_of("live.key"), GW_NOSTR};
    struct gw_tls *t = gw_tls_new(&conf, "receiver=test", "receivers[0]", diagnostics);
    assert_non_null(t);
    struct gw_tls_keys *first = gw_tls_take(t, now), *again = gw_tls_take(t, now + 3 * GW_SEC);
    assert_ptr_equal(first, again); /* nothing has changed */
    gw_tls_give(again);
    copy("other.pem", "live.pem"); /* its key comes later */
    again = gw_tls_take(t, now + 6 * GW_SEC);
    assert_ptr_equal(first, again);
    gw_tls_give(again);
    copy("other.key", "live.key");
    again = gw_tls_take(t, now + 7 * GW_SEC);
    assert_ptr_equal(first, again); /* a second after the last look */
    gw_tls_give(again);
    again = gw_tls_take(t, now + 9 * GW_SEC);
    assert_ptr_not_equal(first, again);
    gw_tls_give(again);
    gw_tls_give(first); /* a connection had them until now */
    gw_tls_drop(t);
    gw_diagnostics_drop(diagnostics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(files), cmocka_unit_test(the_same_files),
                                       cmocka_unit_test(changed_files)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
