/* Reads the fields that a TracerPayload has once for the process of its spans. They may come after its
 * chunks, and in an idx payload the texts come after all references to them; lengths let this code skip the
 * chunks.
 *
 * Processes flush about once a second and the agent every few seconds. Payloads with equal contents share one
 * struct dd_payload, so that their spans share a resource.
 *
 * Results go to the decoder's arena. Called by dd_agent.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_agent.h"

#include "translators/ddtrace/dd_hash.h"

enum { MAX_PROBES = 32 };

/* The meaning of a field. */
enum saying {
    NOTHING,
    STRING,
    CONTAINER_ID,
    LANGUAGE,
    LANGUAGE_VERSION,
    TRACER_VERSION,
    RUNTIME_ID,
    ENV,
    HOST,
    VERSION,
    TAG,
    CHUNK
};

enum { FIELDS = 12 };
/* By field number: datadog.trace.TracerPayload, and datadog.trace.idx.TracerPayload. */
static const enum saying sayings[2][FIELDS] = {{NOTHING, CONTAINER_ID, LANGUAGE, LANGUAGE_VERSION,
                                                TRACER_VERSION, RUNTIME_ID, CHUNK, TAG, ENV, HOST, VERSION,
                                                NOTHING},
                                               {NOTHING, STRING, CONTAINER_ID, LANGUAGE, LANGUAGE_VERSION,
                                                TRACER_VERSION, RUNTIME_ID, ENV, HOST, VERSION, TAG, CHUNK}};

enum { IDX_STRING = DD_PB(1, LEN) };

static gw_str *place_of(struct dd_payload *p, enum saying s)
{
    switch (s) {
    case CONTAINER_ID:
        return &p->facts[DD_FACT_CONTAINER_ID];
    case LANGUAGE:
        return &p->language;
    case LANGUAGE_VERSION:
        return &p->facts[DD_FACT_LANGUAGE_VERSION];
    case TRACER_VERSION:
        return &p->facts[DD_FACT_TRACER_VERSION];
    case RUNTIME_ID:
        return &p->runtime_id;
    case ENV:
        return &p->env;
    case HOST:
        return &p->host;
    default:
        return &p->version;
    }
}

/* Reads the text table of an idx payload. Errors are reported later, when the fields are read. */
static bool read_strings(struct dd_decoder *d, struct wire_view v, struct dd_agent_part *part)
{
    uint32_t tag;
    size_t n = dd_pb_count_all(v, IDX_STRING);
    part->strings = gw_arena_raw(d->arena, n, sizeof *part->strings);
    while (part->strings && part->strings_n < n && dd_pb_tag(&v, &tag))
        if (tag != IDX_STRING)
            (void)dd_pb_skip(&v, tag);
        else if (dd_pb_text(&v, &part->strings[part->strings_n]))
            part->strings_n++;
    return part->strings;
}

/* Reads a text, or in an idx payload the index of one. An index beyond the table means no value. */
static bool read_fact(const struct dd_agent_part *part, struct wire_view *v, uint32_t tag, gw_str *out)
{
    uint64_t number;
    if ((tag & 7) != (part->idx ? WIRE_VARINT : WIRE_LEN))
        return false;
    if (!part->idx)
        return dd_pb_text(v, out);
    if (!dd_pb_varint(v, &number))
        return false;
    (void)dd_agent_string(part, number, out);
    return true;
}

static enum dd_got read_field(struct dd_decoder *d, const struct dd_agent_part *part, struct wire_view *v,
                              uint32_t tag, struct dd_payload *said, struct dd_agent_list *tags)
{
    enum saying s = tag >> 3 < FIELDS ? sayings[part->idx][tag >> 3] : NOTHING;
    switch (s) {
    case NOTHING:
        return dd_agent_got(dd_pb_skip(v, tag));
    case STRING:
    case CHUNK:
        return dd_agent_got((tag & 7) == WIRE_LEN && dd_pb_skip(v, tag));
    case TAG:
        if ((tag & 7) != WIRE_LEN)
            return DD_OTHER_TYPE;
        return part->idx ? dd_agent_idx_tag(d, v, tag, tags)
                         : dd_agent_add(d, tags, v, tag, sizeof(struct dd_text), dd_agent_text_entry,
                                        &d->left_out.tags);
    default:
        return dd_agent_got(read_fact(part, v, tag, place_of(said, s)));
    }
}

