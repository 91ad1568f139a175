/* point_json.c: Writes a record as JSON: on one line, or indented and with colours. Owns nothing. Called by
 * `ddgate pipeline`, on the main thread, and by the API, on the admin listener's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/pipeline/point_json.h"

struct writer {
    struct gw_text *to;
    bool pretty, coloured;
};

/* Returns the colour code if the output is a terminal. */
static const char *colour(const struct writer *w, const char *code)
{
    return w->coloured ? code : "";
}

static void put_field_value(struct gw_text *b, const struct sc_val *v)
{
    char number[GW_NUMBER_SIZE];
    if (v->type != SC_FLOAT || v->digits_len) {
        sc_json(b, v);
        return;
    }
    size_t n = gw_float_json(number, v->f.v);
    /* NaN, +Inf: JSON has no word for them */
    bool letters = number[n - 1] > '9' || number[0] == '+' || number[n - 1] == 'N';
    if (letters) {
        gw_text_put_z(b, number[n - 1] == 'N' ? "\"NaN\""
                         : *number == '-'     ? "\"-Infinity\""
                                              : "\"Infinity\"");
        return;
    }
    gw_text_put(b, number, n);
    if (!memchr(number, '.', n) && !memchr(number, 'e', n))
        gw_text_put_z(b, ".0");
}

static void put_line(const struct writer *w, unsigned depth)
{
    if (!w->pretty)
        return;
    gw_text_put_char(w->to, '\n');
    for (unsigned i = 0; i < depth; i++)
        gw_text_put_z(w->to, "  ");
}

static void put_name(const struct writer *w, unsigned depth, gw_str name, bool first)
{
    if (!first)
        gw_text_put_char(w->to, ',');
    if (!w->pretty && !first)
        gw_text_put_char(w->to, ' ');
    put_line(w, depth);
    gw_text_put_z(w->to, colour(w, "\033[36m"));
    gw_text_put_json(w->to, name);
    gw_text_put_z(w->to, colour(w, "\033[0m"));
    gw_text_put_z(w->to, ": ");
}

static void put_fields(const struct writer *w, unsigned depth, const struct sc_point *p, bool tags)
{
    bool first = true;
    gw_text_put_char(w->to, '{');
    for (size_t i = 0; i < p->n; i++) {
        if (p->fields[i].tag != tags)
            continue;
        put_name(w, depth + 1, p->fields[i].key, first);
        gw_text_put_z(w->to, colour(w, p->fields[i].val.type == SC_STR ? "\033[32m" : "\033[33m"));
        put_field_value(w->to, &p->fields[i].val);
        gw_text_put_z(w->to, colour(w, "\033[0m"));
        first = false;
    }
    if (!first)
        put_line(w, depth);
    gw_text_put_char(w->to, '}');
}

static void put_point(const struct writer *w, unsigned depth, const struct sc_point *p,
                      const struct sc_fault *fault)
{
    char number[GW_NUMBER_SIZE];
    gw_text_put_char(w->to, '{');
    put_name(w, depth + 1, GW_STR("name"), true);
    gw_text_put_json(w->to, p->name);
    put_name(w, depth + 1, GW_STR("tags"), false);
    put_fields(w, depth + 1, p, true);
    put_name(w, depth + 1, GW_STR("fields"), false);
    put_fields(w, depth + 1, p, false);
    if (p->time_set) {
        put_name(w, depth + 1, GW_STR("time"), false);
        gw_text_put(w->to, number, gw_i64_text(number, p->time));
    }
    put_name(w, depth + 1, GW_STR("dropped"), false);
    gw_text_put_z(w->to, p->dropped ? "true" : "false");
    if (fault) {
        put_name(w, depth + 1, GW_STR("error"), false);
        gw_text_put_z(w->to, colour(w, "\033[31m"));
        gw_text_put_json(w->to, gw_str_z(fault->text));
        gw_text_put_z(w->to, colour(w, "\033[0m"));
    }
    if (p->created && !fault) {
        put_name(w, depth + 1, GW_STR("created"), false);
        gw_text_put_char(w->to, '[');
        for (const struct sc_point *made = p->created; made; made = made->next) {
            if (made != p->created)
                gw_text_put_z(w->to, ", ");
            put_point(w, depth + 1, made, NULL);
        }
        gw_text_put_char(w->to, ']');
    }
    put_line(w, depth);
    gw_text_put_char(w->to, '}');
}

void sc_point_json(struct gw_text *to, const struct sc_point *p, const struct sc_fault *fault, bool pretty,
                   bool coloured)
{
    const struct writer w = {to, pretty, coloured};
    put_point(&w, 0, p, fault);
}
