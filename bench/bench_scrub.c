/* bench_scrub.c: what it costs to look for secrets in a log line (core/base/scrub.h), with none, three and a thousand of them.
 *
 *     cmake --build build --target bench_scrub && build/bench/bench_scrub
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/scrub.h"

enum { ROUNDS = 2000000 };

static const char line[] = "the backend takes nothing at the moment, the data is kept and tried again: "
                           "UNAVAILABLE: failed to connect to "
                           "all addresses; last error: UNKNOWN: ipv4:127.0.0.1:4317";

static void measure(int secrets)
{
    char text[sizeof line];
    size_t sum = 0;
    gw_nsec from = gw_now();
    for (int i = 0; i < ROUNDS; i++) {
        memcpy(text, line, sizeof line);
        sum += gw_scrub(text, sizeof line - 1);
    }
    printf("%4d secrets: %.0f ns a line of %zu bytes%s\n", secrets, (double)(gw_now() - from) / ROUNDS,
           sizeof line - 1, sum == (sizeof line - 1) * (size_t)ROUNDS ? "" : ": changed!");
}

int main(void)
{
    char secret[64];
    measure(0);
    for (int i = 0, n; i < 1000; i++) {
        n = snprintf(secret, sizeof secret, "%08x-secret-of-the-bench-%d", (unsigned)i * 2654435761u, i);
        gw_secret_add(gw_str_n(secret, (size_t)n));
        if (i == 2)
            measure(3);
    }
    measure(1000);
    return 0;
}
