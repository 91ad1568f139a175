/* TLS of a connection, step by step: a client and a server in one thread, over a socket pair.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* mkdtemp */
#include "tests/unit/gateway/net/certs.h"

#include <errno.h>
#include <sys/socket.h>

#include "core/config/config_diagnostic.h"
#include "gateway/receivers/stream/stream_internal.h"

static struct cert_folder folder;

struct pair {
    int fds[2]; /* server, client */
    struct gw_tls *tls;
    struct stream_tls *server;
    gnutls_session_t client;
    gnutls_certificate_credentials_t credentials;
    char got[256], why[256];
};

static int setup(void **state)
{
    folder_open(&folder);
    cert_write(&folder, "ca", NULL, -1, 30);
    cert_write(&folder, "server", "ca", -1, 30);
    cert_write(&folder, "client", "ca", -1, 30);
    cert_write(&folder, "stranger", NULL, -1, 30);
    return 0;
}

static int teardown(void **state)
{
    folder_close(&folder);
    return 0;
}

/* `shows`: whose certificate the client has; NULL: none. `trusts`: the CA that it verifies the server by;
 * NULL: it does not. */
static void open_pair(struct pair *p, bool client_ca, const char *shows, const char *trusts)
{
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    const struct gw_tls_conf conf = {cert_path(&folder, "server.pem"), cert_path(&folder, "server.key"),
                                     client_ca ? cert_path(&folder, "ca.pem") : GW_NOSTR};
    char cert[64], key[64];
    *p = (struct pair){.tls = gw_tls_new(&conf, "receiver=test", "receivers[0]", diagnostics)};
    assert_non_null(p->tls);
    gw_diagnostics_drop(diagnostics);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p->fds), 0);
    p->server = stream_tls_new(p->tls, p->fds[0]);
    assert_non_null(p->server);
    gnutls_certificate_allocate_credentials(&p->credentials);
    snprintf(cert, sizeof cert, "%s.pem", shows ? shows : "");
    snprintf(key, sizeof key, "%s.key", shows ? shows : "");
    if (shows)
        assert_int_equal(gnutls_certificate_set_x509_key_file(p->credentials, cert_path(&folder, cert).ptr,
                                                              cert_path(&folder, key).ptr,
                                                              GNUTLS_X509_FMT_PEM),
                         0);
    gnutls_init(&p->client, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_FORCE_CLIENT_CERT);
    gnutls_set_default_priority(p->client);
    gnutls_credentials_set(p->client, GNUTLS_CRD_CERTIFICATE, p->credentials);
    gnutls_transport_set_int(p->client, p->fds[1]);
    if (!trusts)
        return;
    snprintf(cert, sizeof cert, "%s.pem", trusts);
    assert_int_equal(gnutls_certificate_set_x509_trust_file(p->credentials, cert_path(&folder, cert).ptr,
                                                            GNUTLS_X509_FMT_PEM),
                     1);
    gnutls_session_set_verify_cert(p->client, "server", 0);
}

static void close_pair(struct pair *p)
{
    stream_tls_drop(p->server, false);
    gnutls_deinit(p->client);
    gnutls_certificate_free_credentials(p->credentials);
    close(p->fds[0]);
    if (p->fds[1] >= 0)
        close(p->fds[1]);
    gw_tls_drop(p->tls);
}

static ssize_t read_server(struct pair *p)
{
    return stream_tls_read(p->server, p->got, sizeof p->got, p->why, sizeof p->why);
}

/* Both in turn, until the client is through, or the server has something to say but "wait". */
static int shake(struct pair *p, ssize_t *read)
{
    int rc = GNUTLS_E_AGAIN;
    *read = -1;
    errno = EAGAIN;
    for (int i = 0;
         i < 20 && (rc == GNUTLS_E_AGAIN || stream_tls_is_shaking(p->server)) && *read < 0 && errno == EAGAIN;
         i++) {
        if (rc == GNUTLS_E_AGAIN)
            rc = gnutls_handshake(p->client);
        *read = read_server(p);
    }
    return rc;
}

