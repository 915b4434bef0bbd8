/// A raw client: sockets, HTTP/2 frames by hand, and HPACK from the package `hpack`, so that a test
/// can say what no well-behaved library would.
let pythonPrelude = #"""
    import json, os, socket, ssl, struct, sys, threading, time
    PORT = int(sys.argv[1])
    PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)

    def connect():
        return socket.create_connection(("127.0.0.1", PORT), timeout=100)

    def read_all(sock):
        got = b""
        try:
            while chunk := sock.recv(65536):
                got += chunk
        except ConnectionError:
            pass
        return got

    def talk(data):
        sock = connect()
        try:
            sock.sendall(data)
        except ConnectionError:
            pass
        return read_all(sock)

    def wait_for_test():
        sys.stdin.readline()

    def frame(kind, flags, stream, payload=b""):
        return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload

    class H2:
        def __init__(self, settings={}, sock=None):
            from hpack import Encoder, Decoder
            self.encoder, self.decoder = Encoder(), Decoder()
            self.sock = sock or connect()
            self.buffer, self.log, self.is_over = b"", [], False
            body = b"".join(struct.pack(">HI", k, v) for k, v in settings.items())
            self.send(PREFACE, frame(SETTINGS, 0, 0, body))

        def send(self, *frames):
            try:
                self.sock.sendall(b"".join(frames))
            except ConnectionError:
                pass

        def block(self, extra=(), method="POST", path="/event", scheme="http"):
            return self.encoder.encode([(":method", method), (":scheme", scheme), (":authority", "a"),
                                        (":path", path)] + list(extra))

        def headers(self, stream, extra=(), end=True, **pseudo):
            return frame(HEADERS, 4 | (1 if end else 0), stream, self.block(extra, **pseudo))

        def fill(self, count):
            while len(self.buffer) < count:
                try:
                    chunk = self.sock.recv(65536)
                except ConnectionError:
                    chunk = b""
                if not chunk:
                    self.is_over = True
                    return False
                self.buffer += chunk
            return True

        def next(self):
            if not self.fill(9):
                return None
            size, kind, flags = int.from_bytes(self.buffer[:3], "big"), self.buffer[3], self.buffer[4]
            stream = struct.unpack(">I", self.buffer[5:9])[0] & 0x7FFFFFFF
            if not self.fill(9 + size):
                return None
            payload, self.buffer = self.buffer[9:9 + size], self.buffer[9 + size:]
            if kind == SETTINGS and not flags & 1:
                self.send(frame(SETTINGS, 1, 0))
            if kind == HEADERS:
                payload = dict(self.decoder.decode(payload))
            self.log.append((kind, flags, stream, payload))
            return self.log[-1]

        def until(self, kind, stream=None):
            while (got := self.next()) is not None:
                if got[0] == kind and (stream is None or got[2] == stream):
                    return got
            return None

        def settled(self):
            self.until(SETTINGS)
            self.until(SETTINGS)
            return self

        def status(self, stream):
            got = self.until(HEADERS, stream)
            return got and int(got[3][":status"])

        def request(self, stream, **arguments):
            self.send(self.headers(stream, **arguments))
            return self.status(stream)

        def body(self, stream):
            got = b""
            while (part := self.until(DATA, stream)) is not None:
                got += part[3]
                if part[3]:
                    grant = struct.pack(">I", len(part[3]))
                    self.send(frame(WINDOW, 0, 0, grant), frame(WINDOW, 0, stream, grant))
                if part[1] & 1:
                    break
            return got

        def goaway(self):
            got = next((f for f in self.log if f[0] == GOAWAY), None) or self.until(GOAWAY)
            code = got and struct.unpack(">I", got[3][4:8])[0]
            while self.next() is not None:
                pass
            return code, self.is_over

    """#
