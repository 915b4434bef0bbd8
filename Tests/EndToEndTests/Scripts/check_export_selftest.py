"""The self-test of check_export.py: a small export, damaged in many ways, each of which must be
noticed and told in the words that belong to it."""

import base64
import gzip
import hashlib
import json
import pathlib
import shutil
import tempfile

import zstandard
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from check_export import KEYS, MANIFEST, SUFFIXES, Check, Directory, Verifier, canonical, parser

CONTRACT = "example/order/1.0.0"
KEY_NAME = "streammachine.dev/exports"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


class Signer:
    def __init__(self):
        self.key = Ed25519PrivateKey.generate()
        public = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.key_id = hashlib.sha256(KEY_NAME.encode() + b"\n\x01" + public).digest()[:4]
        material = base64.b64encode(b"\x01" + public).decode()
        self.verifier = f"{KEY_NAME}+{self.key_id.hex()}+{material}"

    def line(self, manifest):
        signature = self.key.sign(canonical(manifest).encode() + b"\n")
        return f"— {KEY_NAME} {base64.b64encode(self.key_id + signature).decode()}"


class Sample:
    """Two partitions of `orders` in all three forms, one batch with keys, and a derived stream."""

    def __init__(self, root, signer):
        self.root, self.signer = pathlib.Path(root), signer
        self.batches = [
            self.batch("none", 0, 0, 9, "06:00:00"),
            self.batch("gzip", 0, 10, 14, "06:01:00"),
            self.batch("zstd", 0, 20, 29, "06:02:00", keys=True),
            self.batch("gzip", 1, 0, 4, "06:01:00"),
            self.batch("none", 0, 0, 9, "06:03:00", derived="orders-1"),
        ]

    def batch(self, compression, partition, first, last, time, keys=False, derived=None):
        stream = derived or "orders"
        stamp = "20261125T" + time.replace(":", "") + "Z"
        name = (f"team/2026/11/25/{stream}-{stamp}-p{partition}-{first:015}-{last:015}.jsonl"
                + SUFFIXES[compression])
        # A derived stream drops every other event.
        offsets = range(first, last + 1, 2 if derived else 1)
        lines = [self.line(partition, offset) for offset in offsets]
        manifest = {
            "version": 1, "exporter": f"{stream}-s3", "stream": "orders", "derivedStream": derived,
            "partition": partition, "firstOffset": first, "lastOffset": last,
            "events": len(lines), "dropped": last - first + 1 - len(lines), "sealedFields": 0,
            "firstEventAt": "2026-11-25T05:59:00.000Z", "lastEventAt": "2026-11-25T05:59:59.000Z",
            "object": name, "compression": compression, "contracts": [CONTRACT],
            "purposes": [1] if derived else [], "fields": ["customer/id"] if derived else [],
            "keysExpireFrom": None, "keysExpireUntil": None, "keys": None,
            "plannedAt": f"2026-11-25T{time}.000Z"}
        if keys:
            text = "keyLink,encryptionKey,policyId,expiresAt\r\n" + "".join(
                f'link-{number},"{{""primaryKeyId"":1}}",retention-7,2026-12-05T00:00:00.000Z\r\n'
                for number in range(3))
            self.path(name + KEYS).write_text(text, newline="")
            manifest["keys"] = {
                "object": name + KEYS, "sha256": sha256(text.encode()), "keyLinks": 3}
        self.write(name, manifest, b"".join(lines))
        return name

    @staticmethod
    def line(partition, offset):
        event = {
            "strmMeta": {"eventContractRef": CONTRACT, "keyLink": f"link-{offset % 3}"},
            "eventId": f"p{partition}-{offset}", "note": "grün / \"x\""}
        return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    def path(self, name):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write(self, name, manifest, content):
        """The object and its manifest, everything counted, and signed."""
        compress = {"none": bytes, "gzip": gzip.compress,
                    "zstd": zstandard.ZstdCompressor().compress}[manifest["compression"]]
        data = compress(content)
        manifest |= {"bytes": len(data), "sha256": sha256(data), "contentBytes": len(content),
                     "contentSha256": sha256(content)}
        self.path(name).write_bytes(data)
        self.write_manifest(name, manifest)

    def write_manifest(self, name, manifest, signature=None):
        document = {"manifest": manifest, "signature": signature or self.signer.line(manifest)}
        self.path(name + MANIFEST).write_text(
            json.dumps(document, ensure_ascii=False) + "\n", encoding="utf-8")

    def manifest(self, name):
        return json.loads(self.path(name + MANIFEST).read_text(encoding="utf-8"))

    def content(self, name):
        data = self.path(name).read_bytes()
        if name.endswith(".gz"):
            return gzip.decompress(data)
        if name.endswith(".zst"):
            return zstandard.ZstdDecompressor().decompress(data)
        return data

    def change(self, name, **members):
        """As a faulty exporter would write it: the signature fits what is wrong."""
        self.write_manifest(name, self.manifest(name)["manifest"] | members)

    def rewrite(self, name, change, **members):
        self.write(name, self.manifest(name)["manifest"] | members, change(self.content(name)))

    def rename(self, name, new, **members):
        for suffix in ("", MANIFEST):
            self.path(name + suffix).rename(self.path(new + suffix))
        self.change(new, object=new, **members)


