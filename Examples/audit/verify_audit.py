#!/usr/bin/env python3
"""Verifies an audit log of Stream Machine, and proofs about it, without any of its programs.

    verify_audit.py --key KEY... [--older FILE]... [--witness KEY] [--json] DIRECTORY...
    verify_audit.py --key KEY --proof FILE [--entry FILE] [--rotation FILE]...
    verify_audit.py --key KEY --update FILE --older FILE [--rotation FILE]...

DIRECTORY is what `strm audit export` wrote, or any mirror of the log in C2SP's tlog-tiles format.
Every entry is checked against the tree, the tree against its signed checkpoint, and the log against
the checkpoints that you kept (--older). KEY is any verifier key that the log ever had, as one line of
text or a file with one on each line: where the log changed its key, the proofs in
DIRECTORY/rotations/ (or those given with --rotation) lead from that key to the one that signs today.
Of several keys all must be the log's: one that leaves a key out may be made up by who holds one that
was replaced. A proof without any --rotation is believed by the last key alone.

--proof    an inclusion proof of one entry (C2SP tlog-proof)
--update   a consistency proof: "old SIZE", hashes, an empty line, the newer checkpoint
--witness  a witness's key for cosignatures: each checkpoint given with --older must carry a valid
           cosignature of it (C2SP tlog-cosignature)

Exit status: 0 all is as it was signed; 1 it is not, and the output says what; 2 wrong usage or a
file that cannot be read.

Needs Python 3.9 or later and the package `cryptography`. Written from RFC 6962, RFC 9162 and C2SP's
signed-note, tlog-checkpoint, tlog-tiles, tlog-proof, tlog-witness and tlog-cosignature alone.
"""

import argparse
import base64
import binascii
import datetime
import hashlib
import json
import os
import re
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

NOTE_BYTES_MAX = 65536
KEYS_BYTES_MAX = 16 << 20
PROOF_BYTES_MAX = 262144
BUNDLE_BYTES_MAX = 256 * (2 + 65535)
PROBLEMS_MAX = 100
ROTATIONS_MAX = 36500
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


class Refused(Exception):
    """What was looked at is not as it was signed."""


class TooMany(Exception):
    """So much is wrong that the rest is not looked at."""


class Problems(list):
    def append(self, text):
        super().append(text)
        if len(self) == PROBLEMS_MAX:
            super().append("more problems were found; verification ended here")
            raise TooMany()


def decode64(text):
    """Standard base64 in its one canonical form."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("not base64")
    if base64.b64encode(data).decode() != text:
        raise Refused("not canonical base64")
    return data


def decimal(text):
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text):
        raise Refused("not a decimal number")
    return int(text)


# --- RFC 6962 -------------------------------------------------------------------------------------

def leaf_hash(data):
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def tree_hash(hashes):
    """MTH of RFC 6962, section 2.1, over leaf hashes."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    level = list(hashes)
    # Pairs from the left; one that is left over moves up as it is. For every size this is the tree
    # that the definition gives.
    while len(level) > 1:
        pairs = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) & ~1:]
    return level[0]


def root_from_inclusion(leaf, index, size, proof):
    """The root that an inclusion proof gives: section 2.1.1 read downwards."""
    if size == 1:
        if proof:
            raise Refused("an inclusion proof that is too long")
        return leaf
    if not proof:
        raise Refused("an inclusion proof that is too short")
    split = 1 << ((size - 1).bit_length() - 1)
    if index < split:
        return node_hash(root_from_inclusion(leaf, index, split, proof[:-1]), proof[-1])
    return node_hash(proof[-1], root_from_inclusion(leaf, index - split, size - split, proof[:-1]))


def roots_from_consistency(old, new, proof, old_root, whole=True):
    """Old and new root that a consistency proof gives: section 2.1.2 read downwards."""
    if old == new:
        if whole:
            if proof:
                raise Refused("a consistency proof that is too long")
            return old_root, old_root
        if len(proof) != 1:
            raise Refused("a consistency proof of the wrong length")
        return proof[0], proof[0]
    if not proof:
        raise Refused("a consistency proof that is too short")
    split = 1 << ((new - 1).bit_length() - 1)
    if old <= split:
        first, second = roots_from_consistency(old, split, proof[:-1], old_root, whole)
        return first, node_hash(second, proof[-1])
    first, second = roots_from_consistency(old - split, new - split, proof[:-1], old_root, False)
    return node_hash(proof[-1], first), node_hash(proof[-1], second)


