/* Containers and pods by the cgroups of processes and by inodes of cgroups, in trees that the test makes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/receivers/ddtrace/ddtrace_cgroup.h"
#include "tests/unit/scratch.h"

#define ID64 "34dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376"
#define UID "2d3da189-6407-48e3-9ab6-78188d75e609"
#define POD "kubepods.slice/kubepods-pod2d3da189_6407_48e3_9ab6_78188d75e609.slice"

static char root[64];
/* The folder, with those above it; returns its inode. */
static uint64_t folder(const char *path)
{
    char whole[512];
    struct stat st;
    snprintf(whole, sizeof whole, "%s/%s/", root, path);
    for (char *at = whole + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(whole, 0755);
        assert_int_equal(stat(whole, &st), 0);
        *at = '/';
    }
    return st.st_ino;
}

static void file(const char *path, const char *text)
{
    char whole[512];
    snprintf(whole, sizeof whole, "%s/%s", root, path);
    FILE *f = fopen(whole, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    snprintf(root, sizeof root, "/tmp/ddgate-cgroup-XXXXXX");
    *state = NULL;
    return scratch_folder(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    return remove(path);
}

static int teardown(void **state)
{
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void is(const struct ddtrace_origin *o, const char *container, const char *pod)
{
    assert_string_equal(o->container, container);
    assert_string_equal(o->pod, pod);
}

static void a_process_names_its_container_and_pod(void **state)
{
    struct ddtrace_origin o;
    struct ddtrace_cgroups *c = ddtrace_cgroups_new(root, "/nowhere");
    folder("17");
    file("17/cgroup", "0::/" POD "/cri-containerd-" ID64 ".scope\n");
    folder("18");
    file("18/cgroup", "4:memory:/user.slice\n0::/\n");
    ddtrace_origin_of_process(c, 17, &o);
    is(&o, ID64, UID);
    ddtrace_origin_of_process(c, 18, &o);
    is(&o, "", "");
    ddtrace_origin_of_process(c, 19, &o); /* it has ended */
    is(&o, "", "");
    ddtrace_origin_of_process(c, 0, &o);
    is(&o, "", "");
    ddtrace_cgroups_drop(c);
}

static void an_inode_names_them_too(void **state)
{
    struct ddtrace_origin o;
    file("cgroup.controllers", "cpu memory\n");
    uint64_t slice = folder("system.slice"), scope = folder(POD "/cri-containerd-" ID64 ".scope"),
             nested = folder(POD "/cri-containerd-" ID64 ".scope/app");
    struct ddtrace_cgroups *c = ddtrace_cgroups_new("/nowhere", root);
    ddtrace_origin_of_inode(c, scope, GW_SEC, &o);
    is(&o, ID64, UID);
    ddtrace_origin_of_inode(c, nested, GW_SEC, &o);
    is(&o, ID64, UID);
    ddtrace_origin_of_inode(c, slice, GW_SEC, &o);
    is(&o, "", "");
    ddtrace_cgroups_drop(c);
}

static void an_unknown_inode_walks_again_but_not_soon(void **state)
{
    struct ddtrace_origin o;
    file("cgroup.controllers", "");
    uint64_t first = folder("docker/" ID64), later;
    struct ddtrace_cgroups *c = ddtrace_cgroups_new("/nowhere", root);
    ddtrace_origin_of_inode(c, first, GW_SEC, &o);
    is(&o, ID64, "");
    later = folder(POD);
    ddtrace_origin_of_inode(c, later, GW_SEC, &o);
    is(&o, "", "");
    ddtrace_origin_of_inode(c, later, GW_SEC + 11 * GW_SEC, &o);
    is(&o, "", UID);
    ddtrace_cgroups_drop(c);
}

static void of_v1_the_hierarchy_of_memory_counts(void **state)
{
    struct ddtrace_origin o;
    uint64_t memory = folder("memory/docker/" ID64), cpu = folder("cpu/docker/" ID64);
    struct ddtrace_cgroups *c = ddtrace_cgroups_new("/nowhere", root);
    ddtrace_origin_of_inode(c, memory, GW_SEC, &o);
    is(&o, ID64, "");
    ddtrace_origin_of_inode(c, cpu, GW_SEC, &o);
    is(&o, "", "");
    ddtrace_cgroups_drop(c);
}

static void no_tree_is_no_container(void **state)
{
    struct ddtrace_origin o;
    struct ddtrace_cgroups *c = ddtrace_cgroups_new("/nowhere", "/nowhere");
    ddtrace_origin_of_inode(c, 1, GW_SEC, &o);
    is(&o, "", "");
    ddtrace_cgroups_drop(c);
    ddtrace_cgroups_drop(NULL);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_process_names_its_container_and_pod),
        T(an_inode_names_them_too),
        T(an_unknown_inode_walks_again_but_not_soon),
        T(of_v1_the_hierarchy_of_memory_counts),
        T(no_tree_is_no_container),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