def flip(path, place=None):
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if place is None else place] ^= 1
    path.write_bytes(bytes(data))


def swap(first, second):
    one, two = first.read_bytes(), second.read_bytes()
    first.write_bytes(two)
    second.write_bytes(one)


def swapped_lines(content):
    lines = content.splitlines(keepends=True)
    return b"".join([lines[1], lines[0]] + lines[2:])


def overlap(sample):
    """The second batch again, under a range that begins one offset earlier, with its event."""
    name = sample.batches[1]
    new = name.replace(f"{10:015}", f"{9:015}")
    sample.rename(name, new, firstOffset=9)
    sample.rewrite(new, lambda content: sample.line(0, 9) + content, events=6)


def unsigned_change(sample):
    name = sample.batches[0]
    document = sample.manifest(name)
    sample.write_manifest(name, document["manifest"] | {"dropped": 1}, document["signature"])


def foreign_signature(sample):
    name = sample.batches[3]
    manifest = sample.manifest(name)["manifest"]
    sample.write_manifest(name, manifest, Signer().line(manifest))


def second_member(sample):
    path = sample.path(sample.batches[0] + MANIFEST)
    path.write_text(path.read_text(encoding="utf-8").replace(
        '"events":', '"events": 3, "events":'), encoding="utf-8")


def append(path, data):
    path.write_bytes(path.read_bytes() + data)


