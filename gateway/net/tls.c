/* tls.c: Certificates and keys of a listener, read from files and read again when the files change. Owns
 * the current keys; connections hold references to theirs. Called by HTTP workers and stream receivers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* explicit_bzero */
#include "gateway/net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/lock.h"
#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "core/config/config_path.h"

enum { FILES = 3, MAX_PEM = 1 << 20 };
static const gw_nsec LOOK_AGAIN = 2 * GW_SEC;

/* By which it is seen that a file is another one. A secret that Kubernetes mounts is a symbolic link to a new
 * file each time. */
struct dates {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime;
};

struct gw_tls_keys {
    atomic_uint references;
    gnutls_certificate_credentials_t credentials;
    gnutls_priority_t priorities;
    bool asks_clients;
    char about[160]; /* whose certificate, until when */
    char doubt[160]; /* why clients may refuse it; empty: nothing */
};

struct gw_tls {
    struct gw_tls_conf conf;
    const char *component;
    _Atomic gw_nsec looked; /* when the files were last checked */
    struct gw_lock looking; /* one thread at a time reads files; stamps are its */
    struct dates stamps[FILES];
    struct gw_lock lock; /* of keys */
    struct gw_tls_keys *keys;
};

/* Which option is to blame for keys that cannot be had. */
struct blame {
    const char *option;
    char text[320];
};

