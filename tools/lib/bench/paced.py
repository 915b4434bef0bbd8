"""Events at a constant rate, each sent when its time has come, whatever became of the others."""

import array
import gc
import math
import resource
import select
import time

from .http2 import Connection
from .processes import fail

CONNECTIONS = 8
_NAP_SECONDS = 0.000_1
"""Above 5,000 events a second this client rests so long between two looks at its sockets, so that
it leaves the processors to the server; what is due meanwhile goes in one write."""


def quantile(sorted_values, fraction):
    return sorted_values[max(0, min(len(sorted_values) - 1,
                                    math.ceil(len(sorted_values) * fraction) - 1))]


def summary(nanoseconds):
    """Median and tails in milliseconds."""
    values = sorted(nanoseconds)
    return {name: quantile(values, fraction) / 1e6
            for name, fraction in (("p50", 0.5), ("p99", 0.99), ("p999", 0.999))}


class PacedLoad:
    """Open connections to one server, to send on at a given rate as often as one likes.

    A latency counts from the moment at which the event was due, so that a server (or this client)
    that stands still does not hide it by sending less.
    """

    def __init__(self, port, token, connections=CONNECTIONS):
        self._connections = [Connection(port, token) for _ in range(connections)]

    def close(self):
        for connection in self._connections:
            connection.wire.close()

    def run(self, rate, seconds, body_at):
        """Sends `rate` events a second; `body_at` makes a body, given the time in nanoseconds.

        Returns latencies in nanoseconds of what was stored, answers by status, and what it was.
        """
        count = int(rate * seconds)
        latencies, refused = array.array("q"), {}
        stored = [0]

        def on_answer(answer):
            due, status, retry_after = answer
            if status == 204:
                stored[0] += 1
                latencies.append(time.monotonic_ns() - due)
            else:
                key = f"{status}{' retry-after' if retry_after else ''}"
                refused[key] = refused.get(key, 0) + 1

        cpu = resource.getrusage(resource.RUSAGE_SELF)
        gc.collect()
        gc.disable()
        try:
            elapsed = self._loop(count, 1e9 / rate, body_at, on_answer)
        finally:
            gc.enable()
        after = resource.getrusage(resource.RUSAGE_SELF)
        own = after.ru_utime + after.ru_stime - cpu.ru_utime - cpu.ru_stime
        return {"latencies": latencies, "sent": count, "stored": stored[0], "refused": refused,
                "rate": count / elapsed, "loadCpu": own / elapsed}

    def _loop(self, count, interval, body_at, on_answer):
        connections = self._connections
        turn = sent = 0
        begin = time.monotonic_ns()
        give_up = begin + int(count * interval) + 30_000_000_000
        sending_end = begin
        while sent < count or any(connection.in_flight for connection in connections):
            now = time.monotonic_ns()
            if now > give_up:
                fail(f"{count - sent} events could not be sent in time, or were never answered")
            due = min(count, int((now - begin) / interval) + 1)
            if sent < due:
                # All that is due goes in one write to the connection whose turn it is.
                connection = connections[turn % len(connections)]
                turn += 1
                parts = []
                while sent < due and connection.has_room(1024):
                    planned = begin + int(sent * interval)
                    parts.append(connection.request(body_at(now), planned))
                    sent += 1
                if parts:
                    connection.send(b"".join(parts))
                sending_end = now
            next_due = begin + int(sent * interval) if sent < count else now + 50_000_000
            if interval < 200_000:
                time.sleep(_NAP_SECONDS)
            wait = max(0, next_due - time.monotonic_ns()) / 1e9
            for connection in select.select(connections, [], [], wait)[0]:
                connection.receive(on_answer)
        return max(1, sending_end - begin) / 1e9
