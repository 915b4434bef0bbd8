"""Reads what an exporter has written, opens what its keys files allow, and draws its sessions.

    open_bucket.py DIRECTORY|s3://BUCKET[/PREFIX] [--field PATH]... [--manifest-key KEY]
                   [--stream NAME] [--session PATH] [--chart FILE] [--events FILE] [--endpoint URL]

Only objects that have a manifest count, and each is checked against it; with --manifest-key the
manifest itself is checked too. The fields named with --field are those that the contract marks as
personal: `customer/email`; lists and maps on the way are passed over, or written as a `*`.
Everything is held in memory: meant for looks and for notebooks, not for months of events.
"""

import argparse
import base64
import collections
import csv
import gzip
import hashlib
import io
import json
import pathlib
import sys

import duckdb
import matplotlib
import pandas
import tink
import zstandard
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from tink import daead, json_proto_keyset_format, secret_key_access

matplotlib.use("Agg")
from matplotlib import dates, pyplot  # noqa: E402

MANIFEST = ".manifest.json"
SESSIONS_MAX = 9


class Directory:
    """A bucket that is a directory: a connector of type local, or a copy of any other."""

    def __init__(self, path):
        self.root = pathlib.Path(path)
        if not self.root.is_dir():
            sys.exit(f"{path} is not a directory")

    def names(self):
        files = (path for path in self.root.rglob("*" + MANIFEST) if path.is_file())
        return sorted(str(path.relative_to(self.root)) for path in files)

    def read(self, name):
        path = (self.root / name).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise ValueError(f"{name} leads out of the bucket")
        return path.read_bytes()


class S3:
    """A bucket of S3, with the credentials that boto3 finds."""

    def __init__(self, place, endpoint):
        try:
            import boto3
        except ImportError:
            sys.exit("s3:// needs one more package: pip install boto3")
        self.bucket, _, self.prefix = place.removeprefix("s3://").partition("/")
        self.client = boto3.client("s3", endpoint_url=endpoint)

    def names(self):
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix)
        keys = (item["Key"] for page in pages for item in page.get("Contents", []))
        return sorted(key for key in keys if key.endswith(MANIFEST))

    def read(self, name):
        return self.client.get_object(Bucket=self.bucket, Key=name)["Body"].read()


def verify(document, key_text):
    """Raises unless the manifest is signed by this verifier key; see docs/exports.md."""
    name, key_id, key = key_text.split("+", 2)
    algorithm_and_key = base64.b64decode(key, validate=True)
    expected = hashlib.sha256(name.encode() + b"\n" + algorithm_and_key).digest()[:4]
    dash, signer, signature = document["signature"].split(" ")
    signed = base64.b64decode(signature, validate=True)
    if (dash, signer) != ("—", name) or not expected == signed[:4] == bytes.fromhex(key_id):
        raise InvalidSignature
    canonical = json.dumps(
        document["manifest"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    public_key = Ed25519PublicKey.from_public_bytes(algorithm_and_key[1:])
    public_key.verify(signed[4:], canonical.encode() + b"\n")


def checked(bucket, name, sha256):
    """The bytes of an object, which are those that the manifest speaks of."""
    data = bucket.read(name)
    if hashlib.sha256(data).hexdigest() != sha256:
        # A batch that is written again may be seen between its data and its manifest.
        raise ValueError(f"{name} is not what its manifest says: try again in a minute")
    return data


def lines(data, compression):
    if compression == "gzip":
        data = gzip.decompress(data)
    elif compression == "zstd":
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)) as reader:
            data = reader.read()
    return [json.loads(line) for line in data.splitlines()]


def is_sealed(sealed, key_id):
    """Whether the bytes are a sealed field under this key, in the deterministic form 1 or the
    random form 2: the form, the key's id, in form 2 a nonce of 16 bytes, the IV, the ciphertext."""
    return (len(sealed) >= 21 and sealed[:5] == b"\x01" + key_id
            or len(sealed) >= 37 and sealed[:5] == b"\x02" + key_id)


