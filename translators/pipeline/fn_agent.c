/* fn_agent.c: Implements user_agent: reads browser, engine and system from a User-Agent header, by the rules
 * (and with the age) of the library that the reference engine uses, mssola/user_agent (MIT). Owns nothing.
 * Called by the evaluator.
 *
 * SPDX-License-Identifier: Apache-2.0 AND MIT */
#include "translators/pipeline/script_internal.h"

enum { SECTIONS = 24, COMMENTS = 16 };

/* Mozilla/5.0 (X11; Linux x86_64) */
struct section {
    gw_str name, version, comment[COMMENTS];
    size_t n;
};

struct agent {
    gw_str all, platform, os, browser, version, engine, engine_version;
    bool bot, mobile, undecided;
    struct section s[SECTIONS];
    size_t n;
};

static bool is(gw_str s, const char *z)
{
    return gw_str_eq(s, gw_str_z(z));
}

static bool begins(gw_str s, const char *z)
{
    return gw_str_starts(s, gw_str_z(z));
}

static bool holds(gw_str s, const char *z)
{
    for (; s.len; s = gw_str_from(s, 1))
        if (begins(s, z))
            return true;
    return false;
}

/* Up to the delimiter, which goes too; brackets may nest. */
static gw_str until(gw_str *s, char delimiter, bool nests)
{
    size_t i = 0, deep = 0;
    for (; i < s->len; i++) {
        if (s->ptr[i] == delimiter && deep-- == 0)
            break;
        if (s->ptr[i] != delimiter && nests && s->ptr[i] == '(')
            deep++;
    }
    gw_str part = gw_str_n(s->ptr, i);
    *s = gw_str_from(*s, i + 1);
    return part;
}

static void split_comment(struct section *x, gw_str s)
{
    while (x->n < COMMENTS) {
        size_t at = 0;
        while (at + 1 < s.len && !(s.ptr[at] == ';' && s.ptr[at + 1] == ' '))
            at++;
        bool last = at + 1 >= s.len;
        x->comment[x->n++] = last ? s : gw_str_n(s.ptr, at);
        if (last)
            return;
        s = gw_str_n(s.ptr + at + 2, s.len - at - 2);
    }
}

static void section(gw_str *s, struct section *x)
{
    *x = (struct section){.name = GW_STR(""), .version = GW_STR("")};
    if (s->len && *s->ptr != '(' && *s->ptr != '[') {
        gw_str product = until(s, ' ', false);
        size_t slash = gw_str_find(product, '/');
        x->name = gw_str_n(product.ptr, slash);
        x->version =
            slash < product.len ? gw_str_n(product.ptr + slash + 1, product.len - slash - 1) : GW_STR("");
    }
    if (s->len && *s->ptr == '(') {
        *s = gw_str_from(*s, 1);
        split_comment(x, until(s, ')', true));
        *s = gw_str_from(*s, 1);
    }
    if (s->len && *s->ptr == '[') {
        *s = gw_str_from(*s, 1);
        until(s, ']', true);
        *s = gw_str_from(*s, 1);
    }
}

static void called(struct agent *a, const char *name, gw_str version)
{
    a->browser = gw_str_z(name);
    a->version = version;
}

/* Browsers that name themselves in one of the last sections; false when none did. */
static bool webkit_special(struct agent *a)
{
    const struct section *last = &a->s[a->n - 1], *before = &a->s[a->n - 2], *third = &a->s[a->n - 3];
    if (is(last->name, "Edge")) {
        called(a, "Edge", last->version);
        a->engine = GW_STR("EdgeHTML");
        a->engine_version = GW_STR("");
    } else if (is(last->name, "Edg")) {
        if (!a->undecided) {
            called(a, "Edge", last->version);
            a->engine_version = before->version;
        }
    } else if (is(last->name, "OPR")) {
        called(a, "Opera", last->version);
    } else if (is(last->name, "Mobile")) {
        called(a, "Mobile App", GW_STR(""));
    } else if (is(third->name, "YaBrowser") || is(third->name, "coc_coc_browser")) {
        called(a, is(third->name, "YaBrowser") ? "YaBrowser" : "Coc Coc", third->version);
    } else if (is(before->name, "Electron") || is(before->name, "DuckDuckGo") ||
               is(before->name, "PhantomJS")) {
        a->browser = before->name;
        a->version = before->version;
    } else {
        return false;
    }
    return true;
}

