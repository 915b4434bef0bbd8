import Crypto
import Foundation
import Store

/// Where a reader is in one view of a stream, as an opaque token.
///
/// Before base64url (RFC 4648 §5, no padding), all numbers big-endian:
///
///     byte 0       version, 1
///     byte 1       0
///     bytes 2–5    stream id
///     bytes 6–9    derived stream's id; 0: none
///     bytes 10–11  partition to look at first
///     bytes 12–13  n, number of partitions, 1 … 1,024
///     n × 8 bytes  offset of the next event of each partition
///     32 bytes     HMAC-SHA-256 of all bytes before, under the vault's cursor key
///
/// The tag makes a cursor unforgeable: a reader can only go where the server let it go, and no
/// other code need defend itself against invented offsets. It survives restarts, because the key
/// does.
struct Cursor: Equatable, Sendable {
    static let version: UInt8 = 1
    static let partitionsMax = 1_024
    private static let headCount = 14
    private static let tagCount = 32
    private static let textCountMax = (headCount + partitionsMax * 8 + tagCount) * 4 / 3 + 4

    var view: ViewID
    /// Index in `offsets` of the partition that has its turn, so that none starves the others.
    var turn: Int
    /// The next event of each partition.
    var offsets: [Offset]

    func encoded(_ key: SymmetricKey) -> String {
        var bytes = payload
        bytes.append(contentsOf: HMAC<SHA256>.authenticationCode(for: bytes, using: key))
        return Self.base64URL(bytes)
    }

    /// The bytes without the tag: also the value of a committed cursor, which the store protects.
    var payload: [UInt8] {
        var bytes: [UInt8] = [Self.version, 0]
        bytes.reserveCapacity(Self.headCount + offsets.count * 8 + Self.tagCount)
        bytes.append(bigEndian: view.stream.rawValue)
        bytes.append(bigEndian: view.derived?.rawValue ?? 0)
        bytes.append(bigEndian: UInt16(turn))
        bytes.append(bigEndian: UInt16(offsets.count))
        for offset in offsets { bytes.append(bigEndian: offset.rawValue) }
        return bytes
    }

    /// The cursor in a text that a reader sent, if this server made it for this view.
    init(_ text: String, key: SymmetricKey, view: ViewID) throws(CursorError) {
        guard text.utf8.count <= Self.textCountMax, let bytes = Self.bytes(ofBase64URL: text),
            bytes.count >= Self.headCount + 8 + Self.tagCount
        else { throw .malformed }
        guard bytes[0] == Self.version else { throw .unknownVersion }
        let payload = bytes.dropLast(Self.tagCount)
        // Constant time; nothing inside is believed before it.
        guard
            HMAC<SHA256>.isValidAuthenticationCode(
                bytes.suffix(Self.tagCount), authenticating: payload, using: key)
        else { throw .notGenuine }
        try self.init(payload: Array(payload))
        guard self.view == view else { throw .otherStream }
    }

    init(payload: [UInt8]) throws(CursorError) {
        guard payload.count >= Self.headCount, payload[1] == 0 else { throw .malformed }
        guard payload[0] == Self.version else { throw .unknownVersion }
        let derived: UInt32 = payload.bigEndian(at: 6)
        let turn: UInt16 = payload.bigEndian(at: 10)
        let count: UInt16 = payload.bigEndian(at: 12)
        guard count > 0, count <= Self.partitionsMax, turn < count,
            payload.count == Self.headCount + Int(count) * 8
        else { throw .malformed }
        view = ViewID(
            stream: StreamID(rawValue: payload.bigEndian(at: 2)),
            derived: derived == 0 ? nil : StreamID(rawValue: derived))
        self.turn = Int(turn)
        offsets = (0..<Int(count)).map {
            Offset(rawValue: payload.bigEndian(at: Self.headCount + $0 * 8))
        }
    }

    init(view: ViewID, turn: Int, offsets: [Offset]) {
        self.view = view
        self.turn = turn
        self.offsets = offsets
    }

    /// The same place after the stream got more partitions: new ones are read from their beginning.
    func widened(to count: Int) -> Cursor {
        var result = self
        while result.offsets.count < count { result.offsets.append(Offset(rawValue: 0)) }
        return result
    }

    private static func base64URL(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func bytes(ofBase64URL text: String) -> [UInt8]? {
        guard text.utf8.allSatisfy({ isBase64URL($0) }) else { return nil }
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        let plain = text.replacing("-", with: "+").replacing("_", with: "/") + padding
        return Data(base64Encoded: plain).map { Array($0) }
    }

    private static func isBase64URL(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension [UInt8] {
    mutating func append(bigEndian value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.bigEndian) { append(contentsOf: $0) }
    }

    /// The caller has checked that the bytes are there.
    func bigEndian<T: FixedWidthInteger>(at index: Int) -> T {
        self[index..<index + MemoryLayout<T>.size].reduce(0) { $0 << 8 | T($1) }
    }
}
