/* Sets the attributes of small areas of the semantic conventions: code.*, GraphQL, GenAI, functions, state
 * machines, DNS.
 *
 * Keeps no state; works on a span's dd_fields. Called by dd_derive.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_semconv.h"

void dd_propose_call_name(struct dd_fields *f, gw_str verb, gw_str object)
{
    if (verb.len && object.len)
        dd_propose_name(f, dd_concat(f->arena, verb, GW_STR(" "), object));
    else
        dd_propose_name(f, verb.len ? verb : object);
}

/* code.function and code.namespace became one attribute: "shop.orders.load". */
static void set_code_function(struct dd_fields *f)
{
    gw_str function = dd_text_of(f, DD_T_CODE_FUNCTION), ns = dd_text_of(f, DD_T_CODE_NAMESPACE);
    if (!function.len)
        return;
    gw_str whole = ns.len ? dd_concat(f->arena, ns, GW_STR("."), function) : function;
    if (dd_rename_as(f, DD_T_CODE_FUNCTION, whole) && ns.len)
        dd_use(f, DD_T_CODE_NAMESPACE);
}

static bool is_call(const struct dd_fields *f)
{
    return f->kind == DD_KIND_CLIENT || f->kind == DD_KIND_PRODUCER;
}

static void graphql_name(struct dd_fields *f)
{
    gw_str type = dd_set_text_of(f, DD_A_GRAPHQL_OPERATION_TYPE),
           name = dd_set_text_of(f, DD_A_GRAPHQL_OPERATION_NAME);
    if (type.len)
        dd_propose_call_name(f, type, name);
}

static void set_state_machine(struct dd_fields *f, unsigned tag)
{
    gw_str arn = dd_text_of(f, tag);
    if (gw_str_starts(arn, GW_STR("arn:aws")))
        dd_rename_as(f, tag, arn);
}

/* Of a Lambda span, request_id is the id of the invocation; elsewhere it is the application's own tag. */
static void set_invocation(struct dd_fields *f)
{
    if (!dd_has(f, DD_T_REQUEST_ID))
        return;
    if (dd_has(f, DD_T_FUNCTION_ARN) || dd_has(f, DD_T_COLD_START) ||
        gw_str_eq(f->span->type, GW_STR("serverless")) || gw_str_eq(f->span->name, GW_STR("aws.lambda")))
        dd_rename(f, DD_T_REQUEST_ID);
}

/* Converts Azure's word for the trigger of the function. */
static void set_trigger(struct dd_fields *f)
{
    static const gw_str triggers[][2] = {
        {GW_LIT("http"), GW_LIT("http")},         {GW_LIT("timer"), GW_LIT("timer")},
        {GW_LIT("servicebus"), GW_LIT("pubsub")}, {GW_LIT("eventhub"), GW_LIT("pubsub")},
        {GW_LIT("eventgrid"), GW_LIT("pubsub")},  {GW_LIT("queue"), GW_LIT("pubsub")},
        {GW_LIT("blob"), GW_LIT("datasource")},   {GW_LIT("cosmos"), GW_LIT("datasource")},
    };
    gw_str said = dd_text_of(f, DD_T_AAS_TRIGGER);
    for (size_t i = 0; i < sizeof triggers / sizeof *triggers && said.len; i++)
        if (dd_find(said, triggers[i][0]) >= 0) {
            dd_rename_as(f, DD_T_AAS_TRIGGER, triggers[i][1]);
            return;
        }
}

/* Node's spans for calls of its own network library have the host as resource. */
static void name_connection(struct dd_fields *f)
{
    gw_str name = f->span->name;
    if (f->kind == DD_KIND_CLIENT &&
        (gw_str_eq(name, GW_STR("tcp.connect")) || gw_str_eq(name, GW_STR("ipc.connect")) ||
         gw_str_starts(name, GW_STR("dns."))))
        dd_propose_name(f, name);
}

void dd_other(struct dd_fields *f)
{
    if (f->rare) {
        set_invocation(f);
        set_trigger(f);
    }
    if (dd_has(f, DD_T_CODE_FUNCTION))
        set_code_function(f);
    if (dd_is_set(f, DD_A_GRAPHQL_OPERATION_TYPE))
        graphql_name(f);
    if (dd_is_set(f, DD_A_GEN_AI_REQUEST_MODEL) && dd_has(f, DD_T_COMPONENT) &&
        gw_str_eq(dd_text_of(f, DD_T_COMPONENT), GW_STR("openai")))
        dd_set_text(f, DD_A_GEN_AI_PROVIDER_NAME, GW_STR("openai"), DD_DERIVED);
    if (dd_has(f, DD_T_FUNCTION_NAME) && is_call(f))
        dd_rename_as(f, DD_T_FUNCTION_NAME, dd_text_of(f, DD_T_FUNCTION_NAME));
    set_state_machine(f, DD_T_STATE_MACHINE_NAME);
    set_state_machine(f, DD_T_STEP_FUNCTION_NAME);
    name_connection(f);
}
