import CNGHTTP2

/// Spares nghttp2 the decoding of a bearer token that this connection has sent before in the very
/// same bytes.
///
/// What a Huffman-coded literal means depends on nothing but its bytes. So once nghttp2 has reported
/// a token, a later HEADERS frame that holds the same bytes is given to nghttp2 with a placeholder
/// of one character in their place, and the remembered token is put back when nghttp2 reports the
/// field. Everything else in the block, and every rule about it, stays with nghttp2.
///
/// What keeps requests apart: the shortcut is armed for one frame, which the caller gives to nghttp2
/// alone, after all that came before it; and the placeholder is replaced only in a field of that
/// frame's stream. A sender that writes the placeholder itself gains nothing: it stands for the
/// token that this sender sent in the same frame.
///
/// One token for each connection. Where tokens change all the time, as behind a gateway, learning
/// is tried less and less often: it costs as much as it saves.
struct TokenShortcut {
    /// Short values are not worth it; long ones are not kept. Bytes as sent.
    private static let worthwhileBytes = 64..<2_048
    /// The largest frame that a peer may send, as long as we announce no other (RFC 9113, 6.5.2).
    /// A larger one goes to nghttp2 as it is, which refuses it.
    private static let framePayloadBytesMax = 16_384
    private static let placeholder = UInt8(ascii: "#")
    /// Tokens learned in vain, one after the other, before only one frame in `patienceInterval` is
    /// learned from.
    private static let patienceMax = 8
    private static let patienceInterval = 64

    /// What is to be done about a frame.
    enum Look: Equatable {
        case nothing
        /// Its token is not known: `learn` it while nghttp2 has the frame.
        case unknown(Range<Int>)
        /// Its token is known: give the frame that `shorten` writes.
        case known(Range<Int>)
    }

    private enum Armed: Equatable {
        case no
        case learning(stream: Int32)
        case shortened(stream: Int32)
    }

    private var armed = Armed.no
    /// The token as it was sent, and what it means; both empty if none is remembered.
    private var coded: [UInt8] = []
    private var token: [UInt8] = []
    /// While learning: nghttp2 reported just this value.
    private var isConfirmed = false
    private var patience = Self.patienceMax
    private var passedCount = 0

    /// Looks at a frame of `bytes`, and arms nothing.
    mutating func look(
        at headers: FrameBoundaries.HeadersFrame, in bytes: UnsafeRawBufferPointer
    ) -> Look {
        guard headers.payloadCount <= Self.framePayloadBytesMax else { return .nothing }
        let payload = UnsafeRawBufferPointer(rebasing: bytes[headers.payloadStart..<headers.end])
        guard let place = HeaderBlockScan.authorizationValue(in: payload),
            Self.worthwhileBytes.contains(place.count)
        else { return .nothing }
        let value = UnsafeRawBufferPointer(rebasing: payload[place])
        if !token.isEmpty, coded.withUnsafeBytes({ $0.holdsSame(as: value) }) {
            return .known(place)
        }
        if patience > 0 { return .unknown(place) }
        passedCount = (passedCount + 1) % Self.patienceInterval
        return passedCount == 0 ? .unknown(place) : .nothing
    }

    /// Arms for a frame whose token is not known. `end` follows when nghttp2 has had the frame.
    mutating func learn(
        _ place: Range<Int>, of headers: FrameBoundaries.HeadersFrame,
        in bytes: UnsafeRawBufferPointer
    ) {
        let payload = UnsafeRawBufferPointer(rebasing: bytes[headers.payloadStart..<headers.end])
        coded.removeAll(keepingCapacity: true)
        coded.append(contentsOf: payload[place])
        token = Self.decoded(coded)
        isConfirmed = false
        patience = max(0, patience - 1)
        armed = .learning(stream: headers.stream)
    }

    /// Arms for a frame whose token is known, and writes to `frame` what nghttp2 gets in its place.
    /// `end` follows when nghttp2 has had it.
    mutating func shorten(
        _ place: Range<Int>, of headers: FrameBoundaries.HeadersFrame,
        in bytes: UnsafeRawBufferPointer, to frame: inout [UInt8]
    ) {
        patience = Self.patienceMax
        let payload = UnsafeRawBufferPointer(rebasing: bytes[headers.payloadStart..<headers.end])
        let count = payload.count - place.count + 2
        frame.removeAll(keepingCapacity: true)
        frame.append(UInt8(truncatingIfNeeded: count >> 16))
        frame.append(UInt8(truncatingIfNeeded: count >> 8))
        frame.append(UInt8(truncatingIfNeeded: count))
        frame.append(contentsOf: bytes[headers.start + 3..<headers.payloadStart])
        frame.append(contentsOf: payload[..<place.lowerBound])
        frame.append(1)
        frame.append(Self.placeholder)
        frame.append(contentsOf: payload[place.upperBound...])
        armed = .shortened(stream: headers.stream)
    }

    mutating func end() {
        if case .learning = armed, !isConfirmed {
            coded.removeAll(keepingCapacity: true)
            token.removeAll(keepingCapacity: true)
        }
        armed = .no
    }

    /// nghttp2 reports an `authorization` field. What it has accepted once is a valid value.
    mutating func noteReport(_ value: UnsafeRawBufferPointer, stream: Int32) {
        if armed == .learning(stream: stream), !token.isEmpty,
            token.withUnsafeBytes({ $0.holdsSame(as: value) })
        {
            isConfirmed = true
        }
    }

    /// True if a reported value stands for the token.
    func isPlaceholder(_ value: UnsafeRawBufferPointer, stream: Int32) -> Bool {
        armed == .shortened(stream: stream) && value.count == 1 && value[0] == Self.placeholder
    }

    func withToken<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        token.withUnsafeBytes(body)
    }

    /// What a coded string means, by a decoder of its own: other fields of the same block must not
    /// be taken for it. Empty if it means nothing. Once for each new token.
    private static func decoded(_ coded: [UInt8]) -> [UInt8] {
        var made: OpaquePointer?
        guard nghttp2_hd_inflate_new(&made) == 0, let inflater = made else { return [] }
        defer { nghttp2_hd_inflate_del(inflater) }
        // "Never indexed", name 23 of the static table: authorization.
        let block = [0x1F, 0x08] + coded
        var field = nghttp2_nv()
        var flags: Int32 = 0
        let count = nghttp2_hd_inflate_hd2(inflater, &field, &flags, block, block.count, 1)
        guard count == block.count, flags & Int32(NGHTTP2_HD_INFLATE_EMIT.rawValue) != 0,
            let value = field.value
        else { return [] }
        return Array(UnsafeBufferPointer(start: value, count: field.valuelen))
    }
}
