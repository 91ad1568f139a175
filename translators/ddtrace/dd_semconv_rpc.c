/* RPC and AWS calls: method, status and system.
 *
 * Keeps no state; works on a span's dd_fields. Called by dd_derive.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_semconv.h"

/* ---- gRPC's codes ---- */

static const char *const codes[] = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};
enum { CODES = sizeof codes / sizeof *codes };

/* Compares "NotFound", "not_found" and "NOT_FOUND" as equal. */
static bool same_word(gw_str a, gw_str b)
{
    size_t i = 0, k = 0;
    for (;; i++, k++) {
        i += i < a.len && a.ptr[i] == '_';
        k += k < b.len && b.ptr[k] == '_';
        if (i >= a.len || k >= b.len)
            return i >= a.len && k >= b.len;
        if (gw_lower(a.ptr[i]) != gw_lower(b.ptr[k]))
            return false;
    }
}

/* Returns the code for a word or a number; NO_CODE if it is neither. */
enum { CANCELLED = 1, NO_CODE = -1 };
static int code_of(gw_str word)
{
    uint64_t number;
    if (gw_str_u64(word, &number))
        return number < CODES ? (int)number : NO_CODE;
    if (same_word(word, GW_STR("CANCELED"))) /* Go's spelling */
        return CANCELLED;
    for (int i = 0; i < CODES; i++)
        if (same_word(word, gw_str_z(codes[i])))
            return i;
    return NO_CODE;
}

int dd_grpc_code(gw_str text)
{
    for (size_t at = 0, end; at < text.len; at = end + 1) {
        for (end = at; end < text.len &&
                       (gw_is_letter(text.ptr[end]) || gw_is_digit(text.ptr[end]) || text.ptr[end] == '_');)
            end++;
        int code = code_of(gw_str_n(text.ptr + at, end - at));
        if (code != NO_CODE)
            return code;
    }
    return NO_CODE;
}

static gw_str status_name(gw_str text)
{
    int code = dd_grpc_code(text);
    return code != NO_CODE ? gw_str_z(codes[code]) : text;
}

/* ---- gRPC's methods ---- */

static gw_str without_slash(gw_str path)
{
    return path.len && *path.ptr == '/' ? gw_str_from(path, 1) : path;
}

/* Matches "pkg.Service/Method" and nothing that may be a path or a sentence. */
static bool is_full_method(gw_str s)
{
    size_t slash = gw_str_find(s, '/');
    for (size_t i = 0; i < s.len; i++)
        if (i != slash && !gw_is_letter(s.ptr[i]) && !gw_is_digit(s.ptr[i]) && s.ptr[i] != '_' &&
            (s.ptr[i] != '.' || i > slash))
            return false;
    return slash && slash + 1 < s.len;
}

/* The last part of a full method. */
static bool is_method_of(gw_str bare, gw_str full)
{
    return bare.len && full.len > bare.len && gw_str_ends(full, bare) &&
           full.ptr[full.len - bare.len - 1] == '/';
}

/* Returns the service from rpc.service or from the method. */
static gw_str grpc_service(struct dd_fields *f)
{
    gw_str whole = dd_text_of(f, DD_T_RPC_SERVICE), service = dd_text_of(f, DD_T_GRPC_METHOD_SERVICE);
    gw_str package = dd_text_of(f, DD_T_GRPC_METHOD_PACKAGE);
    if (whole.len || !service.len || !package.len)
        return whole.len ? whole : service;
    return dd_concat(f->arena, package, GW_STR("."), service);
}

static const unsigned methods[] = {DD_T_GRPC_METHOD_PATH, DD_T_RPC_GRPC_FULL_METHOD, DD_T_GRPC_FULL_METHOD,
                                   DD_T_GRPC_METHOD_NAME};
enum { METHODS = sizeof methods / sizeof *methods };

/* Returns the method with its service, if known; else the bare method; else an empty text. */
static gw_str grpc_method(struct dd_fields *f)
{
    gw_str bare = without_slash(dd_set_text_of(f, DD_A_RPC_METHOD)),
           resource = without_slash(f->span->resource);
    if (gw_str_find(bare, '/') < bare.len)
        return bare;
    for (size_t i = 0; i < METHODS; i++) {
        gw_str said = without_slash(dd_text_of(f, methods[i]));
        if (gw_str_find(said, '/') < said.len)
            return said;
        bare = bare.len ? bare : said;
    }
    gw_str service = grpc_service(f);
    if (bare.len && service.len)
        return dd_concat(f->arena, service, GW_STR("/"), bare);
    if (is_full_method(resource) && (!bare.len || is_method_of(bare, resource)))
        return resource;
    return bare;
}

