/* Names whose addresses change, and that cannot be resolved for a while.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <semaphore.h>

#include "exporters/otlp/resolver.h"

/* What the name has now; guarded by `turn`: the resolver looks when the test has posted it. */
static const char *now_has[4];
static sem_t turn, woken;

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **out);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **out)
{
    (void)service;
    (void)hints;
    sem_wait(&turn);
    assert_string_equal(host, "samplers");
    *out = NULL;
    for (const char **a = now_has; *a; a++) {
        struct addrinfo *one = calloc(1, sizeof *one);
        struct sockaddr_in *in = calloc(1, sizeof *in);
        inet_pton(AF_INET, *a, &in->sin_addr);
        one->ai_family = AF_INET;
        one->ai_addr = (struct sockaddr *)in;
        one->ai_next = *out;
        *out = one;
    }
    return *out ? 0 : EAI_AGAIN;
}

void __wrap_freeaddrinfo(struct addrinfo *found);
void __wrap_freeaddrinfo(struct addrinfo *found)
{
    for (struct addrinfo *next; found; found = next) {
        next = found->ai_next;
        free(found->ai_addr);
        free(found);
    }
}

static void wake(void *arg)
{
    (void)arg;
    sem_post(&woken);
}

static void set(const char *first, const char *second)
{
    now_has[0] = first;
    now_has[1] = second;
    sem_post(&turn);
}

static void assert_addresses(struct resolver *s, const char *first, const char *second)
{
    struct resolver_address list[BALANCER_TARGETS];
    unsigned n = 0;
    assert_true(resolver_read(s, list, &n));
    assert_int_equal(n, second ? 2 : 1);
    assert_string_equal(list[0].text, first);
    if (second)
        assert_string_equal(list[1].text, second);
    assert_false(resolver_read(s, list, &n)); /* no news */
}

static void names_follow_what_they_become(void **state)
{
    struct resolver s = {0};
    struct resolver_name names[] = {{.host = "samplers", .port = 4317}};
    sem_init(&turn, 0, 0);
    sem_init(&woken, 0, 0);
    resolver_open(
        &s, &(struct resolver_conf){
                .names = names, .n = 1, .interval = GW_MSEC, .component = "exporter=test", .wake = wake});
    assert_true(resolver_start(&s));
    set("10.0.0.2", "10.0.0.1");
    sem_wait(&woken);
    assert_addresses(&s, "10.0.0.1:4317", "10.0.0.2:4317"); /* in an order of their own */
    set("10.0.0.3", "10.0.0.1");
    sem_wait(&woken);
    assert_addresses(&s, "10.0.0.1:4317", "10.0.0.3:4317");
    set(NULL, NULL); /* it cannot be resolved: what is known stays */
    set("10.0.0.3", NULL);
    sem_wait(&woken);
    assert_addresses(&s, "10.0.0.3:4317", NULL);
    sem_post(&turn);
    sem_post(&turn);
    sem_post(&turn);
    resolver_close(&s);
}

static void addresses_need_no_lookup(void **state)
{
    struct resolver s = {0};
    struct resolver_name names[] = {{.host = "10.0.0.9", .port = 1}, {.host = "2001:db8::1", .port = 2}};
    resolver_open(&s, &(struct resolver_conf){
                          .names = names, .n = 2, .interval = GW_SEC, .component = "x", .wake = wake});
    assert_true(resolver_start(&s));
    assert_false(s.started);
    assert_addresses(&s, "10.0.0.9:1", "[2001:db8::1]:2");
    resolver_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_follow_what_they_become),
        cmocka_unit_test(addresses_need_no_lookup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