# What is done, a word of what must be told, how it is done: to a sample whose batches are `b`.
DAMAGES = [
    ("a manifest is gone", "no manifest", lambda s, b: s.path(b[0] + MANIFEST).unlink()),
    ("an object is gone", "belongs to", lambda s, b: s.path(b[1]).unlink()),
    ("a byte of an object is another", "SHA-256", lambda s, b: flip(s.path(b[0]))),
    ("a byte of a compressed object is another", "SHA-256", lambda s, b: flip(s.path(b[2]))),
    ("an object is longer", "bytes", lambda s, b: append(s.path(b[0]), b"{}\n")),
    ("a second compressed stream follows", "whole compressed",
     lambda s, b: append(s.path(b[1]), gzip.compress(b"{}\n"))),
    ("an object is cut", "cannot be decompressed",
     lambda s, b: s.path(b[2]).write_bytes(s.path(b[2]).read_bytes()[:-9])),
    ("a manifest is changed", "signature", lambda s, b: unsigned_change(s)),
    ("a signature is another", "signature",
     lambda s, b: s.write_manifest(b[0], s.manifest(b[0])["manifest"],
                                   s.manifest(b[1])["signature"])),
    ("a manifest is signed by another key", "signature", lambda s, b: foreign_signature(s)),
    ("a member stands twice", "cannot be read", lambda s, b: second_member(s)),
    ("two objects are swapped", "SHA-256", lambda s, b: swap(s.path(b[1]), s.path(b[3]))),
    ("two manifests are swapped", "in the manifest",
     lambda s, b: swap(s.path(b[1] + MANIFEST), s.path(b[3] + MANIFEST))),
    ("a count is wrong, signed", "lines", lambda s, b: s.change(b[0], events=9, dropped=1)),
    ("offsets are not accounted for, signed", "offsets", lambda s, b: s.change(b[4], dropped=4)),
    ("a line stands twice, signed", "is also in", lambda s, b: s.rewrite(
        b[1], lambda content: content.splitlines(True)[0] + content, events=6, dropped=-1)),
    ("an event is in two batches, signed", "is also in",
     lambda s, b: s.rewrite(b[1], lambda content: s.line(0, 9) + content.split(b"\n", 1)[1])),
    ("a line is missing, signed", "the event p0-10 is missing", lambda s, b: s.rewrite(
        b[1], lambda content: content.split(b"\n", 1)[1], events=4, dropped=1)),
    ("two lines change places, signed", "out of order",
     lambda s, b: s.rewrite(b[0], swapped_lines)),
    ("an event is not as it is read, signed", "as a read", lambda s, b: s.rewrite(
        b[0], lambda content: content.replace("grün".encode(), b"red"))),
    ("the last line has no end, signed", "no end",
     lambda s, b: s.rewrite(b[0], lambda content: content[:-1])),
    ("a contract is not told, signed", "contracts", lambda s, b: s.change(b[0], contracts=[])),
    ("ranges overlap, signed", "overlaps", lambda s, b: overlap(s)),
    ("a range has another name, signed", "in the manifest",
     lambda s, b: s.change(b[1], firstOffset=15, lastOffset=19)),
    ("a key is another", "keys are not those", lambda s, b: flip(s.path(b[2] + KEYS), -10)),
    ("keys are gone", "keys are in", lambda s, b: s.path(b[2] + KEYS).unlink()),
    ("something else lies there", "no object of an export",
     lambda s, b: s.path("team/2026/11/25/other.txt").write_text("x")),
    ("a probe was left behind", "probe", lambda s, b: s.path("team/strm-probe-0a").write_text("")),
    ("a whole batch is gone", "the event p1-0 is missing", lambda s, b: [
        s.path(b[3] + suffix).unlink() for suffix in ("", MANIFEST)]),
]


def check(root, verifier, **options):
    chosen = parser().parse_args(["--prefix", "team"])
    for name, value in options.items():
        setattr(chosen, name, value)
    return Check(Directory(root), verifier, chosen).run()


def faults(root, verifier):
    """Of all that is there, and of the stream compared with what a read of it would give."""
    expected = [Sample.line(partition, offset).decode().rstrip("\n")
                for offset in range(30) for partition in (0, 1)
                if (offset not in range(15, 20) if partition == 0 else offset < 5)]
    return check(root, verifier) + check(root, verifier, stream="orders", expected=expected)


def self_test():
    signer = Signer()
    verifier = Verifier(signer.verifier)
    problems = []
    with tempfile.TemporaryDirectory() as scratch:
        whole = pathlib.Path(scratch) / "whole"
        Sample(whole, signer)
        for sentence in faults(whole, verifier):
            problems.append(f"the undamaged export has a fault: {sentence}")
        if not check(whole, verifier, acknowledged=["p0-17"]):
            problems.append("an acknowledged event that is not there was not noticed")
        for number, (title, word, damage) in enumerate(DAMAGES):
            copy = pathlib.Path(scratch) / str(number)
            sample = Sample(copy, signer)
            damage(sample, sample.batches)
            found = faults(copy, verifier)
            if not any(word in sentence for sentence in found):
                problems.append(f"not noticed: {title}; told was {found}")
            shutil.rmtree(copy)
    for problem in problems:
        print(problem)
    print(json.dumps({"damages": len(DAMAGES), "problems": len(problems)}))
    return 1 if problems else 0
