"""A constant load for a long time, with a reader beside it: does anything grow, or get slower?

Events come one at a time, each when it is due, of many sequences in turn; a reader follows the
derived stream by long-poll and sees each of them. A line a slice. Ends with 1 if an event was
refused with anything but 503 and Retry-After, if one is missing, or if a reader saw one twice.
"""

import argparse
import json
import multiprocessing
import pathlib
import shutil
import signal
import statistics
import sys
import tempfile
import time

from .context import Bench, Effort
from .delivery import end_of_stream
from .events import ROOT, StampedBodies, find_stamps
from .http1 import PageReader, header
from .paced import PacedLoad, summary
from .processes import BenchError, Pinning, fail, progress
from .report import table
from .site import Site

_BYTES_PER_EVENT = 1_200
"""An event on disk with what merging needs for a while; to refuse a disk that is too small."""


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="tools/soak --steady", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strm", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--minutes", type=float, default=30, help="how long (30)")
    parser.add_argument("--rate", type=int, default=20_000, help="events a second (20000)")
    parser.add_argument("--slice-seconds", type=float, default=30, help="a line each (30)")
    parser.add_argument("--sequences", type=int, default=100_000, help="live sequences (100000)")
    parser.add_argument("--directory", default=str(ROOT / ".build"),
                        help="where the data goes (.build)")
    parser.add_argument("--json", default=str(ROOT / ".build/steady.json"),
                        help="where all slices are written (.build/steady.json)")
    return parser.parse_args(arguments)