static bool blame(struct blame *, const char *option, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static bool blame(struct blame *b, const char *option, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(b->text, sizeof b->text, fmt, args);
    va_end(args);
    b->option = option;
    return false;
}

/* Files */

static struct dates dates_of(gw_str path)
{
    struct stat st;
    struct dates s;
    memset(&s, 0, sizeof s); /* padding is compared too */
    if (path.len == 0 || stat(path.ptr, &st) != 0)
        return s;
    s.dev = st.st_dev;
    s.ino = st.st_ino;
    s.size = st.st_size;
    s.mtime.tv_sec = st.st_mtim.tv_sec;
    s.mtime.tv_nsec = st.st_mtim.tv_nsec;
    return s;
}

static void read_dates(const struct gw_tls_conf *c, struct dates out[static FILES])
{
    out[0] = dates_of(c->cert);
    out[1] = dates_of(c->key);
    out[2] = dates_of(c->client_ca);
}

/* Reads the whole file; the caller frees bytes.data. A directory, a device or an endless file is not a PEM
 * file. */
static bool load(gw_str path, const char *option, gnutls_datum_t *bytes, struct blame *b)
{
    struct stat st;
    int fd = open(path.ptr, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return blame(b, option, "%s cannot be read: %s", gw_path_shown(path).text, strerror(errno));
    bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= MAX_PEM;
    ssize_t n = -1;
    if (regular && (bytes->data = malloc((size_t)st.st_size + 1)))
        n = read(fd, bytes->data, (size_t)st.st_size);
    close(fd);
    if (!regular)
        return blame(b, option, "%s is not a file of at most 1 MiB", gw_path_shown(path).text);
    if (n < 0)
        return blame(b, option, "%s cannot be read: %s", gw_path_shown(path).text, strerror(errno));
    bytes->size = (unsigned)n;
    return true;
}

static void forget(gnutls_datum_t *bytes)
{
    if (bytes->data)
        explicit_bzero(bytes->data, bytes->size);
    free(bytes->data);
}

/* Keys */

static void describe(struct gw_tls_keys *k, gnutls_x509_crt_t cert)
{
    char name[96] = "", day[32] = "";
    size_t size = sizeof name;
    struct tm tm;
    time_t from = gnutls_x509_crt_get_activation_time(cert),
           until = gnutls_x509_crt_get_expiration_time(cert), now = time(NULL);
    if (gnutls_x509_crt_get_dn(cert, name, &size) != 0)
        snprintf(name, sizeof name, "(no name)");
    strftime(day, sizeof day, "%Y-%m-%d %H:%M UTC", gmtime_r(&until, &tm));
    snprintf(k->about, sizeof k->about, "%s, valid until %s", name, day);
    if (until < now)
        snprintf(k->doubt, sizeof k->doubt, "the certificate of %s expired on %s: clients will refuse it",
                 name, day);
    else if (from > now)
        snprintf(k->doubt, sizeof k->doubt, "the certificate of %s is not valid yet: clients will refuse it",
                 name);
}

static bool set_pair(struct gw_tls_keys *k, const struct gw_tls_conf *c, gnutls_x509_crt_t *chain, unsigned n,
                     const gnutls_datum_t *pem, struct blame *b)
{
    gnutls_x509_privkey_t key;
    if (gnutls_x509_privkey_init(&key) != 0)
        return blame(b, "tls.key", "no memory");
    bool good = true;
    int rc = gnutls_x509_privkey_import2(key, pem, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
    if (rc != 0)
        good = blame(b, "tls.key", "%s holds no private key in PEM form without a passphrase: %s",
                     gw_path_shown(c->key).text, gnutls_strerror(rc));
    else if ((rc = gnutls_certificate_set_x509_key(k->credentials, chain, (int)n, key)) ==
             GNUTLS_E_CERTIFICATE_KEY_MISMATCH)
        good = blame(b, "tls.key", "%s is not the key of the certificate in %s", gw_path_shown(c->key).text,
                     gw_path_shown(c->cert).text);
    else if (rc < 0)
        good =
            blame(b, "tls.cert", "%s cannot be used: %s", gw_path_shown(c->cert).text, gnutls_strerror(rc));
    gnutls_x509_privkey_deinit(key);
    return good;
}

static bool add_pair(struct gw_tls_keys *k, const struct gw_tls_conf *c, struct blame *b)
{
    gnutls_datum_t cert = {0}, key = {0};
    gnutls_x509_crt_t *chain = NULL;
    unsigned n = 0;
    bool good = load(c->cert, "tls.cert", &cert, b) && load(c->key, "tls.key", &key, b);
    int rc =
        good ? gnutls_x509_crt_list_import2(&chain, &n, &cert, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT)
             : 0;
    if (rc < 0)
        good = blame(b, "tls.cert", "%s holds no certificate chain in PEM form: %s",
                     gw_path_shown(c->cert).text, gnutls_strerror(rc));
    if (good) {
        describe(k, chain[0]);
        good = set_pair(k, c, chain, n, &key, b);
    }
    for (unsigned i = 0; rc >= 0 && i < n; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
    forget(&cert);
    forget(&key);
    return good;
}

static bool add_trust(struct gw_tls_keys *k, const struct gw_tls_conf *c, struct blame *b)
{
    gnutls_datum_t ca = {0};
    if (c->client_ca.len == 0)
        return true;
    bool good = load(c->client_ca, "tls.client_ca", &ca, b);
    int n = good ? gnutls_certificate_set_x509_trust_mem(k->credentials, &ca, GNUTLS_X509_FMT_PEM) : 0;
    if (good && n <= 0)
        good = blame(b, "tls.client_ca", "%s holds no certificate in PEM form%s%s",
                     gw_path_shown(c->client_ca).text, n ? ": " : "", n ? gnutls_strerror(n) : "");
    k->asks_clients = true;
    forget(&ca);
    return good;
}

void gw_tls_give(struct gw_tls_keys *k)
{
    if (!k || atomic_fetch_sub(&k->references, 1) > 1)
        return;
    if (k->credentials)
        gnutls_certificate_free_credentials(k->credentials);
    if (k->priorities)
        gnutls_priority_deinit(k->priorities);
    free(k);
}

static struct gw_tls_keys *read_keys(const struct gw_tls_conf *c, struct blame *b)
{
    struct gw_tls_keys *k = calloc(1, sizeof *k);
    if (!k) {
        blame(b, "tls.cert", "no memory");
        return NULL;
    }
    k->references = 1;
    if (gnutls_certificate_allocate_credentials(&k->credentials) != 0 ||
        gnutls_priority_init(&k->priorities, GW_TLS_PRIORITIES, NULL) != 0)
        blame(b, "tls.cert", "no memory");
    else if (add_pair(k, c, b) && add_trust(k, c, b))
        return k;
    gw_tls_give(k);
    return NULL;
}

static bool use(const struct gw_tls_keys *k, gnutls_session_t session)
{
    static gnutls_typed_vdata_st client = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                           .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
    if (k->asks_clients) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
        gnutls_session_set_verify_cert2(session, &client, 1, 0);
    }
    return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, k->credentials) == 0;
}

gnutls_session_t gw_tls_session(const struct gw_tls_keys *k, int fd)
{
    static const gnutls_datum_t protocol = {(unsigned char *)"http/1.1", 8};
    gnutls_session_t session = NULL;
    if (gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) != 0)
        return NULL;
    gnutls_transport_set_int(session, fd);
    if (gnutls_priority_set(session, k->priorities) == 0 &&
        gnutls_alpn_set_protocols(session, &protocol, 1, 0) == 0 && use(k, session))
        return session;
    gnutls_deinit(session);
    return NULL;
}

/* Life */

struct gw_tls *gw_tls_new(const struct gw_tls_conf *conf, const char *component, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    struct blame b = {"tls.cert", "no memory"};
    struct gw_tls *t = calloc(1, sizeof *t);
    if (t) {
        t->conf = *conf;
        t->component = component;
        t->looked = gw_now();
        gw_lock_init(&t->looking, GW_LOCK_TLS_FILES);
        gw_lock_init(&t->lock, GW_LOCK_TLS_KEYS);
        read_dates(conf, t->stamps);
        t->keys = read_keys(conf, &b);
    }
    if (t && t->keys) {
        if (t->keys->doubt[0])
            gw_option_warning(diagnostics, path, "tls.cert", "%s", t->keys->doubt);
        return t;
    }
    gw_option_error(diagnostics, path, b.option, "%s", b.text);
    gw_tls_drop(t);
    return NULL;
}

void gw_tls_drop(struct gw_tls *t)
{
    if (!t)
        return;
    gw_tls_give(t->keys);
    gw_lock_fini(&t->looking);
    gw_lock_fini(&t->lock);
    free(t);
}

bool gw_tls_same(const struct gw_tls *a, const struct gw_tls *b)
{
    return a == b || (a && b && gw_str_eq(a->conf.cert, b->conf.cert) &&
                      gw_str_eq(a->conf.key, b->conf.key) && gw_str_eq(a->conf.client_ca, b->conf.client_ca));
}

bool gw_tls_asks_clients(const struct gw_tls *t)
{
    return t && t->conf.client_ca.len > 0;
}

/* Reload */

static void replace(struct gw_tls *t, struct gw_tls_keys *fresh)
{
    gw_lock(&t->lock);
    struct gw_tls_keys *old = t->keys;
    t->keys = fresh;
    gw_unlock(&t->lock);
    gw_tls_give(old);
}

static void reload(struct gw_tls *t)
{
    struct dates now[FILES];
    struct blame b;
    read_dates(&t->conf, now);
    if (memcmp(now, t->stamps, sizeof now) == 0)
        return;
    /* taken before the files are read: what changes meanwhile is seen the next time */
    memcpy(t->stamps, now, sizeof now);
    struct gw_tls_keys *fresh = read_keys(&t->conf, &b);
    if (!fresh) {
        gw_log(GW_WARNING, t->component,
               "the changed TLS files cannot be used, the previous certificate stays in use: %s: %s",
               b.option, b.text);
        return;
    }
    gw_log(fresh->doubt[0] ? GW_WARNING : GW_INFO, t->component,
           "new connections use another certificate: %s", fresh->doubt[0] ? fresh->doubt : fresh->about);
    replace(t, fresh);
}

struct gw_tls_keys *gw_tls_take(struct gw_tls *t, gw_nsec now)
{
    if (now - atomic_load_explicit(&t->looked, memory_order_relaxed) >= LOOK_AGAIN &&
        gw_trylock(&t->looking)) {
        atomic_store_explicit(&t->looked, now, memory_order_relaxed);
        reload(t);
        gw_unlock(&t->looking);
    }
    gw_lock(&t->lock);
    struct gw_tls_keys *k = t->keys;
    atomic_fetch_add(&k->references, 1);
    gw_unlock(&t->lock);
    return k;
}
