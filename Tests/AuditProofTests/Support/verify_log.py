#!/usr/bin/env python3
"""Verifies exported audit logs: a second, independent reading of the public formats.

Usage: verify_log.py VERIFIER_KEY DIRECTORY...

Prints one line of JSON for each directory: {"intact": true, "size": 3, "problems": []}.
Written from RFC 6962, C2SP signed-note, tlog-checkpoint and tlog-tiles alone. It is short because
it reads the whole log into memory and computes the tree by the recursive definition.
"""

import base64
import hashlib
import json
import os
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_hash(hashes):
    """MTH of RFC 6962, section 2.1, on leaf hashes."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return node_hash(tree_hash(hashes[:split]), tree_hash(hashes[split:]))


def open_note(note, key_text):
    """The text of a signed note, once the key's signature on it is valid."""
    name, key_id, encoded = key_text.split("+", 2)
    key = base64.b64decode(encoded, validate=True)
    if len(key) != 33 or key[0] != 1:
        raise ValueError("not an Ed25519 verifier key")
    expected = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if expected.hex() != key_id:
        raise ValueError("key id")
    text, separator, signatures = note.rpartition(b"\n\n")
    if not separator or not signatures.endswith(b"\n"):
        raise ValueError("no signatures")
    text += b"\n"
    found = False
    for line in signatures.decode("utf-8")[:-1].split("\n"):
        dash, signer, blob = line.split(" ")
        if dash != "\u2014":
            raise ValueError("signature line")
        signature = base64.b64decode(blob, validate=True)
        if base64.b64encode(signature).decode() != blob:
            raise ValueError("base64")
        if signer == name and signature[:4] == expected:
            Ed25519PublicKey.from_public_bytes(key[1:]).verify(signature[4:], text)
            found = True
    if not found:
        raise ValueError("not signed by this key")
    return text.decode("utf-8")


def index_text(index):
    groups = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        groups.insert(0, "x%03d" % (index % 1000))
    return "/".join(groups)


def tiles(folder, count):
    """(path, first index, width) of each tile with so many hashes or entries in its level."""
    for index in range((count + 255) // 256):
        width = min(256, count - index * 256)
        suffix = "" if width == 256 else ".p/%d" % width
        yield "tile/%s/%s%s" % (folder, index_text(index), suffix), index * 256, width


def split_bundle(data):
    entries = []
    while data:
        if len(data) < 2:
            raise ValueError("cut short")
        (length,) = struct.unpack(">H", data[:2])
        if len(data) < 2 + length:
            raise ValueError("cut short")
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    return entries


class Verification:
    def __init__(self, directory, key):
        self.directory = directory
        self.key = key
        self.problems = []
        self.size = None
        self.expected_paths = set()

    def run(self):
        try:
            with open(os.path.join(self.directory, "checkpoint"), "rb") as file:
                text = open_note(file.read(), self.key)
            origin, size, root, empty = text.split("\n")
            if origin != self.key.split("+")[0] or empty or str(int(size)) != size:
                raise ValueError("checkpoint text")
            self.size = int(size)
            root = base64.b64decode(root, validate=True)
        except (ValueError, OSError, InvalidSignature) as error:
            self.problems.append("checkpoint: %s" % error.__class__.__name__)
            return
        hashes = self.check_entries()
        if tree_hash(hashes) != root:
            self.problems.append("root")
        self.check_tiles(hashes)
        self.check_files()

    def check_entries(self):
        hashes = []
        last_time = ""
        for path, first, width in tiles("entries", self.size):
            try:
                entries = split_bundle(self.read(path))
            except (ValueError, OSError):
                self.problems.append(path)
                continue
            if len(entries) != width:
                self.problems.append("%s: count" % path)
            for position, entry in enumerate(entries):
                index = first + position
                hashes.append(leaf_hash(entry))
                try:
                    members = json.loads(entry)
                    if list(members)[:3] != ["n", "at", "act"] or members["n"] != index:
                        raise ValueError("members")
                    if members["at"] < last_time:
                        raise ValueError("time")
                    last_time = members["at"]
                except (ValueError, TypeError):
                    self.problems.append("entry %d" % index)
        return hashes

    def check_tiles(self, leaf_hashes):
        level, hashes = 0, leaf_hashes
        count = self.size
        while count > 0:
            for path, first, width in tiles(level, count):
                try:
                    data = self.read(path)
                except OSError:
                    self.problems.append(path)
                    continue
                if data != b"".join(hashes[first : first + width]) or len(data) != 32 * width:
                    self.problems.append(path)
            full = len(hashes) // 256
            hashes = [tree_hash(hashes[i * 256 : i * 256 + 256]) for i in range(full)]
            level, count = level + 1, count // 256

    def check_files(self):
        for folder, _, names in os.walk(os.path.join(self.directory, "tile")):
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), self.directory)
                if path not in self.expected_paths:
                    self.problems.append("%s: not covered" % path)

    def read(self, path):
        self.expected_paths.add(path)
        with open(os.path.join(self.directory, path), "rb") as file:
            return file.read()


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    for directory in sys.argv[2:]:
        verification = Verification(directory, sys.argv[1])
        verification.run()
        print(json.dumps({
            "intact": not verification.problems,
            "size": verification.size,
            "problems": verification.problems[:20],
        }))


if __name__ == "__main__":
    main()
