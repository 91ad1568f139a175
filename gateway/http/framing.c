/* framing.c: reads requests far enough to know where they end. It is a state machine with one state for each
 * part of a request. Owns nothing: the state is in the caller's struct. Called by framed_recv.c for the bytes
 * that libmicrohttpd reads, and by the fuzzer.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/http/framing.h"

enum { BLANK_LINES = 2, SIZE_DIGITS = 16, MOST_N = 255 };

enum state {
    START,
    BLANK_LF,
    METHOD,
    TARGET,
    VERSION,
    NAME,
    BEFORE_VALUE,
    VALUE,
    VALUE_LF,
    HEAD_LF,
    BODY,
    SIZE,
    EXTENSION_BLANK,
    EXTENSION,
    SIZE_LF,
    CHUNK,
    CHUNK_CR,
    CHUNK_LF
};

enum field { OTHER, LENGTH, TRANSFER };

/* Classes of bytes. */
enum { TOKEN = 1, TEXT = 2, VISIBLE = 4 };
#define T TOKEN | TEXT | VISIBLE
#define V TEXT | VISIBLE
static const uint8_t classes[256] = {
    ['\t'] = TEXT,     [' '] = TEXT,      ['!'] = T,         ['"'] = V,         ['#' ... '\''] = T,
    ['(' ... ')'] = V, ['*' ... '+'] = T, [','] = V,         ['-' ... '.'] = T, ['/'] = V,
    ['0' ... '9'] = T, [':' ... '@'] = V, ['A' ... 'Z'] = T, ['[' ... ']'] = V, ['^' ... 'z'] = T,
    ['{'] = V,         ['|'] = T,         ['}'] = V,         ['~'] = T,         [128 ... 255] = V,
};
#undef T
#undef V

static bool is(char c, uint8_t class)
{
    return classes[(uint8_t)c] & class;
}

