/* Words and numbers of log levels as OpenTelemetry's SeverityNumber, by the table log_severity.def.
 *
 * The hash table is filled once per process. Called by log_text.c, log_json.c and log_script.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_severity.h"

#include <pthread.h>

enum { LONGEST = 13, SLOTS = 256, LEAST = 1, MOST = 24 };

struct word {
    gw_str text;
    int number;
};

static const struct word words[] = {
#define SEVERITY(text, number) {GW_LIT(text), number},
#include "translators/logs/log_severity.def"
#undef SEVERITY
};
enum { WORDS = sizeof words / sizeof *words };

static uint8_t slots[SLOTS]; /* index + 1; filled once */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static unsigned slot_of(gw_str s)
{
    unsigned hash = (unsigned)s.len;
    for (size_t i = 0; i < s.len; i++)
        hash = hash * 31 + (unsigned char)gw_lower(s.ptr[i]);
    return (hash ^ hash >> 8) % SLOTS;
}

static void fill_slots(void)
{
    for (unsigned i = 0; i < WORDS; i++) {
        unsigned at = slot_of(words[i].text);
        while (slots[at])
            at = (at + 1) % SLOTS;
        slots[at] = (uint8_t)(i + 1);
    }
}

static int find_word(gw_str s)
{
    if (s.len == 0 || s.len > LONGEST)
        return 0;
    pthread_once(&once, fill_slots);
    for (unsigned at = slot_of(s); slots[at]; at = (at + 1) % SLOTS)
        if (gw_str_ieq(words[slots[at] - 1].text, s))
            return words[slots[at] - 1].number;
    return 0;
}

int log_severity_word(gw_str s)
{
    int64_t step;
    int number = find_word(s);
    if (number || s.len < 3)
        return number;
    size_t sign = gw_str_find(s, '+') < s.len ? gw_str_find(s, '+') : gw_str_find(s, '-');
    if (sign == s.len || !gw_str_i64(gw_str_from(s, sign + 1), &step) || step < 0 || step > MOST)
        return 0;
    number = find_word(gw_str_n(s.ptr, sign));
    if (!number)
        return 0;
    number += (int)(s.ptr[sign] == '+' ? step : -step);
    return number < LEAST ? LEAST : number > MOST ? MOST : number;
}

int log_severity_number(int64_t n, bool python)
{
    static const int syslog[] = {21, 19, 18, 17, 13, 10, 9, 5};
    static const int tens[2][6] = {{1, 5, 9, 13, 17, 21}, {5, 9, 13, 17, 18, 0}};
    if (n >= 0 && n <= 7)
        return syslog[n];
    return n >= 10 && n <= 69 ? tens[python][n / 10 - 1] : 0;
}
