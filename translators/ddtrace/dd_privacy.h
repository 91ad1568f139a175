/* dd_privacy.h: rules of the user's own that take data out of spans, before anything is made of them.
 *
 *     privacy = { replace_tags = ( { name = "http.url"; pattern = "token=[^&]*"; repl = "token=?"; }, … );
 *                 credit_cards = "luhn"; keep_values = [ "order.id" ]; };
 *
 *     chunk ─▶ rule after rule, each on every span ─▶ scan, obfuscation, conventions: nothing sees what was there before
 *
 * The rules are those of the agent's apm_config.replace_tags, and so are the expressions (Go's, re.h) and what a rule's name
 * means: a tag; "*" every tag whose name begins with no underscore, and the resource; "resource.name"; "span.name". Attributes of span events
 * and links are tags here. A number is replaced in its text; what comes out is a number again where it is one.
 *
 * An expression that takes too long (re.h), and everything once the rules have taken DD_PRIVACY_NS of one request, leaves "?" in the
 * place of the whole value: never what it was.
 *
 * Ownership: rules are made at open, and outlive the threads that use them. Threads: rules are const, a dd_privacy_thread belongs to one.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_PRIVACY_H
#define DD_PRIVACY_H

#include <stdatomic.h>

#include "core/config/option.h"
#include "translators/ddtrace/dd_span.h"

#define DD_PRIVACY_NS (1000 * GW_MSEC)

#define DD_PRIVACY_OPTS(X)                                                                                   \
    X(groups, privacy_replace_tags, "privacy.replace_tags", "", "name|pattern|repl", "",                     \
      "Rules that take data out of spans: each match of pattern, Go's kind of regular expression, becomes "  \
      "repl in the tag called name; * is every tag and the resource, resource.name the resource.")           \
    X(choice, privacy_credit_cards, "privacy.credit_cards", "off", "off|on|luhn", "",                        \
      "Values of tags that are numbers of payment cards become ?; luhn: those whose checksum is right.")     \
    X(list, privacy_keep_values, "privacy.keep_values", "", "", "",                                          \
      "Tags whose values are left as they are by credit_cards.")

struct dd_privacy_conf {
    DD_PRIVACY_OPTS(GW_FIELD)
};

/* Of all threads. */
struct dd_privacy_counts {
    atomic_uint_least64_t replaced, gave_up;
};

struct dd_privacy;
struct gw_diagnostics;
/* NULL: there is no rule, or one has a mistake, of which a diagnostic tells. `path` is that of the receiver, whose the counts are. */
struct dd_privacy *dd_privacy_new(const struct dd_privacy_conf *, struct dd_privacy_counts *,
                                  const char *path, struct gw_diagnostics *);
void dd_privacy_drop(struct dd_privacy *);

struct dd_privacy_thread;
/* NULL: no memory, or no rules. */
struct dd_privacy_thread *dd_privacy_thread_new(struct dd_privacy *);
void dd_privacy_thread_drop(struct dd_privacy_thread *);

/* Before the first chunk of a request. */
void dd_privacy_begin(struct dd_privacy_thread *);
/* Texts that are put in are the arena's. False when that is spent. */
bool dd_privacy_chunk(struct dd_privacy_thread *, struct dd_chunk *, struct gw_arena *);
/* A resource alone, of statistics. */
gw_str dd_privacy_resource(struct dd_privacy_thread *, gw_str, struct gw_arena *);

#endif
