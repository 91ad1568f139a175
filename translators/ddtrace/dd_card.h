/* dd_card.h: recognizes numbers of payment cards.
 *
 * A match is a text of 12 to 16 digits, optionally with blanks and dashes, that begins like the numbers of a
 * card issuer. The agent's option obfuscation.credit_cards uses the same rule. With `luhn`, the checksum must
 * be right too; one in ten other numbers passes it by chance.
 *
 * Facts: pkg/obfuscate of the Datadog agent, and its ranges of issuers (ISO/IEC 7812).
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_CARD_H
#define DD_CARD_H

#include "core/base/str.h"

bool dd_is_card(gw_str, bool luhn);
/* Returns true for tags that never hold a card number. The agent does not check them either. */
bool dd_card_spares(gw_str tag);

#endif
