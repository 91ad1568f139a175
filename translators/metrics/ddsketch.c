/* Reads a DDSketch and fills a histogram from it. Both walk over the bins where they lie in the message;
 * nothing is decoded into objects.
 *
 * Keeps no state. Called by dd_stats.c for each summary of a group of spans.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/metrics/ddsketch.h"

#include <endian.h>
#include <math.h>

enum { SKETCH_MAPPING = 1, SKETCH_POSITIVE = 2, SKETCH_NEGATIVE = 3, SKETCH_ZERO = 4 };
enum { MAPPING_GAMMA = 1, MAPPING_OFFSET = 2, MAPPING_INTERPOLATION = 3 };
enum { STORE_BINS = 1, STORE_COUNTS = 2, STORE_FIRST = 3 };
enum { BIN_INDEX = 1, BIN_COUNT = 2 };

/* The largest count that is accepted. A double represents every whole number up to it. */
static const double most = 1ull << 53;

enum found { FOUND, AT_END, ILL_FORMED };

static enum found next_field(struct wire_view *v, struct wire_field *f)
{
    return v->at == v->end ? AT_END : wire_next(v, f) ? FOUND : ILL_FORMED;
}

/* Read the value of a field that was split off. */
static bool read_double(const struct wire_field *f, double *out)
{
    uint64_t bits;
    if (f->type != WIRE_FIXED64)
        return false;
    memcpy(&bits, f->whole.end - 8, 8);
    bits = le64toh(bits);
    memcpy(out, &bits, 8);
    return true;
}

static bool read_varint(const struct wire_field *f, uint64_t *out)
{
    struct wire_view v = f->whole;
    return f->type == WIRE_VARINT && wire_read_varint(&v, out) && wire_read_varint(&v, out);
}

static bool read_sint(const struct wire_field *f, int64_t *out)
{
    uint64_t v;
    if (!read_varint(f, &v) || v > UINT32_MAX)
        return false;
    *out = (int32_t)((uint32_t)v >> 1 ^ -((uint32_t)v & 1));
    return true;
}

/* --- bins --- */

struct bins {
    struct wire_view store, packed; /* the unread rest of the store, and of a packed run of counts in it */
    int64_t next;                   /* index of the next count */
};

struct bin {
    int64_t index;
    double count;
};

/* The index of the first count may come after the counts, so it is read first. */
static bool begin_bins(struct wire_view store, struct bins *b)
{
    struct wire_view v = store;
    struct wire_field f;
    enum found found;
    *b = (struct bins){.store = store};
    while ((found = next_field(&v, &f)) == FOUND)
        if (f.number == STORE_FIRST && !read_sint(&f, &b->next))
            return false;
    return found == AT_END;
}

static bool read_bin(struct wire_view v, struct bin *bin)
{
    struct wire_field f;
    enum found found;
    *bin = (struct bin){0};
    while ((found = next_field(&v, &f)) == FOUND)
        if ((f.number == BIN_INDEX && !read_sint(&f, &bin->index)) ||
            (f.number == BIN_COUNT && !read_double(&f, &bin->count)))
            return false;
    return found == AT_END;
}

/* Counts are packed into one field, or each is a field of its own. */
static enum found next_count(struct bins *b, struct bin *bin)
{
    uint64_t bits;
    memcpy(&bits, b->packed.at, 8);
    bits = le64toh(bits);
    memcpy(&bin->count, &bits, 8);
    b->packed.at += 8;
    bin->index = b->next++;
    return FOUND;
}

static enum found next_bin(struct bins *b, struct bin *bin)
{
    struct wire_field f;
    for (;;) {
        if (b->packed.at < b->packed.end)
            return next_count(b, bin);
        enum found found = next_field(&b->store, &f);
        if (found != FOUND)
            return found;
        if (f.number == STORE_BINS)
            return f.type == WIRE_LEN && read_bin(f.body, bin) ? FOUND : ILL_FORMED;
        if (f.number != STORE_COUNTS)
            continue;
        if (f.type == WIRE_LEN && (f.body.end - f.body.at) % 8 == 0)
            b->packed = f.body;
        else if (f.type == WIRE_FIXED64)
            b->packed = (struct wire_view){f.whole.end - 8, f.whole.end};
        else
            return ILL_FORMED;
    }
}

/* --- the mapping of indexes to values --- */

/* Returns the factor by which a value exceeds the power of two below it, when the index is `part` of the way
 * to the next power. */
static double fraction_of(enum ddsketch_interpolation how, double part)
{
    const double a = 6. / 35, b = -3. / 5, c = 10. / 7;
    if (how == DDSKETCH_NONE)
        return exp2(part);
    if (how == DDSKETCH_LINEAR)
        return 1 + part;
    if (how == DDSKETCH_QUADRATIC)
        return 3 - sqrt(4 - 3 * part);
    double d0 = b * b - 3 * a * c, d1 = 2 * b * b * b - 9 * a * b * c - 27 * a * a * part;
    double p = cbrt((d1 - sqrt(d1 * d1 - 4 * d0 * d0 * d0)) / 2);
    return 1 - (b + p + d0 / p) / (3 * a);
}

/* Returns the value in the middle of a bin, or infinity if no double is that large. */
static double value_of(const struct ddsketch *s, int64_t index)
{
    double x = ((double)index - s->offset) * s->log2_gamma, whole = floor(x);
    if (whole > 1e6 || whole < -1e6)
        return whole > 0 ? INFINITY : 0;
    return ldexp(fraction_of(s->interpolation, x - whole) * s->middle, (int)whole);
}

