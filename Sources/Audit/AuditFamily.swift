import AuditProof
import Store

/// How the log lies in the store's family `audit`:
///
///     key                                             value
///     0x01 │ index u64                                0x01 (version) │ leaf: one line of JSON
///     0x02 │ level u8 │ index in its level u64        32 bytes: hash of the node
///     0x03 │ index u64                                what the entry disclosed (`Disclosures`)
///
/// Integers are big-endian, so the order of the keys is the order of the entries. There is a hash
/// for each perfect subtree, thus just under two for each entry; they stand by level, so that a tile
/// of 256 hashes is one scan. A leaf's own hash, at level 0, is its checksum.
///
/// The third kind is not part of the tree and not of its export. The leaf holds its SHA-256, so that
/// it cannot be altered; it is written in the commit of the leaf and deleted long before it, because
/// it names sequences.
enum AuditFamily {
    static let leafVersion: UInt8 = 1
    private static let leafMark: UInt8 = 1
    private static let hashMark: UInt8 = 2
    private static let attachmentMark: UInt8 = 3

    static func leafKey(_ index: UInt64) -> [UInt8] {
        [leafMark] + bigEndian(index)
    }

    static func hashKey(_ position: NodePosition) -> [UInt8] {
        [hashMark, UInt8(position.level)] + bigEndian(position.index)
    }

    static func attachmentKey(_ index: UInt64) -> [UInt8] {
        [attachmentMark] + bigEndian(index)
    }

    /// The index of the entry whose attachment the key is of; nil for all else.
    static func attachmentIndex(_ key: UnsafeRawBufferPointer) -> UInt64? {
        guard key.count == 9, key[0] == attachmentMark else { return nil }
        return UInt64(bigEndian: key.loadUnaligned(fromByteOffset: 1, as: UInt64.self))
    }

    static func leafValue(_ leaf: [UInt8]) -> [UInt8] { [leafVersion] + leaf }

    /// The index that a leaf's key says; nil if it is the key of something else.
    static func leafIndex(_ key: UnsafeRawBufferPointer) -> UInt64? {
        guard key.count == 9, key[0] == leafMark else { return nil }
        return UInt64(bigEndian: key.loadUnaligned(fromByteOffset: 1, as: UInt64.self))
    }

    static func position(_ key: UnsafeRawBufferPointer) -> NodePosition? {
        guard key.count == 10, key[0] == hashMark, key[1] < 64 else { return nil }
        let index = UInt64(bigEndian: key.loadUnaligned(fromByteOffset: 2, as: UInt64.self))
        return NodePosition(level: Int(key[1]), index: index)
    }

    /// The leaf without its version.
    static func leaf(
        _ value: UnsafeRawBufferPointer, index: UInt64
    ) throws(StoreError) -> UnsafeRawBufferPointer {
        guard value.count > 1, value[0] == leafVersion else {
            throw .corrupt("audit entry \(index) has an unknown version")
        }
        return UnsafeRawBufferPointer(rebasing: value[1...])
    }

    private static func bigEndian(_ value: UInt64) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}
