/* kafka_client.c: a client from its options to its end, and the errors that the library reports. Owns the
 * configuration and the handle. Called by the Kafka exporter and receiver.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/kafka/kafka_client.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/budget.h"
#include "core/base/hash.h"
#include "core/base/log.h"
#include "core/base/scrub.h"
#include "core/base/thread.h"
#include "core/base/wakeup.h"
#include "core/config/config_diagnostic.h"
#include "core/kafka/kafka_settings.h"

enum { WORDS = 512 };
static const gw_nsec LOGGED_AGAIN = 60 * GW_SEC, DESTROY_GRACE_PERIOD = 3 * GW_SEC;

/* --- reports of the library --- */

/* The library repeats its messages with every attempt. Returns true if the text was logged within the last
 * minute. */
static bool was_logged(struct kafka_client *c, const char *text)
{
    uint64_t hash = gw_hash_text(0, gw_str_z(text));
    struct kafka_line *line = &c->lines[hash % KAFKA_LINES];
    gw_nsec now = gw_now();
    bool logged = line->hash == hash && now - line->logged < LOGGED_AGAIN;
    if (!logged)
        *line = (struct kafka_line){hash, now};
    return logged;
}

/* The levels are syslog's. Messages about connections are also reported as errors, and are logged there. */
static void on_log(const rd_kafka_t *handle, int level, const char *facility, const char *text)
{
    struct kafka_client *c = rd_kafka_opaque(handle);
    if (was_logged(c, text))
        return;
    enum gw_level ours = level <= 4 ? GW_WARNING : level <= 6 ? GW_INFO : GW_DEBUG;
    bool told = strcmp(facility, "FAIL") == 0 || strcmp(facility, "ERROR") == 0;
    gw_log(told ? GW_DEBUG : ours, c->as.component, "librdkafka sends a log line: %s: %s", facility, text);
}

/* "… failed: Connection refused (after 0ms in state CONNECT, 3 identical error(s) suppressed)" */
static void copy_reason(struct kafka_trouble *t, const char *reason)
{
    gw_str text = gw_str_z(reason);
    const char *after = strstr(reason, " (after ");
    if (after)
        text.len = (size_t)(after - reason);
    snprintf(t->text, sizeof t->text, "%.*s", GW_FMT(text));
    t->text[gw_scrub(t->text, strlen(t->text))] = '\0';
}

static void log_trouble(struct kafka_client *c, bool news)
{
    struct kafka_trouble *t = &c->trouble;
    gw_nsec now = gw_now();
    char text[WORDS];
    if (!c->as.reports || (!news && t->logged && now - t->logged < LOGGED_AGAIN))
        return;
    t->logged = now;
    const struct kafka_cause *cause = kafka_explain(t->code, NULL, t->text, text, sizeof text);
    gw_log(GW_WARNING, c->as.component, "%s%s%s", text, cause->remedy ? ": " : "",
           cause->remedy ? cause->remedy : "");
}

/* By TLS 1.3 a broker refuses the client's certificate after the handshake, and the library takes the alert for a broken
 * connection: "Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate". */
static int code_of(int code, const char *reason)
{
    bool is_alert = code == RD_KAFKA_RESP_ERR__TRANSPORT && strstr(reason, "SSL routines:");
    return is_alert ? RD_KAFKA_RESP_ERR__SSL : code;
}

/* Which broker it was is worth more than how many there are. */
static void on_error(rd_kafka_t *handle, int reported, const char *reason, void *opaque)
{
    int code = code_of(reported, reason);
    struct kafka_client *c = opaque;
    struct kafka_trouble *t = &c->trouble;
    bool all_down = code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN,
         news = t->code != code && !(all_down && t->code);
    t->down |= all_down;
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        char words[WORDS];
        code = rd_kafka_fatal_error(handle, words, sizeof words);
        copy_reason(t, words);
        t->over = true;
    } else if (!all_down || !t->code) {
        copy_reason(t, reason);
    }
    if (!all_down || !t->code)
        t->code = (rd_kafka_resp_err_t)code;
    log_trouble(c, news);
}

void kafka_client_works(struct kafka_client *c)
{
    if (c->as.reports && c->trouble.logged)
        gw_log(GW_INFO, c->as.component, "the brokers answer again");
    c->trouble = (struct kafka_trouble){.code = RD_KAFKA_RESP_ERR_NO_ERROR, .over = c->trouble.over};
}

const struct kafka_cause *kafka_explain(rd_kafka_resp_err_t code, const char *subject, const char *detail,
                                        char *out, size_t size)
{
    const struct kafka_cause *cause = kafka_cause(code);
    snprintf(out, size, "%s%s%s (%s)%s%s", subject ? subject : "", subject ? ": " : "",
             cause->meaning ? cause->meaning : rd_kafka_err2str(code), rd_kafka_err2name(code),
             detail && *detail ? ": " : "", detail ? detail : "");
    return cause;
}

/* --- open --- */

/* Mechanisms that ask others for a ticket or a token begin with that at once. */
static bool may_try(const struct kafka_client_options *o)
{
    const char *mechanism = kafka_settings_sasl(o);
    return !mechanism || strcmp(mechanism, "PLAIN") == 0 || strncmp(mechanism, "SCRAM", 5) == 0;
}

/* A client without brokers connects to nothing, and checks all other settings. */
static enum gw_code try_settings(const rd_kafka_conf_t *conf, const struct kafka_client_conf *as,
                                 const char *path, struct gw_diagnostics *diagnostics)
{
    char words[WORDS];
    if (!may_try(as->options))
        return GW_OK;
    rd_kafka_conf_t *copy = rd_kafka_conf_dup(conf);
    rd_kafka_t *handle = rd_kafka_new(as->type, copy, words, sizeof words);
    if (handle) {
        rd_kafka_destroy(handle);
        return GW_OK;
    }
    rd_kafka_conf_destroy(copy);
    gw_config_error(diagnostics, path, "librdkafka: %s", words);
    return GW_BAD_REQUEST;
}

