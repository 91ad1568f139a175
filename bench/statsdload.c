/* statsdload: sends DogStatsD datagrams as fast as they are taken.
 *
 *     statsdload unix:/path/dsd.socket | udp:127.0.0.1:8125 DATAGRAMS [SERIES]
 *
 * Thirty lines a datagram: counts, gauges, timings and distributions of SERIES series (1,000). A Unix socket
 * makes the sender wait, so nothing is lost; over UDP the kernel drops what the receiver is too slow for.
 * Prints the lines and bytes that it sent.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { LINES = 30, LONGEST = 8192 };

static int dial(const char *where)
{
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_in udp;
    } to = {.any.sa_family = AF_UNIX};
    socklen_t len = sizeof to.local;
    if (strncmp(where, "unix:", 5) == 0) {
        snprintf(to.local.sun_path, sizeof to.local.sun_path, "%s", where + 5);
    } else {
        char host[64] = "";
        unsigned port = 0;
        if (sscanf(where, "udp:%63[^:]:%u", host, &port) != 2)
            return -1;
        to.udp = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        inet_pton(AF_INET, host, &to.udp.sin_addr);
        len = sizeof to.udp;
    }
    int fd = socket(to.any.sa_family, SOCK_DGRAM, 0);
    return fd >= 0 && connect(fd, &to.any, len) == 0 ? fd : -1;
}

static size_t fill(char *to, unsigned datagram, unsigned series)
{
    static const char *const types[] = {"c", "g", "ms", "d"};
    size_t n = 0;
    for (unsigned i = 0; i < LINES; i++) {
        unsigned s = (datagram * LINES + i) % series;
        n += (size_t)snprintf(
            to + n, LONGEST - n,
            "shop.%s.metric_%u:%u|%s|#env:production,service:shop,route:/cart/%u,method:GET\n", types[s % 4],
            s % 50, (datagram + i) % 1000, types[s % 4], s);
    }
    return n;
}

int main(int argc, char **argv)
{
    unsigned series = argc > 3 ? (unsigned)atoi(argv[3]) : 1000, different = (series + LINES - 1) / LINES;
    int fd = argc > 2 ? dial(argv[1]) : -1;
    long datagrams = argc > 2 ? atol(argv[2]) : 0;
    char(*made)[LONGEST] = malloc((size_t)different * LONGEST);
    size_t *len = calloc(different, sizeof *len);
    unsigned long long bytes = 0;
    if (fd < 0 || !made || !len) {
        fprintf(stderr, "usage: statsdload unix:PATH|udp:HOST:PORT DATAGRAMS [SERIES]\n");
        return 1;
    }
    for (unsigned i = 0; i < different; i++)
        len[i] = fill(made[i], i, series);
    for (long i = 0; i < datagrams; i++) {
        if (send(fd, made[i % different], len[i % different], 0) < 0) {
            perror("send");
            return 1;
        }
        bytes += len[i % different];
    }
    printf("%ld lines, %llu bytes\n", datagrams * LINES, bytes);
    free(made);
    free(len);
    return 0;
}
