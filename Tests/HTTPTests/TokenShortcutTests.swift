import Foundation
import Testing

@testable import HTTP

/// The shortcut must be invisible but for its speed: whatever a client sends, and however its bytes
/// are cut, the handler sees what nghttp2 would have decoded.
@Suite("A token that comes again is not decoded again, and reads the same")
struct TokenShortcutTests {
    /// hpack's encoder never indexes a sensitive field: what nghttp2, curl and Go's client send.
    private static let prelude = """
        from hpack import NeverIndexedHeaderTuple as Secret
        TOKENS = ["Bearer " + c * 200 for c in "abc"] + ["Bearer x", "#", "Bearer #" + "y" * 200]
        def authorization(value):
            return [Secret("authorization", value)]
        def seen(client, stream):
            return client.until(HEADERS, stream)[3].get("x-authorization")
        """

    @Test("tokens in any order reach the handler as they were sent")
    func anyOrder() async throws {
        try await withServer { test in
            let output = try await python(
                Self.prelude + """

                    import random
                    seed = random.randrange(1 << 30)
                    draw = random.Random(seed)
                    client, stream, wrong = H2(), 1, 0
                    for _ in range(300):
                        token = draw.choice(TOKENS)
                        client.send(client.headers(stream, authorization(token), path="/echo"))
                        wrong += seen(client, stream) != token
                        stream += 2
                    print("wrong", wrong, "" if wrong == 0 else seed)
                    """, port: test.port)
            #expect(output == "wrong 0")
        }
    }

    @Test("frames that are cut at any byte are read the same")
    func cuts() async throws {
        try await withServer { test in
            let output = try await python(
                Self.prelude + """

                    client, wrong = H2(), 0
                    client.send(client.headers(1, authorization(TOKENS[0]), path="/echo"))
                    wrong += seen(client, 1) != TOKENS[0]
                    stream = 3
                    client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    length = len(client.headers(3, authorization(TOKENS[0]), path="/echo"))
                    for cut in range(1, length + 9):
                        two = (client.headers(stream, authorization(TOKENS[0]), end=False, path="/echo")
                               + frame(DATA, 1, stream, b"body"))
                        client.send(two[:cut])
                        time.sleep(0.001)
                        client.send(two[cut:])
                        wrong += seen(client, stream) != TOKENS[0]
                        stream += 2
                    print("wrong", wrong, "of", length > 80)
                    """, port: test.port)
            #expect(output == "wrong 0 of True")
        }
    }

