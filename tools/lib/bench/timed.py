"""A paced load that runs beside something else, whose latencies are told by the time of sending."""

import array
import json
import os
import pathlib
import signal
import subprocess
import time

from .compiler import program
from .paced import quantile
from .processes import TICKS_PER_SECOND, fail


class TimedLoad:
    """`paced_load.c` in the background, until it is stopped."""

    SECONDS_MAX = 600

    def __init__(self, bench, port, token, bodies, rate, connections=8):
        self._program = program(bench, "paced_load")
        self._arguments = [str(port), "/event", bodies, str(rate), str(self.SECONDS_MAX),
                           str(connections)]
        self._samples = f"{bench.directory}/samples"
        self._token, self._process = token, None
        self._due, self._late = array.array("q"), array.array("q")

    def start(self):
        self._process = subprocess.Popen(
            [self._program, *self._arguments, self._samples],
            env={**os.environ, "TOKEN": self._token}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    @property
    def pid(self):
        return self._process.pid

    def stop(self):
        """Returns how many events were sent; dies unless each was answered with 204."""
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        output, error = process.communicate(timeout=60)
        if process.returncode != 0:
            fail(f"the load beside it: {error}")
        run = json.loads(output)
        if run["failed"]:
            fail(f"{run['failed']:,} events of the load beside it were refused")
        both = array.array("q", pathlib.Path(self._samples).read_bytes())
        self._due, self._late = both[0::2], both[1::2]
        return run["requests"]

    def abandon(self):
        if self._process:
            self._process.kill()
            self._process.wait()

    def between(self, begin, end):
        """Median and tails in ms of what was due between two times of `time.monotonic_ns`."""
        late = sorted(late for due, late in zip(self._due, self._late) if begin <= due < end)
        if not late:
            fail("no event of the load was due in a window")
        return {"events": len(late), **{
            name: quantile(late, fraction) / 1e6
            for name, fraction in (("p50", 0.5), ("p99", 0.99), ("max", 1))}}


class ProcessorWatch:
    """What the processors of this machine do, and how much of it is none of ours."""

    def __init__(self, *pids):
        self._pids = pids
        self._begin = self._look()

    def _look(self):
        total = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        idle = int(total[3]) + int(total[4])
        own = 0
        for pid in self._pids:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            own += int(fields[11]) + int(fields[12])
        return time.monotonic(), sum(map(int, total)) - idle, own

    def processors(self):
        """Processors busy since the beginning: all, and those that these processes did not use."""
        (start, busy, own), (end, busy2, own2) = self._begin, self._look()
        seconds = max(end - start, 0.01) * TICKS_PER_SECOND
        return (busy2 - busy) / seconds, (busy2 - busy - own2 + own) / seconds
