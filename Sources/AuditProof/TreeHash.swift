import Crypto
import Foundation

/// A SHA-256 hash of a leaf, an inner node or a root of the Merkle tree: 32 bytes, held inline, so
/// that a tree of hashes costs no allocation for each.
package struct TreeHash: Hashable, Sendable, CustomStringConvertible {
    package static let byteCount = 32

    private let word0: UInt64
    private let word1: UInt64
    private let word2: UInt64
    private let word3: UInt64

    /// - Parameter bytes: any number of bytes; nil comes back unless there are exactly 32.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.byteCount else { return nil }
        self.init(unchecked: bytes)
    }

    package init?(_ bytes: some Collection<UInt8>) {
        let array = Array(bytes)
        guard let hash = array.withUnsafeBytes({ TreeHash($0) }) else { return nil }
        self = hash
    }

    /// Reads standard base64 (RFC 4648 §4) in its one canonical form; anything else gives nil.
    package init?(base64 text: String) {
        guard let data = Data(base64Encoded: text), data.count == Self.byteCount,
            data.base64EncodedString() == text
        else { return nil }
        self.init(Array(data))
    }

    /// The plain SHA-256 of bytes that are no part of a tree.
    package init(contentOf bytes: [UInt8]) { self.init(SHA256.hash(data: bytes)) }

    package init(contentOf bytes: UnsafeRawBufferPointer) {
        var hash = SHA256()
        hash.update(bufferPointer: bytes)
        self.init(hash.finalize())
    }

    /// Reads 64 lower-case hexadecimal digits; anything else gives nil.
    package init?(hexadecimal text: String) {
        let hash = Array(text.utf8).withUnsafeBytes { TreeHash(hexadecimal: $0) }
        guard let hash else { return nil }
        self = hash
    }

    /// The same in bytes, without allocating.
    package init?(hexadecimal digits: UnsafeRawBufferPointer) {
        guard digits.count == 2 * Self.byteCount else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        let isHexadecimal = withUnsafeMutableBytes(of: &words) { bytes in
            for index in bytes.indices {
                guard let high = Self.value(of: digits[2 * index]),
                    let low = Self.value(of: digits[2 * index + 1])
                else { return false }
                bytes[index] = high << 4 | low
            }
            return true
        }
        guard isHexadecimal else { return nil }
        self = Swift.withUnsafeBytes(of: &words) { TreeHash(unchecked: $0) }
    }

    private static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x57
        default: nil
        }
    }

    /// 64 lower-case digits.
    package var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(
            decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    init(_ digest: SHA256.Digest) {
        self = digest.withUnsafeBytes { TreeHash(unchecked: $0) }
    }

    /// The caller has checked that there are 32 bytes.
    private init(unchecked bytes: UnsafeRawBufferPointer) {
        word0 = bytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self)
        word1 = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        word2 = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
        word3 = bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self)
    }

    /// The 32 bytes, in the order in which SHA-256 gives them. Allocates.
    package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }

    package var base64: String { Data(bytes).base64EncodedString() }

    package var description: String { base64 }

    /// The pointer is valid inside the closure only.
    package func withUnsafeBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
        Swift.withUnsafeBytes(of: (word0, word1, word2, word3), body)
    }
}
