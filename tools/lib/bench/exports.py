"""Exports of many events to a bucket, beside `aws s3 cp` of the same bytes to the same store."""

import glob
import os
import resource
import shutil
import sys
import time

from .context import median, medians
from .http1 import send_batches
from .processes import Server, fail, free_port, run
from .report import rate, table
from .site import Site
from . import events

TITLE = "exports to a bucket, beside aws s3 cp"
BATCH_LINES = 1_000
SEQUENCES = 1_000
# Who reads, how it is compressed.
KINDS = [("demo", "none"), ("demo", "zstd"), ("demo-1-4", "gzip")]


def _tool(name):
    beside = os.path.join(os.path.dirname(sys.executable), name)
    return beside if os.access(beside, os.X_OK) else shutil.which(name)


class Store:
    """moto's S3, in memory, without checks of signatures: they would be its time, not ours."""

    def __init__(self, bench):
        self.port = free_port()
        self.server = Server(
            [_tool("moto_server"), "-H", "127.0.0.1", "-p", str(self.port)], self.port, bench.log,
            bench.pinning)
        self.server.wait_until_listening()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ, "AWS_ACCESS_KEY_ID": "AKIDBENCH", "AWS_SECRET_ACCESS_KEY": "bench",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
        self.aws("mb", "s3://bench")

    def aws(self, *arguments):
        return run([_tool("aws"), "--endpoint-url", self.endpoint, "s3", *arguments],
                   self.environment)

    def copy(self, source, name):
        """Seconds and processor seconds of one `aws s3 cp`."""
        before, start = _children(), time.perf_counter()
        self.aws("cp", "--only-show-errors", source, f"s3://bench/{name}")
        seconds, after = time.perf_counter() - start, _children()
        return seconds, after - before

    @staticmethod
    def peak_mebibytes():
        """Of the largest of all `aws` so far: the only children that have ended."""
        return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024

    def stop(self):
        self.server.stop()


def _children():
    times = os.times()
    return times.children_user + times.children_system


