import Store

/// What the entry of a person for a data key says of the key, so that an erasure knows what to
/// destroy without reading each key's record.
///
/// ```
/// offset size
///   0     8  created: ms since 1970 when the key was made, or up to a day later, when the person
///            was put on record for it
///   8     4  epoch whose keys wrap it: the one in its record, which never changes
///  12     2  retention class, days
///  14
/// ```
/// Integers are big-endian. Entries of old end after `created`, or are empty.
struct SubjectEntry: Equatable {
    private static let createdBytes = 8
    private static let byteCount = 14

    /// nil: an entry of old, which does not say it.
    let created: Milliseconds?
    /// nil: an entry of old, or the key was leaving memory when this was written.
    let epoch: EpochClass?

    init(created: Milliseconds, epoch: EpochClass?) {
        self.created = created
        self.epoch = epoch
    }

    init(_ value: [UInt8]) {
        guard value.count == Self.createdBytes || value.count == Self.byteCount else {
            created = nil
            epoch = nil
            return
        }
        func number(_ range: Range<Int>) -> UInt64 {
            value[range].reduce(0) { $0 << 8 | UInt64($1) }
        }
        created = Milliseconds(truncatingIfNeeded: number(0..<Self.createdBytes))
        guard value.count == Self.byteCount,
            let retention = RetentionClass(days: Int(truncatingIfNeeded: number(12..<14)))
        else {
            epoch = nil
            return
        }
        epoch = EpochClass(epoch: UInt32(truncatingIfNeeded: number(8..<12)), retention: retention)
    }

    var value: [UInt8] {
        guard let created else { return [] }
        let time = withUnsafeBytes(of: created.bigEndian) { Array($0) }
        guard let epoch else { return time }
        return time + withUnsafeBytes(of: epoch.epoch.bigEndian) { Array($0) }
            + withUnsafeBytes(of: epoch.retention.days.bigEndian) { Array($0) }
    }
}
