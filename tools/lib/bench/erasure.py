"""Erasing one person of a million: at once, for good, and what others notice of it."""

import http.client
import json
import os
import random
import statistics
import threading
import time

from .context import median
from .h2load import h2load
from .http1 import PageReader, header, send_batches
from .processes import fail
from .report import milliseconds, rate, table
from .site import Site
from .timed import ProcessorWatch, TimedLoad
from . import events

TITLE = "erasing one person of a million"
BATCH_LINES = 1_000
CONNECTIONS = 6
LOAD_SEQUENCES = 50_000
WINDOW_SECONDS = 3
"""Before a request, and after an answer."""

AT_ONCE_SECONDS = 1
"""What a request without `now` does to others is looked for so long from its sending."""

SEALED_SECONDS_MAX = 30
LOG_SECONDS_MAX = 150
LOG_SLICE = 20_000
_PERSON_BASE = 0x8000_0000
_SEQUENCE_BASE = 1 << 40


class Person:
    """A data subject and its sequences; kept out of what the load sends."""

    def __init__(self, number, sequences):
        self.number, self.sequences = number, sequences
        self.subject = f"ada.{number:08x}{events.EMAIL_DOMAIN.decode()}"


def _people(effort, order):
    """People by their number of sequences. Those with one are picked in the middle of the order."""
    people = {1: [Person(number, [number])
                  for number in order[len(order) // 2:][:3 * effort.rounds + 8]]}
    for count in effort.erasure_sequences:
        people[count] = []
        for _ in range(effort.rounds + 2):
            index = sum(map(len, people.values()))
            people[count].append(Person(_PERSON_BASE + index, [
                _SEQUENCE_BASE + index * 1_000_000 + place for place in range(count)]))
    return people


def _fill(site, effort, order, people):
    """One event of each sequence. The people of many sequences come last, mixed with each other."""
    pairs = [(number, number) for number in order]
    extra = [(sequence, person.number) for count, some in people.items() if count > 1
             for person in some for sequence in person.sequences]
    random.Random(2).shuffle(extra)
    pairs += extra
    token, seconds = site.token("demo"), 0
    for at in range(0, len(pairs), 100_000):
        some = pairs[at:at + 100_000]
        whole = [some[place:place + BATCH_LINES] for place in range(0, len(some), BATCH_LINES)]
        for lines, group in ((BATCH_LINES, [part for part in whole if len(part) == BATCH_LINES]),
                             *((len(part), [part]) for part in whole if len(part) < BATCH_LINES)):
            if group:
                seconds += send_batches(
                    site.port, [events.lines_of(part) for part in group], lambda _: token, lines,
                    CONNECTIONS)[1]
    site.acknowledge(len(pairs))
    return {"sequences": len(pairs), "rate": len(pairs) / seconds}


class Officer:
    """A data protection officer's requests, over one connection of its own."""

    def __init__(self, site):
        self._site = site
        self.token = site.token("dpo")

    def ask(self, method, path, body=None):
        """Seconds, status and answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self._site.port, timeout=600)
        try:
            begin = time.perf_counter()
            connection.request(
                method, path, None if body is None else json.dumps(body),
                {"authorization": f"Bearer {self.token}", "content-type": "application/json"})
            reply = connection.getresponse()
            answer = reply.read()
            seconds = time.perf_counter() - begin
        finally:
            connection.close()
        if reply.status >= 300:
            fail(f"{method} {path}: {reply.status} {answer[:300]}")
        return seconds, reply.status, json.loads(answer)

    def access(self, person):
        """The whole document: its seconds, parts and events."""
        seconds = parts = count = 0
        cursor = None
        while parts == 0 or cursor:
            more, _, part = self.ask("POST", "/v1/subjects/access", {
                "subject": person.subject, **({"cursor": cursor} if cursor else {})})
            seconds, parts, count = seconds + more, parts + 1, count + len(part["events"])
            cursor = part["nextCursor"]
        return {"seconds": seconds, "parts": parts, "events": count}


def _link_of(officer, person):
    """The first sequence of the person: its key link, and when its key was made."""
    _, _, found = officer.ask("POST", "/v1/subjects/links", {"subject": person.subject})
    items = [item for item in found["items"] if item["isOpenable"]]
    if len(items) != len(person.sequences):
        fail(f"{len(items)} sequences are on record for a person of {len(person.sequences)}")
    return items[0]


class SealedWatch(threading.Thread):
    """Reads one event of a person through the derived stream until its fields are sealed."""

    def __init__(self, site, link):
        super().__init__(daemon=True)
        self._reader = PageReader(site.port, "demo-1-4", site.token("demo-1-4"))
        self._query = f"limit=1&keyLink={link['keyLink']}&from={link['createdAt']}"
        if self._sealed() != 0:
            fail("the person's event is sealed before anything was asked")
        self.opened_last = self.sealed_first = self.error = None

    def _sealed(self):
        begin = time.monotonic_ns()
        head, _, _ = self._reader.read(self._query)
        if header(head, "strm-events") != "1":
            fail(f"a reader does not find the event of a person: {head}")
        sealed = int(header(head, "strm-sealed-fields") or 0)
        if not sealed:
            self.opened_last = begin
        return sealed

    def run(self):
        try:
            end = time.monotonic() + SEALED_SECONDS_MAX
            while time.monotonic() < end:
                if self._sealed():
                    self.sealed_first = time.monotonic_ns()
                    return
            self.error = "a reader still gets the fields of an erased person opened"
        except BaseException as error:
            self.error = repr(error)


def _batches(site):
    """The `completed` records of the ledger: figures of each destruction."""
    records = []
    with open(f"{site.directory}/data/keys/erasures.ledger", encoding="utf-8") as ledger:
        for row in ledger:
            record = json.loads(row)
            record = record.get("record", record)
            if record.get("completed"):
                records.append(record["completed"])
    return records


def _rewrapped(site):
    path = f"{site.directory}/data/keys/rewrapped"
    if not os.path.isdir(path):
        return {"files": 0, "bytes": 0}
    sizes = [os.path.getsize(f"{path}/{name}") for name in os.listdir(path)]
    return {"files": len(sizes), "bytes": sum(sizes)}


def _erase(bench, site, officer, load, person):
    """One person: at once, then for good; what the load saw around both."""
    link = _link_of(officer, person)
    watch = SealedWatch(site, link)
    averages = os.getloadavg()[0]
    load.start()
    time.sleep(1)
    busy = ProcessorWatch(site.server.pid, load.pid)
    begin = time.monotonic_ns()
    time.sleep(WINDOW_SECONDS)
    busy_processors, others = busy.processors()
    before_end = time.monotonic_ns()
    watch.start()
    time.sleep(0.05)
    asked = time.monotonic_ns()
    at_once, status, _ = officer.ask(
        "POST", "/v1/subjects/erasures", {"subject": person.subject, "reference": "bench-1"})
    watch.join()
    if watch.error:
        fail(watch.error)
    if status != 202:
        fail(f"an erasure was answered with {status}")
    time.sleep(max(0, AT_ONCE_SECONDS - (time.monotonic_ns() - asked) / 1e9))
    at_once_end = time.monotonic_ns()
    time.sleep(0.5)
    cpu = site.server.cpu_seconds()
    batch_begin = time.monotonic_ns()
    for_good, status, answer = officer.ask(
        "POST", "/v1/subjects/erasures",
        {"subject": person.subject, "reference": "bench-1", "now": True})
    batch_end = time.monotonic_ns()
    cpu = site.server.cpu_seconds() - cpu
    if status != 200 or not answer["receipt"]:
        fail(f"a destruction was answered with {status}")
    lost = sum(count["events"] for count in answer["receipt"]["receipt"]["events"]["streams"])
    if lost != len(person.sequences):
        fail(f"{lost} events of a person of {len(person.sequences)} are in the receipt")
    time.sleep(WINDOW_SECONDS)
    end = time.monotonic_ns()
    site.acknowledge(load.stop())
    batch = _batches(site)[-1]
    steps = batch["stepMilliseconds"]
    # Who else used these keys, and the receipt: the events that lost their fields, the recipients.
    steps["receipt"] = for_good * 1000 - sum(steps.values())
    if batch["keysDestroyed"] < len(person.sequences):
        fail(f"{batch['keysDestroyed']} keys of a person of {len(person.sequences)} are destroyed")
    return {
        "atOnceMilliseconds": at_once * 1000,
        "sealedMilliseconds": (watch.sealed_first - asked) / 1e6,
        "forGoodMilliseconds": for_good * 1000, "batchCpuSeconds": cpu,
        "buckets": batch["buckets"], "keys": batch["keysDestroyed"],
        "survivors": batch["survivors"], "steps": steps,
        "before": load.between(begin, before_end), "during1": load.between(asked, at_once_end),
        "during2": load.between(batch_begin, batch_end), "after": load.between(batch_end, end),
        "rewrapped": _rewrapped(site), "loadAverage": averages, "busyProcessors": busy_processors,
        "otherProcessors": others}


def _questions(officer, person):
    """An access document, and who received the person's data."""
    document = officer.access(person)
    if document["events"] < len(person.sequences):
        fail(f"an access document has {document['events']} of {len(person.sequences)} events")
    seconds, _, answer = officer.ask("POST", "/v1/audit/recipients", {"subject": person.subject})
    return {"access": document, "receivedBySeconds": seconds,
            "entries": answer["answer"]["basis"]["logSize"]}


def _grow_log(site, count, link):
    """Releases of one event each, up to as many as are wanted: each an entry with its disclosures.

    Returns how many there were in time, and the seconds.
    """
    url = (f"{site.url}/v1/streams/demo-1-4/events?limit=1&keyLink={link['keyLink']}"
           f"&from={link['createdAt']}")
    made, begin = 0, time.perf_counter()
    while made < count and time.perf_counter() - begin < LOG_SECONDS_MAX:
        some = min(LOG_SLICE, count - made)
        h2load(site.server, url, None, some, 8, 8, site.token("demo-1-4"))
        made += some
    return made, time.perf_counter() - begin


def _audit_questions(officer):
    found = {}
    for name, path in (("who-read", "/v1/audit/readers?field=customer/email"),
                       ("read-by", "/v1/audit/reads"),
                       ("purposes", "/v1/audit/purposes"),
                       ("decisions", "/v1/audit/decisions"),
                       ("report", "/v1/audit/report?from=2020-01-01T00:00:00Z")):
        seconds, _, _ = officer.ask("GET", path)
        found[name] = seconds
    return found


def _backup(site, load):
    """A backup beside the load."""
    load.start()
    time.sleep(1)
    begin = time.monotonic_ns()
    time.sleep(WINDOW_SECONDS)
    asked = time.monotonic_ns()
    name = site.manage("POST", "/v1/backups")["name"]
    while True:
        listing = site.manage("GET", f"/v1/backups/{name}")
        if listing["state"] == "failed":
            fail(f"a backup failed: {listing['problem']}")
        if listing["state"] == "whole":
            break
        time.sleep(0.02)
    done = time.monotonic_ns()
    time.sleep(WINDOW_SECONDS)
    end = time.monotonic_ns()
    site.acknowledge(load.stop())
    return {"seconds": (done - asked) / 1e9, "bytes": listing["bytes"],
            "events": listing["events"], "before": load.between(begin, asked),
            "during": load.between(asked, done), "after": load.between(done, end),
            "stallSeconds": site.metrics().get("strm_backup_stall_seconds")}


def measure(bench):
    effort = bench.effort
    result = {"rate": effort.erasure_rate, "people": {}, "questions": {}, "backups": []}
    order = list(range(effort.erasure_people))
    random.Random(1).shuffle(order)
    people = _people(effort, order)
    backups = f"{bench.directory}/backups"
    os.mkdir(backups)
    with Site(bench, "erasure") as site:
        site.start({"STRM_BACKUPS_DIRECTORY": backups, "STRM_TOKENS_ACCESS_SECONDS": "86400"})
        site.prepare()
        site.make_client("dpo")
        officer = Officer(site)
        bench.say(f"erasure: making {effort.erasure_people:,} sequences")
        result["fill"] = _fill(site, effort, order, people)
        numbers = order[-min(LOAD_SEQUENCES, len(order) // 4):]
        bodies = bench.body_file("erasure.jsonl", events.lines(numbers))
        load = TimedLoad(bench, site.port, site.token("demo"), bodies, effort.erasure_rate)
        try:
            for count, some in people.items():
                bench.say(f"erasure: questions about a person of {count:,}")
                result["questions"][str(count)] = [
                    _questions(officer, some[-1]) for _ in range(effort.rounds)]
            for number in range(effort.rounds):
                for count, some in people.items():
                    bench.say(f"erasure: round {number + 1}, {count:,} sequences")
                    result["people"].setdefault(str(count), []).append(
                        _erase(bench, site, officer, load, some[number]))
            for number in range(effort.rounds):
                bench.say(f"erasure: round {number + 1}, backup")
                result["backups"].append(_backup(site, load))
            result["log"] = _long_log(bench, site, officer, load, people)
            result["stored"] = site.check()
        finally:
            load.abandon()
        result["residentMebibytes"], result["residentMebibytesMax"] = \
            site.server.memory_mebibytes()
    return result


def _long_log(bench, site, officer, load, people):
    """Questions and one erasure with many entries in the audit log."""
    person, read = people[1][bench.effort.rounds], people[1][-2]
    wanted = bench.effort.erasure_entries
    bench.say(f"erasure: {wanted:,} entries for the audit log")
    count, seconds = _grow_log(site, wanted, _link_of(officer, read))
    size = site.metrics().get("strm_audit_size")
    bench.say("erasure: questions to the audit log")
    return {
        "entries": count, "size": size, "entriesPerSecond": count / seconds,
        "questions": _audit_questions(officer), "person": _questions(officer, person),
        "read": _questions(officer, read), "erased": _erase(bench, site, officer, load, person)}


def _window(runs, key):
    return ", ".join(milliseconds(statistics.median(run[key][name] for run in runs))
                     for name in ("p50", "p99"))


def _ratio(runs, key):
    """p99 to the one before, run by run."""
    return statistics.median(run[key]["p99"] / run["before"]["p99"] for run in runs)


def show(result):
    rows = [], [], []
    labelled = {**result["people"],
                f"1, {result['log']['entries']:,} more entries in the audit log":
                [result["log"]["erased"]]}
    for count, runs in labelled.items():
        label = f"{int(count):,}" if count.isdigit() else count
        rows[0].append([
            label, *(f"{median(runs, key):,.0f}" for key in (
                "atOnceMilliseconds", "sealedMilliseconds", "forGoodMilliseconds", "buckets",
                "keys", "survivors")),
            f"{statistics.median(run['rewrapped']['bytes'] for run in runs) / 2**20:,.1f}",
            f"{median(runs, 'batchCpuSeconds'):.2f}"])
        rows[1].append([
            label, *(_window(runs, key) for key in ("before", "during1", "during2", "after")),
            *(f"{_ratio(runs, key):.2f}" for key in ("during1", "during2", "after"))])
        rows[2].append([label, ", ".join(
            f"{name} {statistics.median(run['steps'].get(name, 0) for run in runs):,.0f}"
            for name in runs[0]["steps"])])
    everybody = [run for runs in labelled.values() for run in runs]
    text = [
        table(["sequences of the person", "at once: ms until the answer",
               "until a reader gets them sealed", "for good: ms until the receipt", "buckets",
               "keys destroyed", "keys rewrapped", "`rewrapped/` MiB", "processor s"], rows[0]),
        table(["sequences of the person", "POST /event before: p50, p99 ms", "at once",
               "for good", "after", "p99 to before: at once", "for good", "after"], rows[1]),
        table(["sequences of the person", "ms of the destruction by step"], rows[2]),
        _show_questions(result), _show_backups(result),
        f"{result['fill']['sequences']:,} live sequences, their first events at "
        f"{rate(result['fill']['rate'])}; {result['rate']:,} events a second beside it, of "
        f"sequences that live; at most {result['residentMebibytesMax']:,.0f} MiB resident. "
        f"Before each the load average was {median(everybody, 'loadAverage'):.1f}, and others "
        f"than server and load used {median(everybody, 'otherProcessors'):.1f} processors. "
        f"{result['stored']:,} events acknowledged and as many stored."]
    return "\n\n".join(text)


def _show_questions(result):
    rows = []
    asked = {**result["questions"],
             f"1, {result['log']['entries']:,} more entries": [result["log"]["person"]],
             "1, whose event each of these entries gave out": [result["log"]["read"]]}
    for count, runs in asked.items():
        documents = [run["access"] for run in runs]
        rows.append([
            f"{int(count):,}" if count.isdigit() else count,
            f"{median(documents, 'seconds') * 1000:,.0f}", f"{median(documents, 'events'):,.0f}",
            f"{median(documents, 'parts'):,.0f}",
            f"{median(runs, 'receivedBySeconds') * 1000:,.0f}"])
    questions = ", ".join(
        f"{name} {seconds:.2f}" for name, seconds in result["log"]["questions"].items())
    return table(
        ["sequences of the person", "access document, ms", "events in it", "parts",
         "who received it, ms"], rows,
        [f"Audit questions over {result['log']['entries']:,} releases, s: {questions}. The "
         f"entries were made at {rate(result['log']['entriesPerSecond'])} by reads of one event."])


def _show_backups(result):
    runs = result["backups"]
    return table(
        ["backup of", "s until verified", "POST /event before: p50, p99 ms", "during", "after",
         "p99 to before: during", "after"],
        [[f"{median(runs, 'bytes') / 2**20:,.0f} MiB", f"{median(runs, 'seconds'):.1f}",
          *(_window(runs, key) for key in ("before", "during", "after")),
          *(f"{_ratio(runs, key):.2f}" for key in ("during", "after"))]])