def follow(port, token, ready, pipe):
    """Reads what comes; whenever it is asked, tells of the latencies since it was asked before."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        reader = PageReader(port, "demo-1-4", token)
        cursor, latencies, last, total = end_of_stream(reader), [], set(), 0
        ready.set()
        while True:
            head, _, body = reader.read(f"limit=10000&wait=0.2&cursor={cursor}", keeps_body=True)
            cursor, now = header(head, "strm-next-cursor"), time.monotonic_ns()
            stamps = find_stamps(body)
            # Once in this page, and not in the one before it.
            page = set(stamps)
            if len(page) != len(stamps) or page & last:
                fail("the reader was given an event twice")
            last, total = page or last, total + len(stamps)
            latencies += [now - stamp for stamp in stamps]
            if pipe.poll():
                pipe.recv()
                pipe.send({"total": total, **(summary(latencies) if latencies else {})})
                latencies = []
                # The server ends a connection after a quarter of an hour.
                reader.wire.close()
                reader = PageReader(port, "demo-1-4", token)
    except BaseException as error:
        pipe.send({"error": repr(error)})


def _slowest_write(before, after):
    """The upper bound, in seconds, of the slowest synced write between two looks at /metrics."""
    prefix, bounds = "strm_commit_write_seconds_bucket", []
    for name, value in after.items():
        if name.startswith(prefix) and 'le="+Inf"' not in name:
            bounds.append((float(name.split('"')[1]), value - before.get(name, 0)))
    bounds.sort()
    total = max((count for _, count in bounds), default=0)
    return next((bound for bound, count in bounds if count >= total), None)


def _ask(pipe):
    pipe.send(None)
    if not pipe.poll(30):
        fail("the reader says nothing")
    answer = pipe.recv()
    if "error" in answer:
        fail(f"the reader failed: {answer['error']}")
    return answer


def slice_of(site, load, bodies, options, pipe):
    before, cpu, disk = site.metrics(), site.server.cpu_seconds(), site.server.written_bytes()
    run = load.run(options.rate, options.slice_seconds, bodies.body)
    site.acknowledge(run["stored"])
    cpu, disk = site.server.cpu_seconds() - cpu, site.server.written_bytes() - disk
    after, seen = site.metrics(), _ask(pipe)
    return {
        "rate": run["stored"] / options.slice_seconds, "refused": run["refused"],
        **summary(run["latencies"]), "reader": seen, "cpuMicroseconds": cpu / run["sent"] * 1e6,
        "residentMebibytes": site.server.memory_mebibytes()[0],
        "openFiles": site.server.open_files(), "writtenBytes": disk,
        "diskBytes": after["strm_disk_used_bytes"],
        "slowestWriteSeconds": _slowest_write(before, after),
        "engineBytes": {use: after[f'strm_engine_memory_bytes{{use="{use}"}}']
                        for use in ("memtables", "open-files", "block-cache")},
        "stalls": after["strm_engine_write_stopped"]
        + after["strm_engine_delayed_write_bytes_per_second"],
    }


def slope(slices, value, seconds):
    """Means of the first and of the last third, and the change an hour between them."""
    third = max(1, len(slices) // 3)
    first = statistics.mean(value(part) for part in slices[:third])
    last = statistics.mean(value(part) for part in slices[-third:])
    hours = (len(slices) - third) * seconds / 3600
    return {"first": first, "last": last, "perHour": (last - first) / hours if hours else 0}


def row(number, part, options):
    refused = sum(part["refused"].values())
    reader = part["reader"]
    return [
        f"{(number + 1) * options.slice_seconds / 60:.1f}", f"{part['rate']:,.0f}", refused,
        f"{part['p50']:.2f}", f"{part['p99']:.2f}", f"{part['p999']:.1f}",
        f"{reader.get('p50', 0):.2f}", f"{reader.get('p99', 0):.2f}",
        f"{part['cpuMicroseconds']:.1f}", f"{part['residentMebibytes']:.0f}",
        " + ".join(f"{part['engineBytes'][use] / 2**20:.0f}"
                   for use in ("memtables", "open-files", "block-cache")), part["openFiles"],
        f"{part['writtenBytes'] / 2**20:,.0f}", f"{part['diskBytes'] / 2**20:,.0f}",
        "-" if part["slowestWriteSeconds"] is None else f"{part['slowestWriteSeconds'] * 1000:.0f}"]


HEAD = ["minute", "stored/s", "refused", "p50 ms", "p99", "p99.9", "reader p50", "p99",
        "CPU µs an event", "MiB resident", "memtables + open files + block cache", "files open", "MiB written", "MiB on disk",
        "slowest write ms"]


def run_slices(options, site, bodies, slices, pipe):
    load = PacedLoad(site.port, site.token("demo"))
    # The keys of all sequences are made before the first slice: that is another load.
    warm = load.run(min(options.rate, 15_000), options.sequences / min(options.rate, 15_000),
                    bodies.body)
    if warm["refused"]:
        fail(f"events were refused before the first slice: {warm['refused']}")
    site.acknowledge(warm["stored"])
    _ask(pipe)
    print("\n".join(table(HEAD, []).splitlines()), flush=True)
    for number in range(max(1, round(options.minutes * 60 / options.slice_seconds))):
        progress(f"slice {number + 1}")
        part = slice_of(site, load, bodies, options, pipe)
        slices.append(part)
        progress("")
        print("| " + " | ".join(map(str, row(number, part, options))) + " |", flush=True)
        # The server ends a connection after a quarter of an hour; a slice is shorter.
        load.close()
        load = PacedLoad(site.port, site.token("demo"))
    load.close()


def check(site, slices, pipe):
    """What is wrong at the end, as sentences."""
    # The reader may be a page behind.
    stored, end = site.acknowledged["demo"], time.monotonic() + 20
    while (seen := _ask(pipe)["total"]) < stored and time.monotonic() < end:
        time.sleep(0.2)
    faults = [] if seen == stored else [f"the reader saw {seen} of {stored} events"]
    for key in {key for part in slices for key in part["refused"]} - {"503 retry-after"}:
        faults.append(f"events were refused with {key}, not with 503 and Retry-After")
    status = site.manage("GET", "/v1/status")
    offset = next(s["nextOffset"] for s in status["streams"] if s["name"] == "demo")
    if offset != stored:
        faults.append(f"{stored} events were acknowledged, but {offset} are stored")
    if site.metrics()["strm_store_poisoned"]:
        faults.append("the store is poisoned")
    return faults


def measure(options, bench, slices):
    needed = int(options.rate * options.minutes * 60 * _BYTES_PER_EVENT)
    free = shutil.disk_usage(options.directory).free
    if needed > free:
        fail(f"{options.minutes:g} minutes may need {needed >> 30} GiB in {options.directory}, "
             f"which has {free >> 30}")
    context = multiprocessing.get_context("fork")
    with Site(bench, "steady") as site:
        # One token for the whole time: a new one would be a pause.
        site.start({"STRM_TOKENS_ACCESS_SECONDS": "86400"})
        site.prepare()
        ready, (pipe, theirs) = context.Event(), context.Pipe()
        reader = context.Process(
            target=follow, args=(site.port, site.token("demo-1-4"), ready, theirs), daemon=True)
        reader.start()
        try:
            if not ready.wait(20):
                fail("the reader did not get ready")
            run_slices(options, site, StampedBodies(options.sequences), slices, pipe)
            return check(site, slices, pipe)
        finally:
            reader.terminate()


def main():
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("soak: told to stop"))
    slices, faults = [], []
    directory = tempfile.mkdtemp(prefix="steady-", dir=options.directory)
    print(f"{options.rate:,} events a second of {options.sequences:,} sequences for "
          f"{options.minutes:g} minutes, one derived reader beside them\n")
    try:
        with open(f"{options.json}.log", "w", encoding="utf-8") as log:
            faults = measure(
                options, Bench(options.strm, directory, log, Effort(), Pinning()), slices)
    except BenchError as error:
        faults = [str(error)]
    except KeyboardInterrupt:
        faults = ["interrupted"]
    finally:
        progress("")
        shutil.rmtree(directory, ignore_errors=True)
    slopes = {}
    if slices:
        slopes = {
            "residentMebibytes": slope(
                slices, lambda part: part["residentMebibytes"], options.slice_seconds),
            "p99": slope(slices, lambda part: part["p99"], options.slice_seconds)}
        print()
        for name, label in (("residentMebibytes", "MiB resident"), ("p99", "p99 ms")):
            print(f"{label}: {slopes[name]['first']:.2f} in the first third, "
                  f"{slopes[name]['last']:.2f} in the last, {slopes[name]['perHour']:+.2f} an hour")
    pathlib.Path(options.json).write_text(json.dumps({
        "options": vars(options), "slices": slices, "slopes": slopes, "faults": faults},
        indent=1) + "\n", encoding="utf-8")
    print(f"all slices: {options.json}; the storage engine held writes down at the end of "
          f"{sum(part['stalls'] > 0 for part in slices)} of {len(slices)} slices")
    for fault in faults:
        print(f"soak: {fault}", file=sys.stderr)
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
