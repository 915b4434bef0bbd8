import Testing

@testable import HTTP

@Suite("The shortcut for tokens, piece by piece")
struct TokenShortcutUnitTests {
    /// Not Huffman-coded, so it means what it says.
    private static let token = [UInt8](repeating: UInt8(ascii: "t"), count: 200)

    /// A frame of one block: three fields by number, the token, content-length 9.
    private static func frame(_ value: [UInt8], stream: UInt8 = 7) -> [UInt8] {
        let payload =
            [0x83, 0x86, 0x44, 1, 0x2F, 0x1F, 0x08, 0x7F, UInt8(value.count - 127)] + value
            + [0x0F, 0x0D, 1, 0x39]
        return [0, 0, UInt8(payload.count), 1, 5, 0, 0, 0, stream] + payload
    }

    private static func headers(_ frame: [UInt8]) -> FrameBoundaries.HeadersFrame {
        .init(
            start: 0, payloadCount: frame.count - FrameBoundaries.headerCount,
            stream: Int32(frame[8]))
    }

    private static let place = 7..<209

    private func look(_ shortcut: inout TokenShortcut, _ frame: [UInt8]) -> TokenShortcut.Look {
        frame.withUnsafeBytes { shortcut.look(at: Self.headers(frame), in: $0) }
    }

    private func learn(
        _ shortcut: inout TokenShortcut, _ frame: [UInt8], reporting reported: [UInt8],
        on stream: Int32 = 7
    ) {
        frame.withUnsafeBytes { shortcut.learn(Self.place, of: Self.headers(frame), in: $0) }
        reported.withUnsafeBytes { shortcut.noteReport($0, stream: stream) }
        shortcut.end()
    }

    private func isPlaceholder(
        _ shortcut: TokenShortcut, _ value: String, stream: Int32 = 7
    ) -> Bool {
        Array(value.utf8).withUnsafeBytes { shortcut.isPlaceholder($0, stream: stream) }
    }

    @Test(
        "the second time a placeholder stands in for the same bytes, on that stream, until the end")
    func shortened() {
        var shortcut = TokenShortcut()
        let frame = Self.frame(Self.token)
        #expect(look(&shortcut, frame) == .unknown(Self.place))
        #expect(look(&shortcut, frame) == .unknown(Self.place), "looking changes nothing")
        learn(&shortcut, frame, reporting: Self.token)
        #expect(look(&shortcut, frame) == .known(Self.place))
        #expect(!isPlaceholder(shortcut, "#"), "looking arms nothing")
        var shorter: [UInt8] = [1, 2, 3]
        frame.withUnsafeBytes {
            shortcut.shorten(Self.place, of: Self.headers(frame), in: $0, to: &shorter)
        }
        #expect(
            shorter == [
                0, 0, 13, 1, 5, 0, 0, 0, 7, 0x83, 0x86, 0x44, 1, 0x2F, 0x1F, 0x08, 1,
                UInt8(ascii: "#"), 0x0F, 0x0D, 1, 0x39,
            ])
        #expect(isPlaceholder(shortcut, "#"))
        #expect(!isPlaceholder(shortcut, "#", stream: 9))
        #expect(!isPlaceholder(shortcut, "##"))
        #expect(shortcut.withToken { Array($0) } == Self.token)
        shortcut.end()
        #expect(!isPlaceholder(shortcut, "#"))
        #expect(look(&shortcut, Self.frame(Self.token + [1])) == .unknown(7..<210))
    }

    @Test("what nghttp2 did not report on that stream, as the bytes mean it, is not remembered")
    func unconfirmed() {
        let frame = Self.frame(Self.token)
        var other = Self.token
        other[10] = UInt8(ascii: "u")
        for (reported, stream) in [(other, Int32(7)), (Self.token, 9), ([], 7)] {
            var shortcut = TokenShortcut()
            learn(&shortcut, frame, reporting: reported, on: stream)
            #expect(look(&shortcut, frame) == .unknown(Self.place))
        }
    }

    @Test("a Huffman code that means nothing is not learned")
    func noMeaning() {
        var shortcut = TokenShortcut()
        // All ones is the end of a string, which must not be in one (RFC 7541, 5.2).
        var frame = Self.frame([UInt8](repeating: 0xFF, count: 200))
        frame[FrameBoundaries.headerCount + 7] = 0xFF
        learn(&shortcut, frame, reporting: [UInt8](repeating: 0xFF, count: 200))
        learn(&shortcut, frame, reporting: [])
        #expect(look(&shortcut, frame) == .unknown(Self.place))
    }

    @Test("where tokens change all the time, learning is given up for most frames, and comes back")
    func patience() {
        var shortcut = TokenShortcut()
        func token(_ number: Int) -> [UInt8] {
            Self.token.dropLast(2) + [UInt8(number / 64) + 0x30, UInt8(number % 64) + 0x30]
        }
        var learned = 0
        for number in 0..<1_000 {
            let frame = Self.frame(token(number))
            guard look(&shortcut, frame) != .nothing else { continue }
            learn(&shortcut, frame, reporting: token(number))
            learned += 1
        }
        #expect(learned == 8 + 992 / 64)
        let last = Self.frame(token(999))
        for _ in 0..<64 where look(&shortcut, last) != .nothing {
            learn(&shortcut, last, reporting: token(999))
        }
        #expect(look(&shortcut, last) == .known(Self.place))
    }

    @Test("a frame over the size that may be sent is left to nghttp2")
    func tooLarge() {
        var shortcut = TokenShortcut()
        let block = Array(Self.frame(Self.token).dropFirst(9))
        let payload =
            block + [0x10, 1, 0x61, 0x7F, 0x81, 0x7F]
            + [UInt8](
                repeating: 0x61, count: 16_384)
        let frame =
            [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), 1, 5, 0, 0, 0, 7]
            + payload
        #expect(look(&shortcut, frame) == .nothing)
    }
}
