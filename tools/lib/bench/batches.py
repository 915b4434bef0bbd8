"""JSON lines in batches, and single events in Avro's binary form beside the same in JSON."""

from .context import medians
from .h2load import h2load
from .report import rate, table
from .site import Site
from . import events

TITLE = "batches of JSON lines, and Avro binary"
BATCH_LINES = (100, 1_000)
BATCH_SHAPE = (4, 2)
SINGLE_SHAPE = (8, 64)
AVRO_HEADERS = ("strm-serialization-type: application/x-avro-binary",
                f"strm-schema-ref: {events.CONTRACT}")


def _batch(bench, site, lines, count):
    body = bench.body_file(f"batch-{lines}.jsonl", events.lines(range(lines)))
    requests = max(BATCH_SHAPE[0] * BATCH_SHAPE[1], count // lines)
    run = h2load(site.server, f"{site.url}/events", body, requests, *BATCH_SHAPE,
                 site.token("demo"))
    site.acknowledge(requests * lines)
    return {"rate": run["rate"] * lines, "cpuMicroseconds": run["cpuMicroseconds"] / lines,
            "loadCpuMicroseconds": run["loadCpuMicroseconds"] / lines}


def _single(bench, site, form, count):
    body, headers = {
        "json": (events.json_body(), ()), "avro": (events.avro_body(), AVRO_HEADERS)}[form]
    run = h2load(site.server, f"{site.url}/event", bench.body_file(f"single.{form}", body), count,
                 *SINGLE_SHAPE, site.token("demo"), headers)
    site.acknowledge(count)
    return run


def measure(bench):
    result = {"avroBytes": len(events.avro_body()), "jsonBytes": len(events.json_body())}
    with Site.ready(bench, "batches") as site:
        for number in range(bench.effort.rounds + 1):
            # Round 0 warms up, and shows the server every sequence of the batches.
            share = 1 if number else 6
            for name, run in (
                    *((f"batch{lines}", lambda lines=lines: _batch(
                        bench, site, lines, bench.effort.batch_lines // share))
                      for lines in BATCH_LINES),
                    *((form, lambda form=form: _single(
                        bench, site, form, bench.effort.requests // share))
                      for form in ("json", "avro"))):
                bench.say(f"batches: round {number}, {name}")
                measured = run()
                if number:
                    result.setdefault(name, []).append(measured)
        result["stored"] = site.check()
        _check_avro(bench)
    return result


def _check_avro(bench):
    """The same event in both forms is stored as the same but for what differs in each event."""
    from .http1 import connect, receive_small
    from .processes import fail
    pages = []
    with Site.ready(bench, "avro") as site:
        for body, headers in ((events.json_body(), ()), (events.avro_body(), AVRO_HEADERS)):
            wire = connect(site.port)
            lines = ["POST /event HTTP/1.1", "host: 127.0.0.1",
                     f"authorization: Bearer {site.token('demo')}", f"content-length: {len(body)}",
                     *headers, "", ""]
            wire.sendall("\r\n".join(lines).encode() + body)
            status, answer = receive_small(wire)
            wire.close()
            if status != 204:
                fail(f"one event was answered with {status}: {answer[:300]}")
            site.acknowledge(1)
        site.check()
        pages = site.page("demo-1-4", "limit=2")[1].splitlines()
    for page in pages:
        # From the key link on everything is the sender's or the key's.
        if page[page.index(b'"keyLink"'):] != pages[0][pages[0].index(b'"keyLink"'):]:
            fail(f"Avro and JSON of one event differ when read:\n{pages}")


def show(result):
    rows = []
    for name, label in (
            *((f"batch{lines}", f"POST /events, {lines:,} lines, "
               f"-c {BATCH_SHAPE[0]} -m {BATCH_SHAPE[1]}") for lines in BATCH_LINES),
            ("json", f"POST /event, JSON, {result['jsonBytes']} bytes, "
             f"-c {SINGLE_SHAPE[0]} -m {SINGLE_SHAPE[1]}"),
            ("avro", f"POST /event, Avro, {result['avroBytes']} bytes, the same")):
        middle = medians(result[name])
        rows.append([label, rate(middle["rate"]), f"{middle['cpuMicroseconds']:.2f}",
                     f"{middle['loadCpuMicroseconds']:.2f}"])
    return table(
        ["", "events/s", "CPU µs an event", "h2load's own"], rows,
        [f"Avro / JSON: {avro_ratio(result):.2f}. Each line of a batch is of another sequence; "
         f"{result['stored']:,} events acknowledged and as many stored; an event read back from "
         "its Avro form equals the one from JSON."])


def avro_ratio(result):
    return medians(result["avro"])["rate"] / medians(result["json"])["rate"]