/* Returns how many bytes from the front are in the class. */
static size_t run_of(const char *at, size_t n, uint8_t class)
{
    size_t i = 0;
    while (i < n && is(at[i], class))
        i++;
    return i;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t fail(struct gw_framing *f, const char *fault)
{
    f->fault = fault;
    return 0;
}

static const char *line_fault(char c)
{
    return c == '\n'   ? "a line ends with LF alone"
           : c == '\r' ? "a CR stands within a line"
           : c == 0    ? "a NUL byte stands in a line"
                       : "a control character stands in a line";
}

static void add_n(struct gw_framing *f, size_t n)
{
    f->n = n < (size_t)(MOST_N - f->n) ? (uint8_t)(f->n + n) : MOST_N;
}

static void enter(struct gw_framing *f, enum state state)
{
    f->state = (uint8_t)state;
    f->n = 0;
}

static void begin_request(struct gw_framing *f)
{
    f->has_length = f->chunked = f->http_1_0 = f->in_trailers = false;
    f->blank_lines = 0;
    f->extra = 0;
    f->left = 0;
    enter(f, METHOD);
}

/* --- steps: each returns how many bytes it has read. *skip: those are taken out --- */

typedef size_t step_f(struct gw_framing *, const char *at, size_t n, bool *skip);

static size_t start(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    if (*at != '\r') {
        begin_request(f);
        return 0;
    }
    if (f->blank_lines++ == BLANK_LINES)
        return fail(f, "blank lines stand in front of the request");
    enter(f, BLANK_LF);
    *skip = true;
    return 1;
}

/* Reads the LF that must follow a CR. */
static size_t line_feed(struct gw_framing *f, const char *at, enum state next)
{
    if (*at != '\n')
        return fail(f, line_fault('\r'));
    enter(f, next);
    return 1;
}

static size_t blank_lf(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    *skip = true;
    return line_feed(f, at, START);
}

/* Reads a word of the request line, up to the blank after it. */
static size_t word(struct gw_framing *f, const char *at, size_t n, uint8_t class, enum state next)
{
    size_t i = run_of(at, n, class);
    add_n(f, i);
    if (i == n)
        return n;
    if (at[i] != ' ' || f->n == 0)
        return fail(f, is(at[i], TEXT)
                           ? "the request line is not METHOD TARGET HTTP/1.1, with one blank between"
                           : line_fault(at[i]));
    enter(f, next);
    return i + 1;
}

static size_t method(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    const char tls_handshake = 0x16;
    if (f->n == 0 && *at == tls_handshake)
        return fail(
            f, "TLS comes to a port without it: write http:// in the sender's address, or set tls.cert here");
    return word(f, at, n, TOKEN, TARGET);
}

static size_t target(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    return word(f, at, n, VISIBLE, VERSION);
}

static size_t version(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    static const char form[] = "HTTP/#.#\r\n";
    size_t i = 0;
    while (i < n && form[f->n] && (form[f->n] == '#' ? gw_is_digit(at[i]) : at[i] == form[f->n]))
        f->name[f->n++] = at[i++];
    if (form[f->n] && i < n)
        return fail(f, at[i] == '\n' ? line_fault('\n') : "the request line does not end with HTTP/1.1");
    if (!form[f->n] && f->name[5] == '2')
        return fail(f, "HTTP/2 comes to a port of HTTP/1.1: OTLP over gRPC is taken on port 4317");
    if (!form[f->n]) {
        f->http_1_0 = f->name[5] == '1' && f->name[7] == '0';
        enter(f, NAME);
    }
    return i;
}

static const char *name_fault(const struct gw_framing *f, char c)
{
    if (f->n == 0 && is_blank(c))
        return "a header is folded";
    if (f->n == 0 && c == ':')
        return "a header has no name";
    return is_blank(c)      ? "a blank stands in the name of a header"
           : is(c, VISIBLE) ? "a header's name holds what no name may"
                            : line_fault(c);
}

static enum field field_of(const struct gw_framing *f)
{
    gw_str name = gw_str_n(f->name, f->n);
    return gw_str_ieq(name, GW_STR("content-length"))      ? LENGTH
           : gw_str_ieq(name, GW_STR("transfer-encoding")) ? TRANSFER
                                                           : OTHER;
}

static size_t begin_value(struct gw_framing *f)
{
    f->field = f->n <= sizeof f->name ? (uint8_t)field_of(f) : OTHER;
    f->number = 0;
    f->blank = false;
    enter(f, BEFORE_VALUE);
    if (f->field != OTHER && f->in_trailers)
        return fail(f, "a trailer says where the request ends");
    if (f->field == LENGTH && f->has_length)
        return fail(f, "Content-Length more than once");
    if (f->field == TRANSFER && f->chunked)
        return fail(f, "Transfer-Encoding more than once");
    return 1;
}

static size_t name(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    size_t i = run_of(at, n, TOKEN);
    if (f->n == 0 && *at == '\r') {
        enter(f, HEAD_LF);
        return 1;
    }
    for (size_t k = 0; k < i && f->n + k < sizeof f->name; k++)
        f->name[f->n + k] = at[k];
    add_n(f, i);
    *skip = f->in_trailers;
    if (i == n)
        return n;
    if (at[i] != ':' || f->n == 0)
        return fail(f, name_fault(f, at[i]));
    return begin_value(f) + i;
}

static size_t before_value(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    size_t i = 0;
    while (i < n && is_blank(at[i]))
        i++;
    *skip = f->in_trailers;
    if (i < n)
        enter(f, VALUE);
    return i;
}

static size_t length_byte(struct gw_framing *f, char c)
{
    uint64_t digit = (uint64_t)(c - '0');
    if (f->blank || !gw_is_digit(c))
        return fail(f, is(c, TEXT) ? "Content-Length is not a number" : line_fault(c));
    f->too_large = f->number > (UINT64_MAX - digit) / 10;
    if (f->too_large)
        return fail(f, "Content-Length is too large a number");
    f->number = 10 * f->number + digit;
    add_n(f, 1);
    return 1;
}

static size_t transfer_byte(struct gw_framing *f, char c)
{
    static const char only[] = "chunked";
    if (f->blank || f->n == sizeof only - 1 || gw_lower(c) != only[f->n])
        return fail(f, is(c, TEXT) ? "the only Transfer-Encoding taken is chunked" : line_fault(c));
    add_n(f, 1);
    return 1;
}

/* Handles the end of a header value that determines the end of the body. */
static size_t end_framing_value(struct gw_framing *f)
{
    if (f->field == LENGTH && f->n == 0)
        return fail(f, "Content-Length is not a number");
    if (f->field == TRANSFER && f->n != sizeof "chunked" - 1)
        return fail(f, "the only Transfer-Encoding taken is chunked");
    f->has_length |= f->field == LENGTH;
    f->chunked |= f->field == TRANSFER;
    if (f->field == LENGTH)
        f->left = f->number;
    enter(f, VALUE_LF);
    return 1;
}

static size_t framing_value(struct gw_framing *f, char c, bool *skip)
{
    if (c == '\r')
        return end_framing_value(f);
    if (is_blank(c)) {
        f->blank = *skip = true;
        return 1;
    }
    return f->field == LENGTH ? length_byte(f, c) : transfer_byte(f, c);
}

static size_t value(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    if (f->field != OTHER)
        return framing_value(f, *at, skip);
    size_t i = run_of(at, n, TEXT);
    *skip = f->in_trailers;
    if (i == n)
        return n;
    if (at[i] != '\r')
        return fail(f, line_fault(at[i]));
    enter(f, VALUE_LF);
    return i + 1;
}

static size_t value_lf(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    *skip = f->in_trailers;
    return line_feed(f, at, NAME);
}

static size_t head_lf(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    enum state body = f->chunked ? SIZE : f->left ? BODY : START;
    f->number = 0;
    if (f->in_trailers)
        return line_feed(f, at, START);
    if (f->chunked && f->has_length)
        return fail(f, "both Content-Length and Transfer-Encoding");
    if (f->chunked && f->http_1_0)
        return fail(f, "Transfer-Encoding in HTTP/1.0");
    if (!line_feed(f, at, body))
        return 0;
    f->heads++;
    return 1;
}

/* Passes on bytes that need no check. */
static size_t pass(struct gw_framing *f, size_t n, enum state next)
{
    size_t k = f->left < n ? (size_t)f->left : n;
    f->left -= k;
    if (f->left == 0)
        enter(f, next);
    return k;
}

static size_t body(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    return pass(f, n, START);
}

static size_t chunk(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    return pass(f, n, CHUNK_CR);
}

static size_t chunk_cr(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    if (*at != '\r')
        return fail(f, "a chunk does not end where its size says");
    enter(f, CHUNK_LF);
    return 1;
}

static size_t chunk_lf(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    f->number = 0;
    return line_feed(f, at, SIZE);
}

static size_t size(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    int digit = gw_hex_digit(*at);
    if (digit >= 0 && (f->n == SIZE_DIGITS || f->number >> 52))
        return fail(f, "the size of a chunk is too large a number");
    if (digit >= 0) {
        f->number = f->number << 4 | (uint64_t)digit;
        f->n++;
        return 1;
    }
    if (f->n == 0 || !(*at == '\r' || *at == ';' || is_blank(*at)))
        return fail(f, *at == '\r' || is(*at, TEXT) ? "the size of a chunk is not a hexadecimal number"
                                                    : line_fault(*at));
    *skip = *at != '\r';
    enter(f, *at == '\r' ? SIZE_LF : *at == ';' ? EXTENSION : EXTENSION_BLANK);
    return 1;
}

static size_t extension_blank(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    if (!is_blank(*at) && *at != ';')
        return fail(f, "a blank stands behind the size of a chunk");
    *skip = true;
    if (*at == ';')
        enter(f, EXTENSION);
    return 1;
}

static size_t extension(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    size_t i = run_of(at, n, TEXT);
    *skip = i > 0;
    if (i > 0)
        return i;
    if (*at != '\r')
        return fail(f, line_fault(*at));
    enter(f, SIZE_LF);
    return 1;
}

static size_t size_lf(struct gw_framing *f, const char *at, size_t n, bool *skip)
{
    f->left = f->number;
    f->in_trailers = f->number == 0;
    return line_feed(f, at, f->in_trailers ? NAME : CHUNK);
}

static step_f *const steps[] = {
    [START] = start,
    [BLANK_LF] = blank_lf,
    [METHOD] = method,
    [TARGET] = target,
    [VERSION] = version,
    [NAME] = name,
    [BEFORE_VALUE] = before_value,
    [VALUE] = value,
    [VALUE_LF] = value_lf,
    [HEAD_LF] = head_lf,
    [BODY] = body,
    [SIZE] = size,
    [EXTENSION_BLANK] = extension_blank,
    [EXTENSION] = extension,
    [SIZE_LF] = size_lf,
    [CHUNK] = chunk,
    [CHUNK_CR] = chunk_cr,
    [CHUNK_LF] = chunk_lf,
};

size_t gw_framing_read(struct gw_framing *f, char *data, size_t n)
{
    /* bytes read, bytes left, and of the latter those of complete requests … */
    size_t in = 0, out = 0, whole = 0;
    uint32_t heads = f->heads; /* … with this many heads */
    while (in < n && !f->fault) {
        bool skip = false;
        if (f->state == START) {
            whole = out;
            heads = f->heads;
        }
        size_t k = steps[f->state](f, data + in, n - in, &skip);
        if (skip && (f->extra += (uint32_t)k) > GW_FRAMING_EXTRA)
            fail(f, "too many bytes of chunk extensions and trailers");
        if (!skip && in != out)
            memmove(data + out, data + in, k);
        in += k;
        out += skip ? 0 : k;
    }
    if (!f->fault)
        return out;
    f->heads = heads;
    return whole;
}