def tink_form(sealed):
    """A sealed field as Tink reads it, and its associated data: of the random form the nonce."""
    if sealed[:1] == b"\x02":
        return b"\x01" + sealed[1:5] + sealed[21:], sealed[5:21]
    return sealed, b""


class Opener:
    """Opens sealed fields, each with the key that its event names."""

    def __init__(self, paths):
        daead.register()
        self.paths = [tuple(path.strip("/").split("/")) for path in paths]
        self.keysets = {}
        self.primitives = {}
        self.counts = collections.Counter()

    def add_keys(self, data):
        for row in csv.DictReader(io.StringIO(data.decode(), newline="")):
            self.keysets[row["keyLink"]] = row["encryptionKey"]

    def primitive(self, key_link):
        """None if there is no key. A keyset is parsed when an event first asks for it."""
        if key_link not in self.primitives and key_link in self.keysets:
            handle = json_proto_keyset_format.parse(
                self.keysets[key_link], secret_key_access.TOKEN)
            self.primitives[key_link] = handle.primitive(daead.DeterministicAead)
        return self.primitives.get(key_link)

    def open_event(self, event):
        key_link = event["strmMeta"]["keyLink"]
        for path in self.paths:
            event = self.opened(event, path, key_link)
        return event

    def opened(self, value, steps, key_link):
        """The value with the fields opened that the steps lead to."""
        if isinstance(value, str):
            return self.open_text(value, key_link) if not steps else value
        if isinstance(value, list):
            rest = steps[1:] if steps[:1] == ("*",) else steps
            return [self.opened(item, rest, key_link) for item in value]
        if not isinstance(value, dict):
            return value
        if steps and steps[0] in value:
            step = steps[0]
            return value | {step: self.opened(value[step], steps[1:], key_link)}
        # A map: its keys are data and no steps.
        rest = steps[1:] if steps[:1] == ("*",) else steps
        return {name: self.opened(item, rest, key_link) for name, item in value.items()}

    def open_text(self, text, key_link):
        """Tells sealed from plain by its first bytes: the form, and the id of the event's key."""
        try:
            sealed = base64.b64decode(text, validate=True)
        except ValueError:
            sealed = b""
        if not is_sealed(sealed, bytes.fromhex(key_link[:8])):
            self.counts["plain"] += 1
            return text
        primitive = self.primitive(key_link)
        if primitive is None:
            self.counts["sealed"] += 1
            return text
        try:
            plain = primitive.decrypt_deterministically(*tink_form(sealed)).decode()
        except (tink.TinkError, UnicodeDecodeError):
            self.counts["damaged"] += 1
            return text
        self.counts["opened"] += 1
        return plain


def read_bucket(bucket, opener, manifest_key, stream):
    """All events of all objects, opened, in the order of their names; and the number of objects."""
    manifests = []
    for name in bucket.names():
        document = json.loads(bucket.read(name))
        if manifest_key:
            try:
                verify(document, manifest_key)
            except (InvalidSignature, ValueError) as error:
                raise ValueError(f"{name} is not signed by this key") from error
        manifest = document["manifest"]
        if stream in (None, manifest["derivedStream"] or manifest["stream"]):
            manifests.append((name, manifest))
    sealed = []
    for name, manifest in manifests:
        data = name.removesuffix(MANIFEST)
        # Folders are left out: names in manifests begin at the bucket, a copied directory may not.
        if manifest["object"].split("/")[-1] != data.split("/")[-1]:
            raise ValueError(f"{name} is the manifest of another object")
        if manifest["keys"]:
            opener.add_keys(checked(bucket, data + ".keys.csv", manifest["keys"]["sha256"]))
        sealed += lines(checked(bucket, data, manifest["sha256"]), manifest["compression"])
    return [opener.open_event(event) for event in sealed], len(manifests)


