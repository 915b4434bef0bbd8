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

    @Test("the second time a placeholder stands in for the same bytes, and for no others")
    func shortened() throws {
        var shortcut = TokenShortcut()
        let token = [UInt8](repeating: 0x5A, count: 200)
        func block(_ value: [UInt8]) -> [UInt8] {
            [0x83, 0x86, 0x44, 1, 0x2F, 0x1F, 0x08, 0x7F, UInt8(value.count - 127 | 0x80), 0]
                + value
                + [0x0F, 0x0D, 1, 0x39]
        }
        func begin(_ value: [UInt8]) -> [UInt8]? {
            let payload = block(value)
            let frame = [0, 0, UInt8(payload.count), 1, 5, 0, 0, 0, 7] + payload
            return frame.withUnsafeBytes {
                shortcut.beginBlock(
                    .init(start: 0, payloadCount: payload.count), in: $0)
            }
        }
        func seen(_ reported: [UInt8]) -> [UInt8] {
            reported.withUnsafeBytes { shortcut.withValue($0) { Array($0) } }
        }
        #expect(begin(token) == nil)
        #expect(seen(Array("decoded".utf8)) == Array("decoded".utf8))
        shortcut.endBlock()
        #expect(
            begin(token) == [
                0, 0, 13, 1, 5, 0, 0, 0, 7, 0x83, 0x86, 0x44, 1, 0x2F, 0x1F, 0x08, 1,
                UInt8(ascii: "#"), 0x0F, 0x0D, 1, 0x39,
            ])
        #expect(seen([UInt8(ascii: "#")]) == Array("decoded".utf8))
        #expect(seen(Array("other".utf8)) == Array("other".utf8))
        shortcut.endBlock()
        #expect(seen([UInt8(ascii: "#")]) == [UInt8(ascii: "#")], "outside of such a block")
        var other = token
        other[199] = 0x5B
        #expect(begin(other) == nil)
        // Two values were reported: it is not known which one the bytes meant.
        _ = seen([1])
        _ = seen([2])
        shortcut.endBlock()
        #expect(begin(other) == nil)
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