/* Returns how much wider than gamma the widest bin is if the logarithm is interpolated, as Datadog's
 * libraries do. */
static double widest(enum ddsketch_interpolation how, double log2_gamma)
{
    static const double slope[] = {
        [DDSKETCH_LINEAR] = 1, [DDSKETCH_QUADRATIC] = 0.75, [DDSKETCH_CUBIC] = 0.7};
    return how == DDSKETCH_NONE ? exp2(log2_gamma) : exp(slope[how] * log2_gamma);
}

static bool read_mapping(struct wire_view v, enum ddsketch_bound bound, struct ddsketch *s)
{
    struct wire_field f;
    enum found found;
    double gamma = 0;
    uint64_t how = 0;
    while ((found = next_field(&v, &f)) == FOUND)
        if ((f.number == MAPPING_GAMMA && !read_double(&f, &gamma)) ||
            (f.number == MAPPING_OFFSET && !read_double(&f, &s->offset)) ||
            (f.number == MAPPING_INTERPOLATION && !read_varint(&f, &how)))
            return false;
    if (found != AT_END || !(gamma > 1) || !isfinite(gamma) || !isfinite(s->offset) || how > DDSKETCH_CUBIC)
        return false;
    s->interpolation = (enum ddsketch_interpolation)how;
    s->log2_gamma = log2(gamma);
    s->middle = 2 - 2 / (1 + widest(s->interpolation, s->log2_gamma));
    s->offset += bound == DDSKETCH_UPPER;
    return s->log2_gamma > 0;
}

/* --- the whole --- */

static bool is_count(double n)
{
    return n >= 0 && n <= most;
}

static bool add_value(struct ddsketch *s, double value, double count)
{
    s->min = s->bins && s->min < value ? s->min : value;
    s->max = s->bins && s->max > value ? s->max : value;
    s->bins++;
    s->count += count;
    s->sum += value * count;
    return s->count <= most && isfinite(s->sum);
}

static bool measure_positive(struct ddsketch *s)
{
    struct bins b;
    struct bin bin;
    enum found found;
    if (!begin_bins(s->positive, &b))
        return false;
    while ((found = next_bin(&b, &bin)) == FOUND)
        if (!is_count(bin.count) || (bin.count > 0 && (s->log2_gamma <= 0 || /* the sketch has no mapping */
                                                       !add_value(s, value_of(s, bin.index), bin.count))))
            return false;
    return found == AT_END;
}

static bool measure_negative(struct ddsketch *s, struct wire_view store)
{
    struct bins b;
    struct bin bin;
    enum found found;
    if (!begin_bins(store, &b))
        return false;
    while ((found = next_bin(&b, &bin)) == FOUND)
        if (!is_count(bin.count))
            return false;
        else
            s->zero += bin.count;
    return found == AT_END;
}

/* A message field that occurs twice would have to be merged. No known client writes that, so it is an
 * error. */
static bool take_message(const struct wire_field *f, struct wire_view *to)
{
    if (f->type != WIRE_LEN || to->at)
        return false;
    *to = f->body;
    return true;
}

bool ddsketch_read(gw_str bytes, enum ddsketch_bound bound, struct ddsketch *s)
{
    const uint8_t *at = (const uint8_t *)(bytes.ptr ? bytes.ptr : "");
    struct wire_view v = {at, at + bytes.len}, mapping = {0}, negative = {0};
    struct wire_field f;
    enum found found;
    *s = (struct ddsketch){0};
    while ((found = next_field(&v, &f)) == FOUND)
        if ((f.number == SKETCH_MAPPING && !take_message(&f, &mapping)) ||
            (f.number == SKETCH_POSITIVE && !take_message(&f, &s->positive)) ||
            (f.number == SKETCH_NEGATIVE && !take_message(&f, &negative)) ||
            (f.number == SKETCH_ZERO && !read_double(&f, &s->zero)))
            return false;
    if (found != AT_END || !is_count(s->zero) || (mapping.at && !read_mapping(mapping, bound, s)) ||
        !measure_negative(s, negative) || !is_count(s->zero))
        return false;
    return (s->zero == 0 || add_value(s, 0, s->zero)) && measure_positive(s);
}

/* --- filling --- */

/* Distributes n values over the bins in proportion to their counts. A rounding error is carried to the next
 * bin, and the last bin gets the rest. */
struct share {
    double each, sum;
    uint64_t n, given;
    size_t left; /* bins that are left */
};

static uint64_t next_share(struct share *s, double count)
{
    s->sum += count * s->each;
    uint64_t upto = --s->left && s->sum < (double)s->n ? (uint64_t)(s->sum + 0.5) : s->n;
    uint64_t n = upto > s->given ? upto - s->given : 0;
    s->given += n;
    return n;
}

static bool give(struct exphist *h, double value, uint64_t n)
{
    return !n || exphist_add(h, value, n, (double)n);
}

bool ddsketch_fill(const struct ddsketch *s, uint64_t n, double unit, struct exphist *h)
{
    struct share share = {.each = (double)n / s->count, .n = n, .left = s->bins};
    struct bins b;
    struct bin bin;
    if (s->zero > 0 && !give(h, 0, next_share(&share, s->zero)))
        return false;
    if (!begin_bins(s->positive, &b))
        return true;
    while (next_bin(&b, &bin) == FOUND)
        if (bin.count > 0 && !give(h, value_of(s, bin.index) * unit, next_share(&share, bin.count)))
            return false;
    return true;
}