static void webkit_browser(struct agent *a, size_t at)
{
    static const char *const rows[][2] = {
        {"Chrome", "Chrome"},     {"CriOS", "Chrome"},   {"HeadlessChrome", "Headless Chrome"},
        {"Chromium", "Chromium"}, {"GSA", "Google App"}, {"FxiOS", "Firefox"}};
    for (size_t i = 0; i < a->s[1].n; i++)
        if (a->s[1].comment[i].len > 5 &&
            (begins(a->s[1].comment[i], "Googlebot") || begins(a->s[1].comment[i], "bingbot")))
            a->undecided = true;
    if (webkit_special(a))
        return;
    a->browser = GW_STR("Safari");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (is(a->s[at].name, rows[i][0]))
            a->browser = gw_str_z(rows[i][1]);
}

static void trident_like_gecko(struct agent *a)
{
    a->engine = GW_STR("Trident");
    called(a, "Internet Explorer", GW_STR(""));
    for (size_t i = 0; i < a->s[0].n; i++)
        if (begins(a->s[0].comment[i], "rv:") && a->s[0].comment[i].len > 3) {
            a->version = gw_str_from(a->s[0].comment[i], 3);
            return;
        }
}

static void old_explorer(struct agent *a)
{
    const struct section *s = &a->s[0];
    if (s->n < 2 || !is(s->comment[0], "compatible") || !begins(s->comment[1], "MSIE"))
        return;
    a->engine = GW_STR("Trident");
    called(a, "Internet Explorer", GW_STR(""));
    for (size_t i = 0; i < s->n; i++)
        if (begins(s->comment[i], "Trident/")) {
            gw_str v = gw_str_from(s->comment[i], 8);
            a->version = is(v, "4.0")   ? GW_STR("8.0")
                         : is(v, "5.0") ? GW_STR("9.0")
                         : is(v, "6.0") ? GW_STR("10.0")
                                        : GW_STR("");
            break;
        }
    if (!a->version.len)
        a->version = gw_str_trim(gw_str_from(s->comment[1], 4));
}

static void detect_browser(struct agent *a)
{
    const struct section *s = a->s;
    if (is(s[0].name, "Opera")) {
        called(a, "Opera", s[0].version);
        a->engine = GW_STR("Presto");
        if (a->n > 1)
            a->engine_version = s[1].version;
        return;
    }
    if (is(s[0].name, "Dalvik"))
        return;
    if (a->n == 1) {
        old_explorer(a);
        return;
    }
    a->engine = s[1].name;
    a->engine_version = s[1].version;
    if (a->n < 3)
        return;
    size_t at = !s[2].version.len && a->n > 3 ? 3 : 2;
    a->version = s[at].version;
    if (is(a->engine, "AppleWebKit")) {
        webkit_browser(a, at);
    } else if (is(a->engine, "Gecko")) {
        at = is(s[2].name, "MRA") && a->n > 4 ? 4 : 2;
        a->browser = s[at].name;
        if (at == 4)
            a->version = s[4].version;
    } else if (is(a->engine, "like") && is(s[2].name, "Gecko")) {
        trident_like_gecko(a);
    }
}

static gw_str normal_os(gw_str name)
{
    static const char *const rows[][2] = {
        {"5.0", "Windows 2000"},  {"5.01", "Windows 2000, Service Pack 1 (SP1)"},
        {"5.1", "Windows XP"},    {"5.2", "Windows XP x64 Edition"},
        {"6.0", "Windows Vista"}, {"6.1", "Windows 7"},
        {"6.2", "Windows 8"},     {"6.3", "Windows 8.1"},
        {"10.0", "Windows 10"}};
    size_t blank = gw_str_find(name, ' ');
    gw_str rest = gw_str_from(name, blank + 1);
    for (size_t i = 0; begins(rest, "NT ") && i < sizeof rows / sizeof *rows; i++)
        if (is(gw_str_from(rest, 3), rows[i][0]))
            return gw_str_z(rows[i][1]);
    return name;
}

/* Google and bing identify themselves at any place. */
static bool search_bot(struct agent *a)
{
    if (holds(a->all, "Google") || holds(a->all, "bingbot")) {
        a->platform = GW_STR("");
        a->undecided = true;
    }
    return a->undecided;
}

static bool message_preview(struct agent *a)
{
    if (!holds(a->all, "facebookexternalhit") || !holds(a->all, "Twitterbot"))
        return false;
    a->bot = true;
    called(a, "iMessage-Preview", a->version);
    a->engine = a->engine_version = GW_STR("");
    return true;
}