# --- Signed notes and checkpoints -----------------------------------------------------------------

class Key:
    """A verifier key: name+id+base64(algorithm, public key)."""

    def __init__(self, text, algorithm=1):
        parts = text.split("+", 2)
        if len(parts) != 3 or not parts[0]:
            raise Refused("not a verifier key: name+id+base64 is expected")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise Refused("not a verifier key: it holds what is no character")
        self.name, self.text = parts[0], text
        material = decode64(parts[2])
        if len(material) != 33 or material[0] != algorithm:
            raise Refused("not an Ed25519 key of this kind")
        self.public = material[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + material).digest()[:4]
        if self.id.hex() != parts[1]:
            raise Refused("the key's id does not belong to it")

    def verify(self, signature, message):
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except InvalidSignature:
            raise Refused("a signature that is not valid")


class Note:
    def __init__(self, data):
        if len(data) > NOTE_BYTES_MAX:
            raise Refused("a note that is too long")
        head, separator, tail = data.rpartition(b"\n\n")
        if not separator or not tail.endswith(b"\n"):
            raise Refused("a note without signatures")
        self.text = head + b"\n"
        try:
            lines = tail.decode("utf-8")[:-1].split("\n")
            self.text.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused("a note that is not UTF-8")
        if any(byte < 0x20 and byte != 0x0A for byte in data):
            raise Refused("a note with control characters")
        if len(lines) > 64:
            raise Refused("a note with more than 64 signatures")
        self.signatures = []
        for line in lines:
            parts = line.split(" ")
            if len(parts) != 3 or parts[0] != "\u2014":
                raise Refused("a malformed signature line")
            blob = decode64(parts[2])
            if len(blob) < 5:
                raise Refused("a malformed signature line")
            self.signatures.append((parts[1], blob[:4], blob[4:]))

    def signed_by(self, key):
        """Whether the key signed it; raises if a signature under its name and id is not valid."""
        ours = [blob for name, key_id, blob in self.signatures
                if name == key.name and key_id == key.id]
        for blob in ours:
            key.verify(blob, self.text)
        return bool(ours)

    def cosigned_by(self, key):
        ours = [blob for name, key_id, blob in self.signatures
                if name == key.name and key_id == key.id]
        for blob in ours:
            if len(blob) != 72:
                raise Refused("a malformed cosignature")
            (time,) = struct.unpack(">Q", blob[:8])
            key.verify(blob[8:], b"cosignature/v1\ntime %d\n" % time + self.text)
        return bool(ours)


class Checkpoint:
    def __init__(self, note):
        lines = note.text.decode("utf-8").split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise Refused("a checkpoint has three lines that are not empty")
        self.origin, self.size = lines[0], decimal(lines[1])
        self.root = decode64(lines[2])
        if len(self.root) != 32:
            raise Refused("a root has 32 bytes")
        if self.size == 0 and self.root != tree_hash([]):
            raise Refused("the root of an empty log is not that of an empty tree")


# --- Proofs ---------------------------------------------------------------------------------------

def read_hashes(lines):
    hashes = []
    while True:
        if not lines:
            raise Refused("a proof without a checkpoint")
        line = lines.pop(0)
        if not line:
            return hashes
        if len(hashes) == 63:
            raise Refused("a proof with more than 63 hashes")
        value = decode64(line)
        if len(value) != 32:
            raise Refused("a hash has 32 bytes")
        hashes.append(value)


def proof_lines(data):
    if len(data) > PROOF_BYTES_MAX:
        raise Refused("a proof that is too long")
    try:
        return data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise Refused("a proof that is not UTF-8")


class EntryProof:
    """C2SP tlog-proof, with the entry itself under `extra`."""

    def __init__(self, data):
        lines = proof_lines(data)
        if lines.pop(0) != "c2sp.org/tlog-proof@v1" or not lines:
            raise Refused("not a tlog-proof")
        self.entry = None
        if lines[0].startswith("extra "):
            self.entry = decode64(lines.pop(0)[6:])
        if not lines or not lines[0].startswith("index "):
            raise Refused("a proof without an index")
        self.index = decimal(lines.pop(0)[6:])
        self.hashes = read_hashes(lines)
        self.note = Note("\n".join(lines).encode("utf-8"))

    def check(self, checkpoint, entry=None):
        entry = self.entry if entry is None else entry
        if entry is None:
            raise Refused("the proof does not carry its entry: give it with --entry")
        if self.index >= checkpoint.size:
            raise Refused("the proof's index is not in its tree")
        root = root_from_inclusion(leaf_hash(entry), self.index, checkpoint.size, self.hashes)
        if root != checkpoint.root:
            raise Refused("entry %d is not this one in the signed tree" % self.index)
        return entry


