#!/usr/bin/env python3
"""Checks the receipt of an erasure, offline, with nothing of ours.

Needs Python 3.9 and the package `cryptography` (Ed25519). Nothing is asked of the server.

    verify_receipt.py RECEIPT KEY [KEY ...] [--entries DIRECTORY]

RECEIPT is the file that `strm subject receipt` printed. KEY is a verifier key as `strm init` printed
it, such as streammachine.dev/audit+1a2b3c4d+AbC..., or a file with one on each line, such as the
answer of GET /v1/audit/verifier-key. Keep it from before: a key that came with the receipt proves
nothing. --entries is a directory that `strm audit export` wrote. All of it is checked, by
verify_audit.py beside this file and the keys, each of which must be the log's, and then the log must
hold the hash of RECEIPT (act erasureReceiptIssued).

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

try:
    import verify_audit  # beside this file; for --entries alone
    Refused = verify_audit.Refused
except ImportError:
    verify_audit, Refused = None, ()

NAME = "streammachine.dev/receipts"
ED25519 = b"\x01"
RECEIPT_BYTES_MAX = 16 << 20


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


def printable(text):
    """A file that somebody else wrote must not move the cursor of whoever checks it."""
    text = str(text)
    return text if text.isprintable() else ascii(text)[1:-1]


def no_fraction(text):
    raise Fault(f"a number that is not whole: {text[:40]}")


def whole(text):
    if len(text) > 20:
        raise Fault("a number of more than 20 digits")
    return int(text)


def parse(data):
    try:
        return json.loads(
            data.decode("utf-8"), object_pairs_hook=pairs, parse_float=no_fraction,
            parse_int=whole, parse_constant=no_fraction)
    except RecursionError as error:
        raise Fault("nested too deeply") from error
    except ValueError as error:
        raise Fault(f"not JSON: {error}") from error


def canonical(value):
    """The text that is signed: sorted members, no white space, UTF-8, ended by a newline."""
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return (text + "\n").encode("utf-8")
    except RecursionError as error:
        raise Fault("nested too deeply") from error
    except UnicodeEncodeError as error:
        raise Fault("a text that holds half a surrogate pair") from error


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
    try:
        fits = hash_given == key_id(parts[0], raw[1:])
    except UnicodeEncodeError as error:
        raise Fault("the name of the key holds what is no character") from error
    if not fits:
        raise Fault("the hash of the key does not fit its name")
    return raw[1:]


def read_keys(arguments):
    """The keys as texts."""
    texts = []
    for argument in arguments:
        if os.path.exists(argument):
            try:
                with open(argument, encoding="utf-8") as file:
                    texts += [line.split()[0] for line in file if line.strip()]
            except UnicodeDecodeError as error:
                raise Fault(f"{argument} is not a text") from error
        else:
            texts.append(argument)
    if not texts:
        raise Fault("no key was given")
    for text in texts:
        public_key(text)
    return texts


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


def check_log(data, receipt, directory, keys):
    """An export that is whole says that this very file was issued.

    Returns the number of the entry and of how many the log was signed.
    """
    # With all keys at once: a log that leaves one out may be the work of who holds a replaced one.
    log = verify_audit.Log(directory, [verify_audit.Key(text) for text in keys])
    log.run()
    if log.problems:
        raise Fault(f"the export {directory} is not whole: {log.problems[0]}")
    return find_entry(log, hashlib.sha256(data).hexdigest(), receipt, directory)


def find_entry(log, digest, receipt, directory):
    for path, first, _ in verify_audit.tiles("entries", log.checkpoint.size):
        data = verify_audit.read_file(
            os.path.join(directory, path), verify_audit.BUNDLE_BYTES_MAX)
        for index, line in enumerate(verify_audit.split_bundle(data), first):
            entry = verify_audit.parse_entry(line, index)
            detail = entry.get("detail")
            if (
                entry["act"] == "erasureReceiptIssued" and isinstance(detail, dict)
                and detail.get("erasure") == receipt.get("erasure")
                and detail.get("sha256") == digest
            ):
                return index, log.checkpoint.size
    raise Fault("the audit log does not hold the hash of this file: it may have been reformatted")


def shown(receipt):
    lines = []
    lines.append(f"erasure      {receipt['erasure']}")
    if receipt["reference"]:
        lines.append(f"reference    {receipt['reference']}")
    lines.append(f"person       {receipt['person']}")
    lines.append(f"unusable     {receipt['unusableSince']}")
    lines.append(f"destroyed    {receipt['destroyedAt']}")
    lines.append(f"data keys    {receipt['destroyed']['dataKeys']}")
    for item in receipt["recipients"]["items"]:
        what = ", ".join(item["fields"] + [f"hash of {name}" for name in item["hashedFields"]])
        source = item["derivedStream"] or item["stream"]
        lines.append(
            f"received by  {item['client']} ({item['role']}) from {source}: {what or 'data keys'}, "
            f"{item['events']} events, {item['firstAt']} to {item['lastAt']}")
        for name in item["objects"]:
            lines.append(f"             object {name}")
    if not receipt["recipients"]["isKnown"] or receipt["recipients"].get("isPartial"):
        lines.append("received by  perhaps others too: not all sequences were known any more")
    for limit in receipt["notCovered"]:
        lines.append(f"not covered  {limit['text']}")
    return lines


def main():
    parser = argparse.ArgumentParser(description="Check the receipt of an erasure, offline.")
    parser.add_argument("receipt")
    parser.add_argument("key", nargs="+")
    parser.add_argument("--entries", help="a directory that strm audit export wrote")
    arguments = parser.parse_args()
    try:
        with open(arguments.receipt, "rb") as file:
            data = file.read(RECEIPT_BYTES_MAX + 1)
        if len(data) > RECEIPT_BYTES_MAX:
            print("cannot read: the receipt is larger than 16 MiB", file=sys.stderr)
            return 2
        if arguments.entries and verify_audit is None:
            print("--entries needs verify_audit.py beside this file", file=sys.stderr)
            return 2
        if arguments.entries and not os.path.isdir(arguments.entries):
            print(f"cannot read: {arguments.entries} is no directory", file=sys.stderr)
            return 2
        keys = read_keys(arguments.key)
    except OSError as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 2
    except Fault as fault:
        print(f"wrong key: {fault}", file=sys.stderr)
        return 2
    try:
        receipt = verify(data, [public_key(text) for text in keys])
        found = check_log(data, receipt, arguments.entries, keys) if arguments.entries else None
        lines = shown(receipt)
    except Refused as error:
        print(f"NOT GENUINE: the export: {printable(error)}", file=sys.stderr)
        return 1
    except (KeyError, TypeError, AttributeError):
        print("NOT GENUINE: signed, but not a receipt of the form that this program knows",
              file=sys.stderr)
        return 1
    except OSError as error:
        print(f"cannot read: {error}", file=sys.stderr)
        return 2
    except Fault as fault:
        print(f"NOT GENUINE: {printable(fault)}", file=sys.stderr)
        return 1
    for line in lines:
        print(printable(line))
    if found is not None:
        print(f"in the log   entry {found[0]}: all {found[1]} entries, their tree and its signature "
              "were checked")
    print("genuine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