static bool unknown_cpu(gw_str s)
{
    return is(s, "U") || is(s, "arm_64");
}

static void webkit_linux(struct agent *a, const gw_str *c, size_t n)
{
    a->mobile = true;
    if (is(a->browser, "Safari"))
        a->browser = GW_STR("Android");
    if (n > 1 && unknown_cpu(c[1])) {
        a->os = n > 2 ? c[2] : c[0];
        a->mobile = n > 2;
    } else if (n > 1) {
        a->os = c[1];
    }
    if (n == 3)
        search_bot(a);
}

static void webkit_other(struct agent *a, const gw_str *c, size_t n)
{
    if (begins(c[0], "Windows NT"))
        a->os = normal_os(c[0]);
    else if (n == 2 && !search_bot(a) && !message_preview(a))
        a->os = normal_os(c[1]);
    else if (n > 2)
        a->os = normal_os(c[2]);
    if (is(a->platform, "BlackBerry")) {
        a->browser = a->platform;
        if (is(a->os, "Touch"))
            a->os = a->platform;
    }
}

static void webkit_os(struct agent *a, const gw_str *c, size_t n)
{
    if (is(a->platform, "webOS")) {
        a->browser = a->platform;
        a->os = GW_STR("Palm");
        a->mobile = true;
    } else if (is(a->platform, "Symbian")) {
        a->mobile = true;
        a->browser = a->platform;
        a->os = c[0];
    } else if (is(a->platform, "Linux")) {
        webkit_linux(a, c, n);
    } else if (n > 0) {
        webkit_other(a, c, n);
    }
    if (is(a->platform, "Macintosh") && is(a->engine, "AppleWebKit") && is(a->browser, "Firefox")) {
        a->platform = GW_STR("iPad");
        a->mobile = true;
    }
}

static void gecko_os(struct agent *a, const gw_str *c, size_t n)
{
    if (n < 2)
        return;
    if (unknown_cpu(c[1])) {
        a->os = normal_os(c[n > 2 ? 2 : 1]);
    } else if (holds(a->platform, "Android")) {
        a->mobile = true;
        a->os = a->platform;
        a->platform = normal_os(c[1]);
    } else if (is(c[0], "Mobile") || is(c[0], "Tablet")) {
        a->mobile = true;
        a->os = GW_STR("FirefoxOS");
    } else if (!a->os.len) {
        a->os = normal_os(c[1]);
    }
}

static void trident_os(struct agent *a, const gw_str *c, size_t n)
{
    a->platform = GW_STR("Windows");
    if (!a->os.len)
        a->os = n > 2 ? normal_os(c[2]) : GW_STR("Windows NT 4.0");
    for (size_t i = 0; i < n; i++)
        a->mobile |= begins(c[i], "IEMobile");
}

static void opera_os(struct agent *a, const gw_str *c, size_t n)
{
    if (begins(c[0], "Windows")) {
        a->platform = GW_STR("Windows");
        a->os = normal_os(c[0]);
        return;
    }
    a->mobile |= begins(c[0], "Android");
    a->platform = c[0];
    a->os = c[n > 1];
}

static gw_str platform_of(const gw_str *c, size_t n)
{
    if (!n || is(c[0], "compatible"))
        return GW_STR("");
    return begins(c[0], "Windows")   ? GW_STR("Windows")
           : begins(c[0], "Symbian") ? GW_STR("Symbian")
           : begins(c[0], "webOS")   ? GW_STR("webOS")
           : is(c[0], "BB10")        ? GW_STR("BlackBerry")
                                     : c[0];
}

static void mozilla_os(struct agent *a, const gw_str *c, size_t n)
{
    a->platform = platform_of(c, n);
    if (is(a->platform, "Windows") && n)
        a->os = normal_os(c[0]);
    if (!a->engine.len)
        a->undecided = true;
    else if (is(a->engine, "Gecko"))
        gecko_os(a, c, n);
    else if (is(a->engine, "AppleWebKit"))
        webkit_os(a, c, n);
    else if (is(a->engine, "Trident"))
        trident_os(a, c, n);
}

static void detect_os(struct agent *a)
{
    const struct section *s = &a->s[0];
    if (is(s->name, "Mozilla")) {
        mozilla_os(a, s->comment, s->n);
    } else if (is(s->name, "Opera")) {
        if (s->n)
            opera_os(a, s->comment, s->n);
    } else if (is(s->name, "Dalvik")) {
        if (s->n && begins(s->comment[0], "Linux")) {
            a->platform = s->comment[0];
            a->os = s->n > 2 ? s->comment[2] : a->os;
            a->mobile = true;
        }
    } else if (is(s->name, "okhttp")) {
        a->mobile = true;
        called(a, "OkHttp", s->version);
    } else {
        a->undecided = true;
    }
}

