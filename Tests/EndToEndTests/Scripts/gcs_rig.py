"""Google Cloud Storage on the loopback: gcp-storage-emulator, and a token endpoint beside it.

Makes the bucket `orders` and a service account, and prints one line of JSON: the ports, and the
JSON key of the account as a string. Serves until its standard input closes; a line `dump DIR` there
writes all objects below DIR, and answers with a line of JSON: how many.

The token endpoint checks the assertion (RFC 7523) as Google does: its signature by the account's
key, issuer, audience, scope and times. The storage lets nobody in but with a token of it.
"""

import base64
import http.server
import json
import logging
import pathlib
import socket
import sys
import threading
import time
import urllib.parse
import urllib.request

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from gcp_storage_emulator import server as emulator

EMAIL = "exports@acme.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/devstorage.read_write"
TOKEN = "ya29.token-of-the-rig"
BUCKET = "orders"


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def complaint(assertion, public_key, key_id, audience):
    """What is wrong with it; None if nothing is."""
    try:
        head, claims, signature = assertion.split(".")
        public_key.verify(decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(),
                          hashes.SHA256())
        head, claims = json.loads(decoded(head)), json.loads(decoded(claims))
    except Exception as error:
        return repr(error)
    if head != {"alg": "RS256", "typ": "JWT", "kid": key_id}:
        return f"the header {head}"
    now = time.time()
    if (claims.get("iss"), claims.get("aud"), claims.get("scope")) != (EMAIL, audience, SCOPE):
        return f"the claims {claims}"
    if not now - 60 < claims["iat"] <= now + 5 or claims["exp"] - claims["iat"] > 3600:
        return "its times"
    return None


def serve_tokens(public_key, key_id):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            form = dict(urllib.parse.parse_qsl(
                self.rfile.read(int(self.headers["content-length"])).decode()))
            wrong = complaint(form.get("assertion", ""), public_key, key_id, self.server.audience)
            if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
                wrong = "the grant type"
            if wrong:
                print(f"token endpoint: {wrong}", file=sys.stderr)
            answer = {"error": "invalid_grant"} if wrong else {
                "access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"}
            body = json.dumps(answer).encode()
            self.send_response(400 if wrong else 200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.audience = f"http://127.0.0.1:{server.server_port}/token"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def require_token():
    """Puts a check of the token before every request of the emulator."""
    handler = emulator.RequestHandler
    for method in ("do_GET", "do_POST", "do_PUT", "do_DELETE"):
        def checked(self, inner=getattr(handler, method)):
            if self.headers.get("authorization") == f"Bearer {TOKEN}":
                return inner(self)
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(401)
            self.send_header("content-length", "0")
            self.end_headers()
        setattr(handler, method, checked)


def take_media_as_it_is():
    """The emulator would parse the bytes of an object of type application/json, and break off."""
    inner = emulator._read_data

    def read(handler, query):
        if query.get("uploadType") == ["media"]:
            return emulator._read_raw_data(handler)
        return inner(handler, query)

    emulator._read_data = read


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port, path):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request) as reply:
        return reply.read()


def dump(port, directory):
    listed = json.loads(get(port, f"/storage/v1/b/{BUCKET}/o"))
    names = [item["name"] for item in listed.get("items", [])]
    for name in names:
        path = pathlib.Path(directory, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        quoted = urllib.parse.quote(name, safe="")
        path.write_bytes(get(port, f"/storage/v1/b/{BUCKET}/o/{quoted}?alt=media"))
    return len(names)


def main():
    logging.disable(logging.CRITICAL)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key_id = "5f1c0d7e9a3b2846"
    tokens = serve_tokens(key.public_key(), key_id)
    require_token()
    take_media_as_it_is()
    port = free_port()
    server = emulator.create_server("127.0.0.1", port, in_memory=True, default_bucket=BUCKET)
    server.start()
    account = json.dumps({
        "type": "service_account", "project_id": "acme", "private_key_id": key_id,
        "private_key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()).decode(),
        "client_email": EMAIL, "client_id": "1", "token_uri": tokens.audience})
    print(json.dumps({"port": port, "tokenPort": tokens.server_port, "serviceAccount": account}),
          flush=True)
    for line in sys.stdin:
        if line.startswith("dump "):
            print(json.dumps({"dumped": dump(port, line[5:].strip())}), flush=True)
    server.stop()


if __name__ == "__main__":
    main()
