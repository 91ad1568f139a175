/* stream_tls.c: Handles TLS of one connection of a stream: handshake, reads, close. Owns the session and a
 * reference to its keys. Called by stream_conn.c, on the stream's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/stream/stream_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct stream_tls {
    gnutls_session_t session;
    struct gw_tls_keys *keys;
    bool shaking;
};

struct stream_tls *stream_tls_new(struct gw_tls *tls, int fd)
{
    struct stream_tls *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->shaking = true;
    t->keys = gw_tls_take(tls, gw_now());
    t->session = gw_tls_session(t->keys, fd);
    if (t->session)
        return t;
    gw_tls_give(t->keys);
    free(t);
    return NULL;
}

void stream_tls_drop(struct stream_tls *t, bool send_goodbye)
{
    if (!t)
        return;
    if (send_goodbye && !t->shaking)
        gnutls_bye(t->session, GNUTLS_SHUT_WR);
    gnutls_deinit(t->session);
    gw_tls_give(t->keys);
    free(t);
}

bool stream_tls_is_shaking(const struct stream_tls *t)
{
    return t && t->shaking;
}

bool stream_tls_pending(const struct stream_tls *t)
{
    return t && !t->shaking && gnutls_record_check_pending(t->session) > 0;
}

static ssize_t fail(int error)
{
    errno = error;
    return -1;
}

static ssize_t explain(struct stream_tls *t, int rc, char *why, size_t size)
{
    gnutls_datum_t text = {0};
    if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED)
        snprintf(why, size, "the client says: %s", gnutls_alert_get_name(gnutls_alert_get(t->session)));
    else if (rc == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR &&
             gnutls_certificate_verification_status_print(gnutls_session_get_verify_cert_status(t->session),
                                                          GNUTLS_CRT_X509, &text, 0) == 0)
        snprintf(why, size, "the client's certificate: %s", (const char *)text.data);
    else
        snprintf(why, size, "%s", gnutls_strerror(rc));
    gnutls_free(text.data);
    gnutls_alert_send_appropriate(t->session, rc);
    return fail(EPROTO);
}

/* 1 when it has finished. */
static ssize_t shake(struct stream_tls *t, char *why, size_t size)
{
    int rc;
    do
        rc = gnutls_handshake(t->session);
    while (rc < 0 && rc != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(rc));
    if (rc == GNUTLS_E_AGAIN)
        return fail(EAGAIN);
    if (rc < 0)
        return explain(t, rc, why, size);
    t->shaking = false;
    return 1;
}

ssize_t stream_tls_read(struct stream_tls *t, char *into, size_t size, char *why, size_t why_size)
{
    ssize_t n = t->shaking ? shake(t, why, why_size) : 1;
    if (n <= 0)
        return n;
    do
        n = gnutls_record_recv(t->session, into, size);
    while (n < 0 && n != GNUTLS_E_AGAIN && n != GNUTLS_E_REHANDSHAKE && !gnutls_error_is_fatal((int)n));
    if (n >= 0)
        return n;
    if (n == GNUTLS_E_AGAIN)
        return fail(EAGAIN);
    if (n == GNUTLS_E_PREMATURE_TERMINATION || n == GNUTLS_E_PULL_ERROR)
        return fail(ECONNRESET);
    return explain(t, (int)n, why, why_size);
}
