/* SPDX-License-Identifier: Apache-2.0 */
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

static uint8_t slots[SLOTS];    /* index + 1 */
static uint64_t lengths, heads; /* of rows: a bit for each length; for each first character, of what stands before a dot, too */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint32_t add(uint32_t hash, gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (uint8_t)s.ptr[i]) * 0x01000193u;
    return hash;
}

static uint64_t bit_of(char c)
{
    return UINT64_C(1) << (c & 63);
}

static void fill(void)
{
    for (unsigned i = 0; i < ROWS; i++) {
        uint32_t hash = add(0x811c9dc5u, rows[i].text);
        unsigned at = (hash ^ hash >> 16) % SLOTS;
        while (slots[at])
            at = (at + 1) % SLOTS;
        slots[at] = (uint8_t)(i + 1);
        lengths |= UINT64_C(1) << rows[i].text.len;
        heads |= bit_of(rows[i].text.ptr[0]);
    }
}

static bool same(gw_str text, gw_str path, gw_str key)
{
    return text.len == path.len + key.len && gw_str_starts(text, path) && memcmp(text.ptr + path.len, key.ptr, key.len) == 0;
}

static struct log_key find(gw_str path, gw_str key)
{
    size_t len = path.len + key.len;
    char head = path.len ? *path.ptr : key.len ? *key.ptr : 0;
    if (len == 0 || len >= LONGEST || !(lengths & UINT64_C(1) << len) || !(heads & bit_of(head)))
        return (struct log_key){ROLE_NONE, 0};
    uint32_t hash = add(add(0x811c9dc5u, path), key);
    for (unsigned at = (hash ^ hash >> 16) % SLOTS; slots[at]; at = (at + 1) % SLOTS)
        if (same(rows[slots[at] - 1].text, path, key))
            return (struct log_key){rows[slots[at] - 1].role, slots[at]};
    return (struct log_key){ROLE_NONE, 0};
}

static bool is_mark(gw_str s)
{
    return s.len > 3 && s.ptr[0] == 'd' && s.ptr[1] == 'd' && (s.ptr[2] == '.' || s.ptr[2] == '_');
}

struct log_key log_key_find(gw_str path, gw_str key)
{
    pthread_once(&once, fill);
    struct log_key k = find(path, key);
    if (k.role || !path.len)
        return k;
    if (is_mark(key))
        return find(GW_NOSTR, key);
    if (gw_str_ends(path, GW_STR(".dd."))) /* {"context": {"dd": {"trace_id": …}}}, as PHP's Monolog has it */
        return find(GW_STR("dd."), key);
    return k;
}
