"""Pages of a stream, sealed and derived: 1, 4 and 16 readers, from the start and at the end."""

import multiprocessing
import time

from .context import medians
from .http1 import PageReader, header, send_batches
from .processes import fail
from .report import rate, table
from .site import Site, check_page
from . import events

TITLE = "pages of 10,000 events"
READERS = (1, 4, 16)
STREAMS = {"demo": "stream, sealed", "demo-1-4": "derived, 2 fields opened, audited"}
PAGE_EVENTS = 10_000
SEQUENCES = 1_000
_CHECKED_EACH = 8
"""Each so manieth page is kept, its lines are counted and its fields looked at."""


def fill(site, count):
    """Stores `count` events of 1,000 sequences, in batches."""
    lines = 1_000
    body = events.lines(range(SEQUENCES))
    token = site.token("demo")
    # The first one makes the keys.
    send_batches(site.port, [body], lambda _: token, lines, 1)
    send_batches(site.port, [body] * (count // lines - 1), lambda _: token, lines, 4)
    site.acknowledge(count // lines * lines)


class _Sweep:
    """What one reader does: pages from a cursor on, or the same last page again and again."""

    def __init__(self, port, stream, token, wanted, tail_cursor):
        self.reader = PageReader(port, stream, token)
        self.stream, self.wanted, self.tail = stream, wanted, tail_cursor

    def run(self):
        cursor, count, size, pages = self.tail, 0, 0, 0
        while count < self.wanted:
            is_checked = pages % _CHECKED_EACH == 0
            query = f"limit={min(PAGE_EVENTS, self.wanted - count)}"
            head, length, body = self.reader.read(
                query + (f"&cursor={cursor}" if cursor else ""), is_checked)
            found = int(header(head, "strm-events"))
            if is_checked:
                check_page(self.stream, self.stream != "demo",
                           {"strm-events": found,
                            "strm-sealed-fields": header(head, "strm-sealed-fields")}, body)
            if not found:
                fail(f"{self.stream} ended after {count} of {self.wanted} events")
            count, size, pages = count + found, size + length, pages + 1
            if not self.tail:
                cursor = header(head, "strm-next-cursor")
        return {"events": count, "bytes": size, "pages": pages}


def _work(sweep, begin, answer):
    try:
        begin.wait()
        started = time.monotonic()
        done = sweep.run()
        answer.send({**done, "begin": started, "end": time.monotonic()})
    except BaseException as error:
        answer.send({"error": repr(error)})


def sweep(site, stream, readers, events_each, tail_cursor=None):
    """So many readers at once, each a process of its own; events in all by the time of all."""
    context = multiprocessing.get_context("fork")
    begin = context.Barrier(readers + 1)
    pipes, processes = [], []
    for _ in range(readers):
        ours, theirs = context.Pipe(False)
        work = _Sweep(site.port, stream, site.token(stream), events_each, tail_cursor)
        process = context.Process(target=_work, args=(work, begin, theirs), daemon=True)
        process.start()
        work.reader.wire.close()
        pipes.append(ours)
        processes.append(process)
    cpu = site.server.cpu_seconds()
    begin.wait(30)
    answers = []
    for pipe in pipes:
        if not pipe.poll(120):
            fail("a reader did not end")
        answers.append(pipe.recv())
    cpu = site.server.cpu_seconds() - cpu
    for process in processes:
        process.join()
    for answer in answers:
        if "error" in answer:
            fail(f"a reader failed: {answer['error']}")
    total = sum(answer["events"] for answer in answers)
    seconds = max(answer["end"] for answer in answers) - min(a["begin"] for a in answers)
    return {"rate": total / seconds, "cpuMicroseconds": cpu / total * 1e6, "events": total,
            "mebibytesPerSecond": sum(a["bytes"] for a in answers) / seconds / 2**20}


def tail_cursor(site, stream, count):
    """The cursor behind which the last page of a stream of `count` events begins."""
    reader, cursor, seen = PageReader(site.port, stream, site.token(stream)), None, 0
    while seen < count - PAGE_EVENTS:
        query = f"limit={min(PAGE_EVENTS, count - PAGE_EVENTS - seen)}"
        head, _, _ = reader.read(query + (f"&cursor={cursor}" if cursor else ""))
        seen += int(header(head, "strm-events"))
        cursor = header(head, "strm-next-cursor")
    reader.wire.close()
    return cursor


def measure(bench):
    count = bench.effort.read_events
    result = {"events": count, "runs": {}}
    with Site.ready(bench, "reads") as site:
        bench.say("reads: storing what is to be read")
        fill(site, count)
        # The walk to the end is the warm-up too.
        ends = {stream: tail_cursor(site, stream, count) for stream in STREAMS}
        for number in range(bench.effort.read_rounds):
            for readers in READERS:
                for stream, end in ends.items():
                    # Opening takes three times as long; half as much is enough of it.
                    total = count if stream == "demo" else count // 2
                    each = max(PAGE_EVENTS, total // readers // PAGE_EVENTS * PAGE_EVENTS)
                    for place, cursor in (("start", None), ("end", end)):
                        bench.say(f"reads: round {number + 1}, {stream}, {readers}, {place}")
                        result["runs"].setdefault(f"{stream} {readers} {place}", []).append(
                            sweep(site, stream, readers, each, cursor))
        site.check()
        result["memoryMebibytesMax"] = site.server.memory_mebibytes()[1]
    return result


def best(result, stream):
    """Of all numbers of readers and both places: the highest rate, and the least CPU an event."""
    middle = [medians(runs) for key, runs in result["runs"].items() if key.startswith(stream + " ")]
    return (max(run["rate"] for run in middle), min(run["cpuMicroseconds"] for run in middle))


def show(result):
    rows = []
    for stream, label in STREAMS.items():
        for readers in READERS:
            cells = [f"{label}, {readers} reader{'s' if readers > 1 else ''}"]
            for place in ("start", "end"):
                middle = medians(result["runs"][f"{stream} {readers} {place}"])
                cells += [rate(middle["rate"]), f"{middle['mebibytesPerSecond']:,.0f}",
                          f"{middle['cpuMicroseconds']:.2f}"]
            rows.append(cells)
    return table(
        ["", "from the start: events/s", "MiB/s", "CPU µs an event",
         "the last page again: events/s", "MiB/s", "CPU µs an event"], rows,
        [f"{result['events']:,} events of {SEQUENCES:,} sequences; all readers together, each a "
         f"process with one connection; each {_CHECKED_EACH}th page was looked at line by line; at "
         f"most {result['memoryMebibytesMax']:,.0f} MiB resident."])
