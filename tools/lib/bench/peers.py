"""Other stores that acknowledge what is synced, with the same number of events in flight."""

import statistics

from .h2load import h2load
from .postgres_peer import CLIENTS, Postgres
from .redis_peer import IN_FLIGHT, Redis
from .report import rate, table
from .site import Site
from . import events, postgres_peer, redis_peer

TITLE = "beside others: single events of the same bytes, each acknowledged when synced"
SHAPES = {1: (1, 1), 8: (8, 1), 32: (4, 8), 256: (8, 32)}
"""h2load's connections and streams for a number in flight."""


def _product(bench, site, body, in_flight, seconds):
    requests = int({1: 3_000, 8: 15_000, 32: 35_000, 256: 100_000}[in_flight] * seconds)
    run = h2load(site.server, f"{site.url}/event", body, requests, *SHAPES[in_flight],
                 site.token("demo"))
    site.acknowledge(requests)
    clients, streams = SHAPES[in_flight]
    return [{"rate": run["rate"], "shape": f"-c {clients} -m {streams}"}]


def measure(bench):
    result = {"skipped": {}, "inFlight": {}}
    for name, reason in ((redis_peer.NAME, redis_peer.missing()),
                         (postgres_peer.NAME, postgres_peer.missing(bench.directory))):
        if reason:
            result["skipped"][name] = reason
    started = []
    try:
        redis = postgres = None
        if redis_peer.NAME not in result["skipped"]:
            redis = Redis(bench)
            started.append(redis)
        if postgres_peer.NAME not in result["skipped"]:
            postgres = Postgres(bench)
            started.append(postgres)
        if started:
            with Site.ready(bench, "peers") as site:
                _rounds(bench, site, redis, postgres, result)
                site.check()
            for peer in started:
                peer.check()
    finally:
        for peer in started:
            peer.stop()
    return result


def _rounds(bench, site, redis, postgres, result):
    body = bench.body_file("event.json", events.json_body())
    effort = bench.effort
    for number in range(effort.rounds + 1):
        # Round 0 warms all of them up.
        share = 1 if number else 0.2
        for in_flight in SHAPES:
            candidates = {"strm": lambda: _product(
                bench, site, body, in_flight, effort.peer_seconds * share)}
            if redis and in_flight in IN_FLIGHT:
                candidates["redis"] = lambda: redis.measure(
                    in_flight, effort.peer_seconds * share)
            if postgres and in_flight in CLIENTS:
                candidates["postgres"] = lambda: postgres.measure(
                    in_flight, effort.database_seconds * share)
            if len(candidates) == 1:
                continue
            for name, run in candidates.items():
                bench.say(f"peers: round {number}, {in_flight} in flight, {name}")
                for measured in run():
                    if number:
                        result["inFlight"].setdefault(str(in_flight), {}).setdefault(
                            name, []).append(measured)


def best(runs):
    """Of the shapes that were tried the one with the highest median: its rate and its name."""
    shapes = {run["shape"] for run in runs}
    return max((statistics.median(run["rate"] for run in runs if run["shape"] == shape), shape)
               for shape in shapes)


def show(result):
    rows = []
    for in_flight, candidates in result["inFlight"].items():
        ours, shape = best(candidates["strm"])
        cells = [in_flight, f"{rate(ours)} (h2load {shape})"]
        for name in ("redis", "postgres"):
            if name in candidates:
                theirs, shape = best(candidates[name])
                cells += [f"{rate(theirs)} ({shape})", f"{ours / theirs:.2f}"]
            else:
                cells += ["-", "-"]
        rows.append(cells)
    notes = [f"{name}: skipped, {reason}." for name, reason in result["skipped"].items()]
    notes += [f"{peer.NAME}: {peer.WHAT_IT_IS_NOT}." for peer in (redis_peer, postgres_peer)
              if peer.NAME not in result["skipped"]]
    return table(["in flight", "strm", redis_peer.NAME, "strm / Redis", postgres_peer.NAME,
                  "strm / PostgreSQL"], rows, notes)