static enum gw_code set_brokers(struct kafka_client *c, const char *path, struct gw_diagnostics *diagnostics)
{
    char words[WORDS], *brokers = kafka_settings_brokers(c->as.options);
    if (!brokers)
        return GW_INTERNAL;
    bool set =
        rd_kafka_conf_set(c->conf, "bootstrap.servers", brokers, words, sizeof words) == RD_KAFKA_CONF_OK;
    if (!set)
        gw_option_error(diagnostics, path, "brokers", "%s", words);
    free(brokers);
    return set ? GW_OK : GW_BAD_REQUEST;
}

enum gw_code kafka_client_open(struct kafka_client *c, const struct kafka_client_conf *as, const char *path,
                               struct gw_diagnostics *diagnostics)
{
    *c = (struct kafka_client){.as = *as};
    c->conf = kafka_settings(as, path, diagnostics);
    if (!c->conf)
        return GW_BAD_REQUEST;
    rd_kafka_conf_set_opaque(c->conf, c);
    rd_kafka_conf_set_log_cb(c->conf, on_log);
    rd_kafka_conf_set_error_cb(c->conf, on_error);
    enum gw_code code = try_settings(c->conf, as, path, diagnostics);
    return code == GW_OK ? set_brokers(c, path, diagnostics) : code;
}

void kafka_client_close(struct kafka_client *c)
{
    kafka_client_stop(c);
    if (c->conf)
        rd_kafka_conf_destroy(c->conf);
    c->conf = NULL;
}

/* --- start --- */

bool kafka_client_start(struct kafka_client *c, const struct kafka_setting *more, size_t n)
{
    char words[WORDS] = "";
    rd_kafka_conf_t *copy = rd_kafka_conf_dup(c->conf);
    bool set = true;
    for (size_t i = 0; i < n && set; i++)
        set = rd_kafka_conf_set(copy, more[i].name, more[i].value, words, sizeof words) == RD_KAFKA_CONF_OK;
    c->trouble = (struct kafka_trouble){.code = RD_KAFKA_RESP_ERR_NO_ERROR};
    c->handle = set ? rd_kafka_new(c->as.type, copy, words, sizeof words) : NULL;
    if (!c->handle) {
        rd_kafka_conf_destroy(copy);
        c->trouble.code = RD_KAFKA_RESP_ERR__FAIL;
        copy_reason(&c->trouble, words);
        return false;
    }
    rd_kafka_set_log_queue(c->handle, NULL);
    gw_budget_force(c->as.budget, c->as.memory);
    return true;
}

/* Version 2.0 of the library never ends a consumer of whose topics one was deleted: so another thread waits for it. */
struct ending {
    rd_kafka_t *handle;
    struct gw_wakeup over;
    atomic_bool is_over;
    atomic_int holders; /* who still looks at it */
};

static void drop_ending(struct ending *e)
{
    if (atomic_fetch_sub(&e->holders, 1) != 1)
        return;
    gw_wakeup_fini(&e->over);
    free(e);
}

static void *destroy(void *arg)
{
    struct ending *e = arg;
    rd_kafka_destroy_flags(e->handle,
                           RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE); /* its owner has, as far as it went */
    atomic_store(&e->is_over, true);
    gw_wakeup_signal(&e->over);
    drop_ending(e);
    return NULL;
}

/* False: its threads and its memory stay until the process ends. */
static bool await_destroy(struct ending *e, const char *component)
{
    pthread_t thread;
    gw_nsec until = gw_now() + DESTROY_GRACE_PERIOD;
    atomic_store(&e->holders, 2);
    if (!gw_thread_start(&thread, &(struct gw_thread){"kafka/end", component, destroy, e}, NULL)) {
        destroy(e);
        return true;
    }
    while (!atomic_load(&e->is_over) && gw_now() < until)
        gw_wakeup_wait(&e->over, until);
    bool over = atomic_load(&e->is_over);
    if (over)
        pthread_join(thread, NULL);
    else
        pthread_detach(thread);
    return over;
}

void kafka_client_stop(struct kafka_client *c)
{
    if (!c->handle)
        return;
    struct ending *e = calloc(1, sizeof *e);
    bool over = true;
    if (e) {
        e->handle = c->handle;
        gw_wakeup_init(&e->over);
        over = await_destroy(e, c->as.component);
        drop_ending(e);
    } else {
        rd_kafka_destroy_flags(c->handle, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    }
    if (over)
        gw_budget_give(c->as.budget, c->as.memory);
    else
        gw_log(GW_WARNING, c->as.component,
               "a Kafka client does not stop, and stays until the process ends: was a topic deleted?");
    c->handle = NULL;
}

gw_str kafka_client_address(const struct kafka_client *c)
{
    const struct gw_list *brokers = &c->as.options->brokers;
    return brokers->n ? brokers->items[0] : GW_NOSTR;
}

void kafka_client_describe(const struct kafka_client *c, FILE *to)
{
    const struct kafka_client_options *o = c->as.options;
    const char *sasl = kafka_settings_sasl(o);
    for (size_t i = 0; i < o->brokers.n; i++)
        fprintf(to, "%s%.*s", i ? ", " : "", GW_FMT(o->brokers.items[i]));
    if (kafka_settings_tls(o))
        fputs(", TLS", to);
    if (sasl)
        fprintf(to, ", SASL %s%s%.*s", sasl, o->sasl_username.len ? " as " : "", GW_FMT(o->sasl_username));
}
