/* Which container a client says it is in.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/tags/dd_origin.h"

static void entities_name_a_container_or_its_cgroup(void **state)
{
    static const struct {
        const char *text, *container;
        uint64_t inode;
    } cases[] = {{"ci-83f", "83f", 0},
                 {"cid-83f", "83f", 0},
                 {"in-4026", "", 4026},
                 {"ci-83f,in-7", "83f", 7},
                 {"in-7, ci-83f", "83f", 7},
                 {"in-7,cid-83f", "83f", 7},
                 {"ci-,in-", "", 0},
                 {"in-x", "", 0},
                 {"in-99999999999999999999", "", 0},
                 {"83f", "", 0},
                 {"", "", 0},
                 {",,", "", 0},
                 {"xx-1,ci-83f,yy", "83f", 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dd_origin o = {.inode = 0};
        dd_origin_read_entity(gw_str_z(cases[i].text), &o);
        if (!gw_str_eq(o.container_id, gw_str_z(cases[i].container)) || o.inode != cases[i].inode)
            fail_msg("%s: container %.*s, inode %llu", cases[i].text, GW_FMT(o.container_id),
                     (unsigned long long)o.inode);
    }
}

static void external_data_name_container_and_pod(void **state)
{
    static const struct {
        const char *text, *container, *pod;
    } cases[] = {{"it-false,cn-app,pu-810fe89d", "app", "810fe89d"},
                 {"pu-810fe89d, cn-app", "app", "810fe89d"},
                 {"it-true", "", ""},
                 {"cn-,pu-", "", ""},
                 {"", "", ""}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dd_origin o = {.inode = 0};
        dd_origin_read_external(gw_str_z(cases[i].text), &o);
        if (!gw_str_eq(o.k8s_container, gw_str_z(cases[i].container)) ||
            !gw_str_eq(o.k8s_pod_uid, gw_str_z(cases[i].pod)))
            fail_msg("%s: container %.*s, pod %.*s", cases[i].text, GW_FMT(o.k8s_container),
                     GW_FMT(o.k8s_pod_uid));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entities_name_a_container_or_its_cgroup),
        cmocka_unit_test(external_data_name_container_and_pod),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
