"""Growth over live sequences: each has a key of its own, and the memory for keys is bounded."""

import math
import random

from .context import medians
from .http1 import send_batches
from .report import rate, table
from .site import Site
from . import events

TITLE = "growth over live sequences"
BATCH_LINES = 1_000
CONNECTIONS = 6
"""6,000 events in flight: less than half of what may wait for keys, so that none is refused."""

RUN_SECONDS_MAX = 3
"""A size that is slow sends fewer events a run, so that the whole stays within its minutes."""


def _bodies(numbers):
    return [events.lines(numbers[at:at + BATCH_LINES])
            for at in range(0, len(numbers), BATCH_LINES)]


def _numbers(generator, sequences, count):
    """`count` sequences in uniformly random order; none comes again before all have had a turn."""
    numbers = []
    while len(numbers) < count:
        wanted = min(sequences, count - len(numbers))
        numbers += generator.sample(range(sequences), wanted)
    return numbers


def _send(site, bodies, seconds_max=math.inf):
    """Events a second, and what one cost the server."""
    token = site.token("demo")
    cpu = site.server.cpu_seconds()
    batches, seconds = send_batches(
        site.port, bodies, lambda _: token, BATCH_LINES, CONNECTIONS, seconds_max)
    count = batches * BATCH_LINES
    site.acknowledge(count)
    return {"rate": count / seconds,
            "cpuMicroseconds": (site.server.cpu_seconds() - cpu) / count * 1e6}


def _create(site, sequences, generator):
    """One event of each sequence: the one that makes its key. In portions, to bound our memory."""
    order = list(range(sequences))
    generator.shuffle(order)
    seconds = 0
    for at in range(0, sequences, 100_000):
        bodies = _bodies(order[at:at + 100_000])
        seconds += len(bodies) * BATCH_LINES / _send(site, bodies)["rate"]
    return sequences / seconds


def measure(bench):
    generator = random.Random(1)
    result = {"lines": bench.effort.sequence_lines, "sizes": {}}
    sites = {}
    try:
        for sequences in bench.effort.sequences:
            bench.say(f"sequences: making {sequences:,}")
            site = sites[sequences] = Site.ready(bench, f"sequences-{sequences}")
            result["sizes"][str(sequences)] = {
                "made": _create(site, sequences, generator), "runs": []}
        for number in range(bench.effort.rounds):
            for sequences, site in sites.items():
                bench.say(f"sequences: round {number + 1}, {sequences:,}")
                bodies = _bodies(_numbers(generator, sequences, bench.effort.sequence_lines))
                result["sizes"][str(sequences)]["runs"].append(
                    _send(site, bodies, RUN_SECONDS_MAX))
        for sequences, site in sites.items():
            entry, metrics = result["sizes"][str(sequences)], site.metrics()
            entry["residentMebibytes"], entry["residentMebibytesMax"] = \
                site.server.memory_mebibytes()
            entry["keysMade"] = metrics["strm_keys_made_total"]
            entry["keysCached"] = metrics["strm_keys_cached"]
            entry["stored"] = site.check()
    finally:
        for site in sites.values():
            site.stop()
    return result


def show(result):
    rows, first = [], None
    for sequences, entry in result["sizes"].items():
        middle = medians(entry["runs"])
        first = first or middle["rate"]
        rows.append([
            f"{int(sequences):,}", rate(entry["made"]), rate(middle["rate"]),
            f"{middle['rate'] / first:.2f}", f"{middle['cpuMicroseconds']:.1f}",
            f"{entry['residentMebibytes']:,.0f}", f"{entry['residentMebibytesMax']:,.0f}",
            f"{entry['keysCached']:,.0f}"])
    return table(
        ["live sequences", "first event of each", "events/s later", "to the smallest",
         "CPU µs an event", "MiB resident", "at most", "keys in memory"], rows,
        [f"Batches of {BATCH_LINES:,} lines, {CONNECTIONS} in flight, each line of another "
         "sequence, in random order; the sizes take turns, each on a server of its own."])
