/* dd_card.h: numbers of payment cards.
 *
 * Text of 12 to 16 digits, with blanks and dashes among them and nothing else, that begins as numbers of issuers do: what the agent's
 * obfuscation.credit_cards looks for. With `luhn` the checksum must be right, too, which a number that is none has one time in ten.
 *
 * Facts: the agent's pkg/obfuscate, and the ranges of issuers (ISO/IEC 7812) that it takes.
 *
 * Threads: pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_CARD_H
#define DD_CARD_H

#include "core/base/str.h"

bool dd_is_card(gw_str, bool luhn);
/* Tags of this name never hold one; the agent looks at none of them. */
bool dd_card_spares(gw_str tag);

#endif
