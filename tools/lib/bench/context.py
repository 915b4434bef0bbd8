"""What all cases share: where they work, how much they do, and what earlier cases found."""

import dataclasses
import os
import statistics
import time

from .processes import Pinning, progress


@dataclasses.dataclass
class Effort:
    """How much is done.

    The default sums to about five minutes, and the case `erasure`; `quick` to a smoke test.
    """

    rounds: int = 3
    requests: int = 120_000
    """Requests of one h2load run of single events."""
    batch_lines: int = 300_000
    latency_seconds: float = 2.5
    delivery_seconds: float = 3
    read_events: int = 800_000
    """Events in the stream that is read."""
    read_rounds: int = 2
    sequences: tuple = (1_000, 100_000, 1_000_000)
    sequence_lines: int = 200_000
    stream_lines: int = 150_000
    days: tuple = (1, 7, 30)
    day_events: int = 300_000
    """Events in all, however many days they are spread over."""
    export_events: int = 1_000_000
    export_rounds: int = 3
    erasure_people: int = 1_000_000
    erasure_sequences: tuple = (10, 10_000)
    """Sequences of people that have more than one."""
    erasure_rate: int = 5_000
    """Events a second beside an erasure."""
    erasure_entries: int = 1_000_000
    """Entries of the audit log that a person is looked for in."""
    peer_seconds: float = 0.8
    database_seconds: float = 1

    @classmethod
    def quick(cls):
        return cls(
            rounds=1, requests=20_000, batch_lines=50_000, latency_seconds=0.5,
            delivery_seconds=0.7, read_events=60_000, read_rounds=1,
            sequences=(1_000, 10_000, 50_000), sequence_lines=50_000, stream_lines=30_000,
            days=(1, 3, 5), day_events=15_000, export_events=20_000,
            export_rounds=1, erasure_people=20_000, erasure_sequences=(10, 500),
            erasure_rate=1_000, erasure_entries=2_000, peer_seconds=0.3, database_seconds=0.5)


@dataclasses.dataclass
class Bench:
    strm: str
    directory: str
    log: object
    effort: Effort
    pinning: Pinning
    results: dict = dataclasses.field(default_factory=dict)
    """By case, as they are written to the JSON file."""

    def say(self, text):
        progress(text)

    def sync_milliseconds(self, count=100):
        """Samples of what one 4 KiB append and fdatasync costs on the disk that is measured."""
        samples = []
        with open(f"{self.directory}/sync", "ab", buffering=0) as file:
            for _ in range(count):
                begin = time.perf_counter()
                file.write(b"x" * 4096)
                os.fdatasync(file.fileno())
                samples.append((time.perf_counter() - begin) * 1000)
        return samples

    def body_file(self, name, body):
        path = f"{self.directory}/{name}"
        with open(path, "wb") as file:
            file.write(body)
        return path


def median(runs, key):
    return statistics.median(run[key] for run in runs)


def medians(runs):
    """The median of each number in a list of runs."""
    return {key: median(runs, key) for key, value in runs[0].items()
            if isinstance(value, (int, float))}
