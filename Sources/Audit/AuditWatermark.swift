package import AuditProof

/// What the watermark file and checkpoints of the store keep of the audit log, 41 bytes:
///
///     version u8 = 1 │ size u64 big-endian │ root 32 bytes
package struct AuditWatermark: Equatable, Sendable {
    package let size: UInt64
    package let root: TreeHash

    private static let version: UInt8 = 1

    package init(size: UInt64, root: TreeHash) {
        self.size = size
        self.root = root
    }

    /// nil for anything but the bytes above.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 41, bytes[0] == Self.version, let root = TreeHash(bytes[9...]) else {
            return nil
        }
        self.init(size: bytes[1..<9].reduce(0) { $0 << 8 | UInt64($1) }, root: root)
    }

    var bytes: [UInt8] {
        [Self.version] + withUnsafeBytes(of: size.bigEndian) { Array($0) } + root.bytes
    }
}
