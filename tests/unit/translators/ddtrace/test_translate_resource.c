/* Resources and scopes: what of a span, its chunk and the request becomes an attribute of the resource.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/translators/ddtrace/translate_bed.h"

static void rows(struct bed *b, const struct bed_row *r, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bed_span(b, r[i].span);
        bed_compare(b, r[i].span, bed_resource(b, 2), r[i].want);
    }
}

#define N "'name':'n','meta':{"

static void from_tags(void **state)
{
    static const struct bed_row table[] = {
        {"'name':'n'", "service.name='svc'"},
        {N "'env':'prod','version':'1.2','runtime-id':'r-1','language':'python'}",
         "datadog.runtime_id='r-1' deployment.environment.name='prod' service.instance.id='r-1' "
         "service.name='svc' service.version='1.2' "
         "telemetry.sdk.language='python'"},
        {N "'language':'jvm'}", "service.name='svc' telemetry.sdk.language='java'"},
        {N "'language':'javascript'}", "service.name='svc' telemetry.sdk.language='nodejs'"},
        {N "'language':'.NET'}", "service.name='svc' telemetry.sdk.language='dotnet'"},
        {N "'language':'golang'}", "service.name='svc' telemetry.sdk.language='go'"},
        {N "'language':'ruby'}", "service.name='svc' telemetry.sdk.language='ruby'"},
        {N "'_dd.hostname':'a','host':'b'}", "host.name='a' service.name='svc'"},
        {N "'_dd.tracer_hostname':'a','host':'b'}", "host.name='a' service.name='svc'"},
        {N "'_dd.tracer_host':'a','host':'b'}", "host.name='a' service.name='svc'"},
        {N "'_dd.tracer_hostname':'a','_dd.tracer_host':'b'}", "host.name='a' service.name='svc'"},
        {N "'host':'b'}", "host.name='b' service.name='svc'"},
        {"'name':'n','metrics':{'process_id':77}", "process.pid=77 service.name='svc'"},
        {"'name':'n','metrics':{'system.pid':77}", "process.pid=77 service.name='svc'"},
        {N "'process_id':'77'}", "process.pid=77 service.name='svc'"},
        {N "'_dd.git.commit.sha':'c0','_dd.git.repository_url':'https://g/r'}",
         "service.name='svc' vcs.ref.head.revision='c0' vcs.repository.url.full='https://g/r'"},
        {N "'git.commit.sha':'c0','git.repository_url':'https://g/r'}",
         "service.name='svc' vcs.ref.head.revision='c0' vcs.repository.url.full='https://g/r'"},
        {N "'container_id':'c1'}", "container.id='c1' service.name='svc'"},
        {N "'_dd.tags.container':'kube_namespace:shop,pod_name:p-1,image_tag:7,colour:red'}",
         "container.image.tags=['7'] datadog.container.colour='red' k8s.namespace.name='shop' "
         "k8s.pod.name='p-1' service.name='svc'"},
        {N "'_dd.tags.process':'entrypoint.name:app,entrypoint.workdir:srv'}",
         "datadog.process.entrypoint.workdir='srv' process.executable.name='app' service.name='svc'"},
        {N "'cloud_provider':'aws','region':'eu','zone':'eu-1a'}",
         "cloud.availability_zone='eu-1a' cloud.provider='aws' cloud.region='eu' service.name='svc'"},
        {N "'region':'north','zone':'z'}", "service.name='svc'"},
        {N "'functionname':'f','function_arn':'arn:aws:f'}",
         "cloud.resource_id='arn:aws:f' faas.name='f' service.name='svc'"},
        {N "'team':'a','DD_TAG':'x'}", "service.name='svc'"},
    };
    rows(*state, table, COUNT(table));
}

/* Each tag that the agent knows of a container. */
static void container_tags(void **state)
{
    static const struct bed_row table[] = {
        {N "'_dd.tags.container':'container_name:a,image_id:b,image_name:c,runtime:d,kube_cluster_name:e,"
           "orch_cluster_id:f'}",
         "container.image.id='b' container.image.name='c' container.name='a' container.runtime.name='d' "
         "k8s.cluster.name='e' "
         "k8s.cluster.uid='f' service.name='svc'"},
        {N "'_dd.tags.container':'kube_node:a,pod_uid:b,pod_ip:c,kube_container_name:d,persistentvolumeclaim:"
           "e'}",
         "k8s.container.name='d' k8s.node.name='a' k8s.persistentvolumeclaim.name='e' k8s.pod.ip='c' "
         "k8s.pod.uid='b' service.name='svc'"},
        {N "'_dd.tags.container':'kube_deployment:0,kube_replica_set:a,kube_replication_controller:b,kube_"
           "stateful_set:c,kube_daemon_set:d,"
           "kube_job:e,kube_cronjob:f'}",
         "k8s.cronjob.name='f' k8s.daemonset.name='d' k8s.deployment.name='0' k8s.job.name='e' "
         "k8s.replicaset.name='a' "
         "k8s.replicationcontroller.name='b' k8s.statefulset.name='c' service.name='svc'"},
        {N "'_dd.tags.container':'task_arn:a,cloud_provider:b,region:c,aws_account:d,git.commit.sha:e,git."
           "repository_url:https://f'}",
         "aws.ecs.task.arn='a' cloud.account.id='d' cloud.provider='b' cloud.region='c' service.name='svc' "
         "vcs.ref.head.revision='e' "
         "vcs.repository.url.full='https://f'"},
    };
    rows(*state, table, COUNT(table));
}

