import CPlatform

/// A document of the catalog on disk. Version 1, big-endian:
/// ```
/// 0         1         5          13
/// | version | CRC-32C | revision | body …
/// ```
/// The checksum covers the key, then the bytes from the revision on.
enum DocumentRecord {
    private static let version: UInt8 = 1
    private static let headerCount = 13

    static func bytes(key: [UInt8], revision: UInt64, body: [UInt8]) -> [UInt8] {
        var rest = StoreKeys.bytes(revision)
        rest += body
        var bytes = [version]
        StoreKeys.append(checksum(key, rest), to: &bytes)
        return bytes + rest
    }

    static func document(
        key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer
    ) throws(StoreError) -> Document {
        guard let name = StoreKeys.document(from: key), value.count >= headerCount,
            value[0] == version
        else { throw .corrupt("a document of the catalog has an unknown form") }
        let rest = [UInt8](value[5...])
        let stored = UInt32(bigEndian: value.loadUnaligned(fromByteOffset: 1, as: UInt32.self))
        guard stored == checksum([UInt8](key), rest) else {
            throw .corrupt("the checksum of a document of kind \(name.kind)")
        }
        let revision = UInt64(bigEndian: value.loadUnaligned(fromByteOffset: 5, as: UInt64.self))
        return Document(key: name, revision: revision, body: [UInt8](value[headerCount...]))
    }

    private static func checksum(_ key: [UInt8], _ rest: [UInt8]) -> UInt32 {
        let crc = key.withUnsafeBytes { strm_crc32c(0, $0.baseAddress, $0.count) }
        return rest.withUnsafeBytes { strm_crc32c(crc, $0.baseAddress, $0.count) }
    }
}
