/* Streams over real sockets: who is let in, how records end, and what becomes of it when the system has no
 * room for a watch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/gateway/receivers/stream/stream_rig.h"
#include "tests/unit/scratch.h"

#include <stdlib.h>
#include <sys/epoll.h>

/* --- a system without room --- */

static atomic_int good_watches = INT32_MAX; /* so many of the next watches are good … */
static atomic_int bad_watches;              /* … and so many after them are not */
static atomic_int bad_accepts;
static atomic_int held_back; /* the epoll whose going is told of */
static sem_t was_held_back, was_refused;

int __real_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int epoll, int op, int fd, struct epoll_event *event)
{
    if (op == EPOLL_CTL_ADD && atomic_fetch_sub(&good_watches, 1) <= 0 &&
        atomic_fetch_sub(&bad_watches, 1) > 0) {
        sem_post(&was_refused);
        errno = ENOSPC;
        return -1;
    }
    if (op == EPOLL_CTL_DEL && fd == atomic_load(&held_back))
        sem_post(&was_held_back);
    return __real_epoll_ctl(epoll, op, fd, event);
}

int __real_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *len, int flags)
{
    if (atomic_fetch_sub(&bad_accepts, 1) <= 0)
        return __real_accept4(fd, address, len, flags);
    sem_post(&was_refused);
    errno = EMFILE;
    return -1;
}

static void fail_watches(int after, int n)
{
    atomic_store(&bad_watches, n);
    atomic_store(&good_watches, after);
}

static int setup(void **state)
{
    static struct rig r;
    fail_watches(INT32_MAX, 0);
    atomic_store(&bad_accepts, 0);
    atomic_store(&held_back, -1);
    sem_init(&was_held_back, 0, 0);
    sem_init(&was_refused, 0, 0);
    *state = &r;
    return 0;
}

static void start(struct rig *r)
{
    rig_listen(r, STREAM_TCP, "127.0.0.1:0");
    assert_true(stream_start(r->stream));
}

/* --- records --- */

static void how_records_end(void **state)
{
    static const struct {
        const char *sent, *records;
        size_t n;
        bool reset;
        const char *why;
    } rows[] = {
        {"one\ntwo\r\nthree\n", "one;two;three;", 3, false, "a line ends with LF or CR LF"},
        {"one\n\n\ntwo\n", "one;two;", 2, false, "empty lines are no records"},
        {"9 <13>hello8 <13>you\nline\n", "<13>hello;<13>you;line;", 3, false,
         "a count stands before a priority"},
        {"123 apples\n", "123 apples;", 1, false, "and nothing else behind a number is counted"},
        {"one\ntwo", "one;two;", 2, false, "the last line needs no end"},
        {"99 <13>half", "<13>half !end;", 1, false, "a message that is shorter than its count is not whole"},
        {"one\nhalf", "half !reset;", 1, true, "nor is a line whose connection was reset"},
        {"0123456789abcdefXYZ\nnext\n", "0123456789abcdef ~3;next;", 2, false,
         "what is too long is cut, and says by how much"},
    };
    struct rig *r = *state;
    rig_open(r, SIZE_MAX);
    r->set.max_line = 16;
    start(r);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct linger hard = {.l_onoff = 1};
        int fd = rig_dial(r, 0);
        rig_send(fd, rows[i].sent);
        rig_until(&r->counts.opened, i + 1);
        if (rows[i].reset) {
            assert_string_equal(rig_records(r, 1), "one;"); /* all of it was read */
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }
        close(fd);
        const char *records = rig_records(r, rows[i].n);
        if (strcmp(records, rows[i].records) != 0)
            fail_msg("\"%s\" became \"%s\", not \"%s\": %s", rows[i].sent, records, rows[i].records,
                     rows[i].why);
        rig_until(&r->counts.connections, 0);
    }
    assert_int_equal(atomic_load(&r->counts.torn), 2);
    assert_int_equal(atomic_load(&r->counts.cut), 1);
    rig_close(r);
}

static void kinds_of_sockets(void **state)
{
    static const struct {
        enum stream_kind kind;
        const char *sent, *records;
    } rows[] = {
        {STREAM_TCP, "by TCP\n", "by TCP;"},
        {STREAM_UNIX, "by a Unix stream\n", "by a Unix stream;"},
        {STREAM_UDP, "by UDP\nsecond", "by UDP;second;"},
        {STREAM_UNIX_DGRAM, "by a Unix datagram", "by a Unix datagram;"},
    };
    char folder[] = "/tmp/ddgate-stream-XXXXXX", path[2][64];
    struct rig *r = *state;
    assert_non_null(scratch_folder(folder));
    rig_open(r, SIZE_MAX);
    snprintf(path[0], sizeof path[0], "%s/stream", folder);
    snprintf(path[1], sizeof path[1], "%s/datagram", folder);
    rig_listen(r, STREAM_TCP, "127.0.0.1:0");
    rig_listen(r, STREAM_UNIX, path[0]);
    rig_listen(r, STREAM_UDP, "127.0.0.1:0");
    rig_listen(r, STREAM_UNIX_DGRAM, path[1]);
    assert_true(stream_start(r->stream));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = rig_dial(r, i);
        rig_send(fd, rows[i].sent);
        assert_string_equal(rig_records(r, rows[i].kind == STREAM_UDP ? 2 : 1), rows[i].records);
        close(fd);
    }
    rig_close(r);
    assert_int_equal(rmdir(folder), 0); /* the files of the sockets are gone */
}

