"""From POST to a reader of a derived stream: by long-poll and by WebSocket."""

import base64
import multiprocessing
import os
import statistics
import time

from .context import median
from .http1 import PageReader, connect, header
from .paced import PacedLoad, summary
from .processes import fail
from .report import milliseconds, table
from .site import Site
from . import events

TITLE = "from POST to a reader of the derived stream (2 fields opened, audited), in ms"
RATE = 1_000
SEQUENCES = 1_000
_QUIET_SECONDS = 15
"""A reader that sees nothing for so long gives up."""


def _take(page, latencies):
    """Adds the latencies of a page's events, by their stamps; each must be there once.

    The order is that of commits: two connections have none between them.
    """
    now = time.monotonic_ns()
    for stamp in events.find_stamps(page):
        if stamp in latencies:
            fail("a reader was given an event twice")
        latencies[stamp] = now - stamp


def end_of_stream(reader):
    """The cursor behind the last event, as if one had read all before it."""
    cursor = None
    while True:
        head, _, _ = reader.read(f"limit=10000&cursor={cursor}" if cursor else "limit=10000")
        cursor = header(head, "strm-next-cursor")
        if header(head, "strm-events") == "0":
            return cursor


def long_poll(port, token, count, ready, answer):
    """Waits at the end of the stream, takes what comes, and asks again with the cursor."""
    try:
        reader = PageReader(port, "demo-1-4", token)
        reader.wire.settimeout(_QUIET_SECONDS)
        cursor, latencies, pages = end_of_stream(reader), {}, 0
        ready.set()
        while len(latencies) < count:
            head, _, body = reader.read(
                f"limit=10000&wait=30&cursor={cursor}", keeps_body=True)
            cursor, pages = header(head, "strm-next-cursor"), pages + 1
            _take(body, latencies)
        answer.send({"latencies": list(latencies.values()), "pages": pages})
    except BaseException as error:
        answer.send({"error": repr(error)})


class _Frames:
    """The frames of a WebSocket that a server sends: without mask."""

    def __init__(self, wire, rest):
        self._wire, self._data = wire, bytearray(rest)

    def read(self):
        """The payloads of all whole text frames that are there, joined; waits for one at least."""
        texts = []
        while not texts:
            at = 0
            while (place := self._frame_at(at)) is not None:
                kind, begin, end = place
                if kind == 8:
                    fail(f"the WebSocket was closed: {bytes(self._data[begin:end])!r}")
                if kind == 1:
                    texts.append(bytes(self._data[begin:end]))
                elif kind == 9:
                    # A pong: masked, as all that a client sends; with zeros it stays what it is.
                    payload = self._data[begin:end]
                    self._wire.sendall(bytes((0x8A, 0x80 | len(payload))) + bytes(4) + payload)
                at = end
            del self._data[:at]
            if not texts:
                more = self._wire.recv(1 << 20)
                if not more:
                    fail("the server closed a WebSocket")
                self._data += more
        return b"\n".join(texts)

    def _frame_at(self, at):
        data = self._data
        if len(data) - at < 2:
            return None
        size, begin = data[at + 1] & 127, at + 2
        if size >= 126:
            digits = 2 if size == 126 else 8
            if len(data) - begin < digits:
                return None
            size, begin = int.from_bytes(data[begin:begin + digits], "big"), begin + digits
        return (data[at] & 15, begin, begin + size) if len(data) >= begin + size else None


def web_socket(port, token, count, ready, answer):
    try:
        cursor = end_of_stream(PageReader(port, "demo-1-4", token))
        wire = connect(port)
        wire.settimeout(_QUIET_SECONDS)
        key = base64.b64encode(os.urandom(16)).decode()
        wire.sendall("\r\n".join((
            f"GET /ws?asJson=true&cursor={cursor} HTTP/1.1", "host: 127.0.0.1",
            "upgrade: websocket", "connection: Upgrade", f"sec-websocket-key: {key}",
            "sec-websocket-version: 13", f"authorization: Bearer {token}", "", "")).encode())
        data = b""
        while b"\r\n\r\n" not in data:
            data += wire.recv(65_536) or fail("the server closed a WebSocket")
        head, rest = data.split(b"\r\n\r\n", 1)
        if b" 101 " not in head[:20]:
            fail(f"no WebSocket: {data[:300]}")
        ready.set()
        frames, latencies = _Frames(wire, rest), {}
        while len(latencies) < count:
            _take(frames.read(), latencies)
        answer.send({"latencies": list(latencies.values())})
    except BaseException as error:
        answer.send({"error": repr(error)})


READERS = {"long-poll": long_poll, "WebSocket": web_socket}


def _one(bench, site, load, reader, seconds):
    context = multiprocessing.get_context("fork")
    ready, (ours, theirs) = context.Event(), context.Pipe(False)
    count = int(RATE * seconds)
    process = context.Process(
        target=reader, args=(site.port, site.token("demo-1-4"), count, ready, theirs), daemon=True)
    process.start()
    if not ready.wait(_QUIET_SECONDS):
        fail("a reader did not get ready" + (f": {ours.recv()}" if ours.poll() else ""))
    syncs = bench.sync_milliseconds(50)
    run = load.run(RATE, seconds, events.StampedBodies(SEQUENCES).body)
    site.acknowledge(run["stored"])
    if run["refused"]:
        fail(f"events were refused: {run['refused']}")
    if not ours.poll(_QUIET_SECONDS + 5):
        fail("a reader did not see all events")
    seen = ours.recv()
    process.join()
    if "error" in seen:
        fail(f"a reader failed: {seen['error']}")
    if len(seen["latencies"]) != count:
        fail(f"{count} events were sent, but a reader saw {len(seen['latencies'])}")
    return {**summary(seen["latencies"]), "post": summary(run["latencies"]),
            "events": count, "pages": seen.get("pages"), "sync": statistics.median(syncs)}


def measure(bench):
    result = {}
    with Site.ready(bench, "delivery") as site:
        load = PacedLoad(site.port, site.token("demo"))
        warm = load.run(5_000, max(0.4, SEQUENCES / 5_000), events.StampedBodies(SEQUENCES).body)
        site.acknowledge(warm["stored"])
        for number in range(bench.effort.rounds):
            for name, reader in READERS.items():
                bench.say(f"delivery: round {number + 1}, {name}")
                result.setdefault(name, []).append(
                    _one(bench, site, load, reader, bench.effort.delivery_seconds))
        load.close()
        result["stored"] = site.check()
    return result


def show(result):
    rows = []
    for name in READERS:
        runs = result[name]
        posts = [{key: run["post"][key] for key in ("p50", "p99")} for run in runs]
        rows.append([
            name, *(milliseconds(median(runs, key)) for key in ("p50", "p99", "p999")),
            ", ".join(milliseconds(median(posts, key)) for key in ("p50", "p99")),
            milliseconds(median(runs, "sync"))])
    return table(
        ["reader", "p50", "p99", "p99.9", "204 to the sender: p50, p99",
         "4 KiB append + fdatasync: median"], rows,
        [f"At {RATE:,} events a second of {SEQUENCES:,} sequences; each carries the time of its "
         "sending, and each was seen once."])
