"""Judges pairs of schema and instance with Python's jsonschema, one a line on stdin:
{"schema": ..., "instance": ...}. Prints 1, 0, or the name of the error that the schema raised."""

import json
import sys

from jsonschema import Draft202012Validator, validators

out = []
known = {}
for line in sys.stdin:
    pair = json.loads(line)
    schema = pair["schema"]
    try:
        key = json.dumps(schema)
        if key not in known:
            kind = Draft202012Validator
            if isinstance(schema, dict):
                kind = validators.validator_for(schema, default=kind)
            kind.check_schema(schema)
            known[key] = kind(schema)
        out.append("1" if known[key].is_valid(pair["instance"]) else "0")
    except Exception as error:  # noqa: BLE001
        out.append(type(error).__name__)
print("\n".join(out))
