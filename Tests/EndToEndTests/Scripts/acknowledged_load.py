"""Sends events over HTTP/2 until it is told to stop or the server goes away.

usage: acknowledged_load.py PORT TOKEN ACKNOWLEDGED PREFIX IN_FLIGHT SESSIONS [COUNT]

Each event has an id of its own in its url, PREFIX-N. Once the server has answered 204 for it, the
id is written to the file ACKNOWLEDGED at once: whatever stands there was acknowledged. The last
line of the output is JSON: how many were sent, acknowledged, and answered with anything else.
Ends with 0 when the connection breaks, after COUNT events, or after SIGTERM.
"""

import json
import os
import signal
import socket
import sys

import h2.config
import h2.connection
import h2.events
import h2.exceptions


def event(identifier, session):
    return json.dumps({
        "strmMeta": {"eventContractRef": "example/clickstream/1.0.0", "consentLevels": [0, 1]},
        "producerSessionId": f"visit-{session}",
        "url": f"https://shop.example.com/{identifier}",
        "eventType": "page_view",
        "referrer": "https://search.example.net/",
        "userAgent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "conversion": 0,
        "customer": {"email": f"visitor{session}@example.com", "country": "NL"},
        "abTests": ["checkout-a"],
    }, separators=(",", ":")).encode()


class GoAwayFilter:
    """Takes GOAWAY frames (RFC 9113, 6.8) out of what the server sends.

    h2 takes nothing more after one, though the server still answers what is in flight.
    """

    def __init__(self):
        self.buffer = b""
        self.last_stream = None

    def take(self, data):
        self.buffer += data
        rest = b""
        while len(self.buffer) >= 9:
            size = 9 + int.from_bytes(self.buffer[:3], "big")
            if len(self.buffer) < size:
                break
            frame, self.buffer = self.buffer[:size], self.buffer[size:]
            if frame[3] == 7:
                self.last_stream = int.from_bytes(frame[9:13], "big") & 0x7FFFFFFF
            else:
                rest += frame
        return rest


class Load:
    def __init__(self, port, token, acknowledged, prefix, in_flight, sessions, count):
        self.port, self.prefix, self.in_flight, self.sessions = port, prefix, in_flight, sessions
        self.count = count
        self.headers = [
            (":method", "POST"), (":scheme", "http"), (":authority", f"127.0.0.1:{port}"),
            (":path", "/event"), ("authorization", f"Bearer {token}"),
            ("content-type", "application/json"),
        ]
        self.file = os.open(acknowledged, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self.waiting = {}
        self.sent = self.done = self.other = 0
        self.is_stopping = False

    def stop(self, *_):
        self.is_stopping = True

    def send_some(self, connection):
        while (len(self.waiting) < self.in_flight and not self.is_stopping
               and (self.count is None or self.sent < self.count)):
            identifier = f"{self.prefix}-{self.sent}"
            body = event(identifier, self.sent % self.sessions)
            if connection.outbound_flow_control_window < len(body):
                break
            stream = connection.get_next_available_stream_id()
            connection.send_headers(
                stream, self.headers + [("content-length", str(len(body)))])
            connection.send_data(stream, body, end_stream=True)
            self.waiting[stream] = identifier
            self.sent += 1

    def take(self, events):
        acknowledged = []
        for happened in events:
            if isinstance(happened, h2.events.ResponseReceived):
                status = dict(happened.headers).get(b":status")
                identifier = self.waiting.pop(happened.stream_id, None)
                if status == b"204" and identifier:
                    acknowledged.append(identifier)
                else:
                    self.other += 1
            elif isinstance(happened, h2.events.StreamReset):
                if self.waiting.pop(happened.stream_id, None):
                    self.other += 1
        if acknowledged:
            os.write(self.file, ("\n".join(acknowledged) + "\n").encode())
            self.done += len(acknowledged)

    def go_away(self, last_stream):
        """Nothing new is sent; what is beyond `last_stream` was not looked at by the server."""
        self.is_stopping = True
        for stream in [stream for stream in self.waiting if stream > last_stream]:
            del self.waiting[stream]
            self.other += 1

    def run(self):
        connection = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=True, header_encoding=None))
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=20) as wire:
                wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.initiate_connection()
                farewell = GoAwayFilter()
                while True:
                    self.send_some(connection)
                    wire.sendall(connection.data_to_send())
                    if not self.waiting:
                        break
                    data = wire.recv(65536)
                    if not data:
                        break
                    self.take(connection.receive_data(farewell.take(data)))
                    if farewell.last_stream is not None:
                        self.go_away(farewell.last_stream)
        except (OSError, h2.exceptions.ProtocolError) as error:
            print(f"ended by {type(error).__name__}", file=sys.stderr)
        print(json.dumps({
            "sent": self.sent, "acknowledged": self.done, "other": self.other,
            "unanswered": len(self.waiting)}))


if __name__ == "__main__":
    port, token, path, prefix, in_flight, sessions = sys.argv[1:7]
    count = int(sys.argv[7]) if len(sys.argv) > 7 else None
    load = Load(int(port), token, path, prefix, int(in_flight), int(sessions), count)
    signal.signal(signal.SIGTERM, load.stop)
    load.run()
