/* Lines and paths of containers' logs: what is one, and what only looks like it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/translators/logs/log_show.h"

#include "translators/logs/log_container.h"
#include "translators/logs/log_resource.h"

#define ID "3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f"
#define UID "0f2a4c1e-9d3b-4c55-8a77-1c2d3e4f5a6b"

static void test_lines(void **state)
{
    static const struct {
        const char *line, *want; /* "stdout [part] |text|"; NULL: it is of no container */
    } rows[] = {
        /* containerd, CRI-O, podman's k8s-file */
        {"2026-11-21T00:35:40.530123456Z stdout F hello", "stdout |hello|"},
        {"2026-11-21T00:35:40.530123456Z stderr P half ", "stderr part |half |"},
        {"2026-11-21T08:35:40.530123456+08:00 stdout F hello", "stdout |hello|"},
        {"2026-11-21T00:35:40Z stdout F ", "stdout ||"},
        {"2026-11-21T00:35:40Z stdout F   indented", "stdout |  indented|"},
        {"2026-11-21T00:35:40Z stdout F:x:y tagged", "stdout |tagged|"},
        {"2026-11-21T00:35:40Z stdout F 2026-11-21T00:35:40Z stdout F twice",
         "stdout |2026-11-21T00:35:40Z stdout F twice|"},
        {"2026-11-21T00:35:40Z stdout F", "stdout ||"},
        /* Docker */
        {"{\"log\":\"hello\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-21T00:35:40.5Z\"}",
         "stdout |hello|"},
        {"{\"log\":\"half\",\"stream\":\"stderr\",\"time\":\"2026-11-21T00:35:40.5Z\"}",
         "stderr part |half|"},
        {"{\"log\":\"a\\tb\\\"c\\u0026\\n\",\"stream\":\"stdout\",\"attrs\":{\"tag\":\"x\"},"
         "\"time\":\"2026-11-21T00:35:40.5+08:00\"}",
         "stdout |a\tb\"c&|"},
        {"{\"log\":\"\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-21T00:35:40.5Z\"}", "stdout ||"},
        /* not theirs */
        {"", NULL},
        {"2026-11-21T00:35:40Z stdout X hello", NULL},
        {"2026-11-21T00:35:40Z stdout Fhello", NULL},
        {"2026-11-21T00:35:40Z stdin F hello", NULL},
        {"2026-11-21T00:35:40 stdout F no zone", NULL},
        {"2026-11-21 00:35:40Z stdout F hello", NULL},
        {"2026-13-21T00:35:40Z stdout F hello", NULL},
        {"2026-11-21T00:35:40.5Zx stdout F hello", NULL},
        {"2026-11-21T00:35:40Z INFO F hello", NULL},
        {"2026-11-21T00:35:40Z", NULL},
        {"{\"log\":\"a\\n\",\"stream\":\"stdout\"}", NULL},
        {"{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"today\"}", NULL},
        {"{\"log\":\"a\\n\",\"stream\":\"other\",\"time\":\"2026-11-21T00:35:40.5Z\"}", NULL},
        {"{\"log\":{},\"stream\":\"stdout\",\"time\":\"2026-11-21T00:35:40.5Z\"}", NULL},
        {"{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-21T00:35:40.5Z\",\"level\":\"info\"}",
         NULL},
        {"{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-21T00:35:40.5Z\"} x", NULL},
        {"{\"log\":\"a\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-21T00:35", NULL},
        {"{\"level\":\"info\",\"log\":\"x\"}", NULL},
    };
    struct log_clock clock;
    struct gw_arena arena;
    log_clock_init(&clock, zone_utc());
    gw_arena_init(&arena, 1 << 16);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct log_piece p;
        char shown[200];
        if (!log_container_piece(gw_str_z(rows[i].line), &clock, &arena, &p)) {
            if (rows[i].want)
                fail_msg("not seen: %s", rows[i].line);
            continue;
        }
        snprintf(shown, sizeof shown, "%.*s%s |%.*s|", GW_FMT(log_iostream_name(p.stream)),
                 p.part ? " part" : "", GW_FMT(p.text));
        assert_non_null(rows[i].want);
        assert_string_equal(shown, rows[i].want);
        bool east = strstr(rows[i].line, "T00:35:40.5+08:00") != NULL;
        assert_int_equal(p.time / 1000000000u, east ? 1795192540 : 1795221340);
    }
    gw_arena_fini(&arena);
}