class KeyChain:
    """All keys of a log, as they follow from one another; see docs/verify-audit.md.

    The proof of a change of the key shows the entry that names the new key in the tree that ends
    with it, and both keys signed that tree. Each key counts for the trees of its time alone.
    """

    def __init__(self, trusted, proofs):
        trusted = trusted if isinstance(trusted, list) else [trusted]
        self.terms = []  # [key, smallest size, largest size or None]
        self.handovers = []
        for number, data in enumerate(proofs, 1):
            try:
                self.append(EntryProof(data), number)
            except Refused as error:
                raise Refused("rotation %d of the key: %s" % (number, error))
        if not self.terms:
            self.terms = [[trusted[0], 0, None]]
        for other in trusted:
            if all(key.text != other.text for key, _, _ in self.terms):
                if len(trusted) == 1:
                    raise Refused("the key is none that this log ever had")
                raise Refused("no proof of a change of the key leads to %s" % ascii(other.text))

    def append(self, proof, number):
        entry = parse_entry(proof.entry or b"", proof.index)
        detail = entry.get("detail")
        if entry.get("act") != "auditKeyRotated" or not isinstance(detail, dict):
            raise Refused("its entry does not name a new key")
        if detail.get("number") != str(number):
            raise Refused("it has another number")
        key, previous = Key(str(detail.get("key"))), Key(str(detail.get("previous")))
        if key.name != previous.name or key.text == previous.text:
            raise Refused("the new key is of another log, or no new one")
        if not self.terms:
            self.terms = [[previous, 0, None]]
        last = self.terms[-1]
        if last[0].text != previous.text:
            raise Refused("it replaces another key")
        if not (proof.note.signed_by(previous) and proof.note.signed_by(key)):
            raise Refused("it is not signed by the old and the new key")
        checkpoint = Checkpoint(proof.note)
        if checkpoint.origin != key.name:
            raise Refused("its checkpoint is of another log")
        if checkpoint.size != proof.index + 1 or checkpoint.size <= last[1]:
            raise Refused("its tree does not end with its entry")
        proof.check(checkpoint)
        last[2] = checkpoint.size
        self.terms.append([key, checkpoint.size, None])
        self.handovers.append(checkpoint)

    def checkpoint(self, data):
        """Reads a checkpoint that a key signed in its time."""
        note = Note(data)
        signers = [term for term in self.terms if note.signed_by(term[0])]
        if not signers:
            raise Refused("not signed by a key of this log")
        checkpoint = Checkpoint(note)
        if checkpoint.origin != signers[0][0].name:
            raise Refused("a checkpoint of another log")
        if all(checkpoint.size < first or (last is not None and checkpoint.size > last)
               for _, first, last in signers):
            raise Refused("signed by a key that does not sign trees of %d entries"
                          % checkpoint.size)
        if any(handover.size == checkpoint.size and handover.root != checkpoint.root
               for handover in self.handovers):
            raise Refused("not the tree in which the log changed its key")
        return checkpoint

    def signers(self, data):
        """For people: which keys signed a note."""
        note = Note(data)
        return ", ".join("%s+%s" % (ascii(key.name)[1:-1], key.id.hex())
                         for key, _, _ in self.terms if note.signed_by(key))


def check_update(data, kept_data, chain):
    """A consistency proof from a kept checkpoint to the newer one that it carries."""
    lines = proof_lines(data)
    if not lines[0].startswith("old "):
        raise Refused("not a consistency proof")
    old = decimal(lines.pop(0)[4:])
    proof = read_hashes(lines)
    new = chain.checkpoint("\n".join(lines).encode("utf-8"))
    kept = chain.checkpoint(kept_data)
    if kept.size != old:
        raise Refused("the proof begins at %d entries, the kept checkpoint is of %d"
                      % (old, kept.size))
    if old > new.size:
        raise Refused("the newer tree is smaller")
    if old == 0:
        if proof:
            raise Refused("a consistency proof that is too long")
        return kept, new
    if roots_from_consistency(old, new.size, proof, kept.root) != (kept.root, new.root):
        raise Refused("the newer tree does not begin with the kept one")
    return kept, new


