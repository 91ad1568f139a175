/* Counts a request's own failures separately from those of its backend. Owns nothing. Called by
 * sender_outcome.c for each request that was not accepted.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/suspect.h"

enum { SUSPECTED = 3, CONVICTED = SUSPECTED + 8 };

void gw_suspect_failed(struct gw_suspect *s, const struct gw_answers *now)
{
    bool others_failed = now->failed_first != s->then.failed_first,
         others_passed = now->taken != s->then.taken;
    if (s->seen && others_failed)
        s->failures /= 2;
    else if (s->seen && others_passed)
        s->failures++;
    s->seen = true;
    s->then = *now;
}

bool gw_is_suspect(const struct gw_suspect *s)
{
    return s->failures >= SUSPECTED;
}

bool gw_is_convicted(const struct gw_suspect *s)
{
    return s->failures >= CONVICTED;
}

struct gw_suspect gw_suspect_half(const struct gw_suspect *whole)
{
    struct gw_suspect half = *whole;
    half.failures = SUSPECTED - 1;
    return half;
}
