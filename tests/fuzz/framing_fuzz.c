/* Bytes of a connection, in pieces: where requests end does not depend on how they come, a fault stays, and
 * nothing is made up. The first byte says how the pieces are cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "gateway/http/framing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

/* Reads all of it into `out`, which has room for it; pieces of at most `most` bytes. */
static size_t read_in_pieces(struct gw_framing *f, const uint8_t *data, size_t size, size_t most, char *out)
{
    size_t n = 0;
    for (size_t at = 0, piece; at < size && !f->fault; at += piece) {
        piece = size - at < most ? size - at : most;
        memcpy(out + n, data + at, piece);
        size_t left = gw_framing_read(f, out + n, piece);
        check(left <= piece);
        n += left;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct gw_framing whole = {0}, cut = {0};
    char *a = malloc(size), *b = malloc(size);
    size_t n = read_in_pieces(&whole, data + 1, size - 1, size, a),
           m = read_in_pieces(&cut, data + 1, size - 1, data[0] % 32 + 1u, b);
    check(!whole.fault == !cut.fault && whole.heads <= cut.heads && n <= m && memcmp(a, b, n) == 0);
    if (whole.fault) {
        check(strcmp(whole.fault, cut.fault) == 0);
        check(gw_framing_read(&cut, a, size) == 0);
    } else {
        check(n == m && whole.heads == cut.heads);
        /* what is left reads the same, without anything to take out */
        struct gw_framing again = {0};
        check(read_in_pieces(&again, (const uint8_t *)a, n, size, b) == n && !again.fault);
    }
    free(a);
    free(b);
    return 0;
}
