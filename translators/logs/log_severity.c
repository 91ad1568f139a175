/* log_severity.c: Maps words and numbers of log levels to OpenTelemetry's SeverityNumber, by the table
 * log_severity.def. The hash table is filled once per process. Called by log_text.c, log_json.c and
 * log_script.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_severity.h"

#include <pthread.h>

enum { LONGEST = 13, SLOTS = 256, LEAST = 1, MOST = 24 };

enum kind { PLAIN, SHAPED };

struct word {
    gw_str text;
    int number;
    enum kind kind;
};

static const struct word words[] = {
#define SEVERITY(text, number, kind) {GW_LIT(text), number, kind},
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

static const struct word *find_word(gw_str s)
{
    if (s.len == 0 || s.len > LONGEST)
        return NULL;
    pthread_once(&once, fill_slots);
    for (unsigned at = slot_of(s); slots[at]; at = (at + 1) % SLOTS)
        if (gw_str_ieq(words[slots[at] - 1].text, s))
            return &words[slots[at] - 1];
    return NULL;
}

/* slog's "INFO+2" */
static int stepped_word(gw_str s)
{
    int64_t step;
    if (s.len < 5 || s.len > LONGEST || !gw_is_digit(s.ptr[s.len - 1]))
        return 0;
    size_t sign = gw_str_find(s, '+') < s.len ? gw_str_find(s, '+') : gw_str_find(s, '-');
    if (sign < 3 || sign == s.len || !gw_str_i64(gw_str_from(s, sign + 1), &step) || step < 0 || step > MOST)
        return 0;
    const struct word *w = find_word(gw_str_n(s.ptr, sign));
    if (!w)
        return 0;
    int number = w->number + (int)(s.ptr[sign] == '+' ? step : -step);
    return number < LEAST ? LEAST : number > MOST ? MOST : number;
}

int log_severity_word(gw_str s)
{
    const struct word *w = find_word(s);
    return w ? w->number : stepped_word(s);
}

/* The usual words, in capitals, without a table lookup. */
static int usual_word(gw_str s)
{
    if (s.len == 4)
        return memcmp(s.ptr, "INFO", 4) == 0 ? 9 : memcmp(s.ptr, "WARN", 4) == 0 ? 13 : 0;
    if (s.len == 5)
        return memcmp(s.ptr, "ERROR", 5) == 0 ? 17 : memcmp(s.ptr, "DEBUG", 5) == 0 ? 5 : 0;
    return 0;
}

int log_severity_plain(gw_str s)
{
    int usual = usual_word(s);
    if (usual)
        return usual;
    const struct word *w = find_word(s);
    return w ? (w->kind == PLAIN ? w->number : 0) : stepped_word(s);
}

int log_severity_number(int64_t n, bool python, gw_str *word)
{
    static const struct {
        gw_str word;
        int number;
    } syslog[] = {{GW_LIT("emerg"), 21}, {GW_LIT("alert"), 19},   {GW_LIT("crit"), 18},
                  {GW_LIT("err"), 17},   {GW_LIT("warning"), 13}, {GW_LIT("notice"), 10},
                  {GW_LIT("info"), 9},   {GW_LIT("debug"), 5}},
      tens[2][6] = {{{GW_LIT("trace"), 1},
                     {GW_LIT("debug"), 5},
                     {GW_LIT("info"), 9},
                     {GW_LIT("warn"), 13},
                     {GW_LIT("error"), 17},
                     {GW_LIT("fatal"), 21}},
                    {{GW_LIT("DEBUG"), 5},
                     {GW_LIT("INFO"), 9},
                     {GW_LIT("WARNING"), 13},
                     {GW_LIT("ERROR"), 17},
                     {GW_LIT("CRITICAL"), 18},
                     {GW_LIT(""), 0}}};
    if (n >= 0 && n <= 7) {
        *word = syslog[n].word;
        return syslog[n].number;
    }
    if (n < 10 || n > 69)
        return 0;
    *word = tens[python][n / 10 - 1].word;
    return tens[python][n / 10 - 1].number;
}
