"""An HTTP/1.1 proxy on the loopback that makes a store as unreliable as stores are at their worst.

usage: fault_proxy.py --to PORT [--port N] [--seed N] [--refuse P] [--lose-answer P] [--cut-body P]
                      [--cut-answer P] [--slow P] [--calm]

Hands each request on as it came, its Host header too, so that signatures hold. With the given
probabilities it does, to one request, one of these:

  refuse       answers 500 or 503 and hands nothing on
  lose-answer  hands the request on, then answers 503 although the store has done it
  cut-body     takes half of the body, hands that on, then cuts both connections
  cut-answer   hands the request on, then cuts the connection without an answer
  slow         waits 50 to 500 ms before it hands the request on; may come on top of the others

Prints one line of JSON when it serves: its port and its seed. A line on its standard input says
"calm" or "faults", and turns them off or on, or "counts"; at that, and when its standard input
closes, it prints the counts of what it did as one line of JSON. Then, at the latter, it ends.
"""

import argparse
import asyncio
import collections
import contextlib
import json
import random
import sys

HEAD_BYTES_MAX = 64 << 10
BODY_BYTES_MAX = 64 << 20
PATIENCE_SECONDS = 30
FAULTS = ("refuse", "lose_answer", "cut_body", "cut_answer")


class Broken(Exception):
    """A peer broke off, or sent what is not HTTP."""


class Message:
    """The head of a request or an answer, and how its body is framed."""

    def __init__(self, head):
        first, *lines = head.split(b"\r\n")[:-2]
        self.first = first
        self.fields = [line.partition(b":")[::2] for line in lines]

    def field(self, name):
        values = [value.strip() for key, value in self.fields if key.strip().lower() == name]
        return values[-1].lower() if values else b""

    def without(self, *names):
        return [pair for pair in self.fields if pair[0].strip().lower() not in names]

    @staticmethod
    def written(first, fields):
        lines = [first] + [name + b":" + value for name, value in fields]
        return b"\r\n".join(lines) + b"\r\n\r\n"


async def read_head(reader):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise Broken("a head broke off") from error
    except asyncio.LimitOverrunError as error:
        raise Broken("a head is too long") from error
    return Message(head)


async def read_body(reader, message, until_close=False):
    """The bytes of the body as they stand on the wire, chunk headers included."""
    try:
        if message.field(b"transfer-encoding").endswith(b"chunked"):
            return await read_chunks(reader)
        length = message.field(b"content-length")
        if length:
            if int(length) > BODY_BYTES_MAX:
                raise Broken("a body is too long")
            return await reader.readexactly(int(length))
        return await reader.read(-1) if until_close else b""
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise Broken("a body broke off") from error


async def read_chunks(reader):
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        body += line
        size = int(line.split(b";")[0], 16)
        if len(body) + size > BODY_BYTES_MAX:
            raise Broken("a body is too long")
        if size:
            body += await reader.readexactly(size + 2)
            continue
        while line != b"\r\n":  # trailers
            line = await reader.readuntil(b"\r\n")
            body += line
        return body


