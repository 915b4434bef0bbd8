"""PostgreSQL with pgcrypto: one row a commit, two fields sealed with AES."""

import glob
import json
import os
import pwd
import re
import shutil
import subprocess

from .processes import Server, clean_environment, fail, free_port, run
from . import events

NAME = "PostgreSQL, one INSERT a commit, two fields AES by pgcrypto"
WHAT_IT_IS_NOT = "no contract, no consent, no key per session, no expiry of keys, no audit"
CLIENTS = (8, 32)
_USER = "postgres"


def _programs():
    """The newest version's folder of programs; None if there is none with pgcrypto."""
    found = [folder for folder in glob.glob("/usr/lib/postgresql/*/bin")
             if os.path.exists(f"{folder}/initdb")
             and glob.glob(folder.replace("/lib/", "/share/", 1)[:-4]
                           + "/extension/pgcrypto.control")]
    if found:
        return max(found, key=lambda folder: int(folder.split("/")[-2].split(".")[0]))
    on_path = shutil.which("initdb")
    return os.path.dirname(on_path) if on_path else None


def _as_user():
    """PostgreSQL does not run as root."""
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam(_USER)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": [], "cwd": "/"}


def missing(directory):
    """What is not installed or not possible, or None."""
    if not _programs():
        return "postgresql or its pgcrypto is not installed"
    try:
        user = _as_user()
    except KeyError:
        return f"there is no user {_USER}, and PostgreSQL does not run as root"
    if subprocess.run(["test", "-x", directory], **user, check=False).returncode:
        return f"the user {_USER} may not enter {directory}: choose another --directory"
    return None


def _quoted(text):
    # pgbench takes a colon for the beginning of a variable.
    return "E'" + text.replace("'", "''").replace(":", "\\x3a") + "'"


def _script():
    event = events.event()
    session, email = event.pop("producerSessionId"), event["customer"].pop("email")
    rest = json.dumps(event, separators=(",", ":"))
    key = "'\\x" + "5a" * 32 + "'"
    return (f"INSERT INTO event (session, email, rest) VALUES (encrypt({_quoted(session)}, {key}, "
            f"'aes'), encrypt({_quoted(email)}, {key}, 'aes'), {_quoted(rest)});\n")


class Postgres:
    def __init__(self, bench):
        self.programs, self.port, self.acknowledged = _programs(), free_port(), 0
        self._user = _as_user()
        self.directory = f"{bench.directory}/postgres"
        os.mkdir(self.directory, 0o700)
        if self._user:
            os.chown(self.directory, self._user["user"], self._user["group"])
        self._environment = clean_environment(PGHOST="127.0.0.1", PGPORT=str(self.port),
                                              PGDATABASE="postgres", LC_ALL="C")
        self._run("initdb", "-D", f"{self.directory}/data", "-A", "trust", "-U", _USER, "-E",
                  "UTF8")
        self.server = Server(
            [f"{self.programs}/postgres", "-D", f"{self.directory}/data", "-p", str(self.port),
             "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
             "-c", "fsync=on", "-c", "synchronous_commit=on"],
            self.port, bench.log, bench.pinning, self._environment, **self._user)
        self.server.wait_until_listening()
        self._sql("CREATE EXTENSION pgcrypto")
        self._sql("CREATE TABLE event (number bigserial PRIMARY KEY, session bytea NOT NULL, "
                  "email bytea NOT NULL, rest text NOT NULL)")
        self._file = bench.body_file("insert.sql", _script().encode())
        os.chmod(self._file, 0o644)

    def _run(self, program, *arguments):
        return run([f"{self.programs}/{program}", *arguments], self._environment, **self._user)[0]

    def _sql(self, text):
        return self._run("psql", "-U", _USER, "-v", "ON_ERROR_STOP=1", "-Atc", text).strip()

    def measure(self, clients, seconds):
        output = self._run(
            "pgbench", "-U", _USER, "-n", "-M", "prepared", "-f", self._file, "-c", str(clients),
            "-j", str(min(2, clients)), "-T", str(max(1, round(seconds))))
        done = re.search(r"actually processed: (\d+)", output)
        per_second = re.search(r"tps = ([\d.]+)", output)
        failed = re.search(r"failed transactions: (\d+)", output)
        if not done or not per_second or failed and failed.group(1) != "0":
            fail(f"pgbench said: {output[-1000:]}")
        self.acknowledged += int(done.group(1))
        return [{"rate": float(per_second.group(1)), "shape": f"-c {clients}"}]

    def stop(self):
        # Its fast way: what is in flight is given up, nothing is waited for.
        self.server.stop(2)

    def check(self):
        stored = int(self._sql("SELECT count(*) FROM event"))
        if stored != self.acknowledged:
            fail(f"PostgreSQL committed {self.acknowledged} rows, but holds {stored}")
        text = self._sql("SELECT convert_from(decrypt(email, '\\x" + "5a" * 32
                         + "', 'aes'), 'UTF8') FROM event LIMIT 1")
        if text != events.event()["customer"]["email"]:
            fail(f"PostgreSQL holds {text}")
