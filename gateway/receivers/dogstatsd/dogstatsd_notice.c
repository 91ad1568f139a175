/* dogstatsd_notice.c: Events, and service checks that are not OK, become log records: an event's text is the
 * body, its title and the rest are attributes; tags are read as the `ddtags` of a log record are. Keeps no
 * state. Called on the stream's thread for one line at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "gateway/receivers/dogstatsd/dogstatsd.h"
#include "translators/tags/dd_origin.h"

enum { ATTRS = 5, INFO = 9, WARN = 13, ERROR = 17 }; /* OTLP's SeverityNumber */

/* A record on its way. */
struct notice {
    struct log_input in;
    struct log_attr attrs[ATTRS];
    char *text; /* the body, unescaped */
    char *tags;
};

static void add_text(struct notice *n, gw_str key, gw_str text)
{
    if (text.len)
        n->attrs[n->in.attrs_n++] = (struct log_attr){.key = key, .text = text};
}

static void set_severity(struct notice *n, int number, const char *word)
{
    n->in.severity = number;
    n->in.severity_text = gw_str_z(word);
}

/* Writes the line's tags, and the container that sent it under the names of tags. */
static bool write_tags(struct notice *n, const struct dsd_origin *o)
{
    static const char *const names[] = {"container_id", "kube_container_name", "pod_uid"};
    struct dd_origin from = {.inode = 0};
    size_t size = o->tags.len + o->container.len + o->external.len + 64, len;
    dd_origin_read_entity(o->container, &from);
    dd_origin_read_external(o->external, &from);
    const gw_str found[] = {from.container_id.len || from.inode ? from.container_id : o->container,
                            from.k8s_container, from.k8s_pod_uid};
    if (!(n->tags = malloc(size)))
        return false;
    len = (size_t)snprintf(n->tags, size, "%.*s", GW_FMT(o->tags));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (found[i].len)
            len += (size_t)snprintf(n->tags + len, size - len, "%s%s:%.*s", len ? "," : "", names[i],
                                    GW_FMT(found[i]));
    n->in.tags = gw_str_n(n->tags, len);
    return true;
}

static bool write_body(struct notice *n, gw_str text, gw_str otherwise)
{
    n->text = malloc(text.len + 1);
    if (!n->text)
        return false;
    n->in.text = text.len ? gw_str_n(n->text, dsd_unescape(text, n->text)) : otherwise;
    return true;
}

static bool describe_event(struct notice *n, const struct dsd_event *e)
{
    static const struct {
        int severity;
        const char *word;
    } alerts[] = {[DSD_INFO] = {INFO, "info"},
                  [DSD_WARNING] = {WARN, "warning"},
                  [DSD_ERROR] = {ERROR, "error"},
                  [DSD_SUCCESS] = {INFO, "success"}};
    n->in.event_name = GW_STR("datadog.event");
    n->in.host = e->host;
    set_severity(n, alerts[e->alert].severity, alerts[e->alert].word);
    add_text(n, GW_STR("datadog.event.title"), e->title);
    add_text(n, GW_STR("datadog.event.aggregation_key"), e->aggregation_key);
    add_text(n, GW_STR("datadog.event.source_type"), e->source);
    add_text(n, GW_STR("datadog.event.priority"), e->low_priority ? GW_STR("low") : GW_STR("normal"));
    return write_body(n, e->text, e->title);
}

static bool describe_check(struct notice *n, const struct dsd_check *c)
{
    static const char *const words[] = {"ok", "warning", "critical", "unknown"};
    n->in.event_name = GW_STR("datadog.service_check");
    n->in.host = c->host;
    set_severity(n, c->status == 2 ? ERROR : WARN, words[c->status]);
    add_text(n, GW_STR("datadog.service_check.name"), c->name);
    n->attrs[n->in.attrs_n++] = (struct log_attr){
        .key = GW_STR("datadog.service_check.status"), .is_int = true, .number = (int64_t)c->status};
    return write_body(n, c->message, c->name);
}

void dogstatsd_notice(void *ctx, const struct dsd_line *l)
{
    struct dogstatsd_way *w = ctx;
    struct notice n = {.in = {.form = LOG_TEXT, .observed = w->observed, .attrs = n.attrs}};
    n.in.time = l->origin.time ? (uint64_t)l->origin.time * GW_SEC : w->observed;
    bool good = (l->kind == DSD_EVENT ? describe_event(&n, &l->event) : describe_check(&n, &l->check)) &&
                write_tags(&n, &l->origin);
    if (!n.in.host.len)
        n.in.host = w->host;
    if (good)
        w->worth |= gw_log_sink_add(w->sink, &n.in);
    else
        gw_log(GW_WARNING, DOGSTATSD_COMPONENT, "an event is lost, because there is no memory");
    free(n.text);
    free(n.tags);
}
