/* ddload: a Datadog-instrumented fleet, seen from the agent's port.
 *
 *     ddload --connect HOST:PORT [--api v0.4|v0.5|v0.7|v1.0] [--connections 4] [--seconds 5] [--rate SPANS_PER_S] [--traces 75] [--wait]
 *
 * Each connection is a thread with its own payloads (payload.h), kept alive where it may be, one request at a
 * time, as tracers do; every request has fresh trace ids. Without --rate as fast as the other side accepts.
 * --wait tries to connect for up to ten seconds first. Prints one JSON object: accepted and rejected spans,
 * what the answers were, seconds, bytes a span, latencies in ms. Exit status 1 when a connection broke.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bench/payload.h"
#include "core/base/clock.h"

enum { PAYLOADS = 4, CONNECTIONS = 64, LATENCIES = 1 << 18, CODES = 600 };

static struct {
    char host[256];
    const char *port, *api_name;
    enum payload_api api;
    unsigned connections, traces;
    double seconds, rate;
    bool wait;
} set = {
    .host = "127.0.0.1", .port = "8126", .api_name = "v0.4", .connections = 4, .traces = 75, .seconds = 5};

struct connection {
    pthread_t thread;
    unsigned number;
    int fd;
    struct payload payloads[PAYLOADS];
    gw_nsec begin, end;
    /* results */
    uint64_t accepted, rejected, bytes, requests;
    uint32_t codes[CODES];
    uint32_t *latencies; /* µs */
    bool broken, closed;
    char answer[16384];
};

