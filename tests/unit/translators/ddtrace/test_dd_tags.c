/* Tag lists about containers and processes as resource attributes.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/ddtrace/dd_tags.h"

#include "tests/unit/translators/otlp/otlp_show.h"

enum { SPAN_ATTRIBUTES = 9 /* so that the text can be read as a span */ };

static struct otlp_buf w;
static struct show shown;

static void lists_become_attributes(void **state)
{
    static const struct {
        enum dd_tag_list list;
        const char *tags, *attrs;
    } cases[] = {
        {DD_TAGS_CONTAINER, "kube_namespace:shop,pod_name:web-1,kube_deployment:web,container_id:abc",
         "{k8s.namespace.name=\"shop\" k8s.pod.name=\"web-1\" k8s.deployment.name=\"web\" "
         "container.id=\"abc\"}"},
        {DD_TAGS_CONTAINER, "image_name:registry:5000/app,image_tag:1.2",
         "{container.image.name=\"registry:5000/app\" container.image.tags=[\"1.2\"]}"},
        {DD_TAGS_CONTAINER, "image_tag:1.2,image_tag:latest,image_tag:1.2",
         "{container.image.tags=[\"1.2\" \"latest\"]}"},
        {DD_TAGS_CONTAINER, "kube_service:a,x:1,kube_service:b",
         "{k8s.service.name=[\"a\" \"b\"] datadog.container.x=\"1\"}"},
        {DD_TAGS_CONTAINER, "zone:z1,availability_zone:z1,availability-zone:z2",
         "{cloud.availability_zone=[\"z1\" \"z2\"]}"},
        {DD_TAGS_CONTAINER, "task_family:f,task_version:7,ecs_cluster_name:c,short_image:s,short_image:t",
         "{aws.ecs.task.family=\"f\" aws.ecs.task.revision=\"7\" aws.ecs.cluster.name=\"c\" "
         "datadog.container.short_image=[\"s\" \"t\"]}"},
        {DD_TAGS_PROCESS, "entrypoint.name:app,entrypoint.type:class,entrypoint.workdir:v04,svc.user:true",
         "{process.executable.name=\"app\" datadog.process.entrypoint.type=\"class\" "
         "datadog.process.entrypoint.workdir=\"v04\" "
         "datadog.process.svc.user=\"true\"}"},
        {DD_TAGS_PROCESS, "container_id:x", "{datadog.process.container_id=\"x\"}"},
        {DD_TAGS_PROCESS, " entrypoint.name:app , ,,:v,alone,empty:",
         "{process.executable.name=\"app\" datadog.process.alone=\"\" datadog.process.empty=\"\"}"},
        {DD_TAGS_PROCESS, "k\xff:v\xff", "{datadog.process.k\xEF\xBF\xBD=\"v\xEF\xBF\xBD\"}"},
        {DD_TAGS_PROCESS, "", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dd_write_tag_list(&w, SPAN_ATTRIBUTES, cases[i].list, gw_str_z(cases[i].tags), NULL, 0);
        assert_string_equal(show(&shown, &w), cases[i].attrs);
    }
}

static void what_the_resource_has_is_left_out(void **state)
{
    static const gw_str done[] = {GW_LIT("container.id"), GW_LIT("datadog.container.x")};
    dd_write_tag_list(&w, SPAN_ATTRIBUTES, DD_TAGS_CONTAINER, GW_STR("container_id:a,x:b,pod_name:p"), done,
                      2);
    assert_string_equal(show(&shown, &w), "{k8s.pod.name=\"p\"}");
}

static void hostile_lists_are_bounded(void **state)
{
    static char text[200000];
    size_t len = 0;
    for (int i = 0; i < 10000; i++)
        len += (size_t)sprintf(text + len, "k%d:v,", i);
    dd_write_tag_list(&w, SPAN_ATTRIBUTES, DD_TAGS_PROCESS, gw_str_n(text, len), NULL, 0);
    show_span *span = show_unpack(&w);
    assert_int_equal(span->n_attributes, DD_MAX_LIST_TAGS);
    show_free(span);
    w.len = 0;
    memset(text, 'k', sizeof text);
    text[sizeof text - 2] = ':';
    dd_write_tag_list(&w, SPAN_ATTRIBUTES, DD_TAGS_PROCESS, gw_str_n(text, sizeof text), NULL, 0);
    span = show_unpack(&w);
    assert_int_equal(span->attributes[0]->key.len, 256);
    assert_memory_equal(span->attributes[0]->value->string_value.data, "k", 1);
    show_free(span);
    w.len = 0;
}

static void rows_are_listed(void **state)
{
    size_t container = 0, process = 0;
    while (dd_tag_row(DD_TAGS_CONTAINER, container))
        container++;
    while (dd_tag_row(DD_TAGS_PROCESS, process))
        process++;
    assert_true(gw_str_eq(dd_tag_row(DD_TAGS_CONTAINER, 0)->tag, GW_STR("container_id")));
    assert_true(gw_str_eq(dd_tag_row(DD_TAGS_CONTAINER, container - 1)->attribute,
                          GW_STR("vcs.repository.url.full")));
    assert_true(gw_str_eq(dd_tag_row(DD_TAGS_PROCESS, 0)->attribute, GW_STR("process.executable.name")));
    assert_int_equal(process, 1);
}

static int teardown(void **state)
{
    otlp_fini(&w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_become_attributes),
        cmocka_unit_test(what_the_resource_has_is_left_out),
        cmocka_unit_test(hostile_lists_are_bounded),
        cmocka_unit_test(rows_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, teardown);
}
