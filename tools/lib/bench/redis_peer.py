"""Redis streams with a sync for each write, as something to be measured beside."""

import re
import shutil
import socket

from .processes import Server, fail, free_port, run
from . import events

NAME = "Redis streams, appendfsync always"
WHAT_IT_IS_NOT = "no schema, no sealing, no consent, no keys, no audit; all data in memory"
IN_FLIGHT = (1, 32, 256)


def missing():
    """What is not installed, or None."""
    for program in ("redis-server", "redis-benchmark"):
        if not shutil.which(program):
            return f"{program} is not installed"
    return None


class Redis:
    def __init__(self, bench):
        self.port, self.acknowledged = free_port(), 0
        self.body = events.json_body().decode()
        settings = bench.body_file("redis.conf", "\n".join((
            f"port {self.port}", "bind 127.0.0.1", f"dir {bench.directory}", "appendonly yes",
            "appendfsync always", 'save ""',
            # It would copy all it has in the middle of a run.
            "auto-aof-rewrite-percentage 0", "daemonize no", "loglevel warning", "")).encode())
        self.server = Server(["redis-server", settings], self.port, bench.log, bench.pinning)
        self.server.wait_until_listening()

    def _run(self, clients, pipelined, requests):
        output, _ = run(
            ["redis-benchmark", "-h", "127.0.0.1", "-p", str(self.port), "-c", str(clients),
             "-P", str(pipelined), "-n", str(requests), "--csv",
             "XADD", "event", "*", "body", self.body])
        # The last seven fields; before them stands the command with quotes of its own.
        figures = re.findall(r'"([\d.]+)"', output)
        if len(figures) < 7:
            fail(f"redis-benchmark said: {output[-500:]}")
        self.acknowledged += requests
        return {"rate": float(figures[-7]), "shape": f"-c {clients} -P {pipelined}"}

    def measure(self, in_flight, seconds):
        """Runs with so many in flight: one on each connection, and few connections in pipelines."""
        requests = int({1: 4_000, 32: 40_000, 256: 150_000}[in_flight] * seconds)
        shapes = [(in_flight, 1)] + ([(8, in_flight // 8)] if in_flight >= 32 else [])
        return [self._run(*shape, requests) for shape in shapes]

    def stop(self):
        self.server.stop()

    def check(self):
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as wire:
            wire.sendall(b"XLEN event\r\n")
            stored = int(wire.recv(100)[1:])
        # redis-benchmark may send some more than it was asked for.
        if stored < self.acknowledged:
            fail(f"Redis acknowledged {self.acknowledged} events, but holds {stored}")
