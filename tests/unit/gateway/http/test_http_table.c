/* The table of addresses: built beside the one in use, discarded or published, and used until its last
 * request is answered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/http/http_internal.h"

static const gw_nsec GRACE_PERIOD = 20 * GW_SEC;

/* So many more listeners cannot be watched: the kernel has no memory for it. */
static atomic_int unwatched;

int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *ev)
{
    if (op == EPOLL_CTL_ADD && ev->events & EPOLLEXCLUSIVE && atomic_load(&unwatched) > 0) {
        atomic_fetch_sub(&unwatched, 1);
        errno = ENOMEM;
        return -1;
    }
    return __real_epoll_ctl(epoll, op, fd, ev);
}

/* A receiver: its site, which answers with its name. */
struct answerer {
    const char *name;
    struct gw_http_site site;
    struct gw_address address;
    sem_t *entered, *leave; /* the handler's, where it is to stand still */
};

static void answer_name(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                        struct gw_http_reply *r)
{
    const struct answerer *p = ctx;
    if (p->entered) {
        sem_post(p->entered);
        sem_wait(p->leave);
    }
    r->body = gw_arena_dup(q->arena, gw_str_z(p->name));
}

static const struct gw_http_route routes[] = {
    {.path = "/", .methods = GW_HTTP_GET | GW_HTTP_POST, .handle = answer_name}};

static struct answerer receiver(const char *name)
{
    return (struct answerer){.name = name};
}

static void describe(struct answerer *p)
{
    p->site = (struct gw_http_site){.component = "receiver=test",
                                    .routes = routes,
                                    .routes_n = 1,
                                    .ctx = p,
                                    .limits = {1 << 16, 1 << 16, 10 * GW_SEC, 60 * GW_SEC, 100}};
}

struct bed {
    struct gw_budget budget;
    struct gw_http *http;
    struct answerer one, two;
};

static struct bed *bed_new(int threads)
{
    struct bed *b = calloc(1, sizeof *b);
    b->budget.limit = 64 << 20;
    b->http = gw_http_new(&b->budget, threads);
    b->one = receiver("one");
    b->two = receiver("two");
    describe(&b->one);
    describe(&b->two);
    return b;
}

static void listen_at(struct bed *b, struct answerer *p, const char *address)
{
    struct gw_listen_error why = {""};
    if (gw_http_listen(b->http, gw_str_z(address), &p->site, &p->address, &why) != GW_LISTEN_OK)
        fail_msg("%s", why.text);
}

/* Where another one is already. */
static void listen_with(struct bed *b, struct answerer *p, const struct answerer *other)
{
    char name[128];
    gw_listen_name(&other->address, name, sizeof name);
    listen_at(b, p, name);
}

static void start(struct bed *b)
{
    struct gw_err err;
    listen_at(b, &b->one, "127.0.0.1:0");
    assert_int_equal(gw_http_start(b->http, &err), GW_OK);
}

static int setup(void **state)
{
    *state = bed_new(2);
    start(*state);
    return 0;
}

static int teardown(void **state)
{
    struct bed *b = *state;
    gw_http_drop(b->http);
    assert_int_equal(b->budget.used, 0);
    free(b);
    return 0;
}

/* --- a client --- */

static int try_dial(const struct gw_address *a)
{
    int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval grace_period = {GRACE_PERIOD / GW_SEC, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &grace_period, sizeof grace_period);
    if (connect(fd, (const struct sockaddr *)&a->sa, a->len) == 0)
        return fd;
    close(fd);
    return -1;
}

