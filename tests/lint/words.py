# SPDX-License-Identifier: Apache-2.0
"""Identifiers use the field's words. These were the tree's own and have a standard term instead; the glossary of docs/architecture.md has the few
words that stay."""
import pathlib
import re
import subprocess
import sys

INSTEAD = {
    "door": "listener_access", "heir": "successor", "former": "predecessor", "owe": "pending", "owes": "pending", "owed": "pending",
    "debt": "pending", "debts": "pending", "bell": "wakeup", "poke": "wake", "parcel": "inflight_batch", "parcels": "inflight_batches",
    "stamp": "resource_override", "stamped": "overridden", "rendering": "attribute_schema", "renderings": "attribute_schemas",
    "receipt": "ack_callback", "receipts": "ack_callbacks", "book": "offset_tracker", "books": "ledger", "anew": "slow path",
    "forgetful": "no plan cache", "pump": "tls_proxy", "pumps": "tls_proxies", "wished": "best_effort", "patience": "grace_period",
    "spill": "overflow", "spills": "overflows", "nearest": "did_you_mean", "problem": "diagnostic", "problems": "diagnostics",
    "sound": "valid", "unjoined": "pending_ids", "joiner": "multiline", "heard": "called", "say": "log or print", "WHY": "REASON",
}
EXCEPT = re.compile(r"^(DATESTAMP\w*|TIMESTAMP\w*|LS_\w+|opentelemetry\w*)$")
TOKEN = re.compile(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|#\s*include[^\n]*|\b[A-Za-z_]\w*\b', re.S)


def retired(name):
    parts = name.split("_")
    return next((part for part in parts if part in INSTEAD or (part not in ("WHY",) and part.lower() in INSTEAD)), None)


def main():
    files = subprocess.run(["git", "ls-files", "*.c", "*.h", "*.def"], capture_output=True, text=True, check=True).stdout.split()
    wrong = set()
    for file in files:
        text = pathlib.Path(file).read_text(encoding="utf-8")
        for token in TOKEN.finditer(text):
            name = token[0]
            if name[0] in "/\"'#" or EXCEPT.match(name):
                continue
            part = retired(name)
            if part:
                line = text.count("\n", 0, token.start()) + 1
                wrong.add(f"{file}:{line}: {name}: instead of \"{part}\": {INSTEAD.get(part) or INSTEAD[part.lower()]}")
    print("\n".join(sorted(wrong)) or "no retired word in an identifier")
    return bool(wrong)


sys.exit(main())