static void simple(struct agent *a, gw_str name, gw_str version, bool bot)
{
    a->bot = bot;
    a->browser = name;
    a->version = version;
    a->engine = a->engine_version = a->os = GW_STR("");
}

/* http://….x in a comment, where bots name their owner. Empty if there is none. */
static gw_str site_of(const struct section *s)
{
    size_t at = s->n < 3 ? 0 : s->n == 4 ? 3 : 2;
    if (!s->n)
        return GW_NOSTR;
    gw_str c = s->comment[at];
    for (size_t i = 0; i < c.len; i++) {
        gw_str rest = gw_str_from(c, i);
        size_t head = begins(rest, "https://") ? 8 : begins(rest, "http://") ? 7 : 0, dot = rest.len;
        for (size_t k = head + 1; head && k + 1 < rest.len; k++)
            if (rest.ptr[k] == '.' &&
                (gw_lower(rest.ptr[k + 1]) >= 'a' || (rest.ptr[k + 1] >= '0' && rest.ptr[k + 1] <= '9')))
                dot = k + 1;
        if (!head || dot == rest.len)
            continue;
        while (dot < rest.len && (gw_lower(rest.ptr[dot]) >= 'a' ||
                                  (rest.ptr[dot] >= '0' && rest.ptr[dot] <= '9') || rest.ptr[dot] == '_'))
            dot++;
        return at ? gw_trim_space(s->comment[at - 1]) : gw_str_n(rest.ptr, dot);
    }
    return GW_NOSTR;
}

static bool bot_name(gw_str name)
{
    static const char *const words[] = {"bot",    "crawler", "spider", "spyder",
                                        "search", "worm",    "fetch",  "nutch"};
    for (; name.len; name = gw_str_from(name, 1))
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (name.len >= strlen(words[i]) &&
                gw_str_ieq(gw_str_n(name.ptr, strlen(words[i])), gw_str_z(words[i])))
                return true;
    return false;
}

static void check_bot(struct agent *a)
{
    const struct section *s = a->s;
    if (a->n == 1 && !is(s[0].name, "Mozilla")) {
        bool bot = bot_name(s[0].name);
        simple(a, s[0].name, bot ? GW_STR("") : s[0].version, bot || site_of(&s[0]).len);
        return;
    }
    for (size_t i = 0; i < a->n; i++) {
        gw_str name = site_of(&s[i]);
        size_t slash = gw_str_find(name, '/');
        if (!name.len)
            continue;
        simple(a, gw_str_n(name.ptr, slash),
               slash < name.len ? gw_str_n(name.ptr + slash + 1, name.len - slash - 1) : GW_STR(""), true);
        return;
    }
    a->browser = s[0].name;
    a->version = s[0].version;
}

static void parse(struct agent *a, gw_str s)
{
    a->all = s;
    while (s.len && a->n < SECTIONS) {
        section(&s, &a->s[a->n]);
        a->mobile |= is(a->s[a->n].name, "Mobile");
        a->n++;
    }
    if (!a->n)
        return;
    detect_browser(a);
    detect_os(a);
    if (a->undecided)
        check_bot(a);
}

bool fn_user_agent(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct agent *a = gw_new(r->arena, struct agent, 1);
    gw_str s;
    (void)out;
    if (!a || !sc_get_text(r, call->kid[0], &s))
        return true;
    a->platform = a->os = a->browser = a->version = a->engine = a->engine_version = GW_STR("");
    parse(a, s);
    sc_point_set(r->point, GW_STR("isMobile"), sc_bool(a->mobile));
    sc_point_set(r->point, GW_STR("isBot"), sc_bool(a->bot));
    sc_point_set(r->point, GW_STR("os"), sc_str(a->os));
    sc_point_set(r->point, GW_STR("browser"), sc_str(a->browser));
    sc_point_set(r->point, GW_STR("browserVer"), sc_str(a->version));
    sc_point_set(r->point, GW_STR("engine"), sc_str(a->engine));
    sc_point_set(r->point, GW_STR("engineVer"), sc_str(a->engine_version));
    sc_point_set(r->point, GW_STR("ua"), sc_str(a->platform));
    return true;
}
