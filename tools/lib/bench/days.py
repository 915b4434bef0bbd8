"""Growth over days: each has a family of its own on disk, which a start opens and a read passes."""

import statistics

from .compiler import shared_library
from .context import median, medians
from .http1 import send_batches
from .processes import fail
from .reads import sweep
from .report import rate, table
from .site import Site
from . import events

TITLE = "growth over days of data"
SECONDS_PER_DAY = 86_400
BATCH_LINES = 1_000


def _fill(bench, site, days, library, count):
    """One start a day, the oldest first, each with its share of the events; the last is today."""
    lines = count // days // BATCH_LINES * BATCH_LINES
    if not lines:
        fail(f"{count} events are too few for {days} days")
    body = events.lines(range(BATCH_LINES))
    for ago in range(days - 1, -1, -1):
        bench.say(f"days: {days}, {ago} days ago")
        # A start with today's clock is the real one: nothing is preloaded.
        site.start({"LD_PRELOAD": library, "STRM_BENCH_SHIFT_SECONDS": str(-ago * SECONDS_PER_DAY)}
                   if ago else None)
        if not site.acknowledged:
            # The last day of 30 must not expire while it is measured.
            site.prepare(retention_days=days + 10)
        token = site.token("demo")
        send_batches(
            site.port, [body] * (lines // BATCH_LINES), lambda _: token, BATCH_LINES, 4)
        site.acknowledge(lines)
        site.stop()
    return lines * days


def measure(bench):
    library = shared_library(bench, "shift_clock")
    if not library:
        return {"skipped": "no C compiler, which the library that moves the clock needs"}
    result, sites = {"days": {}}, {}
    for days in bench.effort.days:
        site = sites[days] = Site(bench, f"days-{days}")
        try:
            stored = _fill(bench, site, days, library, bench.effort.day_events)
        finally:
            site.stop()
        result["days"][str(days)] = {"events": stored, "starts": [], "sealed": [], "derived": []}
    for number in range(bench.effort.rounds):
        for days, site in sites.items():
            bench.say(f"days: round {number + 1}, {days}")
            entry = result["days"][str(days)]
            try:
                entry["starts"].append(site.start())
                families = site.metrics()["strm_store_days"]
                if families != days:
                    fail(f"the server knows {families:.0f} days of data, not {days}")
                entry["sealed"].append(sweep(site, "demo", 1, entry["events"]))
                entry["derived"].append(sweep(site, "demo-1-4", 1, entry["events"] // 2))
                site.check()
            finally:
                site.stop()
    return result


def show(result):
    if "skipped" in result:
        return f"skipped: {result['skipped']}"
    rows = []
    for days, entry in result["days"].items():
        rows.append([
            days, f"{entry['events']:,}", f"{statistics.median(entry['starts']) * 1000:.0f}",
            rate(median(entry["sealed"], "rate")), rate(median(entry["derived"], "rate")),
            ", ".join(f"{medians(entry[kind])['cpuMicroseconds']:.2f}"
                      for kind in ("sealed", "derived"))])
    return table(
        ["days", "events in all", "start until ready, ms", "sealed read, events/s",
         "derived read, events/s", "CPU µs an event: sealed, derived"], rows,
        ["Made by one start a day with its wall clock moved; measured with the real clock, after a "
         "start, one reader from the beginning through all days (derived: half of them)."])
