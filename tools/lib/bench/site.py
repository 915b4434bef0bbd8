"""A server of ours with fresh data, its streams, and the checks that make a figure believable."""

import base64
import http.client
import json
import os
import pathlib
import re
import ssl
import time

from . import events
from .processes import Server, clean_environment, fail, free_port, run


class Certificate:
    """A self-signed certificate for loopback, made with openssl."""

    def __init__(self, directory):
        self.file, self.key = f"{directory}/certificate.pem", f"{directory}/key.pem"
        if not os.path.exists(self.file):
            # ECDSA, as a server that is set up today would have; RSA would tell of its handshake.
            run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                 "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
                 "-keyout", self.key, "-out", self.file])


class Site:
    """A data directory and a server on it. Counts what was acknowledged, to compare it later."""

    def __init__(self, bench, name, certificate=None):
        self.bench, self.certificate = bench, certificate
        self.directory = f"{bench.directory}/{name}"
        self.port = free_port()
        self.scheme = "https" if certificate else "http"
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        self.acknowledged, self._secrets, self._tokens = {}, {}, {}
        self.server = None
        os.mkdir(self.directory)
        self._environment = clean_environment(
            STRM_HOME=f"{self.directory}/home", STRM_SERVER=self.url)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @classmethod
    def ready(cls, bench, name, certificate=None, retention_days=7):
        """Started, with the example contract, the stream demo and the derived stream demo-1-4."""
        site = cls(bench, name, certificate)
        try:
            site.start()
            site.prepare(retention_days)
        except BaseException:
            site.stop()
            raise
        return site

    def start(self, environment=None):
        """Starts the server.

        Returns the seconds until it answered that it is ready.
        """
        environment = {**self._environment, **(environment or {})}
        if not os.path.exists(f"{self.directory}/data"):
            run([self.bench.strm, "init", "--data", f"{self.directory}/data",
                 "--single-person"], environment)
            stored = json.loads(pathlib.Path(f"{self.directory}/home/credentials.json").read_text())
            self._secrets = stored["servers"][self.url]["clients"]
        tls = ["--tls-certificate", self.certificate.file, "--tls-key", self.certificate.key
               ] if self.certificate else []
        self._tokens = {}
        self.server = Server(
            [self.bench.strm, "serve", "--data", f"{self.directory}/data",
             "--port", str(self.port), *tls],
            self.port, self.bench.log, self.bench.pinning, environment)
        self.server.wait_until_listening()
        while self._request("GET", "/readyz")[0] != 200:
            if time.perf_counter() - self.server.started > 120:
                fail(f"the server is not ready; see {self.bench.log.name}")
            time.sleep(0.002)
        return time.perf_counter() - self.server.started

    def stop(self):
        if self.server:
            self.server.stop()
            self.server = None

    def prepare(self, retention_days=7):
        for level in range(5):
            self.manage("PUT", f"/v1/purposes/{level}", {
                "name": f"Level {level}", "description": "Measuring",
                "legalBasis": "consent", "owner": "Benchmark"})
        contract = json.loads(events.CONTRACT_FILE.read_text())
        made = self.manage("POST", "/v1/contracts", contract)
        path = f"/v1/contracts/{events.CONTRACT}"
        self.manage("POST", f"{path}/review")
        self.manage("POST", f"{path}/approve", {"number": made["number"]})
        self.manage("POST", f"{path}/activate")
        self.make_stream("demo", retentionDays=retention_days)
        self.make_stream("demo-1-4", derivedFrom="demo", levels=[1, 4])

    def make_stream(self, name, **members):
        made = self.manage("POST", "/v1/streams", {"name": name, **members})
        self._secrets[name] = made["client"]
        if "derivedFrom" in members:
            self.manage("POST", f"/v1/streams/{name}/approve", {"id": made["id"]})

    def make_client(self, role):
        """A client of a role that is not tied to a stream; its token goes by the role's name."""
        self._secrets[role] = self.manage("POST", "/v1/clients", {"role": role})

    def _request(self, method, path, body=None, headers=None):
        if self.certificate:
            trust = ssl.create_default_context(cafile=self.certificate.file)
            connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, timeout=60, context=trust)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()
        except OSError as error:
            fail(f"{method} {path}: {error}; see {self.bench.log.name}")
        finally:
            connection.close()

    def token(self, name):
        """An access token of the client that was made with the stream `name`."""
        if name not in self._tokens:
            client = self._secrets[name]
            pair = f"{client['clientId']}:{client['clientSecret']}".encode()
            status, _, body = self._request(
                "POST", "/oauth2/token", "grant_type=client_credentials",
                {"authorization": "Basic " + base64.b64encode(pair).decode(),
                 "content-type": "application/x-www-form-urlencoded"})
            if status != 200:
                fail(f"no token for {name}: {status} {body[:300]}")
            self._tokens[name] = json.loads(body)["access_token"]
        return self._tokens[name]

    def manage(self, method, path, body=None):
        headers = {"authorization": f"Bearer {self.token('administrator')}"}
        if body is not None:
            headers["content-type"] = "application/json"
            body = json.dumps(body)
        status, _, answer = self._request(method, path, body, headers)
        if status >= 300:
            fail(f"{method} {path}: {status} {answer[:300]}")
        return json.loads(answer) if answer else None

    def metrics(self):
        """Name (with its labels) to value."""
        text = self._request("GET", "/metrics")[2].decode()
        return {name: float(value) for name, value in
                (row.rsplit(" ", 1) for row in text.splitlines() if not row.startswith("#"))}

    def page(self, name, query):
        """One page of a stream: its headers and its body."""
        status, headers, body = self._request(
            "GET", f"/v1/streams/{name}/events?{query}", None,
            {"authorization": f"Bearer {self.token(name)}"})
        if status != 200:
            fail(f"reading {name}: {status} {body[:300]}")
        return headers, body

    def acknowledge(self, count, stream="demo"):
        self.acknowledged[stream] = self.acknowledged.get(stream, 0) + count

    def check(self, derived="demo-1-4"):
        """Fails unless all that was acknowledged is stored, nothing was refused, nothing is lost.

        Looks at the sealed stream, which must hold no address, and, if there is a `derived` one,
        at that, whose fields must open to what was sent.
        """
        for stream in self.manage("GET", "/v1/status")["streams"]:
            wanted = self.acknowledged.get(stream["name"], 0)
            if stream["nextOffset"] != wanted:
                fail(f"stream {stream['name']}: {wanted} events were acknowledged, "
                     f"but {stream['nextOffset']} are stored")
        for name, value in self.metrics().items():
            if re.match(r"strm_ingest_(refused|overloaded|keyless)_total|strm_store_refused", name):
                if value:
                    fail(f"the server refused events: {name} {value:.0f}")
        if self.acknowledged.get("demo"):
            check_page("demo", False, *self.page("demo", "limit=1000"))
            if derived:
                headers, body = self.page(derived, "limit=1000")
                check_page(derived, True, headers, body)
                check_values(derived, body)
        return sum(self.acknowledged.values())


def check_page(name, is_opened, headers, body):
    """Fails unless the page holds as many events as it says, and sealed or opened as is due."""
    count, rows = int(headers["strm-events"]), body.count(b"\n")
    if count != rows or not count:
        fail(f"{name}: {rows} lines, but {count} events")
    found = body.count(events.EMAIL_DOMAIN), body.count(b'"producerSessionId":"visit-')
    if found != ((count, count) if is_opened else (0, 0)):
        fail(f"{name}: {count} events with {found[0]} addresses and {found[1]} sessions in clear")
    if is_opened and int(headers.get("strm-sealed-fields") or 0):
        fail(f"{name}: fields stayed sealed")


def check_values(name, body):
    """Fails unless each opened event is, apart from url and strmMeta, what its sequence sends."""
    for row in body.splitlines():
        opened = json.loads(row)
        sent = events.event(int(opened["producerSessionId"].removeprefix("visit-"), 16))
        for member in sent.keys() - {"strmMeta", "url"}:
            if opened[member] != sent[member]:
                fail(f"{name}: {member} of an opened event is not what was sent")
