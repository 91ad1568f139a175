/* Reads span links and span events of v1.0: lists of maps whose keys are numbers.
 *
 * Keeps no state; parts go to the decoder's arena. Called by dd_v10.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_v10.h"

enum { LINK_TRACE_ID = 1, LINK_SPAN_ID, LINK_ATTRIBUTES, LINK_TRACESTATE, LINK_FLAGS };
enum { EVENT_TIME = 1, EVENT_NAME, EVENT_ATTRIBUTES };

/* If there are fewer than 16 bytes, they are the lower ones. */
enum dd_got dd_v10_trace_id(struct dd_decoder *d, uint64_t *high, uint64_t *low)
{
    gw_str bytes;
    uint8_t id[16] = {0};
    const uint8_t *start = d->in.at;
    *high = *low = 0;
    if (dd_msgpack_kind(&d->in) == DD_INTEGER)
        return dd_msgpack_u64(&d->in, low);
    if (dd_msgpack_kind(&d->in) != DD_BIN)
        return dd_msgpack_nil(&d->in) ? DD_TAKEN : DD_OTHER_TYPE;
    enum dd_got got = dd_msgpack_text(&d->in, &bytes);
    if (got || bytes.len > sizeof id) {
        d->in.at = start;
        return got ? got : DD_OTHER_TYPE;
    }
    if (bytes.len)
        memcpy(id + sizeof id - bytes.len, bytes.ptr, bytes.len);
    *high = dd_msgpack_be64(id);
    *low = dd_msgpack_be64(id + 8);
    return DD_TAKEN;
}

/* Reads the value of one key of a part. */
typedef enum dd_got read_part_f(struct dd_decoder *, void *part, uint32_t key);

static enum dd_got read_link(struct dd_decoder *d, void *part, uint32_t key)
{
    struct dd_link *link = part;
    uint64_t flags;
    enum dd_got got;
    switch (key) {
    case LINK_TRACE_ID:
        return dd_v10_trace_id(d, &link->trace_id_high, &link->trace_id);
    case LINK_SPAN_ID:
        return dd_msgpack_u64(&d->in, &link->span_id);
    case LINK_ATTRIBUTES:
        return dd_v10_attribute_texts(d, &link->attrs, &link->attrs_n);
    case LINK_TRACESTATE:
        return dd_v10_text(d, &link->tracestate);
    case LINK_FLAGS:
        got = dd_msgpack_u64(&d->in, &flags);
        link->flags = got ? 0 : (uint32_t)flags;
        return got;
    default:
        return dd_v10_pass(d, d->in.at, 1);
    }
}

static enum dd_got read_event(struct dd_decoder *d, void *part, uint32_t key)
{
    struct dd_event *event = part;
    enum dd_number_kind kind;
    union dd_number_value v;
    enum dd_got got;
    switch (key) {
    case EVENT_TIME:
        got = dd_msgpack_number(&d->in, &kind, &v);
        event->time_unix_nano = got ? 0 : dd_decode_time(kind, v);
        return got;
    case EVENT_NAME:
        return dd_v10_text(d, &event->name);
    case EVENT_ATTRIBUTES:
        return dd_v10_attribute_values(d, &event->attrs, &event->attrs_n);
    default:
        return dd_v10_pass(d, d->in.at, 1);
    }
}

static enum dd_got read_part(struct dd_decoder *d, read_part_f *read, void *part)
{
    uint32_t n = 0, key = 0;
    enum dd_got got = dd_msgpack_map(&d->in, &n);
    for (uint32_t i = 0; !got && i < n; i++) {
        got = dd_v10_key(d, &key);
        if (!got)
            got = read(d, part, key);
    }
    return got;
}

/* Reads a list of maps; those that cannot be read are left out. */
static enum dd_got read_parts(struct dd_decoder *d, read_part_f *read, size_t size, void **out, size_t *out_n,
                              uint64_t *left_out)
{
    uint32_t n = 0;
    enum dd_got got = dd_msgpack_array(&d->in, &n);
    char *parts = !got && n ? gw_arena_array(d->arena, n, size) : NULL;
    if (got || (n && !parts))
        return got ? got : DD_ILL_FORMED;
    *out = parts;
    *out_n = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t *start = d->in.at;
        char *part = parts + *out_n * size;
        if (dd_msgpack_nil(&d->in))
            continue;
        got = read_part(d, read, part);
        if (got == DD_TAKEN) {
            ++*out_n;
            continue;
        }
        d->texts.outside = false; /* only this part is left out */
        if (got == DD_ILL_FORMED || dd_v10_pass(d, start, 1))
            return DD_ILL_FORMED;
        ++*left_out;
        memset(part, 0, size);
    }
    return DD_TAKEN;
}

enum dd_got dd_v10_links(struct dd_decoder *d, struct dd_span *s)
{
    void *links = NULL;
    enum dd_got got = read_parts(d, read_link, sizeof *s->links, &links, &s->links_n, &d->left_out.links);
    s->links = links;
    return got;
}

enum dd_got dd_v10_events(struct dd_decoder *d, struct dd_span *s)
{
    void *events = NULL;
    enum dd_got got =
        read_parts(d, read_event, sizeof *s->events, &events, &s->events_n, &d->left_out.events);
    s->events = events;
    return got;
}
