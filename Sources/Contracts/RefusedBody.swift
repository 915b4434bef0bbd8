/// What is sealed of a refused event: what is needed to send it through the gate again.
///
/// Version 1, integers big-endian:
/// ```
/// 0         1        2               4           4 + n
/// | version | format | n (2 bytes)   | schema ref | body …
/// ```
/// format: 0 JSON, 1 Avro binary, 2 told by the first byte. The schema reference is what the request
/// named; n = 65535: it named none.
package struct RefusedBody: Sendable {
    package var format: EventDecoder.Format
    /// As it was sent: not checked.
    package var schemaRef: [UInt8]?
    package var body: [UInt8]

    private static let version: UInt8 = 1
    private static let headBytes = 4
    private static let none = Int(UInt16.max)
    /// Longer references than any registered schema has name none.
    private static let refBytesMax = 1_024

    /// Bytes that `write` needs for these.
    package static func byteCount(schemaRef: UnsafeRawBufferPointer?, body: Int) -> Int {
        headBytes + (kept(schemaRef)?.count ?? 0) + body
    }

    /// Writes the sealed form's plaintext; `room` has `byteCount` bytes.
    package static func write(
        _ body: UnsafeRawBufferPointer, format: EventDecoder.Format,
        schemaRef: UnsafeRawBufferPointer?, into room: UnsafeMutableRawBufferPointer
    ) {
        let ref = kept(schemaRef)
        let count = ref?.count ?? Self.none
        room[0] = version
        switch format {
        case .json: room[1] = 0
        case .avroBinary: room[1] = 1
        case .detect: room[1] = 2
        }
        room[2] = UInt8(truncatingIfNeeded: count >> 8)
        room[3] = UInt8(truncatingIfNeeded: count)
        var place = headBytes
        if let ref {
            UnsafeMutableRawBufferPointer(rebasing: room[place...]).copyMemory(from: ref)
            place += ref.count
        }
        UnsafeMutableRawBufferPointer(rebasing: room[place...]).copyMemory(from: body)
    }

    /// Reads the form; nil: it is none of ours.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= Self.headBytes, bytes[0] == Self.version else { return nil }
        switch bytes[1] {
        case 0: format = .json
        case 1: format = .avroBinary
        case 2: format = .detect
        default: return nil
        }
        let count = Int(bytes[2]) << 8 | Int(bytes[3])
        guard count != Self.none else {
            schemaRef = nil
            body = Array(bytes[Self.headBytes...])
            return
        }
        guard bytes.count >= Self.headBytes + count else { return nil }
        schemaRef = Array(bytes[Self.headBytes..<Self.headBytes + count])
        body = Array(bytes[(Self.headBytes + count)...])
    }

    private static func kept(_ ref: UnsafeRawBufferPointer?) -> UnsafeRawBufferPointer? {
        ref.map { UnsafeRawBufferPointer(rebasing: $0.prefix(refBytesMax)) }
    }
}
