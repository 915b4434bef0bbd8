"""How long a sender waits for the 204, at given rates."""

import json
import os
import statistics
import subprocess
import time

from .compiler import program
from .context import medians
from .h2load import h2load
from .ingest import best_rate
from .paced import quantile
from .processes import Server, fail, free_port
from .report import milliseconds, rate, table
from .site import Site
from . import events

TITLE = "latency of POST /event, in ms"
SEQUENCES = 1_000
FIXED_RATES = (1_000, 10_000)
CONNECTIONS = 8


class Load:
    """The load generator `paced_load.c`, one process a run."""

    def __init__(self, bench, port, token, bodies):
        self._port, self._token, self._bodies = port, token, bodies
        self._program = program(bench, "paced_load")

    def run(self, rate, seconds):
        """Latencies in ms; `processorSeconds` are the generator's own. Dies unless all got 204."""
        finished = subprocess.run(
            [self._program, str(self._port), "/event", self._bodies, str(rate), str(seconds),
             str(CONNECTIONS)],
            env={**os.environ, "TOKEN": self._token}, capture_output=True, text=True)
        if finished.returncode != 0:
            fail(f"at {rate:,.0f}/s: {finished.stderr}")
        run = json.loads(finished.stdout)
        if run["failed"]:
            fail(f"at {rate:,.0f}/s {run['failed']:,} events were refused")
        if run["rate"] < 0.97 * rate:
            fail(f"only {run['rate']:,.0f} of {rate:,.0f} events a second were answered")
        return {
            **{name: run[name] / 1_000 for name in ("p50", "p99", "p999")},
            "stored": run["requests"], "rate": run["rate"],
            "loadCpu": run["processorSeconds"] / seconds}


def _highest_rate(bench, site):
    """As measured in this run; if that case was left out, by a short run of its own."""
    if "ingest" in bench.results:
        return best_rate(bench.results["ingest"])
    body = bench.body_file("event.json", events.json_body())
    run = h2load(site.server, f"{site.url}/event", body, bench.effort.requests, 8, 64,
                 site.token("demo"))
    site.acknowledge(bench.effort.requests)
    return run["rate"]


def _one(bench, load, rate_wanted, seconds):
    syncs = bench.sync_milliseconds(60)
    run = load.run(rate_wanted, seconds)
    syncs += bench.sync_milliseconds(60)
    syncs.sort()
    return {**run, "sync": statistics.median(syncs), "sync99": quantile(syncs, 0.99)}


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
            bodies = bench.body_file("paced.jsonl", events.lines(range(SEQUENCES)))
            token = site.token("demo")
            ours, nothing = (Load(bench, at, token, bodies) for at in (site.port, port))
            # Every sequence has its key before the clock starts.
            site.acknowledge(ours.run(5_000, max(0.4, SEQUENCES / 5_000))["stored"])
            for number in range(bench.effort.rounds):
                for name, value in rates.items():
                    bench.say(f"latency: round {number + 1}, {name}")
                    run = _one(bench, ours, value, bench.effort.latency_seconds)
                    site.acknowledge(run["stored"])
                    entry = result.setdefault(name, {"asked": value, "strm": [], "null": []})
                    entry["strm"].append(run)
                    entry["null"].append(
                        _one(bench, nothing, value, bench.effort.latency_seconds / 2))
                    time.sleep(0.05)
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
        ["From the moment at which an event was due, at even distances over "
         f"{CONNECTIONS} HTTP/2 connections; what is due within 0.2 ms goes out together (h2load "
         "would send in bursts of 10 ms). "
         f"{SEQUENCES:,} sequences; {result['stored']:,} acknowledged and as many stored."])
