/* Tables of texts that servers, proxies and TLS libraries use in their errors. Keeps no state. Called by
 * grpc_status.c and otlp_http_status.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/answer_words.h"

/* Only this much of an answer is searched. */
enum { MOST_WORDS = 2048 };

/* The letters, in lower case, and the digits of a text. */
struct letters {
    size_t n;
    char of[MOST_WORDS];
};

static void read_letters(struct letters *l, gw_str text)
{
    l->n = 0;
    for (size_t i = 0; i < text.len && l->n < MOST_WORDS; i++) {
        char c = gw_lower(text.ptr[i]);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
            l->of[l->n++] = c;
    }
}

static bool holds(const struct letters *l, gw_str word)
{
    for (size_t i = 0; i + word.len <= l->n; i++)
        if (memcmp(l->of + i, word.ptr, word.len) == 0)
            return true;
    return false;
}

static bool holds_any(const struct letters *l, const gw_str *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (holds(l, words[i]))
            return true;
    return false;
}

/* Sources: gRPC C++, Python, Go ("Received message larger than max"), Java ("gRPC message exceeds maximum
 * size"), .NET ("exceeds the maximum configured message size"), Rust's tonic ("decoded message length too
 * large"), Go's net/http ("request body too large"), and HTTP's 413 in its own words and in those of gRPC
 * libraries. */
static const gw_str sizes[] = {
    GW_LIT("largerthanmax"),
    GW_LIT("largerthanthemax"),
    GW_LIT("messagesize"),
    GW_LIT("messagelength"),
    GW_LIT("requestsize"),
    GW_LIT("bodysize"),
    GW_LIT("bodylength"),
    GW_LIT("payloadsize"),
    GW_LIT("payloadlength"),
    GW_LIT("exceedsmaximumsize"),
    GW_LIT("exceedsmaxsize"),
    GW_LIT("maximumsizeexceeded"),
    GW_LIT("maxsizeexceeded"),
    GW_LIT("sizelimitexceeded"),
    GW_LIT("exceedssizelimit"),
    GW_LIT("exceedsthesizelimit"),
    GW_LIT("messagetool"),
    GW_LIT("messagetoob"),
    GW_LIT("messageistool"),
    GW_LIT("messageistoob"),
    GW_LIT("requesttoolarge"),
    GW_LIT("requesttoobig"),
    GW_LIT("requestistoolarge"),
    GW_LIT("requestistoobig"),
    GW_LIT("entitytool"),
    GW_LIT("contenttool"),
    GW_LIT("payloadtool"),
    GW_LIT("payloadtoob"),
    GW_LIT("payloadistoo"),
    GW_LIT("bodytool"),
    GW_LIT("bodytoob"),
    GW_LIT("bodyistoo"),
    GW_LIT("batchtoo"),
    GW_LIT("batchistoo"),
    GW_LIT("status413"),
    GW_LIT("code413"),
    GW_LIT("http413"),
    GW_LIT("statusfromserver413"),
    GW_LIT("receivedfromserver413"),
};

static const gw_str too_large[] = {GW_LIT("toolarge"), GW_LIT("toobig")};

/* Errors that pass by themselves: a rate limit in bytes, or memory that is used up. */
static const gw_str passes[] = {GW_LIT("ratelimit"), GW_LIT("memoryusage"), GW_LIT("memorylimit"),
                                GW_LIT("toomanyrequests")};

#define COUNT(a) (sizeof(a) / sizeof *(a))

bool otlp_speaks_of_size(gw_str text)
{
    struct letters l;
    read_letters(&l, text);
    /* "RATE_LIMITED: batch size … exceeds …" is a rate limit, but such a batch never passes whole */
    return holds(&l, GW_STR("batchsize")) ||
           (holds_any(&l, sizes, COUNT(sizes)) && !holds_any(&l, passes, COUNT(passes)));
}

bool otlp_says_too_large(gw_str text)
{
    struct letters l;
    read_letters(&l, text);
    return holds_any(&l, too_large, COUNT(too_large)) && !holds_any(&l, passes, COUNT(passes));
}

static const char expired[] =
    "the server's certificate has expired: it must be renewed there (is this machine's clock right?)";
static const char not_yet[] = "the server's certificate is not valid yet: is this machine's clock right?";
static const char revoked[] = "the server's certificate was revoked: it must be replaced there";
static const char other_name[] =
    "the server's certificate is for another name: set tls.server_name to a name that it has";
static const char unknown_ca[] =
    "the server's certificate is not trusted: set tls.ca to the CA that signed it";

/* Searched in this order; texts of OpenSSL, GnuTLS, BoringSSL and gRPC Core. */
static const struct {
    gw_str word;
    const char *remedy;
} tls[] = {
    {GW_LIT("certificatehasexpired"), expired},     {GW_LIT("certificateexpired"), expired},
    {GW_LIT("expirationdatehaspassed"), expired},   {GW_LIT("certificateisnotyetvalid"), not_yet},
    {GW_LIT("notyetactivated"), not_yet},           {GW_LIT("certificaterevoked"), revoked},
    {GW_LIT("isnotinpeercertificate"), other_name}, {GW_LIT("hostnameverification"), other_name},
    {GW_LIT("hostnamemismatch"), other_name},       {GW_LIT("subjectnamematches"), other_name},
    {GW_LIT("doesnotmatchtargethost"), other_name}, {GW_LIT("certificateverifyfailed"), unknown_ca},
    {GW_LIT("selfsignedcertificate"), unknown_ca},  {GW_LIT("issuercertificate"), unknown_ca},
};

const char *otlp_tls_remedy(gw_str text)
{
    struct letters l;
    read_letters(&l, text);
    for (size_t i = 0; i < COUNT(tls); i++)
        if (holds(&l, tls[i].word))
            return tls[i].remedy;
    return NULL;
}
