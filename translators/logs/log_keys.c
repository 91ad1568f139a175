/* log_keys.c: Finds the reserved keys of JSON log lines: the table log_keys.def behind a small hash table,
 * which is filled once per process. Called by log_json.c for each key.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_keys.h"

#include <pthread.h>

enum { SLOTS = 512, LONGEST = 64 };

struct row {
    gw_str text;
    enum log_role role;
};

static const struct row rows[] = {
#define KEY(text, role) {GW_LIT(text), ROLE_##role},
#include "translators/logs/log_keys.def"
#undef KEY
};
enum { ROWS = sizeof rows / sizeof *rows };
_Static_assert(ROWS < UINT8_MAX, "an index fits a slot");

static uint8_t slots[SLOTS]; /* index + 1 */
/* of rows: a bit for each length; for each first character, also of the part before a dot */
static uint64_t lengths, heads;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Of the ends and the length: keys of log lines differ there. */
static uint32_t hash_of_key(gw_str s)
{
    const char *first = s.ptr, *last = s.ptr + s.len - 1;
    size_t len = s.len;
    uint32_t hash = (uint32_t)len * 0x9e3779b1u;
    hash = (hash ^ (uint8_t)first[0]) * 0x01000193u;
    hash = (hash ^ (uint8_t)last[0]) * 0x01000193u;
    if (len > 3) {
        hash = (hash ^ (uint8_t)first[1]) * 0x01000193u;
        hash = (hash ^ (uint8_t)last[-1]) * 0x01000193u;
        hash = (hash ^ (uint8_t)last[-2]) * 0x01000193u;
    }
    return hash ^ hash >> 15;
}

static uint64_t bit_of(char c)
{
    return UINT64_C(1) << (c & 63);
}

static void fill_slots(void)
{
    for (unsigned i = 0; i < ROWS; i++) {
        gw_str text = rows[i].text;
        unsigned at = hash_of_key(text) % SLOTS;
        while (slots[at])
            at = (at + 1) % SLOTS;
        slots[at] = (uint8_t)(i + 1);
        lengths |= UINT64_C(1) << rows[i].text.len;
        heads |= bit_of(rows[i].text.ptr[0]);
    }
}

static struct log_key find_key(gw_str path, gw_str key)
{
    char dotted[LONGEST];
    size_t len = path.len + key.len;
    char head = path.len ? *path.ptr : key.len ? *key.ptr : 0;
    if (len == 0 || len >= LONGEST || !(lengths & UINT64_C(1) << len) || !(heads & bit_of(head)))
        return (struct log_key){ROLE_NONE, 0};
    if (path.len) {
        memcpy(dotted, path.ptr, path.len);
        memcpy(dotted + path.len, key.ptr, key.len);
        key = gw_str_n(dotted, len);
    }
    for (unsigned at = hash_of_key(key) % SLOTS; slots[at]; at = (at + 1) % SLOTS)
        if (gw_str_eq(rows[slots[at] - 1].text, key))
            return (struct log_key){rows[slots[at] - 1].role, slots[at]};
    return (struct log_key){ROLE_NONE, 0};
}

static bool has_dd_prefix(gw_str s)
{
    return s.len > 3 && s.ptr[0] == 'd' && s.ptr[1] == 'd' && (s.ptr[2] == '.' || s.ptr[2] == '_');
}

struct log_key log_key_find(gw_str path, gw_str key)
{
    pthread_once(&once, fill_slots);
    struct log_key k = find_key(path, key);
    if (k.role || !path.len)
        return k;
    if (has_dd_prefix(key))
        return find_key(GW_NOSTR, key);
    if (gw_str_ends(path, GW_STR(".dd."))) /* {"context": {"dd": {"trace_id": …}}}, as PHP's Monolog has it */
        return find_key(GW_STR("dd."), key);
    return k;
}
