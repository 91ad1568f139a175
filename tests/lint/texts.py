#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every text of errors.def and reasons.def, every log call and every mistake in a configuration: at most 160 characters, a verb, and no word that was given up. Where a text is right
and its verb is not known here, add the verb. `texts.py --show` prints what is read."""
import pathlib
import re
import subprocess
import sys

LONGEST = 160
CALLS = {"gw_log": 2, "gw_log_each": 2, "gw_log_at": 3, "gw_config_error": 2, "gw_config_warning": 2, "gw_option_error": 3, "gw_option_warning": 3}  # the text's place
# Words of the tree's own that have a standard term (words.py has those of identifiers), and data that speaks.
RETIRED = re.compile(r"\b(doors?|heirs?|ow(?:e[ds]?|ing)|debts?|bells?|pok(?:e[ds]?|ing)|parcels?|stamp(?:ed|s)?|receipts?|anew|forgetful|pumps?|wished|patience|"
                     r"spill(?:s|ed)?|unjoined|joiner|said|says?|saying|stood|stands?|whoever|whatever|whom|begun|nobody|somebody)\b", re.I)
VERBS = set("""is are was were be been has have had do does did can cannot could may must will would let set see write add lower raise repeat
    accepts adds answer answers asks becomes begins belongs bought buffers comes compare contains costs counts decides do drains ends exceeds exist fits
    gets gives give go goes holds keep keeps leads leave leaves lists listening lists look make makes means mean name names need needs nest pass passes
    put puts read reads receives refuse refuses retries retry rejects send sends speaks start starts stay stays stops take takes tells tries try use
    uses wait waits want wants fell led left lost made met meant sent spent stopped told took went won broke came cut""".split())
VERB = re.compile(r"[a-z]{2,}(?:[^e]ed|eed|ied)")  # and the past participle, which names a verb by its ending
NOT_VERBS = {"need", "speed", "feed", "indeed", "hundred", "red", "embed", "naked", "speed", "seed", "unsupported", "malformed", "formed"}
AS_IS = {  # texts that are right as they are
    "timeout": "the words of Datadog's agent", "payload-too-large": "the words of Datadog's agent",
    "syntax error: %s": "libconfig's words", "librdkafka: %s": "librdkafka's words",
    "unsupported Content-Encoding": "the words of Datadog's agent", "internal error": "the words of Datadog's agent",
    "the application (%.*s%s%.*s) %s%s%s%s": "its verb comes with a row of ddtrace_untranslated.def",
}
FIGURES = re.compile(r"(?:\w+ )?(?:\w+=%\w+ ?)+")
ONLY_PASSED_ON = re.compile(r'"?(?:%(?:\.\*)?s[:;/" ]*)+')  # made elsewhere
LITERAL = re.compile(r'"((?:\\.|[^"\\])*)"|\b(PRI\w+|[A-Z]{3,}\w*)\b')


def literals(source):
    return re.sub(r"\\(.)", r"\1", "".join(text or (("d" if macro.startswith("PRI") else "X") if macro else "") for text, macro in LITERAL.findall(source)))


def arguments(text, start):
    """The arguments of the call whose bracket stands before `start`."""
    depth, at, quote, out = 1, start, "", []
    for i in range(start, len(text)):
        c = text[i]
        if quote:
            quote = "" if c == quote and (text[i - 1] != "\\" or text[i - 2] == "\\") else quote
        elif c in "\"'":
            quote = c
        else:
            depth += (c in "([{") - (c in ")]}")
            if depth == 0 or (c == "," and depth == 1):
                out.append(text[at:i])
                at = i + 1
            if depth == 0:
                return out
    return out


def texts():
    for table, fields in (("core/base/errors.def", (2, 3)), ("core/delivery/reasons.def", (3,))):
        text = pathlib.Path(table).read_text(encoding="utf-8")
        for row in re.finditer(r"^(?:ERROR|REASON)\(", text, re.M):
            for field in fields:
                yield f"{table}:{text.count(chr(10), 0, row.start()) + 1}", literals(arguments(text, row.end())[field])
    for file in subprocess.run(["git", "ls-files", "core/*.c", "gateway/*.c", "translators/*.c", "exporters/*.c"], capture_output=True, text=True, check=True).stdout.split():
        text = pathlib.Path(file).read_text(encoding="utf-8")
        for call in re.finditer(rf"\b({'|'.join(CALLS)})\(", text):
            given = arguments(text, call.end())
            at = CALLS[call[1]]
            for one in re.split(r"\s[?:]\s", given[at]) if len(given) > at else []:  # of a ?: each
                if '"' in one:
                    yield f"{file}:{text.count(chr(10), 0, call.start()) + 1}", literals(one)


def fault(text):
    words = re.findall(r"[A-Za-z]+", re.sub(r"%(?:\.\*|\.\d)?(?:ll|l|z)?[a-z]|`[^`]*`|\bdocs/\S+", " ", text))
    if len(text) > LONGEST and not FIGURES.fullmatch(text):
        return f"{len(text)} characters, of {LONGEST} at most"
    if RETIRED.search(text):
        return f'the word "{RETIRED.search(text)[0]}"'
    if text not in AS_IS and not FIGURES.fullmatch(text) and not ONLY_PASSED_ON.fullmatch(text) \
            and not any(word.lower() in VERBS or (VERB.fullmatch(word) and word not in NOT_VERBS) for word in words):
        return "no verb"


found = list(texts())
wrong = [f"{at}: {fault(text)}: {text}" for at, text in found if fault(text)]
print("\n".join(f"{at}: {text}" for at, text in found) if "--show" in sys.argv else "\n".join(wrong) or f"{len(found)} texts read")
sys.exit(bool(wrong) or not found)