static void always(void **state)
{
    struct bed *b = *state;
    bed_span(b, "'name':'n'");
    const valid_resource *r = bed_find(b, GW_OTEL, 2).resource;
    b->shown.len = 0;
    bed_dump_attrs(&b->shown, r->resource->attributes, r->resource->n_attributes,
                   (const char *const[]){NULL});
    bed_single_quotes(&b->shown);
    assert_string_equal(b->shown.text, "service.name='svc' telemetry.sdk.name='datadog'");
    assert_true(gw_str_eq(valid_text(r->schema_url), GW_STR("https://opentelemetry.io/schemas/1.44.0")));
}

/* What the resource says does not stand on the span as well; what it does not say does. */
static void spans_keep_the_rest(void **state)
{
    static const struct bed_row table[] = {
        {N "'env':'prod','version':'1.2','runtime-id':'r-1','language':'python','host':'b','_dd.hostname':'a'"
           "},'metrics':{'process_id':7}",
         "n | internal | host='b'"},
        {N "'region':'north','zone':'z','team':'a'}", "n | internal | region='north' team='a' zone='z'"},
        {"'name':'n','metrics':{'version':3,'env':4,'host':5,'language':6,'runtime-id':7}",
         "n | internal | env=4 host=5 language=6 runtime-id=7 version=3"},
        {N "'process_id':'x'}", "n | internal | process_id='x'"},
        {"'name':'n','metrics':{'error.msg':1,'error.stack':2},'error':1",
         "n | internal | error.msg=1 error.stack=2 | error"},
        {"'name':'n','meta':{'_sampling_priority_v1':'1'}", "n | internal | sampling.priority=1"},
    };
    bed_rows(*state, GW_OTEL, table, COUNT(table));
    struct bed *b = *state;
    bed_run(b, "[[{'trace_id':1,'span_id':2,'service':'s','name':'n','start':" BED_START
               ",'duration':1,'metrics':{'process_id':7}},"
               "{'trace_id':1,'span_id':3,'parent_id':2,'service':'s','name':'n','start':" BED_START
               ",'duration':1,'metrics':{'process_id':8}}]]");
    bed_expect_span(b, GW_OTEL, 2, bed_fields, "n | internal | ");
    bed_expect_span(b, GW_OTEL, 3, bed_fields, "n | internal | process.pid=8");
}

