"""Measures a release build of strm beside what bounds it, and checks every result that it prints.

Candidates take turns in each round and the tables have medians: a shared machine's noise is 20 to
30 percent, so trust the ratios. A run aborts if an event that was acknowledged is not stored, if
anything was refused, or if a field is not sealed or does not open to what was sent.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import sys
import tempfile
import time

from . import (batches, days, delivery, erasure, exports, ingest, latency, peers, reads, sequences,
               stages, streams, targets)
from .context import Bench, Effort
from .events import ROOT
from .paced import quantile
from .processes import BenchError, Pinning, progress, run

CASES = {
    "ingest": ingest, "batches": batches, "latency": latency, "delivery": delivery, "reads": reads,
    "sequences": sequences, "streams": streams, "days": days, "erasure": erasure,
    "exports": exports, "peers": peers, "stages": stages,
}


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="tools/bench", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strm", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true",
                        help="a smoke test of about 100 s: its figures mean nothing")
    parser.add_argument("--only", metavar="CASE[,CASE]", help="these cases alone")
    parser.add_argument("--list", action="store_true", help="list the cases")
    parser.add_argument("--rounds", type=int, help="turns of each candidate (3)")
    parser.add_argument("--pin", metavar="LOAD:SERVER",
                        help="processors for load generators and for servers, such as 0:1; "
                        "without it nothing is pinned")
    parser.add_argument("--peers", action="store_true",
                        help="install Redis and PostgreSQL if they are missing (apt)")
    parser.add_argument("--directory", default=str(ROOT / ".build"),
                        help="where the data goes, on the disk to be measured (.build)")
    parser.add_argument("--json", default=str(ROOT / ".build/bench.json"),
                        help="where all runs are written (.build/bench.json)")
    options = parser.parse_args(arguments)
    if options.list:
        for name, case in CASES.items():
            print(f"{name:<10} {case.TITLE}")
        sys.exit(0)
    options.cases = options.only.split(",") if options.only else list(CASES)
    for name in options.cases:
        if name not in CASES:
            parser.error(f"no case {name}: one of {', '.join(CASES)}")
    if not options.strm:
        parser.error("run tools/bench, which builds strm first")
    return options


def processor():
    for line in open("/proc/cpuinfo", encoding="utf-8"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def machine(bench):
    syncs = sorted(bench.sync_milliseconds(200))
    return {
        "processors": os.cpu_count(), "model": processor(), "kernel": platform.release(),
        "fdatasyncMilliseconds": statistics.median(syncs),
        "fdatasync99Milliseconds": quantile(syncs, 0.99), "pinning": bench.pinning.description(),
        "version": run([bench.strm, "--version"])[0].strip(),
        "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def measure(options, bench):
    """Runs the cases, and prints each when it is done: an abort leaves what was found before."""
    about = machine(bench)
    print(f"strm {about['version']} on {about['model']}, {about['processors']} processors, "
          f"{about['kernel']}; load generator on the same machine, {about['pinning']}; append and "
          f"fdatasync of 4 KiB {about['fdatasyncMilliseconds']:.2f} ms "
          f"(p99 {about['fdatasync99Milliseconds']:.2f}); medians of {bench.effort.rounds} rounds "
          "in which the candidates take turns", flush=True)
    seconds = {}
    for name in options.cases:
        begin = time.monotonic()
        bench.results[name] = CASES[name].measure(bench)
        seconds[name] = time.monotonic() - begin
        progress("")
        print(f"\n### {name}: {CASES[name].TITLE}\n\n{CASES[name].show(bench.results[name])}",
              flush=True)
    reached = targets.measure(bench.results)
    if reached:
        print(f"\n### targets\n\n{targets.show(reached)}")
    return {"machine": about, "effort": vars(bench.effort), "seconds": seconds,
            "cases": bench.results, "targets": reached}


def main():
    options = parse(sys.argv[1:])
    # The servers are stopped on the way out; without this they would outlive us.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: told to stop"))
    begin = time.monotonic()
    effort = Effort.quick() if options.quick else Effort()
    if options.rounds:
        effort.rounds = effort.read_rounds = options.rounds
    directory = tempfile.mkdtemp(prefix="bench-", dir=options.directory)
    # PostgreSQL runs as a user of its own, who must pass through.
    os.chmod(directory, 0o711)
    try:
        with open(f"{options.json}.log", "w", encoding="utf-8") as log:
            result = measure(options, Bench(
                options.strm, directory, log, effort, Pinning(options.pin)))
    except BenchError as error:
        progress("")
        sys.exit(f"bench: {error}\nbench: aborted; the servers' log is {options.json}.log")
    except KeyboardInterrupt:
        progress("")
        sys.exit("bench: interrupted")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    pathlib.Path(options.json).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    cases = ", ".join(f"{name} {value:.0f}" for name, value in result["seconds"].items())
    print(f"\n{time.monotonic() - begin:.0f} s in all ({cases}); all runs: {options.json}")
    if options.quick:
        print("This was a smoke test: its figures mean nothing.")


if __name__ == "__main__":
    main()
