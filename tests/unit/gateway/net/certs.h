/* certs.h: certificates that a test makes for itself, as PEM files in a folder of its own.
 *
 *     folder_open ─▶ cert_write("server", "ca") ─▶ FOLDER/server.pem and FOLDER/server.key, signed by FOLDER/ca.*
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CERTS_H
#define CERTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <gnutls/x509.h>

#include "core/base/str.h"
#include "tests/unit/scratch.h"

enum { CERT_DAY = 86400 };

struct cert_folder {
    char path[64];
    struct cert_made {
        char name[32];
        gnutls_x509_crt_t cert;
        gnutls_x509_privkey_t key;
    } made[8];
    size_t n;
};

static inline void folder_open(struct cert_folder *f)
{
    *f = (struct cert_folder){.path = "/tmp/ddgate-certs-XXXXXX"};
    assert_non_null(scratch_folder(f->path));
}

/* FOLDER/name. Good until CERT_PATHS calls later. */
enum { CERT_PATHS = 16 };
static inline gw_str cert_path(const struct cert_folder *f, const char *name)
{
    static char paths[CERT_PATHS][128];
    static size_t calls;
    char *at = paths[calls++ % CERT_PATHS];
    snprintf(at, sizeof paths[0], "%s/%s", f->path, name);
    return gw_str_z(at);
}

static inline void cert_file(struct cert_folder *f, const char *name, const char *text)
{
    FILE *to = fopen(cert_path(f, name).ptr, "w");
    assert_non_null(to);
    fputs(text, to);
    assert_int_equal(fclose(to), 0);
}

static inline struct cert_made *cert_find(struct cert_folder *f, const char *name)
{
    for (size_t i = 0; i < f->n; i++)
        if (strcmp(f->made[i].name, name) == 0)
            return &f->made[i];
    return NULL;
}

static inline void cert_save(struct cert_folder *f, const struct cert_made *m)
{
    gnutls_datum_t pem;
    char name[64];
    snprintf(name, sizeof name, "%s.pem", m->name);
    assert_int_equal(gnutls_x509_crt_export2(m->cert, GNUTLS_X509_FMT_PEM, &pem), 0);
    cert_file(f, name, (const char *)pem.data);
    gnutls_free(pem.data);
    snprintf(name, sizeof name, "%s.key", m->name);
    assert_int_equal(gnutls_x509_privkey_export2(m->key, GNUTLS_X509_FMT_PEM, &pem), 0);
    cert_file(f, name, (const char *)pem.data);
    gnutls_free(pem.data);
}

/* NAME.pem and NAME.key, good from `from` to `until` days from now, signed by `issuer`, which was made
 * before; NULL: by itself. */
static inline void cert_write(struct cert_folder *f, const char *name, const char *issuer, int from,
                              int until)
{
    struct cert_made *m = &f->made[f->n++], *by = issuer ? cert_find(f, issuer) : m;
    assert_true(f->n <= sizeof f->made / sizeof *f->made);
    snprintf(m->name, sizeof m->name, "%s", name);
    assert_int_equal(gnutls_x509_privkey_init(&m->key), 0);
    assert_int_equal(gnutls_x509_privkey_generate(m->key, GNUTLS_PK_ECDSA,
                                                  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
                     0);
    assert_int_equal(gnutls_x509_crt_init(&m->cert), 0);
    gnutls_x509_crt_set_version(m->cert, 3);
    gnutls_x509_crt_set_serial(m->cert, &f->n, 1);
    gnutls_x509_crt_set_dn_by_oid(m->cert, GNUTLS_OID_X520_COMMON_NAME, 0, name, (unsigned)strlen(name));
    gnutls_x509_crt_set_activation_time(m->cert, time(NULL) + from * CERT_DAY);
    gnutls_x509_crt_set_expiration_time(m->cert, time(NULL) + until * CERT_DAY);
    gnutls_x509_crt_set_basic_constraints(m->cert, issuer == NULL, -1);
    gnutls_x509_crt_set_key_usage(m->cert, issuer ? GNUTLS_KEY_DIGITAL_SIGNATURE
                                                  : GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN);
    assert_int_equal(gnutls_x509_crt_set_key(m->cert, m->key), 0);
    assert_int_equal(gnutls_x509_crt_sign2(m->cert, by->cert, by->key, GNUTLS_DIG_SHA256, 0), 0);
    cert_save(f, m);
}

static inline void folder_close(struct cert_folder *f)
{
    char command[128];
    for (size_t i = 0; i < f->n; i++) {
        gnutls_x509_crt_deinit(f->made[i].cert);
        gnutls_x509_privkey_deinit(f->made[i].key);
    }
    snprintf(command, sizeof command, "rm -r %s", f->path);
    assert_int_equal(system(command), 0);
}

#endif