static void from_headers(void **state)
{
    struct bed *b = *state;
    b->req = (struct dd_request){.lang = GW_STR("python"),
                                 .lang_version = GW_STR("3.12.1"),
                                 .interpreter = GW_STR("CPython"),
                                 .vendor = GW_STR("PSF"),
                                 .tracer_version = GW_STR("4.16.0"),
                                 .container_id = GW_STR("c1"),
                                 .entity_id = GW_STR("in-7"),
                                 .k8s_container = GW_STR("web"),
                                 .k8s_pod_uid = GW_STR("u-1"),
                                 .process_tags = GW_STR("entrypoint.name:app"),
                                 .peer_is_local = true};
    b->env.host_name = GW_STR("here");
    bed_span(b, "'name':'n'");
    bed_expect_resource(
        b, 2,
        "container.id='c1' host.name='here' k8s.container.name='web' k8s.pod.uid='u-1' "
        "process.executable.name='app' "
        "process.runtime.description='PSF' process.runtime.name='CPython' process.runtime.version='3.12.1' "
        "service.name='svc' telemetry.sdk.language='python' telemetry.sdk.version='4.16.0'");
    b->req = (struct dd_request){.entity_id = GW_STR("in-7")};
    bed_span(b, "'name':'n'");
    bed_expect_resource(b, 2, "datadog.entity_id='in-7' service.name='svc'");
}

static void unknown_services(void **state)
{
    struct bed *b = *state;
    bed_run(b, "[[{'trace_id':1,'span_id':2,'name':'n','start':" BED_START ",'duration':1}]]");
    bed_expect_resource(b, 2, "service.name='unknown_service'");
    b->req.lang = GW_STR("golang");
    bed_run(b, "[[{'trace_id':1,'span_id':2,'name':'n','start':" BED_START ",'duration':1}]]");
    bed_expect_resource(b, 2, "service.name='unknown_service:go' telemetry.sdk.language='go'");
}

static void scopes(void **state)
{
    static const char *const cases[][2] = {
        {"'name':'n'", "datadog"},
        {N "'component':'flask'}", "datadog.flask"},
        {N "'_dd.integration':'redis'}", "datadog.redis"},
        {N "'component':'flask','_dd.integration':'redis'}", "datadog.flask"}};
    struct bed *b = *state;
    b->req.tracer_version = GW_STR("4.16.0");
    for (size_t i = 0; i < COUNT(cases); i++) {
        bed_span(b, cases[i][0]);
        const valid_scope *s = bed_find(b, GW_OTEL, 2).scope;
        assert_true(gw_str_eq(valid_text(s->scope->name), gw_str_z(cases[i][1])));
        assert_true(gw_str_eq(valid_text(s->scope->version), GW_STR("4.16.0")));
        assert_true(gw_str_eq(valid_text(s->schema_url), GW_STR("https://opentelemetry.io/schemas/1.44.0")));
    }
    bed_expect_span(b, GW_OTEL, 2, bed_fields, "n | internal | _dd.integration='redis' component='flask'");
}

#define SPAN(id, service, meta)                                                                              \
    "{'trace_id':1,'span_id':" #id ",'service':'" service "','name':'n','start':" BED_START                  \
    ",'duration':1,'meta':{" meta "}}"

/* One ResourceSpans per service, env, version, instance, host and language; a service's version is its
 * own. */
static void grouping(void **state)
{
    struct bed *b = *state;
    bed_run(b,
            "[[" SPAN(1, "web", "'env':'prod','version':'1','runtime-id':'r'") "," SPAN(2, "db", "") "," SPAN(
                3, "web",
                "") "],[" SPAN(4, "web",
                               "'env':'prod','version':'1','runtime-id':'r'") "," SPAN(5, "web",
                                                                                       "'version':'2'") "]]");
    assert_int_equal(b->got[GW_OTEL]->n_resource_spans, 3);
    const char *web = "datadog.runtime_id='r' deployment.environment.name='prod' service.instance.id='r' "
                      "service.name='web' service.version='1'";
    bed_expect_resource(b, 1, web);
    bed_expect_resource(b, 3, web);
    bed_expect_resource(b, 4, web);
    assert_ptr_equal(bed_find(b, GW_OTEL, 1).resource, bed_find(b, GW_OTEL, 4).resource);
    bed_expect_resource(b, 2,
                        "datadog.runtime_id='r' deployment.environment.name='prod' service.instance.id='r' "
                        "service.name='db'");
    assert_non_null(strstr(bed_resource(b, 5), "service.version='2'"));
}

