"""What we want to reach, and whether this run did."""

from . import batches, ingest, peers, reads
from .context import median, medians
from .report import table


def _ingest(result):
    low = min(ingest.ratios(result))
    yield "single events, to the same stack answering 204 to nothing", ">= 0.5", low, low >= 0.5
    best = ingest.best_rate(result)
    yield "single events, durable", ">= 200,000/s", best, best >= 200_000


def _batches(result):
    best = max(medians(result[f"batch{lines}"])["rate"] for lines in batches.BATCH_LINES)
    yield "batches of JSON lines", ">= 350,000/s", best, best >= 350_000
    ratio = batches.avro_ratio(result)
    yield "Avro binary to JSON", ">= 1", ratio, ratio >= 1


def _latency(result):
    for name, limit in (("half of the highest", 2), ("1,000/s", 1.5)):
        middle = medians(result[name]["strm"])
        allowed = limit + middle["sync"]
        yield (f"POST at {name}: p99", f"<= {limit} ms + one fdatasync = {allowed:.2f} ms",
               f"{middle['p99']:.2f} ms", middle["p99"] <= allowed)


def _delivery(result):
    for name in ("long-poll", "WebSocket"):
        value = median(result[name], "p99")
        yield f"POST to derived reader by {name}: p99", "<= 10 ms", f"{value:.2f} ms", value <= 10


def _reads(result):
    sealed, _ = reads.best(result, "demo")
    yield "sealed reads in all", ">= 1,000,000/s", sealed, sealed >= 1_000_000
    _, microseconds = reads.best(result, "demo-1-4")
    core = 1e6 / microseconds
    yield "derived reads, by the server's processor time", ">= 300,000/s a core", core, \
        core >= 300_000


def _sequences(result):
    sizes = {int(size): entry for size, entry in result["sizes"].items()}
    few, many = min(sizes), max(sizes)
    rates = {size: median(sizes[size]["runs"], "rate") for size in (few, many)}
    ratio = rates[many] / rates[few]
    yield f"{many:,} sequences to {few:,}", ">= 0.7", ratio, ratio >= 0.7
    memory = sizes[many]["residentMebibytes"]
    yield f"{many:,} sequences: resident", "<= 600 MiB", f"{memory:,.0f} MiB", memory <= 600


def _streams(result):
    rates = {count: median(entry["runs"], "rate") for count, entry in result["counts"].items()}
    ratio = rates["16"] / rates["1"]
    yield "16 streams to one", ">= 0.8", ratio, ratio >= 0.8


def _peers(result):
    for in_flight, candidates in result["inFlight"].items():
        if "redis" in candidates:
            ratio = peers.best(candidates["strm"])[0] / peers.best(candidates["redis"])[0]
            yield f"{in_flight} in flight, to Redis", ">= 1", ratio, ratio >= 1


_ALL = {"ingest": _ingest, "batches": _batches, "latency": _latency, "delivery": _delivery,
        "reads": _reads, "sequences": _sequences, "streams": _streams, "peers": _peers}


def measure(results):
    """Target, limit, what was measured, whether it was reached; of the cases that ran."""
    return [{"target": target, "limit": limit, "measured": measured, "reached": bool(reached)}
            for name, check in _ALL.items() if name in results
            for target, limit, measured, reached in check(results[name])]


def show(targets):
    rows = []
    for entry in targets:
        measured = entry["measured"]
        if not isinstance(measured, str):
            measured = f"{measured:,.0f}/s" if measured >= 1_000 else f"{measured:.2f}"
        rows.append([entry["target"], entry["limit"], measured,
                     "reached" if entry["reached"] else "not reached"])
    return table(["target", "limit", "measured", ""], rows)
