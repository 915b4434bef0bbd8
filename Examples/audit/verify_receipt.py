#!/usr/bin/env python3
"""Checks the receipt of an erasure, offline, with nothing of ours.

Needs Python 3.9 and the package `cryptography` (Ed25519). Nothing is asked of the server.

    verify_receipt.py RECEIPT KEY [KEY ...] [--entries FILE]

RECEIPT is the file that `strm subject receipt` printed. KEY is a verifier key as `strm init` printed
it, such as streammachine.dev/audit+1a2b3c4d+AbC..., or a file with one on each line, such as the
answer of GET /v1/audit/verifier-key. Keep it from before: a key that came with the receipt proves
nothing. --entries is a file of audit entries, one JSON object a line; then the log must hold the
receipt's hash (act erasureReceiptIssued).

Exit status: 0 genuine, 1 not genuine, 2 wrong usage or unreadable.
"""

import argparse
import base64
import hashlib
import json
import os
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NAME = "streammachine.dev/receipts"
ED25519 = b"\x01"


class Fault(Exception):
    """Why the receipt is not taken."""


def pairs(members):
    """An object; a name that stands twice could be read in two ways."""
    result = {}
    for name, value in members:
        if name in result:
            raise Fault(f"a member stands twice: {name}")
        if not name.isascii():
            raise Fault("a name beyond ASCII")
        result[name] = value
    return result


def no_fraction(text):
    raise Fault(f"a number that is not whole: {text}")


def parse(data):
    try:
        return json.loads(
            data.decode("utf-8"), object_pairs_hook=pairs, parse_float=no_fraction,
            parse_constant=no_fraction)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise Fault(f"not JSON: {error}") from error


def canonical(value):
    """The text that is signed: sorted members, no white space, UTF-8, ended by a newline."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return (text + "\n").encode("utf-8")


def key_id(name, public):
    """The first four bytes of SHA-256(name, newline, 1, public key), as C2SP's signed notes say."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def public_key(text):
    """The 32 bytes of a verifier key `name+hash+base64`, whose hash must fit."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise Fault("a key is name+hash+base64")
    try:
        raw = base64.b64decode(parts[2], validate=True)
        hash_given = bytes.fromhex(parts[1])
    except ValueError as error:
        raise Fault(f"not a verifier key: {error}") from error
    if len(raw) != 33 or raw[:1] != ED25519:
        raise Fault("not an Ed25519 key")
    if hash_given != key_id(parts[0], raw[1:]):
        raise Fault("the hash of the key does not fit its name")
    return raw[1:]


def read_keys(arguments):
    keys = []
    for argument in arguments:
        texts = [argument]
        if os.path.exists(argument):
            with open(argument, encoding="utf-8") as file:
                texts = [line.split()[0] for line in file if line.strip()]
        keys += [public_key(text) for text in texts]
    if not keys:
        raise Fault("no key was given")
    return keys


def verify(data, keys):
    """The receipt, if one of the keys signed it."""
    document = parse(data)
    if not isinstance(document, dict) or set(document) != {"receipt", "signature"}:
        raise Fault("a receipt has the two members receipt and signature")
    line = document["signature"]
    words = line.split(" ") if isinstance(line, str) else []
    if len(words) != 3 or words[0] != "\u2014":
        raise Fault("the signature line is not one of a signed note")
    if words[1] != NAME:
        raise Fault(f"signed as {words[1]}, not as {NAME}")
    try:
        signature = base64.b64decode(words[2], validate=True)
    except ValueError as error:
        raise Fault("the signature is not base64") from error
    if len(signature) != 68:
        raise Fault("the signature has a wrong length")
    signed = [key for key in keys if key_id(NAME, key) == signature[:4]]
    if not signed:
        raise Fault(f"signed by a key that was not given: {NAME}+{signature[:4].hex()}")
    try:
        Ed25519PublicKey.from_public_bytes(signed[0]).verify(
            signature[4:], canonical(document["receipt"]))
    except InvalidSignature as error:
        raise Fault("the text was altered, or the signature was") from error
    receipt = document["receipt"]
    if not isinstance(receipt, dict) or receipt.get("kind") != "erasure":
        raise Fault("signed, but not the receipt of an erasure")
    return receipt


def check_log(data, receipt, path):
    """The log says that this very file was issued."""
    digest = hashlib.sha256(data).hexdigest()
    with open(path, encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line) if line.strip() else {}
            detail = entry.get("detail", {})
            if (
                entry.get("act") == "erasureReceiptIssued"
                and detail.get("erasure") == receipt["erasure"]
                and detail.get("sha256") == digest
            ):
                return entry["n"]
    raise Fault("the audit log does not hold the hash of this file: it may have been reformatted")


def show(receipt):
    print(f"erasure      {receipt['erasure']}")
    if receipt["reference"]:
        print(f"reference    {receipt['reference']}")
    print(f"person       {receipt['person']}")
    print(f"unusable     {receipt['unusableSince']}")
    print(f"destroyed    {receipt['destroyedAt']}")
    print(f"data keys    {receipt['destroyed']['dataKeys']}")
    for item in receipt["recipients"]["items"]:
        what = ", ".join(item["fields"] + [f"hash of {name}" for name in item["hashedFields"]])
        source = item["derivedStream"] or item["stream"]
        print(f"received by  {item['client']} ({item['role']}) from {source}: {what or 'data keys'}, "
              f"{item['events']} events, {item['firstAt']} to {item['lastAt']}")
        for name in item["objects"]:
            print(f"             object {name}")
    for limit in receipt["notCovered"]:
        print(f"not covered  {limit['text']}")


def main():
    parser = argparse.ArgumentParser(description="Check the receipt of an erasure, offline.")
    parser.add_argument("receipt")
    parser.add_argument("key", nargs="+")
    parser.add_argument("--entries", help="audit entries, one JSON object a line")
    arguments = parser.parse_args()
    try:
        with open(arguments.receipt, "rb") as file:
            data = file.read()
        keys = read_keys(arguments.key)
    except OSError as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 2
    except Fault as fault:
        print(f"wrong key: {fault}", file=sys.stderr)
        return 2
    try:
        receipt = verify(data, keys)
        entry = check_log(data, receipt, arguments.entries) if arguments.entries else None
    except OSError as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 2
    except Fault as fault:
        print(f"NOT GENUINE: {fault}", file=sys.stderr)
        return 1
    show(receipt)
    if entry is not None:
        print(f"in the log   entry {entry}")
    print("genuine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
