"""Measures a release build of strm beside what bounds it, and checks every result that it prints.

Ingest: h2load posts one clickstream event of about 430 bytes (2 fields sealed, 2 regular
expressions) again and again; the same load goes to `strm bench null`, the same HTTP stack that
answers 204 to everything, and to nghttpd, a server written in C. The three take turns in each
round, and the table has medians: this machine's noise is 20 to 30 percent, so trust the ratios.

Reads: pages of 10,000 events over one connection, of the stream (sealed) and of a derived stream
that opens both fields (each page is audited, and synced, before it leaves).
"""

import argparse
import base64
import datetime
import http.client
import json
import math
import os
import pathlib
import platform
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHAPES = [(8, 64), (64, 8)]
EVENT = {
    "strmMeta": {"eventContractRef": "example/clickstream/1.0.0", "consentLevels": [0, 1, 4]},
    "producerSessionId": "visit-5f1c0d7e9a3b2846",
    "url": "https://shop.example.com/product/1042-trail-runner",
    "eventType": "add_to_basket",
    "referrer": "https://search.example.net/?q=outdoor",
    "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "conversion": 0,
    "customer": {"email": "ada.jansen42@example.com", "country": "NL"},
    "abTests": ["checkout-a"],
}


def fail(message):
    sys.exit(f"bench: {message}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process of ours, with the processor time that it has used."""

    def __init__(self, arguments, port, environment, log):
        self.port = port
        self.log = log
        self.process = subprocess.Popen(
            arguments, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    fail(f"{arguments[0]} did not start; see {log.name}")
                time.sleep(0.05)

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) / 1024

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Site:
    """A fresh data directory with a stream, a derived stream and tokens for both."""

    def __init__(self, strm, directory, log):
        self.strm, self.directory = strm, directory
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("STRM_")},
            "STRM_HOME": f"{directory}/home", "STRM_SERVER": self.url,
            "SWIFT_BACKTRACE": "enable=no",
        }
        self.run("init", "--data", f"{directory}/data")
        self.server = Server(
            [strm, "serve", "--data", f"{directory}/data", "--port", str(self.port)],
            self.port, self.environment, log)
        self.run("create", "contract", f"{ROOT}/Examples/contracts/clickstream.json", "--activate")
        self.run("create", "stream", "demo")
        self.run("create", "stream", "--derived-from", "demo", "--levels", "1,4")

    def run(self, *arguments):
        finished = subprocess.run(
            [self.strm, *arguments], env=self.environment, capture_output=True, text=True)
        if finished.returncode != 0:
            fail(f"strm {' '.join(arguments)}: {finished.stderr}")
        return finished.stdout

    def token(self, name):
        stored = json.loads(pathlib.Path(f"{self.directory}/home/credentials.json").read_text())
        client = stored["servers"][self.url]["clients"][name]
        pair = f"{client['clientId']}:{client['clientSecret']}".encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(
            "POST", "/oauth2/token", "grant_type=client_credentials",
            {"authorization": "Basic " + base64.b64encode(pair).decode(),
             "content-type": "application/x-www-form-urlencoded"})
        return json.loads(connection.getresponse().read())["access_token"]

    def next_offset(self):
        status = json.loads(self.run("status", "--output", "json"))
        return next(s["nextOffset"] for s in status["streams"] if s["name"] == "demo")


def h2load(server, path, token, body, requests, clients, streams, extra=()):
    """One run; dies unless every request was answered with 2xx."""
    before = server.cpu_seconds()
    finished = subprocess.run(
        ["h2load", "-n", str(requests), "-c", str(clients), "-m", str(streams), "-d", body,
         "-H", f"authorization: Bearer {token}", *extra,
         f"http://127.0.0.1:{server.port}{path}"], capture_output=True, text=True)
    output = finished.stdout
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", output)
    good = re.search(r"status codes: (\d+) 2xx", output)
    if finished.returncode != 0 or not rate or not good or int(good.group(1)) != requests:
        fail(f"h2load: not every request succeeded:\n{output}{finished.stderr}")
    cpu = (server.cpu_seconds() - before) / requests * 1e6
    return {"rate": float(rate.group(1)), "cpuMicroseconds": cpu}


