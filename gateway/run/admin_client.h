/* admin_client.h: asks the admin listener of a running ddgate (admin.h), for commands beside it.
 *
 *     -c FILE, --admin URL, or the default ─▶ target ─▶ open: GET, status, headers ─▶ body, or lines as they come
 *
 * A target is an address and a token. The token is admin.auth.token of FILE: on a command line everybody could read it.
 * Of FILE only these two matter; mistakes elsewhere in it are those of the process that runs.
 *
 * Answers are read as the listener writes them: with a length, in chunks, or up to the end of the connection. A line
 * has at most GW_CLIENT_LINE bytes, a body GW_CLIENT_BODY. Plain HTTP only.
 *
 * Threads: one owner. Ownership: a target and an answer are the caller's; their close gives back memory and the socket.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_ADMIN_CLIENT_H
#define GW_ADMIN_CLIENT_H

#include "core/base/clock.h"
#include "core/base/json.h"
#include "gateway/net/listen.h"
#include "gateway/run/configuration.h"

enum { GW_CLIENT_LINE = 4 << 20, GW_CLIENT_BODY = 64 << 20 };

struct gw_client_target {
    struct gw_address addresses[GW_LISTEN_ADDRESSES];
    size_t n;
    char name[256];   /* for messages, and the Host header of a name */
    char token[1024]; /* empty: none */
};

/* `file` and `url` may be NULL. False when the address cannot be found out; the reason is in `why`. */
bool gw_client_target_read(struct gw_client_target *, const char *file, const char *url,
                           const struct gw_conf_environment *, char *why, size_t size) GW_MUST_CHECK;

/* An answer whose body is being read. */
struct gw_client_answer {
    int fd; /* −1: closed */
    unsigned status;
    bool chunked, ended;
    uint64_t left;                 /* bytes of the body, or of the chunk, that are not read yet */
    char *data;                    /* malloc'd: what came and was not taken yet, from `taken` on */
    size_t len, cap, taken, plain; /* plain: up to there it is body, without the chunks' sizes */
};

/* Sends GET `path` and reads the head of the answer, within five seconds. False when there is none; the reason is in
 * `why`. */
bool gw_client_open(struct gw_client_answer *, const struct gw_client_target *, const char *path, char *why,
                    size_t size) GW_MUST_CHECK;
void gw_client_close(struct gw_client_answer *);

/* Reads what has come, without waiting. False when nothing more will come: the end, or the connection broke. */
bool gw_client_receive(struct gw_client_answer *);
/* Takes the next whole line, without its end; valid until the next call of receive. False when there is none. */
bool gw_client_next_line(struct gw_client_answer *, gw_str *line);
/* The whole body, waiting for it until monotonic time `until`. False when it did not come, or is too large. */
bool gw_client_read_body(struct gw_client_answer *, gw_nsec until, gw_str *body);

/* What an answer that is not 200 says, for people: its "error", else its first line. Not made harmless. */
gw_str gw_client_words(gw_str body);
/* For readers of its JSON: the next value, past which the cursor then is. One of another kind is 0, empty, or no
 * container. Numbers may stand in texts, as times do. */
uint64_t gw_client_count(struct gw_json *);
gw_str gw_client_text(struct gw_json *);
bool gw_client_object(struct gw_json *);
bool gw_client_array(struct gw_json *);
/* What to do about this status of the API; empty: nothing. */
const char *gw_client_remedy(unsigned status);

#endif
