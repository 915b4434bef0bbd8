"""Single events: the product, the same HTTP stack answering 204 to nothing, and nghttpd."""

import os

from .context import medians
from .h2load import h2load
from .processes import Server, free_port, run
from .report import rate, table
from .site import Certificate, Site
from . import events

TITLE = "POST /event, one event a request, durable when answered"
SHAPES = ((8, 64), (64, 8))


def null_has_tls(bench):
    return "--tls-certificate" in run([bench.strm, "bench", "null", "--help"])[0]


def _start_others(bench, certificate):
    """The null server (if it can do TLS, where that is wanted) and nghttpd, by name."""
    others = {}
    if not certificate or null_has_tls(bench):
        port = free_port()
        tls = ["--tls-certificate", certificate.file, "--tls-key", certificate.key
               ] if certificate else []
        others["null"] = Server(
            [bench.strm, "bench", "null", "--port", str(port), *tls], port, bench.log,
            bench.pinning)
    # nghttpd answers a POST with the file of that name: an empty one.
    documents = f"{bench.directory}/htdocs"
    os.makedirs(documents, exist_ok=True)
    open(f"{documents}/event", "wb").close()
    port = free_port()
    tls = [certificate.key, certificate.file] if certificate else []
    others["nghttpd"] = Server(
        ["nghttpd", *([] if certificate else ["--no-tls"]), "-a", "127.0.0.1", "-d", documents,
         str(port), *tls], port, bench.log, bench.pinning)
    return others


def _measure(bench, site, others):
    """Runs by shape and candidate, which take turns."""
    body = bench.body_file("event.json", events.json_body())
    candidates = {"strm": site.server, **others}
    token = site.token("demo")
    runs = {}
    for number in range(bench.effort.rounds + 1):
        for clients, streams in SHAPES:
            for name, server in candidates.items():
                bench.say(f"ingest {site.scheme}: round {number}, {name} -c {clients}")
                # Round 0 warms up: caches, the branch predictor, the server's buffers.
                requests = bench.effort.requests if number else bench.effort.requests // 6
                measured = h2load(server, f"{site.scheme}://127.0.0.1:{server.port}/event", body,
                                  requests, clients, streams, token)
                if name == "strm":
                    site.acknowledge(requests)
                if number:
                    runs.setdefault(f"-c {clients} -m {streams}", {}).setdefault(
                        name, []).append(measured)
    return runs


def measure(bench):
    result = {"eventBytes": len(events.json_body()), "requests": bench.effort.requests}
    for certificate in (None, Certificate(bench.directory)):
        with Site.ready(bench, f"ingest-{'tls' if certificate else 'clear'}", certificate) as site:
            others = {}
            try:
                others = _start_others(bench, certificate)
                for server in others.values():
                    server.wait_until_listening()
                result[site.scheme] = _measure(bench, site, others)
            finally:
                for server in others.values():
                    server.stop()
            result[f"{site.scheme}Stored"] = site.check()
            result[f"{site.scheme}MemoryMebibytesMax"] = site.server.memory_mebibytes()[1]
    return result


def best_rate(result):
    """The highest median rate of cleartext single events."""
    return max(medians(shape["strm"])["rate"] for shape in result["http"].values())


def ratios(result, scheme="http"):
    """Product to null of each shape that has both."""
    return [medians(shape["strm"])["rate"] / medians(shape["null"])["rate"]
            for shape in result[scheme].values() if "null" in shape]


def show(result):
    rows = []
    for scheme, label in (("http", "cleartext"), ("https", "TLS")):
        for shape, candidates in result[scheme].items():
            middle = {name: medians(runs) for name, runs in candidates.items()}
            ours, null = middle["strm"], middle.get("null")
            rows.append([
                f"{label}, h2load {shape}", rate(ours["rate"]),
                rate(null["rate"]) if null else "-", rate(middle["nghttpd"]["rate"]),
                f"{ours['rate'] / null['rate']:.2f}" if null else "-",
                ", ".join(f"{middle[name]['cpuMicroseconds']:.1f}" if name in middle else "-"
                          for name in ("strm", "null", "nghttpd")),
                f"{ours['loadCpuMicroseconds']:.1f}"])
    stored = result["httpStored"] + result["httpsStored"]
    return table(
        ["", "strm: checked, sealed, synced", "204 to nothing, same stack", "nghttpd, one thread",
         "strm / nothing", "CPU µs a request: strm, nothing, nghttpd", "h2load's own, on strm"],
        rows, [f"{result['eventBytes']} bytes an event, all of one sequence; "
               f"{stored:,} acknowledged and as many stored; at most "
               f"{result['httpMemoryMebibytesMax']:,.0f} MiB resident (TLS: "
               f"{result['httpsMemoryMebibytesMax']:,.0f})."])