def sessions(events, path):
    """Events per session and minute: a table with a row a minute and a column a session."""
    column = path.replace("/", ".")
    frame = pandas.json_normalize(events)
    if column not in frame:
        sys.exit(f"the events have no field {path}: name one with --session")
    frame = frame[[column, "strmMeta.timestamp"]].set_axis(["session", "time"], axis=1)
    connection = duckdb.connect()
    connection.register("events", frame)
    counted = connection.execute(
        """
        WITH ranked AS (
            SELECT session, row_number() OVER (ORDER BY count(*) DESC, session) AS place
            FROM events GROUP BY session)
        SELECT date_trunc('minute', make_timestamp(time * 1000)) AS minute,
               CASE WHEN place <= ? THEN session ELSE 'all others' END AS session,
               count(*) AS events
        FROM events JOIN ranked USING (session)
        GROUP BY ALL ORDER BY ALL
        """, [SESSIONS_MAX]).df()
    table = counted.pivot(index="minute", columns="session", values="events").fillna(0)
    every_minute = pandas.date_range(table.index.min(), table.index.max(), freq="min")
    table = table.reindex(every_minute, fill_value=0)
    order = table.sum().sort_values(ascending=False).index
    return table[[name for name in order if name != "all others"]
                 + [name for name in order if name == "all others"]]


def draw(table, chart):
    figure, axes = pyplot.subplots(figsize=(9, 4.5), layout="constrained")
    colors = dict(zip(table.columns, pyplot.get_cmap("tab10").colors))
    colors["all others"] = "lightgrey"
    below = pandas.Series(0.0, index=table.index)
    for name in table.columns:
        label = name if len(name) <= 24 else name[:23] + "…"
        axes.bar(table.index, table[name], width=pandas.Timedelta(seconds=50), bottom=below,
                 label=label, color=colors[name])
        below += table[name]
    axes.xaxis.set_major_locator(dates.AutoDateLocator(maxticks=8))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M"))
    first, last = table.index[0], table.index[-1]
    day = f"{first:%Y-%m-%d}" if first.date() == last.date() else f"{first:%m-%d} to {last:%m-%d}"
    axes.set(title="Events per session and minute", xlabel=f"{day}, UTC", ylabel="events")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(title="session", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False,
                fontsize="small", reverse=True)
    figure.savefig(chart, dpi=120)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n\n")[0], epilog=__doc__.split("\n\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("place", help="a directory, or s3://BUCKET[/PREFIX]")
    parser.add_argument("--field", action="append", default=[], help="a personal field to open")
    parser.add_argument("--manifest-key", help="manifestKey of strm get batch-exporter")
    parser.add_argument("--stream", help="only this stream or derived stream")
    parser.add_argument("--session", default="producerSessionId", help="the field of the session")
    parser.add_argument("--chart", default="sessions.png", help="where the chart goes")
    parser.add_argument("--events", help="also write the opened events there, as JSON lines")
    parser.add_argument("--endpoint", help="of a store that speaks S3")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    is_s3 = arguments.place.startswith("s3://")
    bucket = S3(arguments.place, arguments.endpoint) if is_s3 else Directory(arguments.place)
    opener = Opener(arguments.field)
    try:
        events, objects = read_bucket(
            bucket, opener, arguments.manifest_key, arguments.stream)
    except ValueError as error:
        sys.exit(f"open_bucket.py: {error}")
    if not events:
        sys.exit("no events: there is no object with a manifest")
    print(f"{len(events)} events in {objects} objects, {len(opener.keysets)} keys")
    print(", ".join(f"{opener.counts[state]} {state}" for state in
                    ("opened", "sealed", "plain", "damaged")) + " fields")
    if arguments.events:
        with open(arguments.events, "w", encoding="utf-8") as file:
            for event in events:
                print(json.dumps(event, ensure_ascii=False), file=file)
    draw(sessions(events, arguments.session), arguments.chart)
    print(f"drawn in {arguments.chart}")


if __name__ == "__main__":
    main()
