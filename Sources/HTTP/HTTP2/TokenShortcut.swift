/// Spares nghttp2 the decoding of a bearer token that this connection has sent before in the very
/// same bytes.
///
/// What a Huffman-coded literal means depends on nothing but its bytes. So once nghttp2 has decoded
/// one, a later header block that holds the same bytes is given to nghttp2 with a placeholder of
/// one character in their place, and the remembered value is put back when nghttp2 reports the
/// field. Everything else in the block, and every rule about it, stays with nghttp2. A sender that
/// writes the placeholder itself gains nothing: it is replaced only inside a block that held the
/// remembered bytes, by the value that this sender sent there.
///
/// One value for each connection; a connection that mixes several tokens only loses the shortcut.
struct TokenShortcut {
    /// Short values are not worth it; long ones are not kept. Bytes as sent.
    private static let worthwhileBytes = 64..<4_096
    private static let placeholder = UInt8(ascii: "#")

    private enum Block {
        /// Goes to nghttp2 as it came.
        case plain
        /// The value in these bytes is to be remembered, if nghttp2 reports exactly one.
        case learning
        case shortened
    }

    private var block = Block.plain
    private var sent: [UInt8] = []
    private var value: [UInt8] = []
    private var reportCount = 0
    private var frame: [UInt8] = []

    /// The frame for nghttp2 in the place of the one at `start` of `bytes`; nil: take that one.
    /// Either way `endBlock` follows once nghttp2 has had it.
    mutating func beginBlock(
        _ headers: FrameBoundaries.HeadersFrame, in bytes: UnsafeRawBufferPointer
    ) -> [UInt8]? {
        let payload = UnsafeRawBufferPointer(
            rebasing: bytes[headers.payloadStart..<headers.end])
        guard let place = HeaderBlockScan.authorizationValue(in: payload),
            Self.worthwhileBytes.contains(place.count)
        else { return nil }
        let coded = UnsafeRawBufferPointer(rebasing: payload[place])
        guard !value.isEmpty, sent.withUnsafeBytes({ $0.holdsSame(as: coded) }) else {
            block = .learning
            reportCount = 0
            value.removeAll(keepingCapacity: true)
            sent.removeAll(keepingCapacity: true)
            sent.append(contentsOf: coded)
            return nil
        }
        block = .shortened
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
        return frame
    }

    mutating func endBlock() {
        if block == .learning, reportCount != 1 { value.removeAll(keepingCapacity: true) }
        block = .plain
    }

    /// nghttp2 reports an `authorization` field; gives its value to `body`.
    @inline(__always)
    mutating func withValue<Result>(
        _ reported: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result
    ) -> Result {
        switch block {
        case .plain: break
        case .learning:
            reportCount += 1
            if reportCount == 1 { value.append(contentsOf: reported) }
        case .shortened:
            if reported.count == 1, reported[0] == Self.placeholder {
                return value.withUnsafeBytes(body)
            }
        }
        return body(reported)
    }
}
