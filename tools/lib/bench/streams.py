"""Growth over streams, and what reaches the disk for a byte that was sent."""

import time

from .context import medians
from .http1 import send_batches
from .processes import fail
from .report import rate, table
from .site import Site
from . import events

TITLE = "growth over streams"
STREAMS = (1, 4, 16, 64)
BATCH_LINES = 100
CONNECTIONS = 8
SEQUENCES = 1_000


def _names(site):
    return [name for name in site.acknowledged if name.startswith("part")]


def _ready(bench, count):
    site = Site.ready(bench, f"streams-{count}")
    for number in range(count):
        site.make_stream(f"part{number}")
        site.acknowledge(0, f"part{number}")
    return site


def _send(site, bodies):
    """Batches to each stream in turn; the load is the same for any number of streams."""
    names = _names(site)
    tokens = [site.token(name) for name in names]
    cpu = site.server.cpu_seconds()
    _, seconds = send_batches(site.port, bodies, lambda number: tokens[number % len(tokens)],
                              BATCH_LINES, CONNECTIONS)
    for number in range(len(bodies)):
        site.acknowledge(BATCH_LINES, names[number % len(names)])
    count = len(bodies) * BATCH_LINES
    return {"rate": count / seconds,
            "cpuMicroseconds": (site.server.cpu_seconds() - cpu) / count * 1e6}


def _check(site):
    site.check()
    name = _names(site)[-1]
    headers, body = site.page(name, "limit=1000")
    if events.EMAIL_DOMAIN in body or int(headers["strm-events"]) != body.count(b"\n"):
        fail(f"stream {name} does not hold what it should")


def measure(bench):
    result = {"counts": {}}
    # All streams see the same sequences: what grows is the number of streams alone.
    bodies = [events.lines(range(at % SEQUENCES, at % SEQUENCES + BATCH_LINES))
              for at in range(0, bench.effort.stream_lines, BATCH_LINES)]
    payload = sum(map(len, bodies))
    sites, before = {}, {}
    try:
        for count in STREAMS:
            bench.say(f"streams: making {count}")
            sites[count] = _ready(bench, count)
            # Each stream has keys of its own for the same sequences; they are made here.
            warm = [events.lines(range(at, at + BATCH_LINES))
                    for at in range(0, SEQUENCES, BATCH_LINES) for _ in range(count)]
            _send(sites[count], warm)
            before[count] = sites[count].server.written_bytes()
        for number in range(bench.effort.rounds):
            for count, site in sites.items():
                bench.say(f"streams: round {number + 1}, {count} streams")
                result["counts"].setdefault(str(count), {"runs": []})["runs"].append(
                    _send(site, bodies))
        # What RocksDB flushes in the background belongs to what was sent.
        time.sleep(1)
        for count, site in sites.items():
            entry = result["counts"][str(count)]
            entry["writtenPerByte"] = (site.server.written_bytes() - before[count]) / (
                payload * bench.effort.rounds)
            entry["residentMebibytesMax"] = site.server.memory_mebibytes()[1]
            _check(site)
    finally:
        for site in sites.values():
            site.stop()
    result["payloadBytes"] = payload * bench.effort.rounds
    return result


def show(result):
    rows, first = [], None
    for count, entry in result["counts"].items():
        middle = medians(entry["runs"])
        first = first or middle["rate"]
        rows.append([count, rate(middle["rate"]), f"{middle['rate'] / first:.2f}",
                     f"{middle['cpuMicroseconds']:.1f}", f"{entry['writtenPerByte']:.2f}",
                     f"{entry['residentMebibytesMax']:,.0f}"])
    return table(
        ["streams", "events/s", "to one stream", "CPU µs an event", "bytes written a byte sent",
         "MiB resident at most"], rows,
        [f"Batches of {BATCH_LINES} lines, {CONNECTIONS} in flight, to the streams in turn; "
         f"{result['payloadBytes'] / 2**20:,.0f} MiB sent to each server. Written: by the server "
         "to the disk, its log and its first flushes included, later merges not."])
