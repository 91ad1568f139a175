/* did_you_mean.c: Finds the known name that is most similar to a wrong one. Pure. Called where a configuration
 * or a script has an unknown name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/config/did_you_mean.h"

#include <stdint.h>

enum { LONGEST_NAME = 63 };

/* Edits between a and b: Damerau-Levenshtein with adjacent swaps; names are short. */
static size_t distance(gw_str a, gw_str b)
{
    size_t row[3][LONGEST_NAME + 2];
    if (a.len > LONGEST_NAME || b.len > LONGEST_NAME)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.len; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t *now = row[i % 3], *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t best = up[j - 1] + (gw_lower(a.ptr[i - 1]) != b.ptr[j - 1]);
            if (up[j] + 1 < best)
                best = up[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a.ptr[i - 1] == b.ptr[j - 2] && a.ptr[i - 2] == b.ptr[j - 1] &&
                up2[j - 2] + 1 < best)
                best = up2[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[a.len % 3][b.len];
}

const char *gw_did_you_mean(gw_str wrong, const char *const *names)
{
    const char *best = NULL;
    size_t least = wrong.len < 3 ? 1 : wrong.len < 6 ? 2 : 3; /* further away is another word */
    for (; *names; names++) {
        size_t d = distance(wrong, gw_str_z(*names));
        if (d < least || (d == least && !best)) {
            least = d;
            best = *names;
        }
    }
    return best;
}