def quantile(sorted_values, fraction):
    return sorted_values[min(len(sorted_values) - 1, math.ceil(len(sorted_values) * fraction) - 1)]


def latency_at(server, token, body, rate, directory):
    """Latencies in ms at a fixed rate, from h2load's log of each request."""
    clients = 8
    log = f"{directory}/latency.log"
    pathlib.Path(log).unlink(missing_ok=True)
    seconds = 5
    h2load(server, "/event", token, body, int(rate * seconds), clients, 64,
           ("--rps", str(max(1, int(rate / clients))), "--log-file", log))
    microseconds = sorted(int(line.split("\t")[2]) for line in open(log, encoding="ascii"))
    return {name: quantile(microseconds, fraction) / 1000
            for name, fraction in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))}


def read_rate(site, name, token, events_max):
    """Reads the stream from its beginning; checks that nothing is missing and nothing repeats."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port)
    headers = {"authorization": f"Bearer {token}"}
    cursor, count, size, begin, cpu = None, 0, 0, time.monotonic(), site.server.cpu_seconds()
    while count < events_max:
        path = f"/v1/streams/{name}/events?limit=10000" + (f"&cursor={cursor}" if cursor else "")
        connection.request("GET", path, headers=headers)
        reply = connection.getresponse()
        body = reply.read()
        if reply.status != 200:
            fail(f"reading {name}: {reply.status} {body[:300]}")
        events = int(reply.headers["strm-events"])
        lines = body.count(b"\n")
        if lines != events:
            fail(f"reading {name}: {lines} lines, but {events} events")
        if name != "demo" and int(reply.headers["strm-sealed-fields"] or 0):
            fail(f"reading {name}: fields stayed sealed")
        if events == 0:
            break
        last, count, size = body, count + events, size + len(body)
        cursor = reply.headers["strm-next-cursor"]
    elapsed = time.monotonic() - begin
    wanted = b"ada.jansen42@example.com"
    if (wanted in last) != (name != "demo"):
        fail(f"reading {name}: the fields are not what they should be")
    return {"rate": count / elapsed, "events": count, "mebibytesPerSecond": size / elapsed / 2**20,
            "cpuMicroseconds": (site.server.cpu_seconds() - cpu) / count * 1e6}


def sync_milliseconds(directory):
    """What one 4 KiB append and fdatasync costs on the disk that is measured."""
    samples = []
    with open(f"{directory}/sync", "wb", buffering=0) as file:
        for _ in range(200):
            begin = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            samples.append((time.perf_counter() - begin) * 1000)
    return statistics.median(samples)


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def measure(options, directory, log):
    site = Site(options.strm, directory, log)
    servers = [site.server]
    try:
        null_port, nghttpd_port = free_port(), free_port()
        null = Server(
            [options.strm, "bench", "null", "--port", str(null_port)], null_port,
            site.environment, log)
        servers.append(null)
        pathlib.Path(f"{directory}/htdocs").mkdir()
        pathlib.Path(f"{directory}/htdocs/event").touch()
        nghttpd = Server(
            ["nghttpd", "--no-tls", "-d", f"{directory}/htdocs", str(nghttpd_port)], nghttpd_port,
            site.environment, log)
        servers.append(nghttpd)
        return run_all(options, directory, site, null, nghttpd)
    finally:
        for server in servers:
            server.stop()


def run_all(options, directory, site, null, nghttpd):
    body = f"{directory}/event.json"
    pathlib.Path(body).write_text(json.dumps(EVENT, separators=(",", ":")))
    token = site.token("demo")
    targets = {"strm": site.server, "null": null, "nghttpd": nghttpd}
    for server in targets.values():
        h2load(server, "/event", token, body, 20_000, 8, 64)
    sent = 20_000
    ingest = {}
    for number in range(options.rounds):
        for clients, streams in SHAPES:
            for name, server in targets.items():
                progress(f"round {number + 1}: {name} -c {clients} -m {streams}")
                run = h2load(server, "/event", token, body, options.requests, clients, streams)
                ingest.setdefault(f"-c {clients} -m {streams}", {}).setdefault(name, []).append(run)
            sent += options.requests
    best = max(median(shape["strm"], "rate") for shape in ingest.values())
    progress("latency at half of the load")
    latency = latency_at(site.server, token, body, best / 2, directory)
    sent += int(best / 2 * 5)
    stored = site.next_offset()
    if stored != sent:
        fail(f"{sent} events were acknowledged, but {stored} are stored")
    reads = {"demo": [], "demo-1-4": []}
    for number in range(options.rounds):
        for name, runs in reads.items():
            progress(f"round {number + 1}: reading {name}")
            runs.append(read_rate(site, name, site.token(name), options.read_events))
    progress("")
    return {
        "machine": {
            "processors": os.cpu_count(), "model": processor(), "kernel": platform.release(),
            "fdatasyncMilliseconds": sync_milliseconds(directory),
        },
        "at": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "version": site.run("--version").strip(), "eventBytes": os.path.getsize(body),
        "rounds": options.rounds, "requests": options.requests, "ingest": ingest,
        "latencyAtHalfLoad": latency, "halfLoad": best / 2, "reads": reads, "events": stored,
        "residentMebibytesMax": site.server.resident_mib(),
    }


def processor():
    for line in open("/proc/cpuinfo", encoding="utf-8"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def show(result):
    machine = result["machine"]
    print(f"{machine['model']}, {machine['processors']} processors, load generator beside it; "
          f"append and fdatasync {machine['fdatasyncMilliseconds']:.2f} ms; "
          f"event {result['eventBytes']} bytes; medians of {result['rounds']}")
    print()
    print("| ingest, POST /event | strm: checked, sealed, synced | 204 to nothing, same stack "
          "| nghttpd | strm / nothing | CPU µs a request: strm, nothing, nghttpd |")
    print("|---|---|---|---|---|---|")
    for shape, runs in result["ingest"].items():
        rates = {name: median(part, "rate") for name, part in runs.items()}
        cpu = {name: median(part, "cpuMicroseconds") for name, part in runs.items()}
        print(f"| h2load {shape} | {rates['strm']:,.0f}/s | {rates['null']:,.0f}/s "
              f"| {rates['nghttpd']:,.0f}/s | {rates['strm'] / rates['null']:.2f} "
              f"| {cpu['strm']:.1f}, {cpu['null']:.1f}, {cpu['nghttpd']:.1f} |")
    latency = result["latencyAtHalfLoad"]
    print(f"\nat {result['halfLoad']:,.0f} events a second: p50 {latency['p50']:.2f} ms, "
          f"p99 {latency['p99']:.2f} ms, p99.9 {latency['p999']:.2f} ms")
    print("\n| read, pages of 10,000 | events/s | MiB/s | CPU µs an event |")
    print("|---|---|---|---|")
    for name, label in (("demo", "stream, sealed"), ("demo-1-4", "derived, 2 fields opened, audited")):
        runs = result["reads"][name]
        print(f"| {label} | {median(runs, 'rate'):,.0f} | {median(runs, 'mebibytesPerSecond'):,.0f} "
              f"| {median(runs, 'cpuMicroseconds'):.2f} |")
    print(f"\n{result['events']:,} events stored, as many as were acknowledged; nothing refused; "
          f"at most {result['residentMebibytesMax']:,.0f} MiB resident")


def main():
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strm", help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each kind (3)")
    parser.add_argument("--requests", type=int, default=300_000, help="requests a run (300000)")
    parser.add_argument("--read-events", type=int, default=1_000_000,
                        help="events a read run (1000000)")
    parser.add_argument("--directory", default=str(ROOT / ".build"),
                        help="where the data goes, on the disk to be measured (.build)")
    parser.add_argument("--json", default=str(ROOT / ".build/bench.json"),
                        help="where all runs are written (.build/bench.json)")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="bench-", dir=options.directory)
    try:
        with open(f"{options.json}.log", "w", encoding="utf-8") as log:
            result = measure(options, directory, log)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    pathlib.Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    show(result)
    print(f"all runs: {options.json}")


if __name__ == "__main__":
    main()