/* What came before the stop is passed on, also a line without its end. */
static void a_stop(void **state)
{
    struct rig *r = *state;
    rig_open(r, SIZE_MAX);
    start(r);
    int fd = rig_dial(r, 0);
    rig_send(fd, "first\nsecond");
    assert_string_equal(rig_records(r, 1), "first;");
    stream_stop(r->stream);
    assert_string_equal(rig_records(r, 1), "second !stop;");
    assert_true(rig_is_closed(fd));
    close(fd);
    rig_close(r);
}

/* --- who is let in --- */

static void limits(void **state)
{
    static const struct {
        int64_t connections, peer_connections;
        bool peer_local, second;
        size_t memory; /* 0: plenty */
        const char *why;
    } rows[] = {
        {100, 0, false, true, 0, "nothing forbids a second connection"},
        {1, 0, false, false, 0, "one at a time, and the first was heard of a moment ago"},
        {100, 1, true, false, 0, "one of an address"},
        {100, 1, false, true, 0, "one of an address, but loopback is not bounded"},
        {100, 0, false, false, 3 * (STREAM_CONNECTION + STREAM_CONNECTION / 2),
         "a third of the memory has room for one"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig *r = *state;
        rig_open(r, SIZE_MAX);
        r->set.connections = rows[i].connections;
        r->set.access.client_limits = (struct gw_client_limits_conf){.connections = rows[i].peer_connections,
                                                                     .local = rows[i].peer_local};
        if (rows[i].memory)
            r->bed.budget.limit = rows[i].memory;
        start(r);
        int first = rig_dial(r, 0);
        rig_until(&r->counts.opened, 1);
        int second = rig_dial(r, 0);
        rig_until(rows[i].second ? &r->counts.opened : &r->counts.turned_away, rows[i].second ? 2 : 1);
        if (!rows[i].second && !rig_is_closed(second))
            fail_msg("row %zu: a connection that is refused must be closed: %s", i, rows[i].why);
        assert_int_equal(atomic_load(&r->counts.connections), rows[i].second ? 2 : 1);
        close(first);
        close(second);
        rig_until(&r->counts.connections, 0);
        rig_close(r);
    }
}

/* --- a system without room for a watch --- */

static void a_connection_that_cannot_be_watched(void **state)
{
    struct rig *r = *state;
    rig_open(r, SIZE_MAX);
    start(r);
    fail_watches(0, 1);
    int fd = rig_dial(r, 0);
    if (!rig_is_closed(fd))
        fail_msg("nobody reads the connection, and its sender is not told");
    close(fd);
    rig_until(&r->counts.turned_away, 1);
    assert_int_equal(atomic_load(&r->counts.opened), 0);
    assert_int_equal(atomic_load(&r->counts.connections), 0);
    fd = rig_dial(r, 0);
    rig_send(fd, "the next\n");
    assert_string_equal(rig_records(r, 1), "the next;");
    close(fd);
    rig_close(r);
}

/* A full queue stops the reading. When there is room, connections are watched again: without that the
 * receiver is silent for good. */
static void reading_that_cannot_go_on_at_once(void **state)
{
    struct rig *r = *state;
    rig_open(r, 1); /* room for one frame, when it is empty */
    rig_listen(r, STREAM_TCP, "127.0.0.1:0");
    assert_true(stream_start(r->stream));
    atomic_store(&held_back, r->stream->inner);
    int fd = rig_dial(r, 0);
    rig_send(fd, "one\n");
    rig_until(&r->counts.records, 1);
    while (gw_queue_used(r->queue) == 0)
        sched_yield();
    rig_send(fd, "two\n");
    rig_wait(&was_held_back, "a full queue that stops the reading");
    fail_watches(0, 3);
    assert_string_equal(rig_records(r, 2), "one;two;");
    for (int i = 0; i < 3; i++)
        rig_wait(&was_refused, "another try to watch connections");
    rig_send(fd, "three\n");
    assert_string_equal(rig_records(r, 1), "three;");
    close(fd);
    rig_close(r);
}

/* Without descriptors nothing is accepted for a while; then listeners are watched again, also at a second
 * try. */
static void accepting_that_cannot_go_on_at_once(void **state)
{
    struct rig *r = *state;
    rig_open(r, SIZE_MAX);
    start(r);
    fail_watches(0, 1);
    atomic_store(&bad_accepts, 1);
    int fd = rig_dial(r, 0);
    rig_send(fd, "late\n");
    for (int i = 0; i < 2; i++)
        rig_wait(&was_refused, "an accept that fails, and a watch that does");
    assert_string_equal(rig_records(r, 1), "late;");
    close(fd);
    rig_close(r);
}

static void a_start_that_cannot_watch(void **state)
{
    enum { WATCHES = 4 }; /* the wakeup, the inner epoll, a listener in each */
    for (int good = 0; good <= WATCHES; good++) {
        struct rig *r = *state;
        rig_open(r, SIZE_MAX);
        rig_listen(r, STREAM_TCP, "127.0.0.1:0");
        rig_listen(r, STREAM_UDP, "127.0.0.1:0");
        fail_watches(good, 1);
        if (stream_start(r->stream) != (good == WATCHES))
            fail_msg("a start with %d good watches of %d %s", good, WATCHES,
                     good == WATCHES ? "fails" : "does not fail");
        fail_watches(INT32_MAX, 0);
        rig_close(r);
    }
}

#define STREAM_TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(how_records_end),
        STREAM_TEST(kinds_of_sockets),
        STREAM_TEST(a_stop),
        STREAM_TEST(limits),
        STREAM_TEST(a_connection_that_cannot_be_watched),
        STREAM_TEST(reading_that_cannot_go_on_at_once),
        STREAM_TEST(accepting_that_cannot_go_on_at_once),
        STREAM_TEST(a_start_that_cannot_watch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
