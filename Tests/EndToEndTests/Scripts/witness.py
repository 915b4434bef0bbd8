"""A small witness after C2SP tlog-witness: cosigns the checkpoints of one log, and no fork of it.

    witness.py STATE_FILE LOG_KEY...

Serves http://127.0.0.1:PORT/w/add-checkpoint until its standard input closes. The first line of its
output says where, and its key: {"url": …, "key": …}. Further lines say what it answered. What it
has seen lasts in STATE_FILE; its own key is the same at each start.
"""

import base64
import hashlib
import http.server
import json
import os
import pathlib
import struct
import sys
import threading
import time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "Examples" / "audit"))
import verify_audit as audit  # noqa: E402

NAME = "witness.test/w1"
PRIVATE = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"a witness of the tests").digest())
MATERIAL = b"\x04" + PRIVATE.public_key().public_bytes_raw()
KEY_ID = hashlib.sha256(NAME.encode() + b"\n" + MATERIAL).digest()[:4]


class Witness:
    def __init__(self, state_path, keys):
        self.path, self.keys = state_path, keys
        self.lock = threading.Lock()
        self.size, self.root = 0, audit.tree_hash([])
        if os.path.exists(state_path):
            with open(state_path) as file:
                state = json.load(file)
            self.size, self.root = state["size"], bytes.fromhex(state["root"])

    def save(self, size, root):
        draft = self.path + ".new"
        with open(draft, "w") as file:
            json.dump({"size": size, "root": root.hex()}, file)
            file.flush()
            os.fsync(file.fileno())
        os.rename(draft, self.path)
        self.size, self.root = size, root

    def add(self, body):
        """Status, media type and body of the answer, as the specification has them."""
        try:
            lines = body.decode("utf-8").split("\n")
            if not lines[0].startswith("old "):
                raise audit.Refused("no old size")
            old = audit.decimal(lines.pop(0)[4:])
            proof = audit.read_hashes(lines)
            note = audit.Note("\n".join(lines).encode("utf-8"))
            checkpoint = audit.Checkpoint(note)
        except (audit.Refused, UnicodeDecodeError) as error:
            return 400, "text/plain", str(error)
        if all(key.name != checkpoint.origin for key in self.keys):
            return 404, "text/plain", "unknown origin"
        try:
            if not any([note.signed_by(key) for key in self.keys]):
                raise audit.Refused("no trusted key")
        except audit.Refused:
            return 403, "text/plain", "not signed"
        if old > checkpoint.size:
            return 400, "text/plain", "the old size is larger"
        # Comparing and remembering must not be torn apart by another request.
        with self.lock:
            if old != self.size:
                return 409, "text/x.tlog.size", "%d\n" % self.size
            if old == checkpoint.size:
                if checkpoint.root != self.root:
                    return 409, "text/plain", "another root"
            elif old > 0:
                try:
                    roots = audit.roots_from_consistency(old, checkpoint.size, proof, self.root)
                except audit.Refused as error:
                    return 422, "text/plain", str(error)
                if roots != (self.root, checkpoint.root):
                    return 422, "text/plain", "the proof does not hold"
            elif proof:
                return 422, "text/plain", "a proof from nothing"
            self.save(checkpoint.size, checkpoint.root)
        return 200, "text/plain", self.cosign(note.text)

    @staticmethod
    def cosign(text):
        now = int(time.time())
        signature = PRIVATE.sign(b"cosignature/v1\ntime %d\n" % now + text)
        blob = base64.b64encode(KEY_ID + struct.pack(">Q", now) + signature).decode()
        return "\u2014 %s %s\n" % (NAME, blob)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    witness = None

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        if self.path != "/w/add-checkpoint":
            status, kind, text = 404, "text/plain", "no such path"
        else:
            status, kind, text = self.witness.add(body)
        print(json.dumps({"status": status, "size": self.witness.size}), flush=True)
        data = text.encode("utf-8")
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main():
    Handler.witness = Witness(sys.argv[1], [audit.Key(text) for text in sys.argv[2:]])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({
        "url": "http://127.0.0.1:%d/w" % server.server_address[1],
        "key": "%s+%s+%s" % (NAME, KEY_ID.hex(), base64.b64encode(MATERIAL).decode()),
    }), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