static int dial(const struct gw_address *a)
{
    int fd = try_dial(a);
    assert_true(fd >= 0);
    return fd;
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The next answer has this body of three bytes; `last`: and says that the connection ends. */
static void expect_answer(int fd, const char *body, bool last)
{
    char text[1024] = "";
    size_t n = 0;
    while (n < sizeof text - 4 && !strstr(text, "\r\n\r\n")) {
        assert_int_equal(recv(fd, text + n, 1, 0), 1);
        text[++n] = '\0';
    }
    assert_non_null(strstr(text, "HTTP/1.1 200"));
    assert_int_equal(strcasestr(text, "connection: close") != NULL, last);
    assert_int_equal(recv(fd, text, 3, MSG_WAITALL), 3);
    text[3] = '\0';
    assert_string_equal(text, body);
}

static void expect_end(int fd)
{
    char c;
    assert_int_equal(recv(fd, &c, 1, 0), 0);
    close(fd);
}

static const char get[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
static const char half[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab";

/* Until the server has read the headers of so many requests for it. */
static void wait_for_requests(const struct answerer *p, uint64_t n)
{
    for (gw_nsec until = gw_now() + GRACE_PERIOD; atomic_load(&p->site.counts.requests) < n; sched_yield())
        assert_true(gw_now() < until);
}

/* --- drafts --- */

static void a_discarded_draft_changes_nothing(void **state)
{
    struct bed *b = *state;
    int fd = dial(&b->one.address);
    assert_true(gw_http_draft(b->http));
    listen_with(b, &b->two, &b->one);
    b->two.address = (struct gw_address){0};
    listen_at(b, &b->two, "127.0.0.1:0");
    int other = dial(&b->two.address); /* it is open, though nobody accepts */
    gw_http_discard(b->http);
    close(other);
    assert_int_equal(try_dial(&b->two.address), -1);
    send_text(fd, get);
    expect_answer(fd, "one", false);
    close(fd);
    assert_false(gw_http_uses(b->http, &b->two));
}

static void a_draft_that_fails_half_way_gives_back_what_it_opened(void **state)
{
    struct bed *b = *state;
    struct gw_listen_error why = {""};
    struct gw_address first = {0};
    assert_true(gw_http_draft(b->http));
    for (int i = 0; i < MAX_LISTENERS; i++)
        listen_at(b, &b->two, "127.0.0.2:0");
    assert_int_equal(gw_http_listen(b->http, GW_STR("127.0.0.2:0"), &b->two.site, &first, &why),
                     GW_LISTEN_FAILED);
    assert_non_null(strstr(why.text, "more than 32 addresses"));
    gw_http_discard(b->http);
    assert_int_equal(try_dial(&b->two.address), -1);
}

static void another_draft_discards_the_one_before(void **state)
{
    struct bed *b = *state;
    assert_true(gw_http_draft(b->http));
    listen_at(b, &b->two, "127.0.0.2:0");
    assert_true(gw_http_draft(b->http));
    assert_int_equal(try_dial(&b->two.address), -1);
    listen_with(b, &b->one, &b->one);
    gw_http_publish(b->http);
    close(dial(&b->one.address));
}

static void port_0_finds_the_port_that_it_was_given(void **state)
{
    struct bed *b = *state;
    assert_true(gw_http_draft(b->http));
    listen_at(b, &b->two, "127.0.0.1:0");
    assert_true(gw_listen_same(&b->one.address, &b->two.address));
    b->two.address = (struct gw_address){0};
    listen_at(b, &b->two, "127.0.0.1:0");
    assert_false(gw_listen_same(&b->one.address, &b->two.address));
    gw_http_discard(b->http);
}

/* --- publishing --- */

static void a_kept_address_keeps_its_connections(void **state)
{
    struct bed *b = *state;
    int fd = dial(&b->one.address);
    send_text(fd, get);
    expect_answer(fd, "one", false);
    assert_true(gw_http_draft(b->http));
    listen_with(b, &b->two, &b->one);
    gw_http_publish(b->http);
    assert_false(gw_http_uses(b->http, &b->one)); /* nobody is in the middle of a request */
    send_text(fd, get);
    expect_answer(fd, "two", false);
    close(fd);
}

static void a_request_goes_by_the_table_of_its_headers(void **state)
{
    struct bed *b = *state;
    int fd = dial(&b->one.address);
    send_text(fd, half);
    wait_for_requests(&b->one, 1);
    assert_true(gw_http_draft(b->http));
    listen_with(b, &b->two, &b->one);
    gw_http_publish(b->http);
    gw_http_sweep(b->http);
    assert_true(gw_http_uses(b->http, &b->one));
    send_text(fd, "cd");
    send_text(fd, get); /* behind it: another request */
    expect_answer(fd, "one", false);
    assert_false(gw_http_uses(b->http, &b->one));
    expect_answer(fd, "two", false);
    gw_http_sweep(b->http);
    assert_ptr_equal(b->http->tables, b->http->table);
    assert_null(b->http->table->next);
    close(fd);
}

static void an_address_that_nobody_names_is_closed(void **state)
{
    struct bed *b = *state;
    int idle = dial(&b->one.address), busy = dial(&b->one.address);
    send_text(busy, half);
    wait_for_requests(&b->one, 1);
    assert_true(gw_http_draft(b->http));
    listen_at(b, &b->two, "127.0.0.2:0");
    gw_http_publish(b->http);
    assert_int_equal(try_dial(&b->one.address), -1);
    send_text(busy, "cd");
    expect_answer(busy, "one", true);
    expect_end(busy);
    assert_true(gw_http_uses(b->http, &b->one));
    send_text(idle, get);
    expect_answer(idle, "one", true);
    expect_end(idle);
    for (gw_nsec until = gw_now() + GRACE_PERIOD; gw_http_uses(b->http, &b->one); sched_yield())
        assert_true(gw_now() < until);
}

static void sites_keep_their_order(void **state)
{
    struct bed *b = *state;
    struct gw_listen_error why;
    assert_true(gw_http_draft(b->http));
    listen_with(b, &b->two, &b->one);
    assert_true(gw_http_keep(b->http, &b->one, NULL, "receivers[0]", &why));
    gw_http_publish(b->http);
    assert_int_equal(b->http->table->n, 1);
    assert_ptr_equal(b->http->table->bindings[0].sites[0], &b->two.site);
    assert_ptr_equal(b->http->table->bindings[0].sites[1], &b->one.site);
    assert_true(gw_http_is_whole(b->http, &b->one));
    b->one.site.incomplete = true;
    assert_false(gw_http_is_whole(b->http, &b->one));
    assert_false(gw_http_is_whole(b->http, b));
}

static void counts_go_to_the_successor(void **state)
{
    struct bed *b = *state;
    int fd = dial(&b->one.address);
    send_text(fd, half);
    wait_for_requests(&b->one, 1);
    assert_true(gw_http_draft(b->http));
    listen_with(b, &b->two, &b->one);
    gw_http_publish(b->http);
    gw_http_move_counts(b->http, &b->one, &b->two);
    assert_int_equal(b->two.site.counts.requests, 1);
    assert_int_equal(b->one.site.counts.requests, 0);
    send_text(fd, "cd");
    expect_answer(fd, "one", false);
    gw_http_move_counts(b->http, &b->one, &b->two);
    assert_int_equal(b->two.site.counts.requests, 1);
    assert_int_equal(b->two.site.counts.wire_bytes, 4);
    assert_int_equal(b->two.site.counts.status[0], 1);
    gw_http_move_counts(b->http, &b->one, b); /* nobody's */
    close(fd);
}

static void limits_are_the_largest_of_all_but_no_more_than_at_the_start(void **state)
{
    struct bed *b = *state;
    for (int i = 0; i < 3; i++) {
        static const int64_t asked[] = {20, 5000, 0}, expected[] = {20, 100, 100};
        assert_true(gw_http_draft(b->http));
        b->two.site.limits.connections = asked[i];
        listen_with(b, &b->two, &b->one);
        gw_http_publish(b->http);
        assert_int_equal(b->http->table->limits.connections, expected[i]);
    }
}

static void *publish(void *http)
{
    gw_http_publish(http);
    return NULL;
}

/* The only worker stands still in a handler: what connects now waits in the backlog, and is served though the
 * address goes. */
static void who_has_connected_to_an_address_is_served(void **state)
{
    struct bed *b = bed_new(1);
    sem_t entered, leave;
    pthread_t thread;
    sem_init(&entered, 0, 0);
    sem_init(&leave, 0, 0);
    b->one.entered = &entered;
    b->one.leave = &leave;
    start(b);
    int first = dial(&b->one.address);
    send_text(first, get);
    sem_wait(&entered);
    int waiting[3];
    for (int i = 0; i < 3; i++) {
        waiting[i] = dial(&b->one.address);
        send_text(waiting[i], get);
    }
    assert_true(gw_http_draft(b->http));
    listen_at(b, &b->two, "127.0.0.2:0");
    assert_int_equal(pthread_create(&thread, NULL, publish, b->http), 0);
    for (int bytes = 0; bytes == 0; sched_yield()) /* until the worker is asked to change over */
        assert_int_equal(ioctl(b->http->workers[0].inbox[0], FIONREAD, &bytes), 0);
    for (int i = 0; i < 4; i++)
        sem_post(&leave);
    expect_answer(first, "one", false);
    pthread_join(thread, NULL);
    for (int i = 0; i < 3; i++) {
        expect_answer(waiting[i], "one", true);
        expect_end(waiting[i]);
    }
    close(first);
    sem_destroy(&entered);
    sem_destroy(&leave);
    teardown((void **)&b);
}

/* One that is there at the start, and one that a new table brings. */
static void a_listener_that_could_not_be_watched_is_tried_again(void **state)
{
    struct bed *b = bed_new(1);
    atomic_store(&unwatched, 2);
    start(b);
    int fd = dial(&b->one.address);
    send_text(fd, get);
    expect_answer(fd, "one", false);
    close(fd);
    atomic_store(&unwatched, 1);
    assert_true(gw_http_draft(b->http));
    listen_with(b, &b->one, &b->one);
    listen_at(b, &b->two, "127.0.0.2:0");
    gw_http_publish(b->http);
    fd = dial(&b->two.address);
    send_text(fd, get);
    expect_answer(fd, "two", false);
    close(fd);
    assert_int_equal(atomic_load(&unwatched), 0);
    teardown((void **)&b);
}

/* A worker that stops later than another may hand it one more connection. */
static void what_comes_to_a_worker_that_has_ended_is_given_back(void **state)
{
    struct bed *b = bed_new(2);
    start(b);
    struct worker *w = &b->http->workers[0];
    gw_http_worker_stop(w, gw_now());
    gw_http_worker_join(w);
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    struct message m = {pair[0], {.listener = b->http->table->bindings[0].listener->number}};
    m.origin.last = gw_http_table_ref(b->http->table);
    assert_true(gw_budget_take(&b->http->places, gw_http_cost(false)));
    assert_int_equal(write(w->inbox[1], &m, sizeof m), sizeof m);
    teardown((void **)&b);
    expect_end(pair[1]);
}

static void workers_start_with_the_first_address(void **state)
{
    struct bed *b = bed_new(2);
    struct gw_err err;
    assert_int_equal(gw_http_start(b->http, &err), GW_OK);
    assert_null(b->http->workers);
    assert_true(gw_http_draft(b->http));
    start(b);
    int fd = dial(&b->one.address);
    send_text(fd, get);
    expect_answer(fd, "one", false);
    close(fd);
    assert_true(gw_http_draft(b->http)); /* one that is never published */
    listen_at(b, &b->two, "127.0.0.1:0");
    teardown((void **)&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_discarded_draft_changes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_draft_that_fails_half_way_gives_back_what_it_opened, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(another_draft_discards_the_one_before, setup, teardown),
        cmocka_unit_test_setup_teardown(port_0_finds_the_port_that_it_was_given, setup, teardown),
        cmocka_unit_test_setup_teardown(a_kept_address_keeps_its_connections, setup, teardown),
        cmocka_unit_test_setup_teardown(a_request_goes_by_the_table_of_its_headers, setup, teardown),
        cmocka_unit_test_setup_teardown(an_address_that_nobody_names_is_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(sites_keep_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(counts_go_to_the_successor, setup, teardown),
        cmocka_unit_test_setup_teardown(limits_are_the_largest_of_all_but_no_more_than_at_the_start, setup,
                                        teardown),
        cmocka_unit_test(who_has_connected_to_an_address_is_served),
        cmocka_unit_test(a_listener_that_could_not_be_watched_is_tried_again),
        cmocka_unit_test(what_comes_to_a_worker_that_has_ended_is_given_back),
        cmocka_unit_test(workers_start_with_the_first_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
