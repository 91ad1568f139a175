/* Request headers as tracers send them, and cgroup files as kernels write them.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/translators/ddtrace/arena_bed.h"
#include "translators/ddtrace/dd_request.h"

#define ID64 "34dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define OTHER64 "7be92808767a667f35c8505cbf40d14e931ef6db5b0210329cf193b15ba9d605"

static void append_text(struct dd_request *r, const char *name, const char *value)
{
    dd_request_header(r, &arena, gw_str_z(name), gw_str_z(value));
}

static void is(gw_str got, const char *want)
{
    if (!gw_str_eq(got, gw_str_z(want)))
        fail_msg("got \"%.*s\", want \"%s\"", GW_FMT(got), want);
}

static void headers_are_read_in_any_case(void **state)
{
    struct dd_request r = {0};
    append_text(&r, "datadog-meta-lang", "python");
    append_text(&r, "Datadog-Meta-Lang-Version", "3.11.2");
    append_text(&r, "Datadog-Meta-Lang-Interpreter", "CPython");
    append_text(&r, "DATADOG-META-LANG-INTERPRETER-VENDOR", "Oracle");
    append_text(&r, "Datadog-Meta-Tracer-Version", " 4.16.0 ");
    append_text(&r, "Datadog-Rates-Payload-Version", "v1");
    append_text(&r, "X-Datadog-Process-Tags", "entrypoint.name:app,svc.user:true");
    append_text(&r, "X-Datadog-Trace-Count", "17");
    append_text(&r, "Datadog-Client-Dropped-P0-Traces", "18446744073709551615");
    append_text(&r, "Datadog-Client-Dropped-P0-Spans", "many");
    append_text(&r, "Datadog-Meta-Lang-Versions", "no such header");
    append_text(&r, "", "");
    is(r.lang, "python");
    is(r.lang_version, "3.11.2");
    is(r.interpreter, "CPython");
    is(r.vendor, "Oracle");
    is(r.tracer_version, "4.16.0");
    is(r.rates_version, "v1");
    is(r.process_tags, "entrypoint.name:app,svc.user:true");
    assert_int_equal(r.trace_count, 17);
    assert_int_equal(r.dropped_p0_traces, UINT64_MAX);
    assert_int_equal(r.dropped_p0_spans, 0);
    assert_false(r.computed_stats || r.computed_top_level || r.real_http_status);
}

static void flags_follow_the_agent(void **state)
{
    static const char *const no[] = {"", "0", "f", "F", "FALSE", "False", "false"};
    static const char *const yes[] = {"1", "t", "true", "yes", "no", "fALSE", "00", "off"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        struct dd_request r = {.computed_top_level = true};
        append_text(&r, "Datadog-Client-Computed-Top-Level", no[i]);
        assert_false(r.computed_top_level);
    }
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        struct dd_request r = {0};
        append_text(&r, "Datadog-Client-Computed-Stats", yes[i]);
        append_text(&r, "Datadog-Send-Real-Http-Status", yes[i]);
        assert_true(r.computed_stats && r.real_http_status);
        assert_false(r.computed_top_level);
    }
}

static void the_entity_id_names_the_container(void **state)
{
    static const struct {
        const char *entity, *container, *want, *want_entity;
    } cases[] = {
        {"ci-" ID64, NULL, ID64, ""},
        {"cid-" ID64, NULL, ID64, ""},
        {"in-4026532345,ci-" ID64, OTHER64, ID64, ""},
        {"ci-" ID64 ", in-4026532345", NULL, ID64, ""},
        {"in-4026532345", NULL, "", "in-4026532345"},
        {"in-4026532345", OTHER64, OTHER64, "in-4026532345"},
        {"ci-", NULL, "", "ci-"},
        {NULL, OTHER64, OTHER64, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int order = 0; order < 2; order++) {
            struct dd_request r = {0};
            if (cases[i].container && order == 0)
                append_text(&r, "Datadog-Container-ID", cases[i].container);
            if (cases[i].entity)
                append_text(&r, "Datadog-Entity-ID", cases[i].entity);
            if (cases[i].container && order == 1)
                append_text(&r, "Datadog-Container-ID", cases[i].container);
            is(r.container_id, cases[i].want);
            is(r.entity_id, cases[i].want_entity);
        }
}

static void the_external_env_names_the_pod(void **state)
{
    struct dd_request r = {0};
    append_text(&r, "Datadog-External-Env", "it-false,cn-web,pu-75a2b6d5-3949-4afb-ad0d-92ff0674e759");
    is(r.k8s_container, "web");
    is(r.k8s_pod_uid, "75a2b6d5-3949-4afb-ad0d-92ff0674e759");
    r = (struct dd_request){0};
    append_text(&r, "Datadog-External-Env", "pu-,cn-,x,,pu-1");
    is(r.k8s_container, "");
    is(r.k8s_pod_uid, "1");
}

static void cgroup_files_name_the_container(void **state)
{
    static const char *const cases[][2] = {
        {"13:name=systemd:/docker/" ID64 "\n12:pids:/docker/" ID64, ID64},
        {"0::/system.slice/docker-" ID64 ".scope\n", ID64},
        {"11:perf_event:/kubepods/besteffort/pod3d274242-8ee0-11e9-a8a6-1e68d864ef1a/" ID64, ID64},
        {"0::/kubepods.slice/kubepods-burstable.slice/"
         "kubepods-burstable-pod2d3da189_6407_48e3_9ab6_78188d75e609.slice/"
         "cri-containerd-" ID64 ".scope",
         ID64},
        {"0::/kubepods.slice/kubepods-pod1.slice/crio-" ID64 ".scope/container", ID64},
        {"1:name=systemd:/ecs/5a0d5ceddf6c44c1928d367a815d890f/" ID64, ID64},
        {"1:cpu:/ecs/34dc0b5e626f2c5c4c5170e34b10e765/34dc0b5e626f2c5c4c5170e34b10e765-1234567890",
         "34dc0b5e626f2c5c4c5170e34b10e765-1234567890"},
        {"1:name=systemd:/system.slice/garden.service/garden/6f265890-5165-7fab-6b52-18d1",
         "6f265890-5165-7fab-6b52-18d1"},
        {"0::/machine.slice/libpod-" ID64 ".scope/container", ID64},
        {"12:cpu:/\n11:pids:/user.slice\n1:name=systemd:/docker/" ID64 "/docker/" OTHER64, OTHER64},
        {"0::/../../" ID64, ID64},
        {"0::/", ""},
        {"0::/user.slice/user-1000.slice/session-3.scope", ""},
        {"0::/kubepods/pod3d274242-8ee0-11e9-a8a6-1e68d864ef1a", ""},
        {"0::/docker/a" ID64, ""},
        {"0::/docker/34DC0B5E626F2C5C4C5170E34B10E7654CE36F0FCD532739F4445BAABEA03376", ""},
        {"no colons " ID64, ""},
        {"one:colon " ID64, ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        is(dd_container_of_cgroup(gw_str_z(cases[i][0])), cases[i][1]);
    is(dd_container_of_cgroup(GW_NOSTR), "");
}

static void cgroup_files_name_the_pod(void **state)
{
    static const char *const cases[][2] = {
        {"11:perf_event:/kubepods/besteffort/pod3d274242-8ee0-11e9-a8a6-1e68d864ef1a/" ID64,
         "3d274242-8ee0-11e9-a8a6-1e68d864ef1a"},
        {"3:cpu:/\n0::/kubepods.slice/kubepods-burstable.slice/"
         "kubepods-burstable-pod2d3da189_6407_48e3_9ab6_78188d75e609.slice/cri-containerd-" ID64 ".scope\n",
         "2d3da189-6407-48e3-9ab6-78188d75e609"},
        {"0::/kubelet.slice/kubelet-kubepods.slice/"
         "kubelet-kubepods-pod2d3da189_6407_48e3_9ab6_78188d75e609.slice/cri-containerd-" ID64 ".scope",
         "2d3da189-6407-48e3-9ab6-78188d75e609"},
        {"0::/kubepods/podaf7ad7e5dfe0e2bd3b5c1d8e5f4c2a11/" ID64, "af7ad7e5dfe0e2bd3b5c1d8e5f4c2a11"},
        {"0::/kubepods/pod3d274242-8ee0-11e9-a8a6-1e68d864ef1a", "3d274242-8ee0-11e9-a8a6-1e68d864ef1a"},
        {"0::/kubepods.slice/kubepods-pod1.slice/crio-" ID64 ".scope", ""},
        {"0::/kubepods/pod3d274242-8ee0-11e9-a8a6-1e68d864ef1/" ID64, ""},
        {"0::/docker/" ID64, ""},
        {"0::/podman-3d274242-8ee0-11e9-a8a6-1e68d864ef1a", ""},
        {"no colons pod3d274242-8ee0-11e9-a8a6-1e68d864ef1a", ""},
        {"", ""},
    };
    char uid[DD_POD_UID];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dd_pod_of_cgroup(gw_str_z(cases[i][0]), uid);
        assert_string_equal(uid, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_in_any_case),      cmocka_unit_test(flags_follow_the_agent),
        cmocka_unit_test(the_entity_id_names_the_container), cmocka_unit_test(the_external_env_names_the_pod),
        cmocka_unit_test(cgroup_files_name_the_container),   cmocka_unit_test(cgroup_files_name_the_pod),
    };
    return cmocka_run_group_tests(tests, arena_open, arena_close);
}
