"""Checks an export in a bucket, or in a directory, by its format's description alone.

usage: check_export.py --key VERIFIER-KEY (--directory DIR | --endpoint URL --bucket NAME
           --access-key-id ID --secret-file FILE [--region R]) [--prefix P] [--stream NAME]
           [--exporter NAME] [--id-pointer /eventId] [--expected FILE] [--acknowledged FILE]
           [--no-unfinished-uploads] [--allow-probes] [--lines FILE]
       check_export.py --self-test

It shares no code with the product. Faults go to standard error, a sentence each; a summary to
standard output, one line of JSON. Status 1: there are faults.

  --expected FILE      what a read of the stream gives, in its order: lines that are events, which
                       must be in the export byte for byte, or ids. All of them and nothing else
                       must be there, in this order within each partition. With --stream.
  --acknowledged FILE  ids that must be there, in any order
  --lines FILE         writes all lines there, by partition and offset
  --stream, --exporter look only at objects of this stream (or derived stream), at batches of this
                       exporter
  --self-test          damages copies of a small export in many ways; each must be noticed
"""

import argparse
import base64
import csv
import datetime
import hashlib
import io
import json
import pathlib
import re
import sys
import zlib

import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MANIFEST, KEYS = ".manifest.json", ".keys.csv"
SUFFIXES = {"none": "", "gzip": ".gz", "zstd": ".zst"}
NAME = re.compile(
    r"(?:(?P<prefix>.+)/)?(?P<day>\d{4}/\d\d/\d\d)/(?P<stream>[^/]+)-(?P<time>\d{8}T\d{6}Z)"
    r"-p(?P<partition>0|[1-9]\d*)-(?P<first>\d{15,})-(?P<last>\d{15,})"
    r"\.jsonl(?P<suffix>\.gz|\.zst)?")
MEMBERS = {
    "version": int, "exporter": str, "stream": str, "derivedStream": (str, type(None)),
    "partition": int, "firstOffset": int, "lastOffset": int, "events": int, "dropped": int,
    "sealedFields": int, "firstEventAt": (str, type(None)), "lastEventAt": (str, type(None)),
    "object": str, "compression": str, "bytes": int, "sha256": str, "contentBytes": int,
    "contentSha256": str, "contracts": list, "purposes": list, "fields": list,
    "keysExpireFrom": (str, type(None)), "keysExpireUntil": (str, type(None)),
    "keys": (dict, type(None)), "plannedAt": str}


class Directory:
    def __init__(self, path):
        self.root = pathlib.Path(path)

    def names(self):
        return sorted(
            str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())

    def read(self, name):
        return (self.root / name).read_bytes()

    def unfinished(self):
        return 0


class Bucket:
    def __init__(self, endpoint, bucket, access_key_id, secret, region):
        import boto3
        from botocore.config import Config
        self.bucket = bucket
        self.client = boto3.client(
            "s3", endpoint_url=endpoint, region_name=region, aws_access_key_id=access_key_id,
            aws_secret_access_key=secret, config=Config(s3={"addressing_style": "path"}))

    def names(self):
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return sorted(item["Key"] for page in pages for item in page.get("Contents", []))

    def read(self, name):
        return self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read()

    def unfinished(self):
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket)
        return sum(len(page.get("Uploads", [])) for page in pages)


class Verifier:
    """A C2SP verifier key: NAME+KEYID+base64(0x01, public key)."""

    def __init__(self, text):
        self.name, key_id, key = text.split("+", 2)
        material = base64.b64decode(key, validate=True)
        if len(material) != 33 or material[0] != 1:
            raise ValueError("not an Ed25519 verifier key")
        self.key_id = hashlib.sha256(self.name.encode() + b"\n" + material).digest()[:4]
        if self.key_id.hex() != key_id:
            raise ValueError("the key id is not that of the key")
        self.key = Ed25519PublicKey.from_public_bytes(material[1:])

    def is_signed(self, manifest, line):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if dash != "—" or name != self.name:
            return False
        try:
            signature = base64.b64decode(encoded, validate=True)
            if len(signature) != 68 or signature[:4] != self.key_id:
                return False
            self.key.verify(signature[4:], canonical(manifest).encode() + b"\n")
        except (ValueError, InvalidSignature):
            return False
        return True


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def strict_json(text):
    """JSON whose objects name no member twice: else what was signed is not what is read."""
    def unique(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a member stands twice")
        return dict(pairs)
    return json.loads(text, object_pairs_hook=unique)


def decompress(data, compression):
    if compression == "none":
        return data
    # One stream from the first byte to the last: what two tries left behind, one after the other,
    # is not taken for one.
    if compression == "gzip":
        stream = zlib.decompressobj(31)
    else:
        stream = zstandard.ZstdDecompressor().decompressobj()
    content = stream.decompress(data)
    if not stream.eof or stream.unused_data:
        raise ValueError("it is not one whole compressed stream")
    return content


def at_pointer(value, pointer):
    """RFC 6901; None if nothing is there."""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list):
            value = value[int(part)] if part.isdigit() and int(part) < len(value) else None
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