static int dial(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *a;
    int fd = -1, on = 1;
    if (getaddrinfo(set.host, set.port, &hints, &list) != 0)
        return -1;
    for (a = list; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd >= 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void pause_until(gw_nsec t)
{
    struct timespec at = {t / GW_SEC, t % GW_SEC};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
        continue;
}

static bool send_all(int fd, struct iovec *v, int n)
{
    while (n) {
        ssize_t sent = writev(fd, v, n);
        if (sent < 0 && errno != EINTR)
            return false;
        for (; n && sent >= (ssize_t)v->iov_len; v++, n--)
            sent -= (ssize_t)v->iov_len;
        if (n && sent > 0) {
            v->iov_base = (char *)v->iov_base + sent;
            v->iov_len -= (size_t)sent;
        }
    }
    return true;
}

/* Reads one answer with a Content-Length; 0 when the connection broke. */
static int read_answer(struct connection *c)
{
    size_t n = 0, want = 0;
    while (n < sizeof c->answer - 1) {
        ssize_t got = read(c->fd, c->answer + n, sizeof c->answer - 1 - n);
        if (got <= 0)
            return 0;
        n += (size_t)got;
        c->answer[n] = '\0';
        char *body = strstr(c->answer, "\r\n\r\n"), *length = strcasestr(c->answer, "content-length:");
        if (!body)
            continue;
        want =
            (size_t)(body + 4 - c->answer) + (length && length < body ? strtoul(length + 15, NULL, 10) : 0);
        if (n < want)
            continue;
        c->closed = strcasestr(c->answer, "\r\nconnection: close\r\n");
        return n == want && n > 12 ? (int)strtol(c->answer + 9, NULL, 10) : 0;
    }
    return 0;
}

/* The other side may end the connection with each answer, as the collector does. */
static bool redial(struct connection *c)
{
    close(c->fd);
    c->fd = dial();
    c->closed = false;
    return c->fd >= 0;
}

static int post(struct connection *c, struct payload *p)
{
    char head[600];
    if (c->closed && !redial(c))
        return 0;
    int n = snprintf(
        head, sizeof head,
        "PUT /%s/traces HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/msgpack\r\nDatadog-Meta-Lang: "
        "python\r\n"
        "Datadog-Meta-Lang-Version: 3.12.3\r\nDatadog-Meta-Lang-Interpreter: "
        "CPython\r\nDatadog-Meta-Tracer-Version: 2.21.0\r\n"
        "Datadog-Client-Computed-Top-Level: yes\r\nX-Datadog-Trace-Count: %u\r\nContent-Length: %zu\r\n\r\n",
        set.api_name, set.host, set.port, p->traces, p->len);
    struct iovec v[2] = {{head, (size_t)n}, {p->data, p->len}};
    return send_all(c->fd, v, 2) ? read_answer(c) : 0;
}

static void *run(void *arg)
{
    struct connection *c = arg;
    double share = set.rate / set.connections; /* spans per second of this connection */
    /* connections take turns: tracers do not send in step */
    double sent = (double)c->payloads[0].spans * c->number / set.connections;
    for (unsigned i = 0; !c->broken; i = (i + 1) % PAYLOADS) {
        struct payload *p = &c->payloads[i];
        gw_nsec now = gw_now();
        if (set.rate > 0) {
            gw_nsec due = c->begin + (gw_nsec)(sent / share * 1e9);
            if (due > now)
                pause_until(due);
        }
        payload_refresh(p, (c->requests + 1) * 0x9E3779B97F4A7C15u);
        gw_nsec begin = gw_now();
        if (begin >= c->end)
            break;
        int code = post(c, p);
        c->latencies[c->requests++ % LATENCIES] = (uint32_t)((gw_now() - begin) / 1000);
        c->broken = code == 0;
        c->codes[code > 0 && code < CODES ? code : 0]++;
        *(code == 200 ? &c->accepted : &c->rejected) += p->spans;
        sent += p->spans;
        c->bytes += p->len;
    }
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void report(struct connection *all, double seconds)
{
    struct connection sum = {0};
    uint32_t *latencies = malloc(sizeof *latencies * LATENCIES * set.connections);
    size_t n = 0;
    for (unsigned i = 0; i < set.connections; i++) {
        size_t own = all[i].requests < LATENCIES ? all[i].requests : LATENCIES;
        memcpy(latencies + n, all[i].latencies, own * sizeof *latencies);
        n += own;
        sum.accepted += all[i].accepted, sum.rejected += all[i].rejected, sum.bytes += all[i].bytes,
            sum.requests += all[i].requests;
        for (int k = 0; k < CODES; k++)
            sum.codes[k] += all[i].codes[k];
    }
    qsort(latencies, n, sizeof *latencies, by_size);
    uint64_t spans = sum.accepted + sum.rejected;
    printf("{\"accepted\": %llu, \"rejected\": %llu, \"requests\": %llu, \"seconds\": %.3f, "
           "\"bytes_per_span\": %.0f, \"answers\": {",
           (unsigned long long)sum.accepted, (unsigned long long)sum.rejected,
           (unsigned long long)sum.requests, seconds, spans ? (double)sum.bytes / (double)spans : 0);
    const char *comma = "";
    for (int k = 0; k < CODES; k++)
        if (sum.codes[k])
            printf("%s\"%d\": %u", comma, k, sum.codes[k]), comma = ", ";
    printf("}, \"ms\": {");
    static const struct {
        const char *name;
        double at;
    } points[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++)
        printf("%s\"%s\": %.3f", i ? ", " : "", points[i].name,
               n ? latencies[(size_t)(points[i].at * (double)(n - 1))] / 1000.0 : 0);
    printf("}}\n");
    free(latencies);
}

static bool read_options(int argc, char **argv)
{
    static const struct option rows[] = {{"connect", 1, NULL, 'a'},     {"api", 1, NULL, 'v'},
                                         {"connections", 1, NULL, 'c'}, {"seconds", 1, NULL, 's'},
                                         {"rate", 1, NULL, 'r'},        {"traces", 1, NULL, 't'},
                                         {"wait", 0, NULL, 'w'},        {0}};
    for (int o; (o = getopt_long(argc, argv, "", rows, NULL)) >= 0;) {
        char *colon = o == 'a' ? strrchr(optarg, ':') : NULL;
        switch (o) {
        case 'a':
            if (!colon || (size_t)(colon - optarg) >= sizeof set.host)
                return false;
            memcpy(set.host, optarg, (size_t)(colon - optarg));
            set.host[colon - optarg] = '\0';
            set.port = colon + 1;
            break;
        case 'v':
            set.api_name = optarg;
            if (!payload_api_of(optarg, &set.api))
                return false;
            break;
        case 'c':
            set.connections = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 's':
            set.seconds = strtod(optarg, NULL);
            break;
        case 'r':
            set.rate = strtod(optarg, NULL);
            break;
        case 't':
            set.traces = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'w':
            set.wait = true;
            break;
        default:
            return false;
        }
    }
    return optind == argc && set.connections >= 1 && set.connections <= CONNECTIONS && set.traces >= 1 &&
           set.seconds >= 0;
}

static bool wait_for_listener(void)
{
    for (gw_nsec end = gw_now() + 10 * GW_SEC; gw_now() < end; pause_until(gw_now() + 5 * GW_MSEC)) {
        int fd = dial();
        if (fd >= 0) {
            close(fd);
            return true;
        }
    }
    return false;
}

static bool prepare(struct connection *c, unsigned number)
{
    *c = (struct connection){
        .number = number, .fd = dial(), .latencies = calloc(LATENCIES, sizeof *c->latencies)};
    for (unsigned k = 0; k < PAYLOADS; k++)
        payload_make(&c->payloads[k], set.api, set.traces, 1 + number * PAYLOADS + k, (uint64_t)gw_wall());
    return c->fd >= 0 && c->latencies;
}

int main(int argc, char **argv)
{
    static struct connection all[CONNECTIONS];
    bool broken = false;
    signal(SIGPIPE, SIG_IGN);
    if (!read_options(argc, argv)) {
        fprintf(
            stderr,
            "usage: ddload --connect HOST:PORT [--api v0.4|v0.5|v0.7|v1.0] [--connections N] [--seconds S] "
            "[--rate SPANS_PER_S] "
            "[--traces N] [--wait]\n");
        return 2;
    }
    if (set.wait && !wait_for_listener())
        return fprintf(stderr, "ddload: nobody listens on %s:%s\n", set.host, set.port), 1;
    for (unsigned i = 0; i < set.connections; i++)
        if (!prepare(&all[i], i))
            return fprintf(stderr, "ddload: cannot connect to %s:%s\n", set.host, set.port), 1;
    gw_nsec begin = gw_now();
    for (unsigned i = 0; i < set.connections; i++) {
        all[i].begin = begin;
        all[i].end = begin + (gw_nsec)(set.seconds * 1e9);
        pthread_create(&all[i].thread, NULL, run, &all[i]);
    }
    for (unsigned i = 0; i < set.connections; i++) {
        pthread_join(all[i].thread, NULL);
        broken |= all[i].broken;
    }
    report(all, (double)(gw_now() - begin) / 1e9);
    return broken;
}
