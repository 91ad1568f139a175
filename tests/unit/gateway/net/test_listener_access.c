/* What a receiver asks of those who come by TCP: what options make of it, and which listeners are warned of.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* mkdtemp */
#include "tests/unit/gateway/net/certs.h"

#include "gateway/net/listener_access.h"
#include "tests/unit/gateway/net/diagnostics_text.h"

static struct cert_folder folder;

static int setup(void **state)
{
    folder_open(&folder);
    cert_write(&folder, "ca", NULL, -1, 30);
    cert_write(&folder, "server", "ca", -1, 30);
    return 0;
}

static int teardown(void **state)
{
    folder_close(&folder);
    return 0;
}

static struct gw_listener_access_conf options(bool cert, bool key, bool ca, const char *token)
{
    static gw_str headers[] = {GW_LIT("Authorization")};
    return (struct gw_listener_access_conf){.tls_cert = cert ? cert_path(&folder, "server.pem") : GW_NOSTR,
                                            .tls_key = key ? cert_path(&folder, "server.key") : GW_NOSTR,
                                            .tls_client_ca = ca ? cert_path(&folder, "ca.pem") : GW_NOSTR,
                                            .auth_token = gw_str_z(token),
                                            .auth_header = {headers, 1},
                                            .peer_connections = 7,
                                            .peer_requests = 8,
                                            .peer_burst = 9,
                                            .peer_local = true};
}

static void what_options_make(void **state)
{
    static const struct {
        bool cert, key, ca;
        const char *token;
        bool tls;
        size_t tokens;
        const char *says; /* "": nothing */
        const char *why;
    } rows[] = {
        {false, false, false, "", false, 0, "", "nothing is asked for"},
        {true, true, false, "", true, 0, "", "TLS"},
        {true, true, true, "one-token-of-many-characters, another-token-as-long-as-that", true, 2, "",
         "TLS, certificates of clients and two tokens"},
        {true, false, false, "", false, 0, "receivers[0].tls: wants both cert and key: key is missing",
         "a certificate alone"},
        {false, true, false, "", false, 0, "receivers[0].tls: wants both cert and key: cert is missing",
         "a key alone"},
        {false, false, true, "", false, 0, "receivers[0].tls: wants both cert and key: cert is missing",
         "a CA alone"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gw_diagnostics *diagnostics = gw_diagnostics_new();
        const struct gw_listener_access_conf conf =
            options(rows[i].cert, rows[i].key, rows[i].ca, rows[i].token);
        struct gw_listener_access access = {.tls = NULL};
        gw_listener_access_open(&access, &conf, "receiver=test", "receivers[0]", diagnostics);
        const char *said = diagnostics_text(diagnostics);
        if (*rows[i].says ? !strstr(said, rows[i].says) : *said)
            fail_msg("row %zu says \"%s\": %s", i, said, rows[i].why);
        if ((access.tls != NULL) != rows[i].tls || access.auth.n != rows[i].tokens)
            fail_msg("row %zu: TLS %d, %zu tokens: %s", i, access.tls != NULL, access.auth.n, rows[i].why);
        assert_true(access.client_limits.connections == 7 && access.client_limits.requests == 8 &&
                    access.client_limits.burst == 9 && access.client_limits.local);
        gw_listener_access_close(&access);
        assert_null(access.tls);
    }
}

static void warnings(void **state)
{
    static const struct {
        const char *address;
        bool tls, ca, token;
        const char *says; /* "": nothing */
        const char *why;
    } rows[] = {
        {"127.0.0.1:80", false, false, false, "", "other machines do not reach it"},
        {"[::1]:80", false, false, false, "", "nor this one"},
        {"/run/x.socket", false, false, false, "", "nor a Unix socket"},
        {":80", false, false, false,
         "which may send anything: set auth.token with tls.cert and tls.key, or tls.client_ca with them",
         "anybody reaches it, and nothing is asked for"},
        {":80", true, false, false, "which may send anything: set auth.token or tls.client_ca",
         "it has TLS, and still nothing is asked for"},
        {":80", false, false, true, "the token goes there in clear text: set tls.cert and tls.key",
         "a token without TLS"},
        {":80", true, false, true, "", "a token and TLS"},
        {":80", true, true, false, "", "certificates of clients"},
        {"no address", false, false, false, "", "what is no address is said elsewhere"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct gw_diagnostics *diagnostics = gw_diagnostics_new();
        const struct gw_listener_access_conf conf = options(
            rows[i].tls, rows[i].tls, rows[i].ca, rows[i].token ? "a-good-token-of-many-characters" : "");
        struct gw_listener_access access = {.tls = NULL};
        gw_listener_access_open(&access, &conf, "receiver=test", "receivers[0]", diagnostics);
        bool warned =
            gw_listener_access_warn(&access, gw_str_z(rows[i].address), "receivers[0]", diagnostics);
        const char *said = diagnostics_text(diagnostics);
        if (warned != (*rows[i].says != 0) || (*rows[i].says ? !strstr(said, rows[i].says) : *said))
            fail_msg("%s says \"%s\": %s", rows[i].address, said, rows[i].why);
        if (warned)
            assert_non_null(
                strstr(said, "receivers[0].listen: warning: \":80\" can be reached from other machines"));
        gw_listener_access_close(&access);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_options_make), cmocka_unit_test(warnings)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
