/* repeats.c: Counts traces that are alike, and writes a line for them. Owns nothing. Called by selection.c and
 * stdout.c, on the sender's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/stdout/repeats.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/base/hash.h"
#include "exporters/stdout/pretty_log.h"
#include "exporters/stdout/pretty_span.h"

enum { SCRATCH = 4096 };

void repeats_init(struct repeats *r, gw_nsec window, uint64_t seed)
{
    *r = (struct repeats){.window = window, .seed = seed};
}

static const struct pretty_node *root_of(const struct pretty_trace *t)
{
    const struct pretty_node *root = t->roots;
    while (root && root->orphan)
        root = root->next;
    return root;
}

static bool failed(const pretty_span *s)
{
    return s->status &&
           s->status->code == OPENTELEMETRY__PROTO__TRACE__V1__STATUS__STATUS_CODE__STATUS_CODE_ERROR;
}

/* The error that began first. */
static struct pretty_error error_of(const struct pretty_trace *t)
{
    for (size_t i = 0; t->errors && i < t->n; i++)
        if (failed(t->spans[i]->span))
            return pretty_error(t->spans[i]->span);
    return (struct pretty_error){0};
}

/* The HTTP status code as text, in `scratch`. */
static gw_str code_of(const pretty_span *s, struct out *scratch)
{
    struct pretty_line l = {.scratch = scratch};
    const Opentelemetry__Proto__Common__V1__AnyValue *code =
        pretty_find(s->attributes, s->n_attributes, "http.response.status_code");
    return pretty_value(&l, code ? code : pretty_find(s->attributes, s->n_attributes, "http.status_code"));
}

/* Cut where a code point begins. */
static void copy(char *to, size_t size, gw_str s)
{
    size_t n = s.len < size ? s.len : size - 1;
    while (n < s.len && n && ((unsigned char)s.ptr[n] & 0xC0) == 0x80)
        n--;
    for (size_t i = 0; i < n; i++)
        to[i] = s.ptr[i] ? s.ptr[i] : ' '; /* what is kept ends with a NUL */
    to[n] = '\0';
}

static void count(struct repeat *r, const struct pretty_trace *t)
{
    uint64_t took = t->end > t->begin ? t->end - t->begin : 0;
    r->fastest = !r->n || took < r->fastest ? took : r->fastest;
    r->slowest = !r->n || took > r->slowest ? took : r->slowest;
    r->last = !r->n || t->begin > r->last ? t->begin : r->last;
    r->n++;
}

/* Of this kind; else a free place or that of a kind of which nothing waits, the one whose window ends first. NULL:
 * none. */
static struct repeat *find(struct repeats *all, uint64_t id)
{
    struct repeat *room = NULL;
    for (struct repeat *r = all->all; r < all->all + REPEATS; r++) {
        if (r->id == id)
            return r;
        if (!r->n && (!room || !r->id || (room->id && r->until < room->until)))
            room = r;
    }
    return room;
}

/* Where a window has ended without a repeat, the next trace of the kind begins it again, and is printed. */
static bool is_live(const struct repeat *r, uint64_t id, gw_nsec now)
{
    return r->id == id && (r->n || now < r->until);
}

bool repeats_fold(struct repeats *all, const struct pretty_trace *t, gw_nsec now)
{
    const struct pretty_node *root = all->window ? root_of(t) : NULL;
    if (!root)
        return false;
    struct out scratch;
    out_init(&scratch, SCRATCH);
    gw_str service = pretty_resource_text(root->resource, "service.name"),
           name = pretty_bytes(root->span->name), code = code_of(root->span, &scratch);
    struct pretty_error e = error_of(t);
    uint64_t id = gw_hash_text(gw_hash_text(gw_hash_text(all->seed, service), name), code);
    id = gw_hash_mix(gw_hash_text(gw_hash_text(id ^ (t->errors > 0), e.type), e.message)) | 1;
    struct repeat *r = find(all, id);
    bool alike = r && is_live(r, id, now);
    if (alike) {
        count(r, t);
    } else if (r) {
        *r = (struct repeat){.id = id, .until = now + all->window, .failed = t->errors};
        copy(r->service, sizeof r->service, service);
        copy(r->name, sizeof r->name, name);
        copy(r->status, sizeof r->status, t->errors && e.type.len ? e.type : t->errors ? e.message : code);
    }
    out_fini(&scratch);
    return alike;
}

static void put_numbers(struct pretty_line *l, const struct repeat *r)
{
    char fast[16], slow[16], when[64], text[160];
    pretty_duration(fast, r->fastest);
    pretty_duration(slow, r->slowest);
    if (!pretty_when(when, r->last))
        snprintf(when, sizeof when, "an unknown time");
    snprintf(text, sizeof text, "  %s%s%s · last %s", fast, strcmp(fast, slow) ? "–" : "",
             strcmp(fast, slow) ? slow : "", when);
    pretty_put(l, PRETTY_DIM, text);
}

static void put(const struct repeat *r, struct out *o, struct out *scratch, const struct pretty *how)
{
    char times[32];
    struct pretty_line l = {o, scratch, how->color ? "" : NULL, how->columns ? how->columns : SIZE_MAX / 2};
    pretty_put_text(&l, r->failed ? PRETTY_RED : PRETTY_BOLD, gw_str_z(r->name), SIZE_MAX);
    pretty_put(&l, PRETTY_PLAIN, " [");
    pretty_put_service(&l, gw_str_z(r->service));
    pretty_put(&l, PRETTY_PLAIN, "] ");
    snprintf(times, sizeof times, "×%" PRIu64, r->n);
    pretty_put(&l, PRETTY_YELLOW, times);
    if (*r->status) {
        pretty_put(&l, PRETTY_PLAIN, r->failed ? "  ✗ " : "  ");
        pretty_put_text(&l, r->failed ? PRETTY_RED : PRETTY_PLAIN, gw_str_z(r->status), SIZE_MAX);
    }
    put_numbers(&l, r);
    pretty_end(&l);
}

/* The window begins again; a kind that does not come any more loses its place to others. */
void repeats_put(struct repeats *all, struct out *o, const struct pretty *how, gw_nsec now, bool every)
{
    struct out scratch;
    out_init(&scratch, SCRATCH);
    for (struct repeat *r = all->all; r < all->all + REPEATS; r++) {
        if (!r->n || (!every && r->until > now))
            continue;
        put(r, o, &scratch, how);
        r->n = 0;
        r->until = now + all->window;
    }
    out_fini(&scratch);
}

gw_nsec repeats_next(const struct repeats *all)
{
    gw_nsec next = GW_NEVER;
    for (const struct repeat *r = all->all; all->window && r < all->all + REPEATS; r++)
        if (r->n && r->until < next)
            next = r->until;
    return next;
}