# --- The log --------------------------------------------------------------------------------------

STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
DEPTH_MAX = 8
NAMES_MAX = 1024


def number(text):
    if len(text.lstrip("-")) > 20:
        raise ValueError("a number of more than 20 digits")
    return int(text)


def check_text(data):
    """What json takes in more than one form: entries have one."""
    if not all(0x20 <= byte <= 0x7E for byte in data):
        raise ValueError("not printable")
    for found in STRING.finditer(data):
        if data[found.end():found.end() + 1] == b":" and b"\\" in found.group():
            raise ValueError("a name with an escape")
    tokens = STRING.sub(b'""', data)
    if b" " in tokens:
        raise ValueError("white space between tokens")
    depth = deepest = 0
    for byte in tokens:
        depth += (byte in b"{[") - (byte in b"}]")
        deepest = max(deepest, depth)
    if deepest > DEPTH_MAX:
        raise ValueError("too deep")


def no_number(text):
    raise ValueError("only whole numbers are expected")


def members_once(pairs):
    """An object. A name that is there twice could be read as either."""
    members = dict(pairs)
    if len(members) != len(pairs) or len(pairs) > NAMES_MAX:
        raise ValueError("a name twice in one object, or too many")
    return members


def parse_entry(data, index):
    """The members of an entry that begins as every entry does, and is read in one way only."""
    try:
        check_text(data)
        members = json.loads(data.decode("ascii"), parse_int=number, parse_float=no_number,
                             parse_constant=no_number, object_pairs_hook=members_once)
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise Refused("entry %d: not a line of ASCII JSON" % index)
    if (not isinstance(members, dict) or list(members)[:3] != ["n", "at", "act"]
            or type(members["n"]) is not int or not isinstance(members["at"], str)
            or not TIME.fullmatch(members["at"]) or not isinstance(members["act"], str)
            or not data.startswith(b'{"n":%d,"at":"%s","act":"'
                                   % (members["n"], members["at"].encode()))):
        raise Refused("entry %d: does not begin like an audit entry" % index)
    try:
        year = datetime.datetime.strptime(members["at"], "%Y-%m-%dT%H:%M:%S.%fZ").year
    except ValueError:
        year = 0
    if year < 1970:
        raise Refused("entry %d: there is no such time" % index)
    return members


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
    entries, place = [], 0
    while place < len(data):
        if len(data) - place < 2:
            raise Refused("cut short")
        (length,) = struct.unpack_from(">H", data, place)
        place += 2
        if len(data) - place < length:
            raise Refused("cut short")
        entries.append(data[place:place + length])
        place += length
    return entries


RESTORES = {
    "storeRestored": "a backup with a log of %s entries was brought back",
    "olderStateAccepted":
        "a state with a log of %s entries was accepted by a setting, and not by a restore",
}


def restore_text(index, act, detail):
    """What the log itself says about an older state, such as a backup, that was brought back."""
    detail = detail if isinstance(detail, dict) else {}
    size, abandoned = (ascii(detail.get(name))[:24].strip("'")
                       for name in ("auditSize", "abandonedAuditSize"))
    return ("entry %d: %s, and one of %s entries was given up; checkpoints of more than %s entries "
            "from before do not fit" % (index, RESTORES[act] % size, abandoned, size))