static void from_the_first_byte_to_the_last(void **state)
{
    struct pair p;
    ssize_t n;
    open_pair(&p, false, NULL, "ca");
    assert_true(stream_tls_is_shaking(p.server));
    assert_true(read_server(&p) < 0 && errno == EAGAIN); /* the client has said nothing yet */
    assert_true(stream_tls_is_shaking(p.server));
    assert_false(stream_tls_pending(p.server));
    assert_int_equal(shake(&p, &n), 0);
    assert_false(stream_tls_is_shaking(p.server));
    assert_true(n < 0 && errno == EAGAIN);
    assert_int_equal(gnutls_record_send(p.client, "hello", 5), 5);
    assert_int_equal(stream_tls_read(p.server, p.got, 2, p.why, sizeof p.why), 2);
    assert_true(stream_tls_pending(p.server)); /* the rest is decrypted, and no socket tells of it */
    assert_int_equal(read_server(&p), 3);
    assert_memory_equal(p.got, "llo", 3);
    assert_false(stream_tls_pending(p.server));
    assert_true(read_server(&p) < 0 && errno == EAGAIN);
    gnutls_bye(p.client, GNUTLS_SHUT_WR);
    assert_int_equal(read_server(&p), 0);
    stream_tls_drop(p.server, true);
    p.server = NULL;
    assert_int_equal(gnutls_record_recv(p.client, p.got, sizeof p.got), 0); /* goodbye */
    close_pair(&p);
}

static void what_goes_wrong(void **state)
{
    static const struct {
        bool client_ca;
        const char *shows, *trusts;
        int error; /* of the server; 0: none */
        const char *says;
        const char *why;
    } rows[] = {
        {true, "client", "ca", 0, "", "a certificate of the CA is asked for, and shown"},
        {true, NULL, "ca", EPROTO, "Certificate is required", "none is shown"},
        {true, "stranger", "ca", EPROTO, "the client's certificate: The certificate is NOT trusted",
         "one of somebody else is shown"},
        {false, "stranger", "ca", 0, "", "none is asked for"},
        {false, NULL, "stranger", EPROTO, "the client says: ", "the client does not trust ours"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair p;
        ssize_t n;
        open_pair(&p, rows[i].client_ca, rows[i].shows, rows[i].trusts);
        int rc = shake(&p, &n);
        if (rc < 0 && rc != GNUTLS_E_AGAIN) /* what the client thinks of it is on its way */
            n = gnutls_alert_send_appropriate(p.client, rc) == 0 ? read_server(&p) : n;
        int error = n < 0 && errno != EAGAIN ? errno : 0;
        if (error != rows[i].error || (error && !strstr(p.why, rows[i].says)))
            fail_msg("row %zu: errno %d, %s: %s", i, error, p.why, rows[i].why);
        close_pair(&p);
    }
}

static void ends_without_a_word(void **state)
{
    static const struct {
        bool shaken;
        const char *bytes;
        int error;
        const char *why;
    } rows[] = {
        {false, "", EPROTO, "the client goes in the middle of the handshake"},
        {false, "GET / HTTP/1.1\r\n\r\n", EPROTO, "the client does not speak TLS"},
        {true, "", ECONNRESET, "the client goes without a goodbye: what it said may not be all"},
        {true, "garbage, garbage", EPROTO, "something that is no record of TLS"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct pair p;
        ssize_t n;
        open_pair(&p, false, NULL, "ca");
        if (rows[i].shaken)
            assert_int_equal(shake(&p, &n), 0);
        assert_int_equal(write(p.fds[1], rows[i].bytes, strlen(rows[i].bytes)), strlen(rows[i].bytes));
        if (!rows[i].bytes[0]) {
            close(p.fds[1]);
            p.fds[1] = -1;
        }
        n = read_server(&p);
        if (n >= 0 || errno != rows[i].error)
            fail_msg("row %zu: %zd, errno %d: %s", i, n, errno, rows[i].why);
        close_pair(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(from_the_first_byte_to_the_last),
        cmocka_unit_test(what_goes_wrong),
        cmocka_unit_test(ends_without_a_word),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
