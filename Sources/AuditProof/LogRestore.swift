import Foundation

/// What an entry of the log says about a backup that was brought back:
///
///     {"n":41,"at":"…","act":"storeRestored","detail":{"abandonedAuditRoot":"…",
///      "abandonedAuditSize":"57","auditRoot":"…","auditSize":"41",…}}
///
/// A checkpoint that was kept with more than `size` entries is of the log that was given up: it
/// does not fit, and this entry is why. `olderStateAccepted` says the same of a state that a setting
/// let in, and no restore.
package struct LogRestore: Hashable, Sendable {
    /// The entry's place in the log.
    package let index: UInt64
    /// Entries that the log in the backup had.
    package let size: UInt64
    /// Entries that the log that was given up had; nil if nobody knew.
    package let abandonedSize: UInt64?
    /// False: an operator's setting let an older state in, whatever it was.
    package let isOfBackup: Bool

    /// nil for any other entry.
    package init?(_ entry: some Collection<UInt8>) {
        guard let header = LeafHeader(entry) else { return nil }
        let rest = entry.dropFirst(header.byteCount)
        isOfBackup = rest.starts(with: Self.act)
        guard isOfBackup || rest.starts(with: Self.otherAct),
            let object = try? JSONSerialization.jsonObject(with: Data(entry)) as? [String: Any],
            let detail = object["detail"] as? [String: Any],
            let sizeText = detail["auditSize"] as? String, let size = UInt64(sizeText)
        else { return nil }
        index = header.number
        self.size = size
        abandonedSize = (detail["abandonedAuditSize"] as? String).flatMap { UInt64($0) }
    }

    private static let act = Array(#","act":"storeRestored","#.utf8)
    private static let otherAct = Array(#","act":"olderStateAccepted","#.utf8)
}

extension LogRestore: CustomStringConvertible {
    package var description: String {
        let abandoned = abandonedSize.map { "one of \($0) entries" } ?? "another"
        let taken =
            isOfBackup
            ? "a backup with a log of \(size) entries was brought back"
            : "a state with a log of \(size) entries was accepted by a setting, and not by a restore"
        return "entry \(index): \(taken), and \(abandoned) was given up; checkpoints of more than "
            + "\(size) entries from before do not fit"
    }
}