class Proxy:
    def __init__(self, options, seed):
        self.options = options
        self.random = random.Random(seed)
        self.counts = collections.Counter()
        self.is_calm = options.calm

    def choose(self):
        """What happens to the next request: one fault or none, and whether it is slow."""
        if self.is_calm:
            return None, False
        roll = self.random.random()
        is_slow = self.random.random() < self.options.slow
        for fault in FAULTS:
            roll -= getattr(self.options, fault)
            if roll < 0:
                return fault, is_slow
        return None, is_slow

    async def serve(self, reader, writer):
        try:
            while await self.exchange(reader, writer):
                pass
        except (Broken, OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            self.counts["broken"] += 1
        except asyncio.CancelledError:
            pass  # The proxy ends; whoever is still connected is cut off.
        finally:
            # At once, unsent bytes or not: what was to be sent has been drained.
            writer.transport.abort()

    async def exchange(self, reader, writer):
        """One request; false when the connection is not used again."""
        request = await read_head(reader)
        if request is None:
            return False
        self.counts["requests"] += 1
        if request.field(b"expect") == b"100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        fault, is_slow = self.choose()
        if fault == "cut_body":
            self.counts[fault] += 1
            await self.forward_half(request, reader)
            return False
        body = await asyncio.wait_for(read_body(reader, request), PATIENCE_SECONDS)
        if is_slow:
            self.counts["slow"] += 1
            await asyncio.sleep(self.random.uniform(0.05, 0.5))
        if fault:
            self.counts[fault] += 1
        if fault == "refuse":
            return await self.answer_failure(writer, self.random.choice((500, 503)))
        answer, answer_body = await self.forward(request, body)
        if fault == "cut_answer":
            return False
        if fault == "lose_answer":
            return await self.answer_failure(writer, 503)
        self.counts["passed"] += 1
        return await self.answer(writer, request, answer, answer_body)

    async def answer_failure(self, writer, status):
        code = {500: "InternalError", 503: "SlowDown"}[status]
        body = f"<Error><Code>{code}</Code><Message>try again</Message></Error>".encode()
        writer.write(
            f"HTTP/1.1 {status} Trouble\r\ncontent-type: application/xml\r\n"
            f"content-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        return True

    async def answer(self, writer, request, answer, body):
        """Keeps the connection whatever the store does, so that faults hit used ones too."""
        is_framed = bool(
            answer.field(b"content-length") or answer.field(b"transfer-encoding")
            or answer.first.split(b" ")[1] in (b"204", b"304"))
        stays = is_framed and request.field(b"connection") != b"close"
        fields = answer.without(b"connection", b"keep-alive")
        if not stays:
            fields.append((b"Connection", b" close"))
        writer.write(Message.written(answer.first, fields) + body)
        await writer.drain()
        return stays

    @contextlib.asynccontextmanager
    async def store(self):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", self.options.to, limit=HEAD_BYTES_MAX)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    def handed_on(self, request):
        fields = request.without(b"connection", b"keep-alive", b"expect")
        return Message.written(request.first, fields + [(b"Connection", b" close")])

    async def forward(self, request, body):
        async with self.store() as (reader, writer):
            writer.write(self.handed_on(request) + body)
            await writer.drain()
            answer = await asyncio.wait_for(read_head(reader), PATIENCE_SECONDS)
            if answer is None:
                raise Broken("the store closed the connection")
            status = answer.first.split(b" ")[1]
            if request.first.startswith(b"HEAD ") or status in (b"204", b"304"):
                return answer, b""
            return answer, await read_body(reader, answer, until_close=True)

    async def forward_half(self, request, reader):
        head = self.handed_on(request)
        half = int(request.field(b"content-length") or 0) // 2
        async with self.store() as (_, writer):
            if half:
                writer.write(head + await asyncio.wait_for(
                    reader.readexactly(half), PATIENCE_SECONDS))
            else:  # Without a body there is only the head to cut.
                writer.write(head[:len(head) // 2])
            await writer.drain()
            # A close, not a reset: a reset could overtake what was written.
            writer.write_eof()
            await asyncio.sleep(0.01)

    def command(self, line):
        if line in ("calm", "faults"):
            self.is_calm = line == "calm"
        elif line == "counts":
            self.report()

    def report(self):
        print(json.dumps({"counts": dict(sorted(self.counts.items()))}), flush=True)


async def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=int, required=True, help="the store's port")
    parser.add_argument("--port", type=int, default=0, help="0: a free one")
    parser.add_argument("--seed", type=int)
    for name in FAULTS + ("slow",):
        parser.add_argument("--" + name.replace("_", "-"), type=float, default=0.0)
    parser.add_argument("--calm", action="store_true", help="begin without faults")
    options = parser.parse_args()
    if sum(getattr(options, name) for name in FAULTS) > 1:
        parser.error("the probabilities of the faults add up to more than 1")
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    proxy = Proxy(options, seed)
    server = await asyncio.start_server(
        proxy.serve, "127.0.0.1", options.port, limit=HEAD_BYTES_MAX)
    port = server.sockets[0].getsockname()[1]
    print(json.dumps({"port": port, "seed": seed}), flush=True)

    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        proxy.command(line.strip())
    server.close()
    proxy.report()


if __name__ == "__main__":
    asyncio.run(main())
