"""The event that is sent: the clickstream event of Examples, as JSON and as Avro binary."""

import json
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[3]
CONTRACT_FILE = ROOT / "Examples/contracts/clickstream.json"
CONTRACT = "example/clickstream/1.0.0"
EMAIL_DOMAIN = b"@example.com"
"""What no sealed page may hold, and each opened one must."""

_STAMP = b"00000000000000000000"
"""Stands in the url, which is not personal, where a reader is to find the time of sending."""
STAMP_DIGITS = len(_STAMP)
STAMP_BEFORE = b'"url":"https://shop.example.com/page/'


def event(number=0):
    """One event of the sequence `number`, with an address of its own."""
    return {
        "strmMeta": {"eventContractRef": CONTRACT, "consentLevels": [0, 1, 4]},
        "producerSessionId": f"visit-{number:016x}",
        "url": f"https://shop.example.com/page/{_STAMP.decode()}",
        "eventType": "add_to_basket",
        "referrer": "https://search.example.net/?q=outdoor",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "conversion": 0,
        "customer": {"email": f"ada.{number:08x}{EMAIL_DOMAIN.decode()}", "country": "NL"},
        "abTests": ["checkout-a"],
    }


def json_body(number=0):
    return json.dumps(event(number), separators=(",", ":")).encode()


def _template():
    """The body in pieces around session, stamp and address."""
    text = json_body(0)
    pieces = []
    for part in (b"%016x" % 0, _STAMP, b"%08x" % 0):
        before, text = text.split(part, 1)
        pieces.append(before)
    return (*pieces, text)


_BEFORE_SESSION, _BEFORE_STAMP, _BEFORE_EMAIL, _REST = _template()
_LINE = (_BEFORE_SESSION + b"%016x" + _BEFORE_STAMP + _STAMP + _BEFORE_EMAIL + b"%08x" + _REST
         ).replace(b"\n", b"")


def line(number):
    """As `json_body`, for bodies by the million."""
    return _LINE % (number, number)


def lines(numbers):
    """JSON lines, one event of each sequence in `numbers`."""
    return b"\n".join([_LINE % (number, number) for number in numbers]) + b"\n"


def lines_of(pairs):
    """The same for pairs of a sequence and a person: its address is the person's, not its own."""
    return b"\n".join([_LINE % pair for pair in pairs]) + b"\n"


class StampedBodies:
    """Bodies that carry a time, of the sequences 0 to `sequences` - 1 in turn."""

    def __init__(self, sequences):
        self._heads = [
            _BEFORE_SESSION + b"%016x" % number + _BEFORE_STAMP for number in range(sequences)]
        self._tails = [_BEFORE_EMAIL + b"%08x" % number + _REST for number in range(sequences)]
        self._next = self._last = 0

    def body(self, stamp_nanoseconds):
        number = self._next
        self._next = (number + 1) % len(self._heads)
        # What leaves in one write was asked for at one time; a nanosecond tells them apart.
        self._last = max(stamp_nanoseconds, self._last + 1)
        return self._heads[number] + b"%020d" % self._last + self._tails[number]


def find_stamps(page):
    """The times in all events of a page, in their order."""
    begin, size = page.find(STAMP_BEFORE), len(STAMP_BEFORE)
    stamps = []
    while begin >= 0:
        stamps.append(int(page[begin + size:begin + size + STAMP_DIGITS]))
        begin = page.find(STAMP_BEFORE, begin + size)
    return stamps


def _zigzag(number):
    """An Avro int or long."""
    number = (number << 1) ^ (number >> 63)
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(encoded) + bytes([number])


def _encode(schema, value):
    """Enough of Avro for the example's schema: record, array, union with null, string, int."""
    if isinstance(schema, list):
        branch = 0 if value is None else 1
        return _zigzag(branch) + _encode(schema[branch], value)
    if isinstance(schema, dict) and schema["type"] == "record":
        return b"".join(
            _encode(field["type"], value.get(field["name"], field.get("default")))
            for field in schema["fields"])
    if isinstance(schema, dict) and schema["type"] == "array":
        items = b"".join(_encode(schema["items"], item) for item in value)
        return (_zigzag(len(value)) + items if value else b"") + _zigzag(0)
    if schema == "null":
        return b""
    if schema in ("int", "long"):
        return _zigzag(value)
    if schema == "string":
        text = value.encode()
        return _zigzag(len(text)) + text
    raise ValueError(f"no encoder for {schema}")


def avro_body(number=0):
    contract = json.loads(CONTRACT_FILE.read_text())
    return _encode(contract["schema"]["definition"], event(number))