def time_of(text):
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text):
        raise ValueError(f"{text} is not a time with milliseconds")
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


class Check:
    def __init__(self, source, verifier, options):
        self.source, self.verifier, self.options = source, verifier, options
        self.faults, self.batches = [], []
        self.bytes = self.probes = self.unfinished = 0
        self.key_links = set()

    def fault(self, sentence):
        self.faults.append(sentence)

    def run(self):
        names = [name for name in self.source.names() if self.is_in_prefix(name)]
        data = {name: NAME.fullmatch(name) for name in names if NAME.fullmatch(name)}
        for name in names:
            base = name.removesuffix(MANIFEST) if name.endswith(MANIFEST) else (
                name.removesuffix(KEYS))
            if name in data or base != name and base in data:
                continue
            if name.rsplit("/", 1)[-1].startswith("strm-probe-"):
                self.probes += 1
                if not self.options.allow_probes:
                    self.fault(f"{name}: a probe was left behind.")
            elif base != name and NAME.fullmatch(base):
                self.fault(f"{name}: the object that it belongs to is missing.")
            else:
                self.fault(f"{name}: no object of an export has such a name.")
        for name, parts in data.items():
            if self.options.stream in (None, parts["stream"]):
                self.check_batch(name, parts, set(names))
        self.check_ranges()
        self.check_events()
        self.unfinished = self.source.unfinished()
        if self.unfinished and self.options.no_unfinished_uploads:
            self.fault(f"{self.unfinished} uploads were begun and neither finished nor given up.")
        return self.faults

    def is_in_prefix(self, name):
        return not self.options.prefix or name.startswith(self.options.prefix + "/")

    def check_batch(self, name, parts, names):
        if name + MANIFEST not in names:
            return self.fault(f"{name}: it has no manifest.")
        try:
            document = strict_json(self.source.read(name + MANIFEST).decode())
            manifest, signature = document["manifest"], document["signature"]
            if set(document) != {"manifest", "signature"} or not isinstance(signature, str):
                raise ValueError("other members than manifest and signature")
            for member, kind in MEMBERS.items():
                if not isinstance(manifest[member], kind) or isinstance(manifest[member], bool):
                    raise ValueError(f"{member} is of another type")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return self.fault(f"{name}: its manifest cannot be read ({error!r}).")
        if self.options.exporter not in (None, manifest["exporter"]):
            return None
        if not self.verifier.is_signed(manifest, signature):
            self.fault(f"{name}: the manifest's signature is not that of the key.")
        self.check_name(name, parts, manifest)
        lines = self.check_content(name, manifest)
        self.check_keys(name, manifest, names, lines)
        self.batches.append((name, manifest, lines))

    def check_name(self, name, parts, manifest):
        planned = manifest["plannedAt"]
        try:
            stamp = time_of(planned).strftime("%Y%m%dT%H%M%SZ")
            times = [manifest[member] for member in ("firstEventAt", "lastEventAt")]
            if None not in times and time_of(times[0]) > time_of(times[1]):
                self.fault(f"{name}: firstEventAt is behind lastEventAt.")
        except ValueError as error:
            return self.fault(f"{name}: {error}.")
        wanted = {
            "version": (manifest["version"], 1),
            "object": (manifest["object"], name),
            "stream": (manifest["derivedStream"] or manifest["stream"], parts["stream"]),
            "partition": (manifest["partition"], int(parts["partition"])),
            "firstOffset": (manifest["firstOffset"], int(parts["first"])),
            "lastOffset": (manifest["lastOffset"], int(parts["last"])),
            "compression": (SUFFIXES.get(manifest["compression"]), parts["suffix"] or ""),
            "plannedAt": (stamp, parts["time"]),
            "day": (planned[:10].replace("-", "/"), parts["day"])}
        for member, (told, named) in wanted.items():
            if told != named:
                self.fault(f"{name}: {member} is {told!r} in the manifest and {named!r} by name.")
        offsets = manifest["lastOffset"] - manifest["firstOffset"] + 1
        counted = manifest["events"] + manifest["dropped"] + manifest.get("expired", 0)
        if manifest["events"] < 1 or offsets != counted:
            self.fault(f"{name}: {counted} events are counted in a range of {offsets} offsets.")

    def check_content(self, name, manifest):
        """The lines, as far as they can be read."""
        data = self.source.read(name)
        self.bytes += len(data)
        if len(data) != manifest["bytes"]:
            self.fault(f"{name}: it has {len(data)} bytes, {manifest['bytes']} by its manifest.")
        if hashlib.sha256(data).hexdigest() != manifest["sha256"]:
            self.fault(f"{name}: its SHA-256 is not that of its manifest.")
        try:
            content = decompress(data, manifest["compression"])
        except (ValueError, zlib.error, zstandard.ZstdError) as error:
            self.fault(f"{name}: it cannot be decompressed ({error}).")
            return []
        if len(content) != manifest["contentBytes"]:
            self.fault(f"{name}: its content has {len(content)} bytes, not as in its manifest.")
        if hashlib.sha256(content).hexdigest() != manifest["contentSha256"]:
            self.fault(f"{name}: its content's SHA-256 is not that of its manifest.")
        if not content.endswith(b"\n"):
            self.fault(f"{name}: its last line has no end.")
        lines = content.split(b"\n")[:-1]
        if len(lines) != manifest["events"]:
            self.fault(f"{name}: it has {len(lines)} lines, {manifest['events']} by its manifest.")
        events = []
        for number, line in enumerate(lines, 1):
            try:
                events.append((line, strict_json(line.decode())))
            except ValueError:
                self.fault(f"{name}: line {number} is not JSON.")
        contracts = {at_pointer(event, "/strmMeta/eventContractRef") for _, event in events}
        if contracts != set(manifest["contracts"]):
            self.fault(f"{name}: its lines name other contracts than its manifest.")
        return events

    def check_keys(self, name, manifest, names, lines):
        keys, there = manifest["keys"], name + KEYS in names
        if keys is None or not there:
            if keys is not None or there:
                self.fault(f"{name}: its keys are in the bucket or in the manifest, not in both.")
            return
        data = self.source.read(name + KEYS)
        rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
        if keys["object"] != name + KEYS or hashlib.sha256(data).hexdigest() != keys["sha256"]:
            self.fault(f"{name}: its keys are not those of its manifest.")
        if rows[:1] != [["keyLink", "encryptionKey", "policyId", "expiresAt"]] or (
                len(rows) - 1 != keys["keyLinks"]):
            self.fault(f"{name}: its keys have another form or number than its manifest says.")
        links = {row[0] for row in rows[1:] if row}
        self.key_links |= links
        if not {at_pointer(event, "/strmMeta/keyLink") for _, event in lines} <= links:
            self.fault(f"{name}: a line's key is not among its keys.")

    def check_ranges(self):
        places = {}
        for name, manifest, _ in sorted(
                self.batches, key=lambda batch: (batch[1]["firstOffset"], batch[0])):
            stream = manifest["derivedStream"] or manifest["stream"]
            place = (manifest["exporter"], stream, manifest["partition"])
            end, planned = places.get(place, (-1, ""))
            if manifest["firstOffset"] <= end:
                self.fault(f"{name}: its range overlaps the one before it.")
            if manifest["plannedAt"] < planned:
                self.fault(f"{name}: it was planned earlier than the range before it.")
            places[place] = (manifest["lastOffset"], manifest["plannedAt"])
        self.partitions = len(places)

    def check_events(self):
        """Each event once, and, if it is known what is expected, all of them in their order."""
        partitions, seen = {}, {}
        ordered = sorted(self.batches, key=lambda batch: batch[1]["firstOffset"])
        for name, manifest, lines in ordered:
            stream = manifest["derivedStream"] or manifest["stream"]
            of_export = seen.setdefault((manifest["exporter"], stream), {})
            of_partition = partitions.setdefault(
                (manifest["exporter"], stream, manifest["partition"]), [])
            for line, event in lines:
                identifier = at_pointer(event, self.options.id_pointer)
                if not isinstance(identifier, (str, int)):
                    self.fault(f"{name}: an event has no id at {self.options.id_pointer}.")
                    continue
                identifier = str(identifier)
                if identifier in of_export:
                    self.fault(f"{name}: the event {identifier} is also in "
                               f"{of_export[identifier]}.")
                of_export[identifier] = name
                of_partition.append((identifier, line))
        self.events = sum(len(lines) for _, _, lines in self.batches)
        if self.options.expected is not None:
            self.compare(partitions, self.options.expected)
        there = {identifier for events in partitions.values() for identifier, _ in events}
        for identifier in self.options.acknowledged or []:
            if identifier not in there:
                self.fault(f"the event {identifier} was acknowledged and is not there.")

    def compare(self, partitions, expected):
        places, texts = {}, {}
        for line in expected:
            identifier = line
            if line.startswith("{"):
                identifier = str(at_pointer(json.loads(line), self.options.id_pointer))
                texts[identifier] = line.encode()
            places[identifier] = len(places)
        missing = dict.fromkeys(places)
        if len({export[:2] for export in partitions}) > 1:
            self.fault("what is expected is of one export, and here are several: name the stream.")
        for (_, stream, partition), events in partitions.items():
            last = -1
            for identifier, line in events:
                missing.pop(identifier, None)
                place = places.get(identifier)
                if place is None:
                    self.fault(f"{stream}, partition {partition}: nobody expects {identifier}.")
                    continue
                if place < last:
                    self.fault(f"{stream}, partition {partition}: {identifier} is out of order.")
                last = max(place, last)
                if identifier in texts and texts[identifier] != line:
                    self.fault(f"{stream}, partition {partition}: {identifier} is not as a read "
                               "gives it.")
        for identifier in missing:
            self.fault(f"the event {identifier} is missing.")

    def lines(self):
        ordered = sorted(self.batches, key=lambda batch: (
            batch[1]["exporter"], batch[1]["partition"], batch[1]["firstOffset"]))
        return b"".join(line + b"\n" for _, _, lines in ordered for line, _ in lines)

    def summary(self):
        return {
            "batches": len(self.batches), "events": self.events, "bytes": self.bytes,
            "exporters": sorted({manifest["exporter"] for _, manifest, _ in self.batches}),
            "dropped": sum(manifest["dropped"] for _, manifest, _ in self.batches),
            "sealedFields": sum(manifest["sealedFields"] for _, manifest, _ in self.batches),
            "keys": len(self.key_links), "partitions": self.partitions, "probes": self.probes,
            "unfinishedUploads": self.unfinished, "faults": len(self.faults)}


