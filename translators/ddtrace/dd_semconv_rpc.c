/* RPC and AWS calls: method, status and system.
 *
 * Keeps no state; works on a span's dd_fields. Called by dd_derive.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_semconv.h"

static gw_str status_name(struct dd_fields *f, unsigned tag)
{
    static const char *const names[] = {
        "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
        "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
        "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
        "DATA_LOSS", "UNAUTHENTICATED"};
    int64_t code;
    if (dd_int_of(f, tag, &code) && code >= 0 && code <= 16)
        return gw_str_z(names[code]);
    gw_str text = dd_text_of(f, tag);
    if (gw_str_starts(text, GW_STR("StatusCode."))) /* Python's str(grpc.StatusCode.NOT_FOUND) */
        text = gw_str_from(text, 11);
    return text;
}

/* "/pkg.Service/Method" is the method's name but for the first slash. */
static bool full_method(struct dd_fields *f, unsigned tag)
{
    gw_str text = dd_text_of(f, tag);
    if (text.len && *text.ptr == '/')
        text = gw_str_from(text, 1);
    return dd_rename_as(f, tag, text);
}

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

/* rpc.method of older conventions is the bare method, next to rpc.service. */
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

static void set_grpc(struct dd_fields *f)
{
    static const unsigned methods[] = {DD_T_GRPC_METHOD_NAME, DD_T_GRPC_FULL_METHOD,
                                       DD_T_RPC_GRPC_FULL_METHOD};
    static const unsigned codes[] = {DD_T_RPC_GRPC_STATUS_CODE, DD_T_GRPC_STATUS_DOT_CODE,
                                     DD_T_GRPC_STATUS_CODE, DD_T_GRPC_CODE};
    bool any = false;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        any |= dd_has(f, methods[i]) && full_method(f, methods[i]);
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        any |= dd_has(f, codes[i]) && dd_rename_as(f, codes[i], status_name(f, codes[i]));
    if (any)
        dd_set_text(f, DD_A_RPC_SYSTEM_NAME, GW_STR("grpc"), DD_DERIVED);
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

void dd_rpc(struct dd_fields *f)
{
    if (dd_has(f, DD_T_RPC_SYSTEM))
        set_rpc_system(f);
    set_grpc(f);
    if (dd_has(f, DD_T_RPC_SERVICE))
        service_and_method(f);
    set_aws(f);
    gw_str method = dd_set_text_of(f, DD_A_RPC_METHOD);
    if (method.len)
        dd_propose_name(f, method);
}
