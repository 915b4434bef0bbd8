import Glibc
import Store
import Synchronization

/// Records of data keys that were wrapped anew, kept beside the erasure ledger: a backup of the
/// store from before holds them only under keys that are destroyed, and would open nothing of the
/// people who were not erased.
///
/// One file for each bucket that was touched, `rewrapped/EPOCH.DAYS.BUCKET`, replaced by the next
/// rewrapping of the bucket and removed with its epoch. Integers are big-endian:
/// ```
/// offset size
///   0     8  "STRMREWR"
///   8     4  version = 1
///  12     4  generation of the bucket's key
///  16        each: key link 16, record 156 (see KeyRecord, version 2)
///   …     8  number of records
///   …     8  "REWREND1"; nothing follows
/// ```
/// A record proves itself when it is unwrapped, so the file needs no MAC.
struct RewrappedFiles: Sendable {
    struct Bucket: Hashable {
        let id: EpochClass
        let bucket: UInt8

        var name: String { "\(id.epoch).\(id.retention.days).\(bucket)" }
    }

    private static let magic = Array("STRMREWR".utf8)
    private static let end = Array("REWREND1".utf8)
    private static let version: UInt32 = 1
    private static let headerBytes = 16
    private static let entryBytes = 16 + KeyRecord.byteCount
    private static let next = ".next"
    /// A bucket of 100 million keys a day.
    private static let bytesMax = 1 << 27

    private let directory: FileDirectory

    /// Makes their directory if it is missing.
    /// - Parameter path: of the directory that holds the ledger.
    init(beside path: String) throws(VaultError) {
        directory = try FileDirectory(path: "\(path)/rewrapped", makes: true) {
            .ledger("rewrapped/: \($0)")
        }
    }

    /// True if there is anything to find.
    static func exist(beside path: String) -> Bool { access("\(path)/rewrapped", F_OK) == 0 }

    /// Takes away what a rewrapping that died left.
    func begin() throws(VaultError) {
        for name in try directory.names() where name.hasSuffix(Self.next) {
            try directory.remove(name)
        }
    }

    /// Not durable before `finish`.
    func append(
        _ entries: [(link: KeyLink, record: [UInt8])], to bucket: Bucket, generation: UInt32,
        isFirst: Bool
    ) throws(VaultError) {
        var bytes: [UInt8] = []
        if isFirst {
            bytes += Self.magic + Self.bytes(Self.version) + Self.bytes(generation)
        }
        for entry in entries {
            precondition(entry.record.count == KeyRecord.byteCount, "a record of another version")
            bytes += entry.link.bytes + entry.record
        }
        try directory.appendUnsynced(bytes, to: bucket.name + Self.next)
    }

    /// Puts the files of these buckets in their places, with the numbers of their records. 0: there
    /// were no survivors, and no file stays. Durable on return.
    func finish(_ counts: [Bucket: Int]) throws(VaultError) {
        for (bucket, count) in counts {
            if count == 0 {
                try directory.remove(bucket.name)
                continue
            }
            let next = bucket.name + Self.next
            try directory.appendUnsynced(Self.bytes(UInt64(count)) + Self.end, to: next)
            try directory.sync(next)
            try directory.rename(next, to: bucket.name)
        }
        try directory.syncNames()
    }

    /// Visits all records, a bucket at a time.
    /// - Throws: `.ledger` for a file that is not whole; what the visit throws.
    func visit(
        _ body: ([(link: KeyLink, record: [UInt8])]) throws(VaultError) -> Void
    ) throws(VaultError) {
        for name in try directory.names() where !name.hasSuffix(Self.next) {
            guard let bytes = try directory.read(name, bytesMax: Self.bytesMax) else { continue }
            guard let entries = Self.entries(bytes) else {
                throw .ledger("rewrapped/\(name) is damaged")
            }
            try body(entries)
        }
    }

    private static func entries(_ bytes: [UInt8]) -> [(link: KeyLink, record: [UInt8])]? {
        let fixed = headerBytes + 8 + end.count
        guard bytes.count >= fixed, bytes.starts(with: magic),
            Array(bytes[8..<12]) == Self.bytes(version), bytes.suffix(end.count) == end[...],
            (bytes.count - fixed) % entryBytes == 0
        else { return nil }
        let count = (bytes.count - fixed) / entryBytes
        let told = bytes.dropLast(end.count).suffix(8)
        guard Array(told) == Self.bytes(UInt64(count)) else { return nil }
        return (0..<count).compactMap { index in
            let start = headerBytes + index * entryBytes
            return KeyLink(bytes: bytes[start..<start + 16]).map {
                ($0, Array(bytes[start + 16..<start + entryBytes]))
            }
        }
    }

    /// Removes the files of destroyed epochs.
    func remove(destroyed isDestroyed: (EpochClass) -> Bool) throws(VaultError) {
        for name in try directory.names() {
            let parts = name.split(separator: ".").prefix(2)
            guard parts.count == 2, let epoch = UInt32(parts[0]), let days = Int(parts[1]),
                let retention = RetentionClass(days: days),
                isDestroyed(EpochClass(epoch: epoch, retention: retention))
            else { continue }
            try directory.remove(name)
        }
    }

    private static func bytes<Value: FixedWidthInteger>(_ value: Value) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}