def parser():
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("key", "directory", "endpoint", "bucket", "access-key-id", "secret-file",
                 "prefix", "stream", "exporter", "expected", "acknowledged", "lines"):
        made.add_argument("--" + name)
    made.add_argument("--region", default="eu-central-1")
    made.add_argument("--id-pointer", default="/eventId")
    made.add_argument("--no-unfinished-uploads", action="store_true")
    made.add_argument("--allow-probes", action="store_true")
    made.add_argument("--self-test", action="store_true")
    return made


def main():
    made = parser()
    options = made.parse_args()
    if options.self_test:
        from check_export_selftest import self_test
        return self_test()
    if not options.key or not (options.directory or options.endpoint):
        made.error("--key and --directory or --endpoint are needed")
    for name in ("expected", "acknowledged"):
        path = getattr(options, name)
        if path:
            text = pathlib.Path(path).read_text(encoding="utf-8")
            setattr(options, name, [line for line in text.split("\n") if line])
    source = Directory(options.directory) if options.directory else Bucket(
        options.endpoint, options.bucket, options.access_key_id,
        pathlib.Path(options.secret_file).read_text().strip(), options.region)
    check = Check(source, Verifier(options.key), options)
    for sentence in check.run():
        print(sentence, file=sys.stderr)
    if options.lines:
        pathlib.Path(options.lines).write_bytes(check.lines())
    print(json.dumps(check.summary()))
    return 1 if check.faults else 0


if __name__ == "__main__":
    sys.exit(main())
