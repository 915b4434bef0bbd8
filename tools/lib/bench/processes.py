"""Processes that are started for a measurement, and what the kernel says about them."""

import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys
import time

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """A check failed, or something could not be run: no figure of this run is to be believed."""


def fail(message):
    raise BenchError(message)


def progress(text):
    """One line that is overwritten: only for people, never in the output that is kept."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def clean_environment(**more):
    """Without settings of a server that the caller may have; they would change what is measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STRM_")}
    return {**kept, "SWIFT_BACKTRACE": "enable=no", **more}


class Pinning:
    """Which processors the load generators and the servers may use; None leaves them free."""

    def __init__(self, text=None):
        self.load = self.server = None
        if not text:
            return
        try:
            self.load, self.server = (
                {int(number) for number in part.split(",")} for part in text.split(":"))
            # Inherited by h2load, by readers, by everything that is not a server.
            os.sched_setaffinity(0, self.load)
        except (ValueError, OSError) as error:
            fail(f"--pin {text}: LOAD:SERVER, each a list of processors such as 0:1 ({error})")

    def command(self, arguments):
        """`arguments` as a server is to be started."""
        if self.server is None:
            return list(arguments)
        return ["taskset", "-c", ",".join(map(str, sorted(self.server))), *arguments]

    def description(self):
        if self.load is None:
            return "nothing is pinned"
        return (f"load generators pinned to processor {sorted(self.load)}, "
                f"servers to {sorted(self.server)}")


class Server:
    """A server process of ours, with what it has used of processor, memory and disk."""

    def __init__(self, arguments, port, log, pinning=None, environment=None, **more):
        """`more` as in subprocess.Popen."""
        self.port, self.log, self.name = port, log, os.path.basename(arguments[0])
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            (pinning or Pinning()).command(arguments), env=environment or clean_environment(),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, **more)

    def wait_until_listening(self, seconds=30):
        end = time.monotonic() + seconds
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    self.stop()
                    fail(f"{self.name} did not start; see {self.log.name}")
                time.sleep(0.005)

    @property
    def pid(self):
        return self.process.pid

    def _proc(self, name):
        try:
            return pathlib.Path(f"/proc/{self.pid}/{name}").read_text()
        except OSError:
            fail(f"{self.name} is gone; see {self.log.name}")

    def cpu_seconds(self):
        fields = self._proc("stat").rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def memory_mebibytes(self):
        """Resident now, and at most."""
        status = self._proc("status")
        return tuple(int(re.search(rf"{name}:\s+(\d+) kB", status).group(1)) / 1024
                     for name in ("VmRSS", "VmHWM"))

    def written_bytes(self):
        """Bytes that this process caused to be sent to the disk."""
        return int(re.search(r"^write_bytes: (\d+)", self._proc("io"), re.M).group(1))

    def open_files(self):
        try:
            return len(os.listdir(f"/proc/{self.pid}/fd"))
        except OSError:
            fail(f"{self.name} is gone; see {self.log.name}")

    def stop(self, sign=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(sign)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def run(arguments, environment=None, timeout_seconds=300, **more):
    """Runs a program to its end.

    Returns its output and the processor time in seconds that it used.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    try:
        finished = subprocess.run(
            arguments, env=environment or clean_environment(), capture_output=True, text=True,
            timeout=timeout_seconds, **more)
    except (OSError, subprocess.TimeoutExpired) as error:
        fail(f"{arguments[0]}: {error}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if finished.returncode != 0:
        fail(f"{' '.join(map(str, arguments[:4]))} … ended with {finished.returncode}:\n"
             f"{finished.stdout[-2000:]}{finished.stderr[-2000:]}")
    used = sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime"))
    return finished.stdout, used
