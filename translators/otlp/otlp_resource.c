/* otlp_resource.c: copies a request field by field and changes the attributes of its resources. Protobuf
 * allows a resource in several parts: all parts are changed, and added attributes go into the first. Keeps no
 * state. Called by the OTLP receiver.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/otlp/otlp_resource.h"

/* Field numbers; they are the same for all three signals. */
enum { REQUEST_RESOURCES = 1, RESOURCE = 1, ATTRIBUTES = 1, KEY = 1, LENGTH_BYTES = 3, RESOURCE_BYTES = 2 };

struct rewriter {
    const struct otlp_resource_policy *policy;
    struct otlp_buf *w;
    uint64_t taken_out;
};

static bool is(const struct wire_field *f, unsigned number)
{
    return f->number == number && f->type == WIRE_LEN;
}

static gw_str key_of(struct wire_view pair)
{
    gw_str key = GW_NOSTR;
    for (struct wire_field f; wire_next(&pair, &f);)
        if (is(&f, KEY))
            key = wire_text(f.body);
    return key;
}

/* Searches all parts of the resource. */
static bool has_key(struct wire_view whole, gw_str key)
{
    for (struct wire_field f; wire_next(&whole, &f);) {
        if (!is(&f, RESOURCE))
            continue;
        for (struct wire_field a; wire_next(&f.body, &a);)
            if (is(&a, ATTRIBUTES) && gw_str_eq(key_of(a.body), key))
                return true;
    }
    return false;
}

static bool goes_out(struct rewriter *r, gw_str key)
{
    for (size_t i = 0; i < r->policy->set_n; i++)
        if (gw_str_eq(r->policy->set[i].key, key))
            return true;
    bool credential = r->policy->takes_credentials_out && gw_str_starts(key, GW_STR(OTLP_CREDENTIALS));
    r->taken_out += credential;
    return credential;
}

static void copy_attributes(struct rewriter *r, struct wire_view resource)
{
    for (struct wire_field f; wire_next(&resource, &f);)
        if (!is(&f, ATTRIBUTES) || !goes_out(r, key_of(f.body)))
            otlp_append(r->w, wire_text(f.whole));
}

static void add_attributes(struct rewriter *r, struct wire_view whole)
{
    const struct otlp_resource_policy *p = r->policy;
    for (size_t i = 0; i < p->set_n; i++)
        otlp_attr_text(r->w, ATTRIBUTES, p->set[i].key, p->set[i].value);
    for (size_t i = 0; i < p->missing_n; i++)
        if (!has_key(whole, p->missing[i].key))
            otlp_attr_text(r->w, ATTRIBUTES, p->missing[i].key, p->missing[i].value);
}

static void put_resource(struct rewriter *r, struct wire_view resource, struct wire_view whole, bool first)
{
    size_t mark = otlp_open(r->w, RESOURCE, RESOURCE_BYTES);
    copy_attributes(r, resource);
    if (first)
        add_attributes(r, whole);
    otlp_close(r->w, mark, RESOURCE_BYTES);
}

static bool has_resource(struct wire_view whole)
{
    for (struct wire_field f; wire_next(&whole, &f);)
        if (is(&f, RESOURCE))
            return true;
    return false;
}

/* Adds a resource if there is none. */
static void put_whole(struct rewriter *r, struct wire_view whole)
{
    static const struct wire_view none;
    struct wire_view v = whole;
    bool first = true;
    if (r->policy->set_n + r->policy->missing_n && !has_resource(whole))
        put_resource(r, none, whole, true);
    for (struct wire_field f; wire_next(&v, &f);) {
        if (!is(&f, RESOURCE)) {
            otlp_append(r->w, wire_text(f.whole));
            continue;
        }
        put_resource(r, f.body, whole, first);
        first = false;
    }
}

uint64_t otlp_resource_rewrite(const struct otlp_resource_policy *policy, gw_str body, struct otlp_buf *out)
{
    struct rewriter r = {.policy = policy, .w = out};
    const uint8_t *at = (const uint8_t *)body.ptr;
    struct wire_view v = {at, at + body.len};
    for (struct wire_field f; wire_next(&v, &f);) {
        if (!is(&f, REQUEST_RESOURCES)) {
            otlp_append(out, wire_text(f.whole));
            continue;
        }
        size_t mark = otlp_open(out, REQUEST_RESOURCES, LENGTH_BYTES);
        put_whole(&r, f.body);
        otlp_close(out, mark, LENGTH_BYTES);
    }
    return r.taken_out;
}
