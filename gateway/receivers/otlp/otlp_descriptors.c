/* otlp_descriptors.c: looks up names in the program's descriptors by walking over them: they are a few
 * kilobytes and requests are rare. Owns nothing. Called by otlp_services.c, on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/otlp/otlp_descriptors.h"

#include "core/base/err.h"
#include "core/base/protobuf_wire.h"
#include "descriptors.h"

/* Of google/protobuf/descriptor.proto. */
enum { SET_FILE = 1, NAME = 1, FILE_PACKAGE = 2, FILE_DEPENDENCY = 3 };
enum kind { NONE, FILE_OF, MESSAGE, ENUM, SERVICE, LEAF, KINDS };
enum { FIELDS = 9 };

/* Which field of a declaration holds which declarations. */
static const enum kind holds[KINDS][FIELDS] = {
    [FILE_OF] = {[4] = MESSAGE, [5] = ENUM, [6] = SERVICE, [7] = LEAF},
    [MESSAGE] = {[2] = LEAF, [3] = MESSAGE, [4] = ENUM, [6] = LEAF, [8] = LEAF},
    [ENUM] = {[2] = LEAF},
    [SERVICE] = {[2] = LEAF},
};

static gw_str text_field(struct wire_view v, unsigned number)
{
    for (struct wire_field f = {0}; wire_next(&v, &f);)
        if (f.number == number && f.type == WIRE_LEN)
            return wire_text(f.body);
    return GW_NOSTR;
}

/* What of the name is left behind "prefix."; false: the name begins otherwise. */
static bool strip(gw_str *name, gw_str prefix)
{
    if (name->len <= prefix.len || !gw_str_starts(*name, prefix) || name->ptr[prefix.len] != '.')
        return false;
    *name = gw_str_from(*name, prefix.len + 1);
    return true;
}

static enum kind find(enum kind within, struct wire_view v, gw_str name);

/* v declares something of kind k. Returns the kind of the thing with this name if it is v or inside v, else
 * NONE. Values of an enum are named as if they were beside it. */
static enum kind find_in(enum kind k, struct wire_view v, gw_str name)
{
    gw_str own = text_field(v, NAME);
    if (gw_str_eq(own, name))
        return k;
    if (k == ENUM)
        return find(k, v, name);
    return strip(&name, own) ? find(k, v, name) : NONE;
}

static enum kind find(enum kind within, struct wire_view v, gw_str name)
{
    enum kind found = NONE;
    for (struct wire_field f = {0}; !found && wire_next(&v, &f);)
        if (f.number < FIELDS && f.type == WIRE_LEN && holds[within][f.number])
            found = find_in(holds[within][f.number], f.body, name);
    return found;
}

static struct wire_view all(void)
{
    return (struct wire_view){descriptors, descriptors + descriptors_len};
}

/* The file that declares the symbol, and as what. */
static enum kind declares(gw_str symbol, struct wire_view *file)
{
    struct wire_view v = all();
    enum kind found = NONE;
    for (struct wire_field f = {0}; !found && wire_next(&v, &f);) {
        gw_str name = symbol;
        *file = f.body;
        if (f.number == SET_FILE && strip(&name, text_field(f.body, FILE_PACKAGE)))
            found = find(FILE_OF, f.body, name);
    }
    return found;
}

static bool file_named(gw_str name, struct wire_view *file)
{
    struct wire_view v = all();
    for (struct wire_field f = {0}; wire_next(&v, &f);) {
        *file = f.body;
        if (f.number == SET_FILE && gw_str_eq(text_field(f.body, NAME), name))
            return true;
    }
    return false;
}

static void add(struct otlp_descriptors *d, struct wire_view file)
{
    for (size_t i = 0; i < d->n; i++)
        if (d->files[i].ptr == (const char *)file.at)
            return;
    GW_ASSERT(d->n < OTLP_DESCRIPTORS);
    d->files[d->n++] = wire_text(file);
}

static void add_with_imports(struct otlp_descriptors *d, struct wire_view file)
{
    *d = (struct otlp_descriptors){.n = 0};
    add(d, file);
    for (size_t i = 0; i < d->n; i++) {
        const uint8_t *at = (const uint8_t *)d->files[i].ptr;
        struct wire_view v = {at, at + d->files[i].len}, imported;
        for (struct wire_field f = {0}; wire_next(&v, &f);)
            if (f.number == FILE_DEPENDENCY && file_named(wire_text(f.body), &imported))
                add(d, imported);
    }
}

bool otlp_descriptors_of_file(gw_str name, struct otlp_descriptors *d)
{
    struct wire_view file;
    bool found = file_named(name, &file);
    if (found)
        add_with_imports(d, file);
    return found;
}

bool otlp_descriptors_of_symbol(gw_str symbol, struct otlp_descriptors *d)
{
    struct wire_view file;
    bool found = declares(symbol, &file) != NONE;
    if (found)
        add_with_imports(d, file);
    return found;
}

bool otlp_descriptors_has_message(gw_str name)
{
    struct wire_view file;
    return declares(name, &file) == MESSAGE;
}