def _fill(bench, site, count):
    """Batches whose lines are of all sequences in turn."""
    body = events.lines(range(SEQUENCES))
    token = site.token("demo")
    send_batches(site.port, [body] * (count // BATCH_LINES), lambda _: token, BATCH_LINES, 4)
    site.acknowledge(count // BATCH_LINES * BATCH_LINES)


def _export(site, connector, stream, compression, wanted):
    """One exporter from the first event on, until nothing is left; then it is deleted."""
    name = f"{stream}-{compression}-{time.monotonic_ns()}"
    cpu, start = site.server.cpu_seconds(), time.perf_counter()
    site.manage("POST", "/v1/exporters", {
        "name": name, "stream": stream, "connector": connector, "intervalSeconds": 1,
        "pathPrefix": name, "compression": compression, "includeExistingEvents": True})
    while True:
        status = site.manage("GET", f"/v1/exporters/{name}")
        if status["error"]:
            fail(f"exporter {name}: {status['error']}")
        if not status["lagEvents"]:
            break
        time.sleep(0.02)
    seconds, cpu = time.perf_counter() - start, site.server.cpu_seconds() - cpu
    site.manage("DELETE", f"/v1/exporters/{name}")
    if status["events"] != wanted:
        fail(f"exporter {name}: {status['events']} events, not {wanted}")
    return {"rate": wanted / seconds, "seconds": seconds, "bytes": status["bytes"],
            "mebibytesPerSecond": status["bytes"] / seconds / 2**20,
            "cpuMicroseconds": cpu / wanted * 1e6, "name": name}


def _beside(store, site, run_of, root):
    """The bytes of a local export, sent by `aws s3 cp`."""
    files = glob.glob(f"{root}/bench/{run_of['name']}/**/*.jsonl*", recursive=True)
    files = [path for path in files if not path.endswith(".json")]
    size, seconds, cpu = 0, 0, 0
    for number, path in enumerate(files):
        size += os.path.getsize(path)
        took, used = store.copy(path, f"aws-{run_of['name']}-{number}")
        seconds, cpu = seconds + took, cpu + used
    if size != run_of["bytes"]:
        fail(f"the export has {run_of['bytes']} bytes, its files {size}")
    return {"seconds": seconds, "mebibytesPerSecond": size / seconds / 2**20, "cpuSeconds": cpu}


def measure(bench):
    missing = [name for name in ("moto_server", "aws") if not _tool(name)]
    if missing:
        return {"skipped": f"{' and '.join(missing)} not found (PyPI: moto[server], awscli)"}
    root = f"{bench.directory}/exports-root"
    os.mkdir(root)
    store, count = Store(bench), bench.effort.export_events
    result = {"events": count // BATCH_LINES * BATCH_LINES, "runs": {}}
    try:
        with Site(bench, "exports") as site:
            site.start({
                "STRM_EXPORTS_DIRECTORY": root, "STRM_EXPORTS_ALLOW_INSECURE_ENDPOINTS": "true",
                "STRM_EXPORTS_ALLOW_PRIVATE_ADDRESSES": "true",
                "STRM_EXPORTS_INTERVAL_SECONDS_MIN": "1"})
            site.prepare()
            site.manage("POST", "/v1/connectors", {
                "name": "s3", "type": "s3", "bucket": "bench", "region": "us-east-1",
                "endpoint": store.endpoint, "pathStyle": True, "accessKeyId": "AKIDBENCH",
                "secretAccessKey": "bench"})
            site.manage("POST", "/v1/connectors", {
                "name": "disk", "type": "local", "path": "bench"})
            bench.say("exports: filling")
            _fill(bench, site, count)
            result["before"] = site.server.memory_mebibytes()[0]
            for number in range(bench.effort.export_rounds):
                for stream, compression in KINDS:
                    bench.say(f"exports: round {number + 1}, {stream}, {compression}")
                    # All consent to what the derived stream needs.
                    wanted = site.acknowledged["demo"]
                    entry = result["runs"].setdefault(
                        f"{stream}, {compression}", {"s3": [], "disk": [], "aws": []})
                    entry["s3"].append(_export(site, "s3", stream, compression, wanted))
                    disk = _export(site, "disk", stream, compression, wanted)
                    entry["disk"].append(disk)
                    entry["aws"].append(_beside(store, site, disk, root))
                    shutil.rmtree(f"{root}/bench/{disk['name']}")
                    store.aws("rm", "--recursive", "--quiet", "s3://bench/")
            result["awsPeak"] = store.peak_mebibytes()
            result["resident"], result["peak"] = site.server.memory_mebibytes()
            site.check()
    finally:
        store.stop()
        shutil.rmtree(root, ignore_errors=True)
    return result


def show(result):
    if "skipped" in result:
        return f"skipped: {result['skipped']}"
    rows = []
    for kind, entry in result["runs"].items():
        s3, disk = medians(entry["s3"]), medians(entry["disk"])
        rows.append([
            kind, rate(s3["rate"]), f"{s3['mebibytesPerSecond']:.0f}",
            f"{median(entry['aws'], 'mebibytesPerSecond'):.0f}",
            f"{s3['cpuMicroseconds']:.2f}", rate(disk["rate"]),
            f"{disk['mebibytesPerSecond']:.0f}"])
    return table(
        ["stream, compression", "to S3 (moto): events/s", "MiB/s of objects",
         "aws s3 cp of the same bytes: MiB/s", "CPU µs an event", "to a directory: events/s",
         "MiB/s"], rows,
        [f"{result['events']:,} events; the server {result['before']:.0f} MiB resident before, "
         f"{result['resident']:.0f} after, {result['peak']:.0f} at most; aws {result['awsPeak']:.0f} "
         "at most. moto keeps objects in "
         "memory, in Python, and is what bounds both. An export reads, checks, opens and records "
         "what aws finds in a file."])
