/* Makes one TLS handshake with libcurl, whose error text contains the reason of a failure. Owns nothing.
 * Called rarely, by otlp_grpc.c on the sender's thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/tls_probe.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

#include "exporters/otlp/answer_words.h"

enum { HANDSHAKE_MS = 2000 };

/* Uses the same roots as grpc_channel.c. */
static void trust(CURL *e, const struct otlp_endpoint *t)
{
    const char *named = getenv("SSL_CERT_FILE");
    struct curl_blob ca = {.data = t->ca, .len = t->ca ? strlen(t->ca) : 0, .flags = CURL_BLOB_NOCOPY};
    if (t->ca)
        curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &ca);
    else if (named)
        curl_easy_setopt(e, CURLOPT_CAINFO, named);
}

const char *otlp_tls_probe(const struct otlp_endpoint *t, gw_str server_name)
{
    char url[600], to[300], words[CURL_ERROR_SIZE] = "";
    CURL *e = curl_easy_init();
    snprintf(url, sizeof url, "https://%s/", server_name.len ? server_name.ptr : t->authority);
    snprintf(to, sizeof to, "::%s", t->authority);
    struct curl_slist *connect_to = server_name.len ? curl_slist_append(NULL, to) : NULL;
    bool ready = e && (connect_to || !server_name.len); /* false: no memory */
    if (ready) {
        curl_easy_setopt(e, CURLOPT_URL, url);
        curl_easy_setopt(e, CURLOPT_CONNECT_TO, connect_to);
        curl_easy_setopt(e, CURLOPT_CONNECT_ONLY, 1L);
        curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)HANDSHAKE_MS);
        curl_easy_setopt(e, CURLOPT_ERRORBUFFER, words);
        trust(e, t);
    }
    CURLcode code = ready ? curl_easy_perform(e) : CURLE_OUT_OF_MEMORY;
    curl_easy_cleanup(e);
    curl_slist_free_all(connect_to);
    return code == CURLE_PEER_FAILED_VERIFICATION ? otlp_tls_remedy(gw_str_z(words)) : NULL;
}
