/* Where requests end: what is taken, what is taken out, what is at fault, whatever the pieces it comes in.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "gateway/http/framing.h"

#define HEAD "PUT /a HTTP/1.1\r\nHost: x\r\n"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n"
#define GOOD HEAD "Content-Length: 2\r\n\r\nab"

static const struct {
    gw_str in;
    const char *fault; /* NULL: none */
    unsigned heads;
    gw_str out; /* empty: as it came */
} cases[] = {
    {GW_LIT(GOOD GOOD HEAD "\r\n" GOOD), NULL, 4, GW_LIT("")},
    {GW_LIT("GET / HTTP/1.0\r\n\r\n"), NULL, 1, GW_LIT("")},
    {GW_LIT("OPTIONS * HTTP/1.1\r\na:b\r\nc:\r\nd:  \t e \r\n\r\n" GOOD), NULL, 2, GW_LIT("")},
    {GW_LIT(HEAD "X: \x80\xff\tz\r\ncONTENT-lENGTH:00002\r\n\r\n\r\n" GOOD), NULL, 2, GW_LIT("")},
    {GW_LIT("\r\n\r\n" GOOD "\r\n" GOOD), NULL, 2, GW_LIT(GOOD GOOD)},
    {GW_LIT(HEAD "Content-Length: 2 \t\r\n\r\nab" GOOD), NULL, 2, GW_LIT(GOOD GOOD)},
    {GW_LIT(HEAD "Transfer-Encoding: Chunked \r\n\r\n0\r\n\r\n" GOOD), NULL, 2,
     GW_LIT(HEAD "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n" GOOD)},
    {GW_LIT(CHUNKED "5\r\nabcde\r\n0A\r\n0123456789\r\n0\r\n\r\n" GOOD), NULL, 2, GW_LIT("")},
    {GW_LIT(CHUNKED "5;a=b;c=\"d;e\"\r\nabcde\r\n0;f\r\n\r\n" GOOD), NULL, 2,
     GW_LIT(CHUNKED "5\r\nabcde\r\n0\r\n\r\n" GOOD)},
    {GW_LIT(CHUNKED "5 \t;a\r\nabcde\r\n0\r\nT: x\r\nU:y\r\n\r\n" GOOD), NULL, 2,
     GW_LIT(CHUNKED "5\r\nabcde\r\n0\r\n\r\n" GOOD)},
    {GW_LIT(HEAD "Content-Length: 18446744073709551615\r\n\r\nab"), NULL, 1, GW_LIT("")},

    {GW_LIT(HEAD "Content-Length : 2\r\n\r\nab"), "a blank stands in the name", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length\t: 2\r\n\r\nab"), "a blank stands in the name", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content Length: 2\r\n\r\nab"), "a blank stands in the name", 0, GW_LIT("")},
    {GW_LIT(HEAD "X: y\r\n Content-Length: 2\r\n\r\nab"), "a header is folded", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length:\r\n 2\r\n\r\nab"), "Content-Length is not a number", 0, GW_LIT("")},
    {GW_LIT(HEAD "X:\r\n\t2\r\n\r\nab"), "a header is folded", 0, GW_LIT("")},
    {GW_LIT("PUT /a HTTP/1.1\r\n Host: x\r\n\r\n"), "a header is folded", 0, GW_LIT("")},
    {GW_LIT(HEAD ": 2\r\n\r\n"), "a header has no name", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length\r\n\r\n"), "a CR stands within", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length\0: 2\r\n\r\nab"), "a NUL byte", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: 2\0\r\n\r\nab"), "a NUL byte", 0, GW_LIT("")},
    {GW_LIT(HEAD "X: a\0b\r\n\r\n"), "a NUL byte", 0, GW_LIT("")},
    {GW_LIT(HEAD "X: a\x01z\r\n\r\n"), "a control character", 0, GW_LIT("")},
    {GW_LIT(HEAD "X(: a\r\n\r\n"), "a header's name holds", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length\xc2\xa0: 2\r\n\r\n"), "a header's name holds", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab"), "Content-Length more than once", 0,
     GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: 2, 2\r\n\r\nab"), "Content-Length is not a number", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: +2\r\n\r\nab"), "Content-Length is not a number", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: -2\r\n\r\nab"), "Content-Length is not a number", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: 0x2\r\n\r\nab"), "Content-Length is not a number", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: 1 2\r\n\r\nab"), "Content-Length is not a number", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: \r\n\r\nab"), "Content-Length is not a number", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: \"2\"\r\n\r\nab"), "Content-Length is not a number", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: 18446744073709551616\r\n\r\nab"), "too large a number", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: 99999999999999999999\r\n\r\nab"), "too large a number", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "both", 0, GW_LIT("")},
    {GW_LIT(HEAD "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"), "both", 0, GW_LIT("")},
    {GW_LIT(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), "more than once", 0,
     GW_LIT("")},
    {GW_LIT(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n"), "the only Transfer-Encoding", 0, GW_LIT("")},
    {GW_LIT(HEAD "Transfer-Encoding: chunked, chunked\r\n\r\n"), "the only Transfer-Encoding", 0, GW_LIT("")},
    {GW_LIT(HEAD "Transfer-Encoding: xchunked\r\n\r\n"), "the only Transfer-Encoding", 0, GW_LIT("")},
    {GW_LIT(HEAD "Transfer-Encoding: chunke\r\n\r\n"), "the only Transfer-Encoding", 0, GW_LIT("")},
    {GW_LIT(HEAD "Transfer-Encoding: identity\r\n\r\n"), "the only Transfer-Encoding", 0, GW_LIT("")},
    {GW_LIT(HEAD "Transfer-Encoding: chunked;q=1\r\n\r\n"), "the only Transfer-Encoding", 0, GW_LIT("")},
    {GW_LIT(HEAD "Transfer-Encoding: \vchunked\r\n\r\n"), "a control character", 0, GW_LIT("")},
    {GW_LIT(HEAD "Transfer-Encoding:\r\n chunked\r\n\r\n"), "the only Transfer-Encoding", 0, GW_LIT("")},
    {GW_LIT("PUT /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "in HTTP/1.0", 0, GW_LIT("")},

    {GW_LIT("PUT /a HTTP/1.1\nHost: x\r\n\r\n"), "LF alone", 0, GW_LIT("")},
    {GW_LIT(HEAD "X: y\nContent-Length: 2\r\n\r\nab"), "LF alone", 0, GW_LIT("")},
    {GW_LIT(HEAD "X: y\n\nPUT"), "LF alone", 0, GW_LIT("")},
    {GW_LIT(HEAD "\nab"), "LF alone", 0, GW_LIT("")},
    {GW_LIT(HEAD "X: y\rContent-Length: 2\r\n\r\nab"), "a CR stands within", 0, GW_LIT("")},
    {GW_LIT(HEAD "X: y\r\r\n\r\n"), "a CR stands within", 0, GW_LIT("")},
    {GW_LIT(HEAD "Content-Length: 2\rX: y\r\n\r\nab"), "a CR stands within", 0, GW_LIT("")},
    {GW_LIT("PUT  /a HTTP/1.1\r\n\r\n"), "the request line", 0, GW_LIT("")},
    {GW_LIT("PUT /a b HTTP/1.1\r\n\r\n"), "the request line", 0, GW_LIT("")},
    {GW_LIT("PUT /a\tHTTP/1.1\r\n\r\n"), "the request line", 0, GW_LIT("")},
    {GW_LIT("PUT /a HTTP/1.1 \r\n\r\n"), "the request line", 0, GW_LIT("")},
    {GW_LIT("PUT /a\r\n\r\n"), "a CR stands within", 0, GW_LIT("")},
    {GW_LIT("PUT /a http/1.1\r\n\r\n"), "the request line", 0, GW_LIT("")},
    {GW_LIT(" PUT /a HTTP/1.1\r\n\r\n"), "the request line", 0, GW_LIT("")},
    {GW_LIT("P\0UT /a HTTP/1.1\r\n\r\n"), "a NUL byte", 0, GW_LIT("")},
    {GW_LIT("PUT /a\0 HTTP/1.1\r\n\r\n"), "a NUL byte", 0, GW_LIT("")},
    {GW_LIT("\nPUT /a HTTP/1.1\r\n\r\n"), "LF alone", 0, GW_LIT("")},
    {GW_LIT("\r\n\r\n\r\nPUT /a HTTP/1.1\r\n\r\n"), "blank lines", 0, GW_LIT("")},
    {GW_LIT("\x16\x03\x01\x02\x00\x01"), "TLS comes to a port without it", 0, GW_LIT("")},
    {GW_LIT("P\x16T /a HTTP/1.1\r\n\r\n"), "a control character", 0, GW_LIT("")},

    {GW_LIT(CHUNKED "\r\n"), "not a hexadecimal number", 1, GW_LIT("")},
    {GW_LIT(CHUNKED " 5\r\nabcde"), "not a hexadecimal number", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "+5\r\nabcde"), "not a hexadecimal number", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "-5\r\nabcde"), "not a hexadecimal number", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "0x5\r\nabcde"), "not a hexadecimal number", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "5 5\r\nabcde"), "a blank stands behind the size", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "5 \r\nabcde"), "a blank stands behind the size", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "5\nabcde"), "LF alone", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "5;a\nabcde"), "LF alone", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "5;a\rb\r\nabcde"), "a CR stands within", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "5;a\0b\r\nabcde"), "a NUL byte", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "5\0\r\nabcde"), "a NUL byte", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "5\r\nabcde\n0\r\n\r\n"), "does not end where its size says", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "5\r\nabcdef\r\n0\r\n\r\n"), "does not end where its size says", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "5\r\nabcde\r0\r\n\r\n"), "a CR stands within", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "10000000000000005\r\nabcde"), "too large a number", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "ffffffffffffffff\r\nabcde"), "too large a number", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "00000000000000005\r\nabcde"), "too large a number", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "0\r\nContent-Length: 2\r\n\r\nab"), "a trailer says", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "0\r\n T: x\r\n\r\n"), "a header is folded", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "0\r\nT: x\n\r\n"), "LF alone", 1, GW_LIT("")},
    {GW_LIT(CHUNKED "0\r\n\n"), "LF alone", 1, GW_LIT("")},
    {GW_LIT(GOOD GOOD HEAD "Content-Length : 2\r\n\r\n" GOOD), "a blank stands in the name", 2,
     GW_LIT(GOOD GOOD)},
};

