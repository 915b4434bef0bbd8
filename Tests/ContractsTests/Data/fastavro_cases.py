"""Writes random Avro schemas and values as fastavro sees them: one JSON object a line, {schema, binary, json, plain}.

usage: fastavro_cases.py SEED COUNT
"""

import base64
import io
import json
import random
import struct
import sys

import fastavro


class Maker:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.names = 0
        self.known = []

    def name(self, prefix):
        self.names += 1
        return f"{prefix}{self.names}"

    def type(self, depth, in_union=False):
        pick = self.random.random()
        if depth <= 0 or pick < 0.5:
            return self.random.choice(
                ["null", "boolean", "int", "long", "float", "double", "bytes", "string"])
        if pick < 0.58:
            return {"type": "array", "items": self.type(depth - 1)}
        if pick < 0.66:
            return {"type": "map", "values": self.type(depth - 1)}
        if pick < 0.72:
            symbols = [self.name("S") for _ in range(self.random.randint(1, 12))]
            return self.remember({"type": "enum", "name": self.name("E"), "symbols": symbols})
        if pick < 0.78:
            size = self.random.randint(1, 20)
            return self.remember({"type": "fixed", "name": self.name("F"), "size": size})
        if pick < 0.84 and self.known:
            return self.random.choice(self.known)["name"]
        if pick < 0.92 and not in_union:
            return self.union(depth)
        return self.record(depth)

    def remember(self, schema):
        self.known.append(schema)
        return schema

    def union(self, depth):
        branches, seen = [], set()
        for _ in range(self.random.randint(1, 4)):
            known = len(self.known)
            branch = self.type(depth - 1, in_union=True)
            key = branch if isinstance(branch, str) else branch.get("name", branch["type"])
            # Not both: plain JSON does not say which of the two a number is.
            key = "float" if key == "double" else key
            if key not in seen:
                seen.add(key)
                branches.append(branch)
            else:
                # Left out, so nothing may refer to what it defined.
                del self.known[known:]
        return branches

    def record(self, depth):
        schema = {"type": "record", "name": self.name("R"), "fields": []}
        for _ in range(self.random.randint(0, 4)):
            schema["fields"].append({"name": self.name("f"), "type": self.type(depth - 1)})
        if self.random.random() < 0.3:
            again = ["null", schema["name"]]
            schema["fields"].append({"name": self.name("f"), "type": again})
        return self.remember(schema)

    def resolve(self, schema):
        if isinstance(schema, str):
            return next((k for k in self.known if k["name"] == schema), schema)
        return schema

    def text(self):
        length = self.random.choice([0, 1, 5, 7, 8, 9, 40])
        alphabet = 'ab"\\/\n\t\x00\x1f\x7f é€😀\u2028'
        return "".join(self.random.choice(alphabet) for _ in range(length))

    def raw(self, length):
        return bytes(self.random.randrange(256) for _ in range(length))

    def value(self, schema, depth=0):
        """(value for fastavro, the same as plain JSON)."""
        schema = self.resolve(schema)
        if isinstance(schema, list):
            return self.union_value(schema, depth)
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind == "null":
            return None, None
        if kind == "boolean":
            flag = self.random.random() < 0.5
            return flag, flag
        if kind in ("int", "long"):
            bits = self.random.choice([1, 7, 13, 31] if kind == "int" else [1, 31, 32, 53, 63])
            number = self.random.randint(-(1 << bits), (1 << bits) - 1)
            return number, number
        if kind == "float":
            number = struct.unpack("<f", struct.pack("<f", self.random.uniform(-1e6, 1e6)))[0]
            return number, number
        if kind == "double":
            number = self.random.choice(
                [0.0, -0.0, 1e300, 5e-324, 0.1, float(self.random.randint(-99, 99)),
                 self.random.uniform(-1e9, 1e9), self.random.random() * 10.0 ** self.random.randint(-30, 30)])
            return number, number
        if kind == "string":
            text = self.text()
            return text, text
        if kind in ("bytes", "fixed"):
            length = schema["size"] if kind == "fixed" else self.random.choice([0, 1, 9, 30])
            data = self.raw(length)
            return data, data.decode("iso-8859-1")
        if kind == "enum":
            symbol = self.random.choice(schema["symbols"])
            return symbol, symbol
        if kind == "array":
            pairs = [self.value(schema["items"], depth + 1) for _ in range(self.count(depth))]
            return [a for a, _ in pairs], [b for _, b in pairs]
        if kind == "map":
            keys = {self.text() for _ in range(self.count(depth))}
            pairs = [(key, self.value(schema["values"], depth + 1)) for key in sorted(keys)]
            return {k: v[0] for k, v in pairs}, {k: v[1] for k, v in pairs}
        pairs = [(f["name"], self.value(f["type"], depth + 1)) for f in schema["fields"]]
        return {k: v[0] for k, v in pairs}, {k: v[1] for k, v in pairs}

    def count(self, depth):
        return self.random.choice([0, 1, 2, 5]) if depth < 8 else 0

    def union_value(self, schema, depth):
        branches = schema if depth < 6 or "null" not in schema else ["null"]
        branch = self.random.choice(branches)
        full = self.resolve(branch)
        value, plain = self.value(full, depth + 1)
        if branch == "null":
            return None, None
        name = full if isinstance(full, str) else full.get("name", full["type"])
        # A tuple names the branch, so that fastavro does not guess.
        return (name, value), plain


META = {
    "type": "record", "name": "StrmMeta", "fields": [
        {"name": "eventContractRef", "type": "string"},
        {"name": "nonce", "type": ["null", "int"], "default": None},
        {"name": "timestamp", "type": ["null", "long"], "default": None},
        {"name": "keyLink", "type": ["null", "string"], "default": None},
        {"name": "billingId", "type": ["null", "string"], "default": None},
        {"name": "consentLevels", "type": {"type": "array", "items": "int"}}]}


def case(seed):
    maker = Maker(seed)
    fields = [{"name": maker.name("f"), "type": maker.type(5)} for _ in range(maker.random.randint(1, 5))]
    meta_field = {"name": "strmMeta", "type": META}
    fields.insert(maker.random.randint(0, len(fields)), meta_field)
    fields.append({"name": "id", "type": "string"})
    schema = {"type": "record", "name": "Event", "fields": fields}
    meta = {
        "eventContractRef": "t/t/1.0.0", "nonce": maker.random.choice([None, 7]), "timestamp": None,
        "keyLink": maker.random.choice([None, "x"]), "billingId": None, "consentLevels": [1]}
    event, plain = {}, {}
    for field in fields:
        if field is meta_field:
            event["strmMeta"] = meta
            plain["strmMeta"] = {"eventContractRef": "t/t/1.0.0", "consentLevels": [1]}
        elif field["name"] == "id":
            event["id"] = plain["id"] = "k"
        else:
            event[field["name"]], plain[field["name"]] = maker.value(field["type"])
    parsed = fastavro.parse_schema(json.loads(json.dumps(schema)))
    binary = io.BytesIO()
    fastavro.schemaless_writer(binary, parsed, event)
    text = io.StringIO()
    try:
        fastavro.json_writer(text, parsed, [event])
        encoded = text.getvalue()
    except Exception:
        # fastavro's JSON writer fails on some unions within types that contain themselves, and on empty map keys.
        encoded = None
    return {
        "schema": json.dumps(schema), "binary": base64.b64encode(binary.getvalue()).decode(),
        "json": encoded, "plain": json.dumps(plain)}


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2])
    for index in range(count):
        print(json.dumps(case(seed * 1_000_003 + index)))


main()
