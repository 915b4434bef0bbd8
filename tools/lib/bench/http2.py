"""As much of HTTP/2 as a load generator needs that sends at times of its own choice.

h2load is faster but sends in bursts (its timers have milliseconds, and 10 of them at least), and
would measure those. This client sends one event when its time has come.
"""

import socket

from .processes import fail

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM = 1
_STATUSES = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}
"""The static table of RFC 7541 for :status; retry-after is number 53 there."""
_RETRY_AFTER = 53


def _frame(kind, flags, stream, payload=b""):
    return (len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
            + payload)


def _integer(value, bits, first):
    """RFC 7541, 5.1: `first` has the bits above the prefix."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes((first | value,))
    encoded, value = bytearray((first | limit,)), value - limit
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    return bytes(encoded) + bytes((value,))


def _literal(name_index, value):
    """A header of the static table's name, to be remembered by the receiver."""
    return _integer(name_index, 6, 0x40) + _integer(len(value), 7, 0) + value


def _read_integer(block, at, bits):
    limit = (1 << bits) - 1
    value, at = block[at] & limit, at + 1
    if value == limit:
        shift = 0
        while True:
            byte, at = block[at], at + 1
            value += (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
    return value, at


def _digits(raw, is_huffman):
    """Digits in the Huffman code of RFC 7541: 0, 1 and 2 have five bits, the others six."""
    if not is_huffman:
        return raw.decode("latin-1")
    bits = "".join(f"{byte:08b}" for byte in raw)
    text = ""
    while len(bits) >= 5 and bits.strip("1"):
        if bits[:5] in ("00000", "00001", "00010"):
            text, bits = text + str(int(bits[:5], 2)), bits[5:]
        elif "011001" <= bits[:6] <= "011111":
            text, bits = text + str(int(bits[:6], 2) - 22), bits[6:]
        else:
            return ""
    return text


def status_of(block):
    """Status and Retry-After (None if there is none) of a header block without dynamic entries."""
    status, retry_after, at = None, None, 0
    while at < len(block):
        byte = block[at]
        if byte & 0x80:
            index, at = _read_integer(block, at, 7)
            status = _STATUSES.get(index, status)
            continue
        if byte & 0xE0 == 0x20:
            _, at = _read_integer(block, at, 5)
            continue
        name, at = _read_integer(block, at, 6 if byte & 0x40 else 4)
        if name == 0:
            size, at = _read_integer(block, at, 7)
            at += size
        is_huffman = bool(block[at] & 0x80)
        size, at = _read_integer(block, at, 7)
        value, at = _digits(block[at:at + size], is_huffman) if name in (8, _RETRY_AFTER) else "", \
            at + size
        if 8 <= name <= 14 and value.isdigit():
            status = int(value)
        elif name == _RETRY_AFTER:
            retry_after = value
    return status, retry_after


class Connection:
    """Many `POST /event` at once. Holds back what the server's windows have no room for."""

    def __init__(self, port, token):
        self.wire = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.in_flight = {}
        self._streams_max, self._window, self._next = 100, 65_535, 1
        self._rest = b""
        self._first = (
            b"\x83\x86" + _literal(1, b"127.0.0.1:%d" % port) + _literal(4, b"/event")
            + _literal(23, b"Bearer " + token.encode()))
        # After the first request the receiver knows the three: 64 is the oldest.
        self._again = _frame(_HEADERS, 4, 0, b"\x83\x86\xc0\xbf\xbe")
        # No dynamic table for responses: `status_of` has none.
        self.wire.sendall(_PREFACE + _frame(
            _SETTINGS, 0, 0, b"\x00\x01\x00\x00\x00\x00" + b"\x00\x02\x00\x00\x00\x00"))
        self._wait_for_settings()

    def _wait_for_settings(self):
        answered = []
        while not self._is_set_up:
            self.receive(answered.append)
        self.wire.setblocking(False)

    _is_set_up = False

    def fileno(self):
        return self.wire.fileno()

    def has_room(self, size):
        return len(self.in_flight) < self._streams_max and self._window >= size

    def request(self, body, mark):
        """The bytes of a request; `mark` comes back with its answer."""
        stream, self._next = self._next, self._next + 2
        self.in_flight[stream] = mark
        self._window -= len(body)
        number = stream.to_bytes(4, "big")
        if self._first:
            head, self._first = _frame(_HEADERS, 4, stream, self._first), None
        else:
            head = self._again[:5] + number + self._again[9:]
        return b"".join((head, len(body).to_bytes(3, "big"), b"\x00\x01", number, body))

    def send(self, data):
        try:
            sent = self.wire.send(data)
        except BlockingIOError:
            sent = 0
        if sent < len(data):
            # The kernel's buffer is full: the server does not keep up. Waiting is all there is.
            self.wire.setblocking(True)
            self.wire.sendall(data[sent:])
            self.wire.setblocking(False)

    def receive(self, on_answer):
        """Takes what has arrived; calls `on_answer` with (mark, status, retry-after) for each."""
        try:
            data = self.wire.recv(1 << 18)
        except BlockingIOError:
            return
        if not data:
            fail("the server closed a connection")
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        while end - at >= 9:
            size = int.from_bytes(data[at:at + 3], "big")
            if end - at < 9 + size:
                break
            kind, flags = data[at + 3], data[at + 4]
            stream = int.from_bytes(data[at + 5:at + 9], "big")
            payload = data[at + 9:at + 9 + size]
            at += 9 + size
            if kind == _HEADERS:
                # The usual answer is one byte: 204 in the static table.
                answer = (204, None) if payload == b"\x89" else status_of(payload)
                mark = self.in_flight[stream]
                if flags & _END_STREAM:
                    del self.in_flight[stream]
                on_answer((mark, *answer))
            else:
                self._take(kind, flags, stream, payload)
        self._rest = data[at:]

    def _take(self, kind, flags, stream, payload):
        if kind == _DATA:
            if flags & _END_STREAM:
                self.in_flight.pop(stream, None)
            if payload:
                self.send(_frame(_WINDOW, 0, 0, len(payload).to_bytes(4, "big")))
        elif kind == _WINDOW and stream == 0:
            self._window += int.from_bytes(payload, "big")
        elif kind == _SETTINGS and not flags & 1:
            for place in range(0, len(payload), 6):
                if int.from_bytes(payload[place:place + 2], "big") == 3:
                    self._streams_max = int.from_bytes(payload[place + 2:place + 6], "big")
            self._is_set_up = True
            self.send(_frame(_SETTINGS, 1, 0))
        elif kind == _PING and not flags & 1:
            self.send(_frame(_PING, 1, 0, payload))
        elif kind in (_RESET, _GOAWAY):
            fail(f"the server reset a stream or said goodbye: {payload!r}")