/* Fills in values that the agent has and the process does not. The agent's env is "none" if nobody configured
 * one; that is not used. */
static bool add_agents_own(struct dd_decoder *d, struct dd_payload *said, struct dd_agent_list *tags)
{
    const struct dd_agent *a = d->agent;
    if (!said->host.len)
        said->host = a->host;
    if (!said->env.len && !gw_str_eq(a->env, GW_STR("none")))
        said->env = a->env;
    if (a->tags.n) {
        struct dd_text *both = gw_arena_raw(d->arena, tags->n + a->tags.n, sizeof *both);
        if (!both)
            return false;
        if (tags->n)
            memcpy(both, tags->items, tags->n * sizeof *both);
        memcpy(both + tags->n, a->tags.items, a->tags.n * sizeof *both);
        *tags = (struct dd_agent_list){both, tags->n + a->tags.n, 0};
    }
    said->tags = tags->items;
    said->tags_n = tags->n;
    return true;
}

/* ---- payloads that say the same ---- */

static uint64_t hash_texts(uint64_t h, const gw_str *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = dd_hash_fold(h ^ dd_hash(texts[i]), 0xA0761D6478BD642Fu);
    return h;
}

static bool same_texts(const gw_str *a, const gw_str *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!gw_str_eq(a[i], b[i]))
            return false;
    return true;
}

/* The members of a payload that are texts, in sequence. */
enum { TEXTS = offsetof(struct dd_payload, tags) / sizeof(gw_str) };
_Static_assert(offsetof(struct dd_payload, tags) == TEXTS * sizeof(gw_str), "texts come first");

static bool same_payload(const struct dd_payload *a, const struct dd_payload *b)
{
    return a->tags_n == b->tags_n && same_texts((const gw_str *)a, (const gw_str *)b, TEXTS) &&
           (a->tags_n == 0 || same_texts(&a->tags->key, &b->tags->key, 2 * a->tags_n));
}

/* Finds the payload with these contents or creates it. Returns NULL if the arena's budget is used up. */
static struct dd_payload *payload_of(struct dd_decoder *d, const struct dd_payload *said)
{
    struct dd_agent *a = d->agent;
    struct dd_payload **slot = NULL;
    uint64_t h = hash_texts(said->tags_n, (const gw_str *)said, TEXTS);
    for (size_t i = 0; i < MAX_PROBES; i++) {
        slot = &a->known[(h + i) & (a->slots - 1)];
        if (!*slot)
            break;
        if (same_payload(*slot, said))
            return *slot;
    }
    struct dd_payload *payload = gw_arena_raw(d->arena, 1, sizeof *payload);
    if (payload)
        *payload = *said;
    if (!*slot)
        *slot = payload;
    return payload;
}

bool dd_agent_facts(struct dd_decoder *d, struct wire_view v, struct dd_agent_part *part)
{
    struct dd_payload said = {0};
    struct dd_agent_list tags = {0};
    enum dd_got got = DD_TAKEN;
    uint32_t tag;
    if (part->idx && !read_strings(d, v, part))
        return false;
    part->rest = (struct wire_view){v.end, v.end};
    d->agent->part = part;
    while (!got && v.at < v.end) {
        const uint8_t *start = v.at;
        got = dd_pb_tag(&v, &tag) ? read_field(d, part, &v, tag, &said, &tags) : DD_OTHER_TYPE;
        if (part->rest.at == part->rest.end && !got && tag >> 3 < FIELDS &&
            sayings[part->idx][tag >> 3] == CHUNK)
            part->rest.at = start;
    }
    if (got)
        return got == DD_OTHER_TYPE && dd_agent_ill_formed(d, &v, "a TracerPayload");
    part->payload = add_agents_own(d, &said, &tags) ? payload_of(d, &said) : NULL;
    return part->payload;
}