    @Test("a placeholder, a second token and a trailer give nobody another's token")
    func confusion() async throws {
        try await withServer { test in
            let output = try await python(
                Self.prelude + """

                    client = H2()
                    def shown(stream, fields):
                        client.send(client.headers(stream, fields, path="/echo"))
                        return seen(client, stream)[:9]
                    one, two = authorization(TOKENS[0]), authorization(TOKENS[1])
                    print(shown(1, one), shown(3, one), shown(5, authorization("#")), shown(7, one))
                    print(shown(9, one + two), shown(11, two + one), shown(13, two), shown(15, []))
                    # Indexed: the table of the connection goes on as it should.
                    print(shown(17, [("authorization", TOKENS[2])]), shown(19, [("authorization", TOKENS[2])]),
                          shown(21, one), shown(23, [("authorization", TOKENS[2])]))
                    client.send(client.headers(25, one, end=False, path="/echo"),
                                frame(HEADERS, 5, 25, client.encoder.encode(two)))
                    print(seen(client, 25)[:9])
                    """, port: test.port)
            #expect(
                output == """
                    Bearer aa Bearer aa # Bearer aa
                    Bearer aa Bearer bb Bearer bb -
                    Bearer cc Bearer cc Bearer aa Bearer cc
                    Bearer aa
                    """)
        }
    }

    @Test("a block with a cut or an endless literal is left to nghttp2, which refuses it")
    func malformed() async throws {
        try await withServer { test in
            let output = try await python(
                Self.prelude + """

                    for broken in (b"\\x1f\\x08\\x7f", b"\\x1f\\x08\\xff\\xff\\xff\\xff\\xff\\x0f",
                                   b"\\x1f\\x08\\x7f\\x80\\x01" + b"a" * 9, b"\\x10\\x7f\\xff\\xff"):
                        client = H2()
                        client.send(client.headers(1, authorization(TOKENS[0])))
                        first = client.status(1)
                        client.send(frame(HEADERS, 5, 3, client.block(authorization(TOKENS[0])) + broken))
                        print(first, client.until(GOAWAY)[3][4:8].hex())
                    """, port: test.port)
            #expect(output == Array(repeating: "204 00000009", count: 4).joined(separator: "\n"))
        }
    }

    @Test("a placeholder that nghttp2 reads before the frame of a token stays a placeholder")
    func placeholderBefore() async throws {
        try await withServer { test in
            let output = try await python(
                Self.prelude + """

                    def connected():
                        client = H2()
                        client.send(client.headers(1, authorization(TOKENS[0]), path="/echo"))
                        seen(client, 1)
                        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        return client
                    def both(client):
                        return seen(client, 3) + " " + seen(client, 5)[:9]
                    def plain(client, stream, value):
                        return client.headers(stream, authorization(value), path="/echo")

                    for flags, before, after in ((0x25, bytes(5), b""), (0x0D, b"\\x03", bytes(3)),
                                                 (0x2D, b"\\x03" + bytes(5), bytes(3))):
                        client = connected()
                        block = client.block(authorization("#"), path="/echo")
                        client.send(frame(HEADERS, flags, 3, before + block + after)
                                    + plain(client, 5, TOKENS[0]))
                        print(both(client))
                    client = connected()
                    block = client.block(authorization("#"), path="/echo")
                    client.send(frame(HEADERS, 1, 3, block[:7]) + frame(CONTINUATION, 4, 3, block[7:])
                                + plain(client, 5, TOKENS[0]))
                    print(both(client))
                    wrong, length = 0, len(plain(connected(), 3, "#"))
                    for cut in range(1, length):
                        client = connected()
                        two = plain(client, 3, "#") + plain(client, 5, TOKENS[0])
                        client.send(two[:cut])
                        time.sleep(0.002)
                        client.send(two[cut:])
                        wrong += both(client) != "# Bearer aa"
                        client.sock.close()
                    print("wrong", wrong, "of", length > 15)
                    """, port: test.port)
            #expect(
                output == Array(repeating: "# Bearer aa", count: 4).joined(separator: "\n")
                    + "\nwrong 0 of True")
        }
    }

    @Test("a token is not learned from another field, nor from a block that was refused")
    func learnsTheRightOne() async throws {
        try await withServer { test in
            let output = try await python(
                Self.prelude + """

                    def literal(name, value):
                        return (b"\\x10" + bytes([len(name)]) + name + b"\\x7f"
                                + bytes([(len(value) - 127) & 127 | 128, (len(value) - 127) >> 7]) + value)
                    def static(value):
                        return literal(b"", value).replace(b"\\x10\\x00", b"\\x1f\\x08", 1)
                    x, y, bad = (b"Bearer " + c * 200 for c in (b"x", b"y", b"\\x01"))
                    client = H2()
                    def ask(stream, *parts):
                        block = client.block([], path="/echo") + b"".join(parts)
                        client.send(frame(HEADERS, 5, stream, block))
                    # Told by its name, then a field that is forbidden, then the token.
                    ask(1, literal(b"authorization", x), b"\\x10\\x0aconnection\\x01a", static(y))
                    print(client.until(RST, 1) is not None)
                    ask(3, static(y))
                    print(seen(client, 3)[7:9])
                    # An invalid one behind a valid one, and then alone: refused, or not there.
                    ask(5, literal(b"authorization", x), static(bad))
                    ask(7, static(bad))
                    ask(9, static(x))
                    print(seen(client, 9)[7:9])
                    """, port: test.port)
            #expect(output == "True\nyy\nxx")
            for request in test.handler.requests {
                #expect(request.header("authorization")?.contains("\u{1}") != true)
            }
        }
    }

    @Test("the limits of frames and header lists hold whether a token is known or not")
    func limits() async throws {
        try await withServer { test in
            let output = try await python(
                Self.prelude + """

                    client = H2()
                    client.send(client.headers(1, authorization(TOKENS[0])))
                    print(client.status(1))
                    # A list just over 16 KiB with the token, and under it with one character.
                    many = [("x-%x" % n, "v" * 1000) for n in range(15)] + [("x-f", "w" * 500)]
                    fields = authorization(TOKENS[0]) + many
                    client.send(client.headers(3, fields))
                    print(client.status(3))
                    client.send(client.headers(5, authorization(TOKENS[0])))
                    print(client.status(5))
                    block = client.block(authorization(TOKENS[0]) + [Secret("x-a", "v" * 30000)])
                    print(len(block) > 16384)
                    client.send(frame(HEADERS, 5, 7, block))
                    print(client.until(GOAWAY)[3][4:8].hex())
                    """, port: test.port)
            #expect(output == "204\n431\n204\nTrue\n00000006")
        }
    }

    @Test("whatever frames, flags, tokens and cuts: the handler sees what was sent")
    func differential() async throws {
        try await withServer { test in
            let output = try await python(
                Self.prelude + """

                    import random
                    seed = random.randrange(1 << 30)
                    draw = random.Random(seed)
                    wrong = 0
                    for _ in range(12):
                        client, stream, sent, wire = H2(), 1, {}, b""
                        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        for _ in range(60):
                            value = draw.choice(TOKENS[:2] + TOKENS[:2] + ["#", TOKENS[5]])
                            block = client.block(authorization(value), path="/echo")
                            kind = draw.randrange(6)
                            if kind == 0:
                                wire += frame(HEADERS, 0x25, stream, bytes(5) + block)
                            elif kind == 1:
                                wire += frame(HEADERS, 0x0D, stream, b"\\x02" + block + bytes(2))
                            elif kind == 2:
                                cut = draw.randrange(len(block))
                                wire += frame(HEADERS, 1, stream, block[:cut])
                                wire += frame(CONTINUATION, 4, stream, block[cut:])
                            elif kind == 3:
                                wire += frame(HEADERS, 4, stream, block) + frame(DATA, 1, stream, b"12")
                            else:
                                wire += frame(HEADERS, 5, stream, block)
                            sent[stream] = value
                            stream += 2
                        place = 0
                        while place < len(wire):
                            size = draw.choice([1, 7, 60, 300, 2000])
                            client.send(wire[place:place + size])
                            place += size
                            if draw.random() < 0.2:
                                time.sleep(0.001)
                        for number, value in sent.items():
                            wrong += seen(client, number) != value
                        client.sock.close()
                    print("wrong", wrong, "" if wrong == 0 else seed)
                    """, port: test.port)
            #expect(output == "wrong 0")
        }
    }

    @Test("only a whole, plain header block is looked into, wherever the reads are cut")
    func boundaries() {
        var stream = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
        var starts: [Int] = []
        func add(_ type: UInt8, _ flags: UInt8, _ count: Int, isWanted: Bool) {
            if isWanted { starts.append(stream.count) }
            stream += [0, UInt8(count >> 8), UInt8(count & 0xFF), type, flags, 0, 0, 0, 1]
            // Bytes that would make frames of their own if the place were lost.
            stream += (0..<count).map { UInt8(truncatingIfNeeded: $0 % 9 == 3 ? 1 : $0) }
        }
        add(4, 0, 18, isWanted: false)
        add(1, 4, 40, isWanted: true)
        add(0, 1, 300, isWanted: false)
        add(1, 5, 0, isWanted: true)
        add(1, 0x24, 50, isWanted: false)
        add(1, 1, 20, isWanted: false)
        add(9, 4, 20, isWanted: false)
        add(1, 0x0C, 20, isWanted: false)
        add(1, 4, 700, isWanted: true)
        for size in [1, 2, 7, 8, 9, 10, 64, 333, stream.count] {
            var boundaries = FrameBoundaries()
            var found: [Int] = []
            for first in stride(from: 0, to: stream.count, by: size) {
                let part = Array(stream[first..<min(first + size, stream.count)])
                part.withUnsafeBytes { bytes in
                    var position = 0
                    while let headers = boundaries.nextHeaders(in: bytes, from: &position) {
                        found.append(first + headers.start)
                        #expect(headers.stream == 1)
                        #expect(headers.end <= bytes.count)
                    }
                }
            }
            // What does not lie whole in one read is passed by, never misplaced.
            #expect(found.allSatisfy(starts.contains), "reads of \(size)")
            if size == stream.count { #expect(found == starts) }
        }
    }
}
