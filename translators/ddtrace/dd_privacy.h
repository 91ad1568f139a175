/* dd_privacy.h: the user's own rules for removing data from spans, applied before anything else reads the
 * spans.
 *
 *     privacy = { replace_tags = ( { name = "http.url"; pattern = "token=[^&]*"; repl = "token=?"; }, … );
 *                 credit_cards = "luhn"; keep_values = [ "order.id" ]; };
 *
 *     chunk ─▶ rule after rule, each on every span ─▶ scan, obfuscation, conventions
 *
 * Code after the rules sees only the replaced values.
 *
 * The rules are those of the agent's apm_config.replace_tags, with the same expressions (Go's, re.h) and the
 * same meaning of a rule's name: a tag; "*" for every tag whose name does not begin with an underscore, and
 * the resource; "resource.name"; "span.name". Attributes of span events and links count as tags. A number is
 * replaced in its text form; if the result is a number, it is stored as one.
 *
 * If an expression takes too long (re.h), or the rules have used DD_PRIVACY_NS in one request, the whole
 * value is replaced by "?". The original value is never passed on.
 *
 * Ownership: rules are made at open and outlive the threads that use them. Threads: rules do not change; a
 * dd_privacy_thread belongs to one thread.
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
      "Rules that remove data from spans: in the tag called name, each match of pattern (a regular "         \
      "expression in Go's syntax) is replaced by repl. The name * means every tag and the resource, "        \
      "resource.name the resource.")                                                                         \
    X(choice, privacy_credit_cards, "privacy.credit_cards", "off", "off|on|luhn", "",                        \
      "Replace tag values that are payment card numbers by ?; luhn: only those with a valid checksum.")      \
    X(list, privacy_keep_values, "privacy.keep_values", "", "", "",                                          \
      "Tags whose values credit_cards does not change.")

struct dd_privacy_conf {
    DD_PRIVACY_OPTS(GW_FIELD)
};

/* Totals of all threads. */
struct dd_privacy_counts {
    atomic_uint_least64_t replaced, gave_up;
};

struct dd_privacy;
struct gw_diagnostics;
/* Returns NULL if there are no rules, or if a rule has a mistake, which is then reported as a diagnostic.
 * `path` is the receiver's path in the configuration; the counts belong to the receiver. */
struct dd_privacy *dd_privacy_new(const struct dd_privacy_conf *, struct dd_privacy_counts *,
                                  const char *path, struct gw_diagnostics *);
void dd_privacy_drop(struct dd_privacy *);

struct dd_privacy_thread;
/* Returns NULL if there is no memory or there are no rules. */
struct dd_privacy_thread *dd_privacy_thread_new(struct dd_privacy *);
void dd_privacy_thread_drop(struct dd_privacy_thread *);

/* Call before the first chunk of a request. */
void dd_privacy_begin(struct dd_privacy_thread *);
/* Replacement texts are in the arena. Returns false if its budget is used up. */
bool dd_privacy_chunk(struct dd_privacy_thread *, struct dd_chunk *, struct gw_arena *);
/* Applies the rules to a resource name alone, for statistics. */
gw_str dd_privacy_resource(struct dd_privacy_thread *, gw_str, struct gw_arena *);

#endif