class Log:
    """One exported log. `problems` says all that is wrong with it."""

    def __init__(self, directory, keys, older=()):
        self.directory, self.keys, self.older = directory, keys, older
        self.problems, self.expected, self.restores = Problems(), set(), []
        self.checkpoint, self.chain, self.consistent, self.signers = None, None, [], []

    def run(self):
        try:
            self.check()
        except TooMany:
            pass

    def check(self):
        try:
            self.chain = KeyChain(self.keys, self.rotation_proofs())
            data = self.read("checkpoint", NOTE_BYTES_MAX)
            self.checkpoint = self.chain.checkpoint(data)
            self.signers = [term[0] for term in self.chain.terms if Note(data).signed_by(term[0])]
        except Refused as error:
            self.problems.append("checkpoint: %s" % error)
            return
        hashes = self.check_entries()
        if tree_hash(hashes) != self.checkpoint.root or len(hashes) != self.checkpoint.size:
            self.problems.append("the entries do not give the signed root")
        self.check_tiles(hashes)
        self.check_files()
        self.check_older(hashes)

    def rotation_proofs(self):
        """One at a time: none is read before the one before it was found good."""
        for number in range(1, ROTATIONS_MAX + 1):
            path = "rotations/%d" % number
            if not os.path.lexists(os.path.join(self.directory, path)):
                return
            yield self.read(path, PROOF_BYTES_MAX)

    def check_entries(self):
        hashes, last_time = [], ""
        handover_sizes = {handover.size for handover in self.chain.handovers}
        for path, first, width in tiles("entries", self.checkpoint.size):
            try:
                entries = split_bundle(self.read(path, BUNDLE_BYTES_MAX))
            except Refused as error:
                self.problems.append("%s: %s" % (path, error))
                continue
            if len(entries) != width:
                self.problems.append("%s: %d entries expected, %d found"
                                     % (path, width, len(entries)))
            for index, entry in enumerate(entries, first):
                hashes.append(leaf_hash(entry))
                try:
                    members = parse_entry(entry, index)
                except Refused as error:
                    self.problems.append(str(error))
                    continue
                if members["n"] != index:
                    self.problems.append("entry %d: says to be entry %d" % (index, members["n"]))
                if members["at"] < last_time:
                    self.problems.append("entry %d: earlier than the entry before it" % index)
                last_time = max(last_time, members["at"])
                act = members["act"]
                if isinstance(act, str) and act in RESTORES and len(self.restores) < PROBLEMS_MAX:
                    self.restores.append(restore_text(index, act, members.get("detail")))
                if members["act"] == "auditKeyRotated" and index + 1 not in handover_sizes:
                    self.problems.append("entry %d: names a new key without a proof" % index)
        return hashes

    def check_tiles(self, hashes):
        level, count = 0, self.checkpoint.size
        while count > 0:
            for path, first, width in tiles(level, count):
                try:
                    data = self.read(path, 256 * 32)
                except Refused as error:
                    self.problems.append("%s: %s" % (path, error))
                    continue
                if data != b"".join(hashes[first:first + width]) or len(data) != 32 * width:
                    self.problems.append("%s: not the hashes of what is below it" % path)
            hashes = [tree_hash(hashes[i * 256:i * 256 + 256]) for i in range(len(hashes) // 256)]
            level, count = level + 1, count // 256

    def check_files(self):
        for folder, folders, names in os.walk(os.path.join(self.directory, "tile")):
            # A link to a folder is not walked into, and no tile needs one.
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            for name in names + links:
                path = os.path.relpath(os.path.join(folder, name), self.directory)
                if path not in self.expected:
                    self.problems.append("%s: not part of the signed log" % ascii(path))

    def check_older(self, hashes):
        older = []
        for number, data in enumerate(self.older):
            try:
                older.append(self.chain.checkpoint(data))
            except Refused as error:
                self.problems.append("older checkpoint %d: %s" % (number, error))
        for kept in older + self.chain.handovers:
            if kept.size > self.checkpoint.size:
                self.problems.append("the log has %d entries, but %d were signed earlier"
                                     % (self.checkpoint.size, kept.size))
            elif tree_hash(hashes[:kept.size]) != kept.root:
                self.problems.append("the first %d entries are not those that were signed earlier"
                                     % kept.size)
            elif kept in older:
                self.consistent.append(kept.size)

    def read(self, path, limit):
        self.expected.add(path)
        return read_file(os.path.join(self.directory, path), limit)


def read_file(path, limit):
    if not os.path.exists(path):
        raise Refused("missing")
    # A pipe or a device in the place of a file could keep the reader for ever.
    if not os.path.isfile(path):
        raise Refused("not a regular file")
    try:
        with open(path, "rb") as file:
            data = file.read(limit + 1)
    except OSError:
        raise Refused("cannot be read")
    if len(data) > limit:
        raise Refused("more than %d bytes" % limit)
    return data


# --- The command ----------------------------------------------------------------------------------

def given(parser, path, limit=PROOF_BYTES_MAX):
    try:
        return read_file(path, limit)
    except Refused as error:
        parser.error("%s: %s" % (path, error))


def keys_of(parser, text, algorithm=1):
    """A key as it is, or those of a file: the first word of each line that is not empty."""
    texts = [text]
    if os.path.isfile(text):
        lines = given(parser, text, KEYS_BYTES_MAX).decode("utf-8", "replace").splitlines()
        texts = [line.split()[0] for line in lines if line.strip()]
        if not texts:
            parser.error("%s: holds no key" % text)
    try:
        return [Key(text, algorithm) for text in texts]
    except Refused as error:
        parser.error(str(error))


def verify_logs(options, keys, older):
    intact = True
    for directory in options.directory:
        log = Log(directory, keys, older)
        log.run()
        intact = intact and not log.problems
        size = log.checkpoint.size if log.checkpoint else None
        if options.json:
            print(json.dumps({"intact": not log.problems, "size": size,
                              "keys": len(log.chain.terms) if log.chain else 0,
                              "signedBy": [key.text for key in log.signers],
                              "restores": log.restores, "problems": log.problems[:20]}))
            continue
        print("%s: %s" % (directory, "NOT INTACT" if log.problems else "intact"))
        if log.checkpoint:
            print("  %d entries, root %s" % (size, base64.b64encode(log.checkpoint.root).decode()))
            print("  %d keys, %d of %d older checkpoints fit"
                  % (len(log.chain.terms), len(log.consistent), len(older)))
            print("  signed by %s" % ", ".join(
                "%s+%s" % (ascii(key.name)[1:-1], key.id.hex()) for key in log.signers))
        for restore in log.restores:
            print("  restored: %s" % restore)
        for problem in log.problems:
            print("  problem: %s" % problem)
    return intact


def verify_proofs(options, parser, keys, older):
    # Without a proof of a change nobody can tell what an older key signed in its time.
    trusted = keys if options.rotation else keys[-1:]
    chain = KeyChain(trusted, (given(parser, path) for path in options.rotation))
    if options.proof:
        proof = EntryProof(given(parser, options.proof))
        entry = given(parser, options.entry) if options.entry else None
        note = given(parser, options.proof).partition(b"\n\n")[2]
        checkpoint = chain.checkpoint(note)
        entry = proof.check(checkpoint, entry)
        print("signed by %s" % chain.signers(note))
        print("entry %d is in the signed tree of %d entries:" % (proof.index, checkpoint.size))
        print(ascii(entry.decode("utf-8", "replace"))[1:-1])
    if options.update:
        kept, new = check_update(given(parser, options.update), older[0], chain)
        print("the signed tree of %d entries begins with that of %d" % (new.size, kept.size))


def main():
    parser = argparse.ArgumentParser(
        usage="see --help", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--key", action="append", required=True)
    parser.add_argument("--older", action="append", default=[])
    parser.add_argument("--witness")
    parser.add_argument("--proof")
    parser.add_argument("--entry")
    parser.add_argument("--update")
    parser.add_argument("--rotation", action="append", default=[])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("directory", nargs="*")
    options = parser.parse_args()
    if not options.directory and not options.proof and not options.update:
        parser.error("nothing to verify")
    if options.older and not options.update and not options.directory:
        parser.error("--older needs a directory or --update: a proof of an entry says nothing of it")
    if options.update and len(options.older) != 1:
        parser.error("--update needs one --older")
    if options.witness and not options.older:
        parser.error("--witness checks the checkpoints given with --older, and there is none")
    for directory in options.directory:
        if not os.path.isdir(directory):
            parser.error("%s: no such directory" % directory)
    keys = [key for text in options.key for key in keys_of(parser, text)]
    older = [given(parser, path, NOTE_BYTES_MAX) for path in options.older]
    try:
        if options.witness:
            witness, *others = keys_of(parser, options.witness, algorithm=4)
            if others:
                parser.error("--witness is one key")
            for path, note in zip(options.older, older):
                if not Note(note).cosigned_by(witness):
                    raise Refused("%s: not cosigned by the witness" % path)
        if options.proof or options.update:
            verify_proofs(options, parser, keys, older)
        intact = verify_logs(options, keys, older)
    except Refused as error:
        print("REFUSED: %s" % ascii(str(error))[1:-1])
        intact = False
    return 0 if intact else 1


if __name__ == "__main__":
    sys.exit(main())
