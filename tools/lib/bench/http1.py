"""HTTP/1.1 over plain sockets: else what a client costs in Python would be what is measured."""

import json
import math
import selectors
import socket
import time

from .processes import fail

_HEAD_BYTES_MAX = 16_384


def connect(port):
    wire = socket.create_connection(("127.0.0.1", port), timeout=120)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire


def header(head, name):
    """The value of a header in a response head, as text; None if it is not there."""
    at = head.lower().find(b"\r\n" + name.encode() + b":")
    if at < 0:
        return None
    begin = at + len(name) + 3
    return head[begin:head.index(b"\r\n", begin)].strip().decode()


class PageReader:
    """Reads pages of a stream over one connection, without making objects of what it receives."""

    def __init__(self, port, stream, token):
        self.wire = connect(port)
        self._path = f"/v1/streams/{stream}/events"
        self._rest = f" HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n"
        self._buffer = bytearray(1 << 20)
        self._view = memoryview(self._buffer)

    def read(self, query, keeps_body=False):
        """One page: its head, the size of its body, and the body if it is to be kept.

        A body that is not kept is received into the same megabyte again and again.
        """
        self.wire.sendall(f"GET {self._path}?{query}{self._rest}".encode())
        filled = 0
        while True:
            count = self.wire.recv_into(self._view[filled:])
            if not count:
                fail("the server closed a reader's connection")
            filled += count
            end = self._buffer.find(b"\r\n\r\n", 0, filled)
            if end >= 0:
                break
            if filled > _HEAD_BYTES_MAX:
                fail("a response head without an end")
        head = bytes(self._view[:end + 2])
        length = header(head, "content-length")
        if head[9:12] != b"200" or length is None:
            fail(f"reading {self._path}: {bytes(self._view[:min(filled, 600)])}")
        size, have = int(length), filled - end - 4
        body = None
        if keeps_body:
            body = bytearray(size)
            body[:have] = self._view[end + 4:filled]
        self._receive(size, have, body)
        return head, size, body

    def _receive(self, size, have, body):
        target = memoryview(body) if body is not None else self._view
        while have < size:
            if body is not None:
                count = self.wire.recv_into(target[have:])
            else:
                count = self.wire.recv_into(target, min(len(target), size - have))
            if not count:
                fail("the server closed a reader's connection within a page")
            have += count


def send_batches(port, bodies, token_of, lines, connections, seconds_max=math.inf):
    """Sends batches of so many JSON `lines` each, one at a time on each connection.

    `token_of` gives the token for the number of a body. Stops early, with a whole number of
    batches, when `seconds_max` are over. Fails unless each line is accepted.
    Returns how many batches were sent and the seconds that it took.
    """
    # Connections of their own for each run: the server closes those that never ask for anything.
    wires = [connect(port) for _ in range(min(connections, len(bodies)))]
    selector = selectors.DefaultSelector()
    begin, sent, done = time.perf_counter(), 0, 0
    for wire in wires:
        _post(wire, token_of(sent), bodies[sent])
        selector.register(wire, selectors.EVENT_READ)
        sent += 1
    while done < sent:
        ready = selector.select(60)
        if not ready:
            fail("a batch was not answered within 60 s")
        for key, _ in ready:
            wire = key.fileobj
            check_batch_answer(receive_small(wire), lines)
            done += 1
            if sent < len(bodies) and time.perf_counter() - begin < seconds_max:
                _post(wire, token_of(sent), bodies[sent])
                sent += 1
    elapsed = time.perf_counter() - begin
    selector.close()
    for wire in wires:
        wire.close()
    return sent, elapsed


def _post(wire, token, body):
    head = (f"POST /events HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n"
            f"content-type: application/x-ndjson\r\ncontent-length: {len(body)}\r\n\r\n")
    wire.sendall(head.encode() + body)


def receive_small(wire):
    """A whole response: its status and its body."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = wire.recv(65_536)
        if not more:
            fail("the server closed a connection")
        data += more
    head, body = data.split(b"\r\n\r\n", 1)
    size = int(header(head + b"\r\n", "content-length") or 0)
    while len(body) < size:
        more = wire.recv(65_536)
        if not more:
            fail("the server closed a connection within an answer")
        body += more
    return int(head[9:12]), body


def check_batch_answer(answer, lines):
    status, body = answer
    if status != 200:
        fail(f"a batch was answered with {status}: {body[:300]}")
    said = json.loads(body)
    if said["accepted"] != lines or said["refused"]:
        fail(f"of {lines} lines only {said['accepted']} were accepted: {body[:300]}")