/* The runtime id stands in one chunk of the payload: the others are the same process. */
static void a_process_is_one_resource(void **state)
{
    struct bed *b = *state;
    bed_run(b,
            "[[" SPAN(1, "web", "") "],[" SPAN(2, "web", "'runtime-id':'r'") "],[" SPAN(3, "web", "") "]]");
    assert_int_equal(b->got[GW_OTEL]->n_resource_spans, 1);
    assert_non_null(strstr(bed_resource(b, 1), "service.instance.id='r'"));
    /* Two processes behind a proxy: nothing is guessed. */
    bed_run(b, "[[" SPAN(1, "web", "") "],[" SPAN(2, "web", "'runtime-id':'r'") "],[" SPAN(
                   3, "web", "'runtime-id':'s'") "]]");
    assert_int_equal(b->got[GW_OTEL]->n_resource_spans, 3);
    bed_expect_resource(b, 1, "service.name='web'");
}

static void base_service(void **state)
{
    struct bed *b = *state;
    const char *payload =
        "[[" SPAN(1, "web", "'version':'1'") "," SPAN(2, "redis",
                                                      "'_dd.base_service':'web','span.kind':'"
                                                      "client'") "," SPAN(3, "jobs",
                                                                          "'_dd.base_service':'"
                                                                          "web'") "," SPAN(4, "web",
                                                                                           "'_dd."
                                                                                           "base_"
                                                                                           "service"
                                                                                           "':'"
                                                                                           "web'") "]]";
    bed_run(b, payload);
    bed_expect_resource(b, 1, "service.name='web' service.version='1'");
    bed_expect_resource(b, 2, "datadog.base_service='web' service.name='redis'");
    bed_expect_resource(b, 3, "datadog.base_service='web' service.name='jobs'");
    bed_expect_resource(b, 4, "service.name='web' service.version='1'");
    bed_expect_span(b, GW_OTEL, 2, bed_fields, "n | client | ");
    b->opt.service_override = DD_SERVICE_BASE;
    bed_run(b, payload);
    assert_int_equal(b->got[GW_OTEL]->n_resource_spans, 1);
    bed_expect_resource(b, 2, "service.name='web' service.version='1'");
    bed_expect_span(b, GW_OTEL, 2, bed_fields, "n | client | service.peer.name='redis'");
    bed_expect_span(b, GW_OTEL, 3, bed_fields, "n | internal | datadog.service='jobs'");
    bed_expect_span(b, GW_OTEL, 4, bed_fields, "n | internal | ");
}

static void static_attributes_win(void **state)
{
    static struct gw_map_item items[] = {{GW_LIT("deployment.environment.name"), GW_LIT("mine")},
                                         {GW_LIT("team"), GW_LIT("shop")}};
    struct bed *b = *state;
    b->opt.resource = (struct gw_map){items, 2};
    bed_span(b, N "'env':'prod'}");
    bed_expect_resource(b, 2, "deployment.environment.name='mine' service.name='svc' team='shop'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {BED_TEST(from_tags),
                                       BED_TEST(container_tags),
                                       BED_TEST(always),
                                       BED_TEST(spans_keep_the_rest),
                                       BED_TEST(from_headers),
                                       BED_TEST(unknown_services),
                                       BED_TEST(scopes),
                                       BED_TEST(grouping),
                                       BED_TEST(a_process_is_one_resource),
                                       BED_TEST(base_service),
                                       BED_TEST(static_attributes_win)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