/* Feeds the text in pieces of `step` bytes. */
static void run_case(size_t number, size_t step)
{
    gw_str in = cases[number].in, want = cases[number].out.len ? cases[number].out : in;
    struct gw_framing f = {0};
    char *out = malloc(in.len);
    size_t n = 0;
    for (size_t at = 0; at < in.len && !f.fault; at += step) {
        size_t piece = in.len - at < step ? in.len - at : step;
        memcpy(out + n, in.ptr + at, piece);
        n += gw_framing_read(&f, out + n, piece);
    }
    const char *fault = cases[number].fault;
    if (!fault != !f.fault || (fault && !strstr(f.fault, fault)) ||
        (f.heads != cases[number].heads && (!fault || step == 1)))
        fail_msg("case %zu by %zu: %u heads, %s", number, step, f.heads, f.fault ? f.fault : "no fault");
    if ((!fault || step >= in.len) && (n > want.len || memcmp(out, want.ptr, n) != 0))
        fail_msg("case %zu by %zu: %zu bytes: %.*s", number, step, n, (int)n, out);
    /* what is not of the request at fault is left, and nothing else */
    bool out_is_given = cases[number].out.len;
    if (!fault ? n != want.len : step >= in.len && n != (out_is_given ? want.len : 0))
        fail_msg("case %zu by %zu: %zu bytes are left", number, step, n);
    free(out);
}

static void all_cases_in_all_pieces(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t step = 1; step <= cases[i].in.len; step++)
            run_case(i, step);
}

/* Chunk extensions and trailers are read, but not without end. */
static void extras_have_a_bound(void **state)
{
    static const char begin[] = CHUNKED "1;";
    struct gw_framing f = {0};
    char text[1024];
    memcpy(text, begin, sizeof begin - 1);
    assert_int_equal(gw_framing_read(&f, text, sizeof begin - 1), sizeof begin - 2);
    for (size_t sent = 0; sent < GW_FRAMING_EXTRA; sent += sizeof text) {
        assert_null(f.fault);
        memset(text, 'x', sizeof text);
        assert_int_equal(gw_framing_read(&f, text, sizeof text), 0);
    }
    assert_non_null(f.fault);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_cases_in_all_pieces),
                                       cmocka_unit_test(extras_have_a_bound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