/* "key=value " of everything that stands in the attributes. */
static void show_resource(gw_str written, char *to, size_t size)
{
    gw_str key, attribute;
    size_t n = 0;
    *to = '\0';
    while (log_resource_next(&written, &key, &attribute)) {
        struct wire_view v = {(const uint8_t *)attribute.ptr, (const uint8_t *)attribute.ptr + attribute.len};
        struct wire_field pair, any, field = {.number = 0};
        uint64_t number = 0;
        assert_true(wire_next(&v, &pair) && wire_next(&pair.body, &any) && wire_next(&pair.body, &any) &&
                    wire_next(&any.body, &field));
        if (field.type == WIRE_LEN) {
            n += (size_t)snprintf(to + n, size - n, "%.*s=%.*s ", GW_FMT(key), GW_FMT(wire_text(field.body)));
            continue;
        }
        struct wire_view digits = {field.whole.at + 1, field.whole.end};
        assert_true(wire_read_varint(&digits, &number));
        n += (size_t)snprintf(to + n, size - n, "%.*s=%llu ", GW_FMT(key), (unsigned long long)number);
    }
}

#define POD "k8s.namespace.name=shop k8s.pod.name=web-7f.x k8s.pod.uid=" UID " k8s.container.name=app "
#define LINK "k8s.namespace.name=shop k8s.pod.name=web-7f.x k8s.container.name=app container.id=" ID " "

static void test_paths(void **state)
{
    static const struct {
        const char *path, *want;
    } rows[] = {
        {"/var/log/pods/shop_web-7f.x_" UID "/app/0.log", POD "k8s.container.restart_count=0 "},
        {"/t/pods/shop_web-7f.x_" UID "/app/12.log", POD "k8s.container.restart_count=12 "},
        {"/var/log/pods/shop_web-7f.x_" UID "/app/2.log.20261121-003545",
         POD "k8s.container.restart_count=2 "},
        {"shop_web-7f.x_" UID "/app/2.log", POD "k8s.container.restart_count=2 "},
        {"/var/log/pods/kube-system_etcd-n1_0123456789abcdef0123456789abcdef/etcd/0.log",
         "k8s.namespace.name=kube-system k8s.pod.name=etcd-n1 k8s.pod.uid=0123456789abcdef0123456789abcdef "
         "k8s.container.name=etcd k8s.container.restart_count=0 "},
        {"/var/log/containers/web-7f.x_shop_app-" ID ".log", LINK},
        {"/t/web-7f.x_shop_app-" ID ".log", LINK},
        {"/var/log/containers/a_b_c-d-" ID ".log",
         "k8s.namespace.name=b k8s.pod.name=a k8s.container.name=c-d container.id=" ID " "},
        {"/var/lib/docker/containers/" ID "/" ID "-json.log", "container.id=" ID " "},
        {"/var/lib/docker/containers/" ID "/" ID "-json.log.1", "container.id=" ID " "},
        {"/var/log/app/0.log", ""},
        {"/var/log/app.log", ""},
        {"/var/log/pods/shop_web_" UID "/app/app.log", ""},
        {"/var/log/pods/shop_web_1/app/0.log", ""},
        {"/var/log/pods/shop_web/app/0.log", ""},
        {"/var/log/pods/shop_web_" UID "/app/0.txt", ""},
        {"/var/log/pods/Shop_web_" UID "/app/0.log", ""},
        {"/var/log/containers/web_shop_app-3f3f.log", ""},
        {"/var/log/containers/web_shop_app.log", ""},
        {"0.log", ""},
        {"", ""},
    };
    char shown[600];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct log_container *c = log_container_learn(NULL, gw_str_z(rows[i].path));
        show_resource(log_container_resource(c), shown, sizeof shown);
        assert_string_equal(shown, rows[i].want);
        log_container_drop(c);
    }
}

static void test_a_link_and_its_target(void **state)
{
    char shown[600];
    struct log_container *c = log_container_learn(NULL, GW_STR("/c/web-7f.x_shop_app-" ID ".log"));
    c = log_container_learn(c, GW_STR("/pods/other_other_" UID "/other/3.log"));
    c = log_container_learn(c, GW_STR("/nothing"));
    show_resource(log_container_resource(c), shown, sizeof shown);
    assert_string_equal(shown, POD "k8s.container.restart_count=3 container.id=" ID " ");
    log_container_drop(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_a_link_and_its_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
