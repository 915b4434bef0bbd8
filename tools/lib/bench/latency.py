"""How long a sender waits for the 204, at given rates."""

import statistics
import time

from .context import medians
from .h2load import h2load
from .ingest import best_rate
from .paced import PacedLoad, quantile, summary
from .processes import Server, fail, free_port
from .report import milliseconds, rate, table
from .site import Site
from . import events

TITLE = "latency of POST /event, in ms"
SEQUENCES = 1_000
FIXED_RATES = (1_000, 10_000)


def _highest_rate(bench, site):
    """As measured in this run; if that case was left out, by a short run of its own."""
    if "ingest" in bench.results:
        return best_rate(bench.results["ingest"])
    body = bench.body_file("event.json", events.json_body())
    run = h2load(site.server, f"{site.url}/event", body, bench.effort.requests, 8, 64,
                 site.token("demo"))
    site.acknowledge(bench.effort.requests)
    return run["rate"]


def _one(bench, load, rate_wanted, seconds, bodies):
    syncs = bench.sync_milliseconds(60)
    run = load.run(rate_wanted, seconds, bodies.body)
    syncs += bench.sync_milliseconds(60)
    if run["refused"]:
        fail(f"at {rate_wanted:,.0f}/s events were refused: {run['refused']}")
    if run["rate"] < 0.97 * rate_wanted:
        fail(f"only {run['rate']:,.0f} of {rate_wanted:,.0f} events a second could be sent")
    syncs.sort()
    return {**summary(run["latencies"]), "rate": run["rate"], "stored": run["stored"],
            "loadCpu": run["loadCpu"], "sync": statistics.median(syncs),
            "sync99": quantile(syncs, 0.99)}


def measure(bench):
    result = {}
    port = free_port()
    null = Server([bench.strm, "bench", "null", "--port", str(port)], port, bench.log,
                  bench.pinning)
    try:
        with Site.ready(bench, "latency") as site:
            null.wait_until_listening()
            rates = {**{f"{value:,}/s": value for value in FIXED_RATES},
                     "half of the highest": _highest_rate(bench, site) / 2}
            ours, nothing = PacedLoad(site.port, site.token("demo")), PacedLoad(port, "none")
            bodies = events.StampedBodies(SEQUENCES)
            # Every sequence has its key before the clock starts.
            site.acknowledge(ours.run(5_000, max(0.4, SEQUENCES / 5_000), bodies.body)["stored"])
            for number in range(bench.effort.rounds):
                for name, value in rates.items():
                    bench.say(f"latency: round {number + 1}, {name}")
                    run = _one(bench, ours, value, bench.effort.latency_seconds, bodies)
                    site.acknowledge(run["stored"])
                    entry = result.setdefault(name, {"asked": value, "strm": [], "null": []})
                    entry["strm"].append(run)
                    entry["null"].append(
                        _one(bench, nothing, value, bench.effort.latency_seconds / 2, bodies))
                    time.sleep(0.05)
            ours.close()
            nothing.close()
            result["stored"] = site.check()
    finally:
        null.stop()
    return result


def show(result):
    rows = []
    for name, entry in result.items():
        if name == "stored":
            continue
        middle, null = medians(entry["strm"]), medians(entry["null"])
        label = name if "highest" not in name else f"{name}: {rate(entry['asked'])}"
        rows.append([
            label, *(milliseconds(middle[key]) for key in ("p50", "p99", "p999")),
            ", ".join(milliseconds(null[key]) for key in ("p50", "p99")),
            ", ".join(milliseconds(middle[key]) for key in ("sync", "sync99")),
            f"{middle['loadCpu'] * 100:.0f}%"])
    return table(
        ["rate", "p50", "p99", "p99.9", "204 to nothing: p50, p99",
         "4 KiB append + fdatasync: median, p99", "the client's own processor"], rows,
        ["From the moment at which an event was due. The client is Python, one event at a time at "
         "even distances, over 8 HTTP/2 connections (h2load sends in bursts of 10 ms); above "
         "5,000/s it looks at its sockets each 0.1 ms. "
         f"{SEQUENCES:,} sequences; {result['stored']:,} acknowledged and as many stored."])