/* Drops tags whose value is part of the method. */
static void use_method_parts(struct dd_fields *f, gw_str method)
{
    static const unsigned packages[] = {DD_T_GRPC_METHOD_PACKAGE, DD_T_RPC_GRPC_PACKAGE};
    gw_str service = gw_str_n(method.ptr, gw_str_find(method, '/')),
           last = dd_text_of(f, DD_T_GRPC_METHOD_SERVICE);
    for (size_t i = 0; i < METHODS; i++) {
        gw_str said = without_slash(dd_text_of(f, methods[i]));
        if (gw_str_eq(said, method) || is_method_of(said, method))
            dd_use(f, methods[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        gw_str package = dd_text_of(f, packages[i]);
        if (package.len && gw_str_starts(service, package) && package.len < service.len &&
            service.ptr[package.len] == '.')
            dd_use(f, packages[i]);
    }
    if (gw_str_eq(service, last) ||
        (last.len && gw_str_ends(service, last) && service.ptr[service.len - last.len - 1] == '.'))
        dd_use(f, DD_T_GRPC_METHOD_SERVICE);
}

static void set_grpc_method(struct dd_fields *f)
{
    gw_str said = dd_set_text_of(f, DD_A_RPC_METHOD), method = grpc_method(f);
    if (!method.len)
        return;
    if (gw_str_eq(without_slash(said), method) || is_method_of(said, method))
        f->out[DD_A_RPC_METHOD].s = method; /* the application's own value, completed */
    else if (!dd_set_text(f, DD_A_RPC_METHOD, method, DD_RENAMED))
        return;
    use_method_parts(f, method);
}

/* Java marks gRPC spans only by their component, and has the method in the resource. */
static bool is_grpc(struct dd_fields *f)
{
    gw_str system = dd_set_text_of(f, DD_A_RPC_SYSTEM_NAME);
    if (system.len)
        return gw_str_eq(system, GW_STR("grpc"));
    for (size_t i = 0; i < METHODS; i++)
        if (dd_has(f, methods[i]))
            return true;
    return dd_find(dd_text_of(f, DD_T_COMPONENT), GW_STR("grpc")) >= 0 &&
           is_full_method(without_slash(f->span->resource));
}

static void set_grpc(struct dd_fields *f)
{
    static const unsigned tags[] = {DD_T_RPC_GRPC_STATUS_CODE, DD_T_RPC_GRPC_STATUS_DOT_CODE,
                                    DD_T_GRPC_STATUS_DOT_CODE, DD_T_GRPC_STATUS_CODE, DD_T_GRPC_CODE};
    bool is = is_grpc(f);
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        is |= dd_has(f, tags[i]);
    if (!is)
        return;
    gw_str status = dd_set_text_of(f, DD_A_RPC_STATUS_CODE);
    if (status.len)
        f->out[DD_A_RPC_STATUS_CODE].s = status_name(status);
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
        if (dd_has(f, tags[i]))
            dd_rename_as(f, tags[i], status_name(dd_text_of(f, tags[i])));
    dd_set_text(f, DD_A_RPC_SYSTEM_NAME, GW_STR("grpc"), DD_DERIVED);
    set_grpc_method(f);
}

/* ---- RPC ---- */

static void set_rpc_system(struct dd_fields *f)
{
    static const struct {
        gw_str old, name;
    } renamed[] = {{GW_LIT("apache_dubbo"), GW_LIT("dubbo")}, {GW_LIT("connect_rpc"), GW_LIT("connectrpc")}};
    gw_str said = dd_lower(f->arena, dd_text_of(f, DD_T_RPC_SYSTEM));
    for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
        if (gw_str_eq(said, renamed[i].old))
            said = renamed[i].name;
    dd_rename_as(f, DD_T_RPC_SYSTEM, said);
}

/* In older conventions, rpc.method is the bare method, next to rpc.service. */
static void service_and_method(struct dd_fields *f)
{
    gw_str service = dd_text_of(f, DD_T_RPC_SERVICE), method = dd_set_text_of(f, DD_A_RPC_METHOD);
    if (!service.len || !method.len)
        return;
    if (gw_str_find(method, '/') == method.len)
        f->out[DD_A_RPC_METHOD].s = dd_concat(f->arena, service, GW_STR("/"), method);
    else if (!gw_str_starts(method, service))
        return;
    dd_use(f, DD_T_RPC_SERVICE);
}

static void set_aws(struct dd_fields *f)
{
    unsigned tag = dd_has(f, DD_T_AWS_SERVICE) ? DD_T_AWS_SERVICE : DD_T_AWS_SERVICE_OLD;
    gw_str service = dd_text_of(f, tag), operation = dd_text_of(f, DD_T_AWS_OPERATION);
    if (dd_has(f, DD_T_REGION) && (service.len || operation.len))
        dd_rename(f, DD_T_REGION);
    if (!service.len || !operation.len ||
        !dd_rename_as(f, DD_T_AWS_OPERATION, dd_concat(f->arena, service, GW_STR("/"), operation)))
        return;
    dd_use(f, tag);
    dd_set_text(f, DD_A_RPC_SYSTEM_NAME, GW_STR("aws-api"), DD_DERIVED);
}

/* The port is the server's if its address is known. If only an IP address of the peer is known, it is the
 * peer's port. */
static void move_port(struct dd_fields *f)
{
    const struct dd_out *port = &f->out[DD_A_SERVER_PORT];
    if (!dd_is_set(f, DD_A_SERVER_PORT) || port->sure == DD_EXPLICIT || dd_is_set(f, DD_A_SERVER_ADDRESS) ||
        !dd_is_set(f, DD_A_NETWORK_PEER_ADDRESS) || dd_is_set(f, DD_A_NETWORK_PEER_PORT))
        return;
    f->out[DD_A_NETWORK_PEER_PORT] = *port;
    f->set[DD_A_NETWORK_PEER_PORT / 64] |= (uint64_t)1 << (DD_A_NETWORK_PEER_PORT % 64);
    f->set[DD_A_SERVER_PORT / 64] &= ~((uint64_t)1 << (DD_A_SERVER_PORT % 64));
}

void dd_rpc(struct dd_fields *f)
{
    if (dd_has(f, DD_T_RPC_SYSTEM))
        set_rpc_system(f);
    set_grpc(f);
    if (dd_has(f, DD_T_RPC_SERVICE))
        service_and_method(f);
    set_aws(f);
    move_port(f);
    gw_str method = dd_set_text_of(f, DD_A_RPC_METHOD);
    if (method.len)
        dd_propose_name(f, method);
}
