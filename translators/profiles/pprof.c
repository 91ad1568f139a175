/* pprof.c: checks pprof in two walks: the first counts the texts and types, which may come after the messages
 * that refer to them. Owns nothing. Called by ddtrace_profiles.c before an upload is accepted.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/profiles/pprof.h"

enum kind { INT, TEXT_NUMBER, INTS, TEXT, MESSAGE };
enum message { PROFILE, VALUE_TYPE, SAMPLE, LABEL, MAPPING, LOCATION, LINE, FUNCTION, MESSAGES };
enum { FIELDS = 16, SAMPLE_LOCATIONS = 1, SAMPLE_VALUES = 2 };

/* By number; a field that is not here is not known. `is`: its message, where it is one. */
static const struct field {
    bool known;
    enum kind kind;
    enum message is;
} schema[MESSAGES][FIELDS] = {
    [PROFILE] = {[1] = {true, MESSAGE, VALUE_TYPE},
                 [2] = {true, MESSAGE, SAMPLE},
                 [3] = {true, MESSAGE, MAPPING},
                 [4] = {true, MESSAGE, LOCATION},
                 [5] = {true, MESSAGE, FUNCTION},
                 [6] = {true, TEXT, 0},
                 [7] = {true, TEXT_NUMBER, 0},
                 [8] = {true, TEXT_NUMBER, 0},
                 [9] = {true, INT, 0},
                 [10] = {true, INT, 0},
                 [11] = {true, MESSAGE, VALUE_TYPE},
                 [12] = {true, INT, 0},
                 [13] = {true, INTS, 0},
                 [14] = {true, TEXT_NUMBER, 0},
                 [15] = {true, TEXT_NUMBER, 0}},
    [VALUE_TYPE] = {[1] = {true, TEXT_NUMBER, 0}, [2] = {true, TEXT_NUMBER, 0}},
    [SAMPLE] = {[1] = {true, INTS, 0}, [2] = {true, INTS, 0}, [3] = {true, MESSAGE, LABEL}},
    [LABEL] = {[1] = {true, TEXT_NUMBER, 0},
               [2] = {true, TEXT_NUMBER, 0},
               [3] = {true, INT, 0},
               [4] = {true, TEXT_NUMBER, 0}},
    [MAPPING] = {[1] = {true, INT, 0},
                 [2] = {true, INT, 0},
                 [3] = {true, INT, 0},
                 [4] = {true, INT, 0},
                 [5] = {true, TEXT_NUMBER, 0},
                 [6] = {true, TEXT_NUMBER, 0},
                 [7] = {true, INT, 0},
                 [8] = {true, INT, 0},
                 [9] = {true, INT, 0},
                 [10] = {true, INT, 0}},
    [LOCATION] = {[1] = {true, INT, 0},
                  [2] = {true, INT, 0},
                  [3] = {true, INT, 0},
                  [4] = {true, MESSAGE, LINE},
                  [5] = {true, INT, 0}},
    [LINE] = {[1] = {true, INT, 0}, [2] = {true, INT, 0}, [3] = {true, INT, 0}},
    [FUNCTION] = {[1] = {true, INT, 0},
                  [2] = {true, TEXT_NUMBER, 0},
                  [3] = {true, TEXT_NUMBER, 0},
                  [4] = {true, TEXT_NUMBER, 0},
                  [5] = {true, INT, 0}},
};

struct walk {
    const uint8_t *begin;
    struct pprof_contents *out;
    bool counts; /* the first walk */
    uint64_t values;
    const char *why; /* NULL: all is well */
    const uint8_t *at;
};

static bool fault(struct walk *w, const uint8_t *at, const char *why)
{
    if (!w->why) {
        w->why = why;
        w->at = at;
    }
    return false;
}

static bool count_ints(struct walk *w, const struct wire_field *f, uint64_t *n)
{
    uint64_t value;
    if (f->type == WIRE_VARINT) {
        ++*n;
        return true;
    }
    for (struct wire_view v = f->body; v.at < v.end; ++*n)
        if (!wire_read_varint(&v, &value))
            return fault(w, v.at, "a packed number has no end");
    return true;
}

static bool walk(struct walk *, enum message, struct wire_view);

/* Walks over a message and counts its contents. */
static void count(struct walk *w, enum message m)
{
    uint64_t *const counts[MESSAGES] = {
        [SAMPLE] = &w->out->samples,     [LABEL] = &w->out->labels, [MAPPING] = &w->out->mappings,
        [LOCATION] = &w->out->locations, [LINE] = &w->out->lines,   [FUNCTION] = &w->out->functions,
    };
    if (w->counts && counts[m])
        ++*counts[m];
}

static bool see_text(struct walk *w, const struct wire_field *f)
{
    if (w->counts && w->out->strings++ == 0 && f->body.at != f->body.end)
        return fault(w, f->body.at, "the first text of the table is not empty");
    return true;
}

static bool see(struct walk *w, enum message m, const struct wire_field *f)
{
    const struct field *is = f->number < FIELDS ? &schema[m][f->number] : NULL;
    uint64_t ignored = 0;
    if (!is || !is->known)
        return true;
    bool right = is->kind == INTS
                     ? f->type == WIRE_VARINT || f->type == WIRE_LEN
                     : f->type == (is->kind == TEXT || is->kind == MESSAGE ? WIRE_LEN : WIRE_VARINT);
    if (!right)
        return fault(w, f->whole.at, "a field has another wire type");
    switch (is->kind) {
    case TEXT:
        return see_text(w, f);
    case MESSAGE:
        if (w->counts && m == PROFILE && f->number == PPROF_SAMPLE_TYPE)
            w->out->sample_types++;
        return walk(w, is->is, f->body);
    case INTS:
        return count_ints(w, f,
                          m != SAMPLE                                  ? &ignored
                          : f->number == SAMPLE_VALUES                 ? &w->values
                          : f->number == SAMPLE_LOCATIONS && w->counts ? &w->out->frames
                                                                       : &ignored);
    case TEXT_NUMBER:
        return w->counts || pprof_int(f) < w->out->strings || pprof_int(f) == 0 ||
               fault(w, f->whole.at, "a text's number is not in the table");
    case INT:
        break;
    }
    return true;
}

static bool walk(struct walk *w, enum message m, struct wire_view v)
{
    struct wire_field f;
    const uint8_t *begin = v.at;
    count(w, m);
    if (m == SAMPLE)
        w->values = 0;
    while (v.at < v.end) {
        const uint8_t *at = v.at;
        if (!wire_next(&v, &f) || f.number == 0)
            return fault(w, at, "it is not protobuf");
        if (!see(w, m, &f))
            return false;
    }
    if (m == SAMPLE && !w->counts && w->values != w->out->sample_types)
        return fault(w, begin, "a sample has not one value for each type");
    return true;
}

enum gw_code pprof_check(gw_str raw, struct pprof_contents *out, struct gw_err *err)
{
    struct wire_view v = pprof_view(raw);
    struct walk w = {.begin = v.at, .out = out, .counts = true};
    *out = (struct pprof_contents){0};
    bool good = raw.len == 0 ? fault(&w, v.at, "it is empty") : walk(&w, PROFILE, v);
    if (good && !out->strings)
        good = fault(&w, v.at, "it has no table of texts");
    w.counts = false;
    good = good && walk(&w, PROFILE, v);
    return good ? GW_OK
                : gw_fail(err, GW_BAD_PROFILE, raw.len ? (size_t)(w.at - w.begin) : 0,
                          "a file is no pprof: %s", w.why);
}
