/// What `LogVerifier` found. Descriptions name files, indexes and hashes; never an entry's text.
package struct VerificationReport: Sendable {
    package enum Problem: Hashable, Sendable {
        /// The log has no checkpoint, or none that this key signed. Nothing else was looked at.
        case checkpoint(String)
        /// The proofs of the log's changes of key do not lead to the key that was given, or are
        /// not sound. Nothing else was looked at.
        case keys(String)
        /// The entry names a new key, but there is no proof of it beside the log.
        case unprovenKey(index: UInt64)
        /// One of the older checkpoints that the caller gave is not one of this log.
        case olderCheckpoint(number: Int, String)
        /// An older checkpoint was signed for more entries than the log has now.
        case shrunk(olderSize: UInt64, size: UInt64)
        /// An older checkpoint was signed over other entries than the log has now.
        case rewritten(olderSize: UInt64)
        case missingFile(String)
        case unreadableFile(String, reason: String)
        /// A file below `tile/` that does not belong to the signed tree.
        case uncoveredFile(String)
        /// The file holds more, or fewer, than its name says, or ends inside an entry.
        case wrongCount(String, expected: Int, found: Int, isCutShort: Bool)
        /// The entry is not the one whose hash the tree holds.
        case entryChanged(index: UInt64)
        /// The entry says to have another number than its place; nil if it says none.
        case entryNumber(index: UInt64, found: UInt64?)
        /// The entry says to be earlier than the one before it.
        case entryTime(index: UInt64)
        /// It is not the one line of JSON that an entry is, or two readers could take it for
        /// different things.
        case entryShape(index: UInt64)
        /// A hash in a tile is not that of the tile below, which covers these entries.
        case hashChanged(String, position: Int, firstEntry: UInt64, endEntry: UInt64)
        /// All hashes of the leaves together do not give the root that was signed.
        case root(signed: String, computed: String)
        /// More problems than `problemCountMax`: the rest was not looked at.
        case tooMany
    }

    /// After so many problems, verification ends with `Problem.tooMany`.
    package static let problemCountMax = 100

    /// nil if there was no valid checkpoint.
    package internal(set) var checkpoint: Checkpoint?
    /// How many entries are as they were signed.
    package internal(set) var entriesVerified: UInt64 = 0
    /// Sizes of the older checkpoints with which the log is consistent.
    package internal(set) var consistentSizes: [UInt64] = []
    package internal(set) var problems: [Problem] = []
    /// How many keys the log had when it was signed, as far as the proofs say.
    package internal(set) var keyCount = 1
    /// The log is known to have changed its key since, with this many entries: what was looked at is
    /// an earlier state of it, and whoever holds the key of that time can make one. nil: not known.
    package internal(set) var changedSince: UInt64?
    /// The keys that signed the checkpoint.
    package internal(set) var signers: [VerifierKey] = []
    /// The backups that were brought back, by the log's own word; at most `problemCountMax`.
    package internal(set) var restores: [LogRestore] = []

    /// Every entry is there, unaltered, in its place, as signed.
    package var isIntact: Bool { checkpoint != nil && problems.isEmpty }

    /// For people: what `changedSince` means here; nil without it.
    package var changeNote: String? {
        guard let changedSince else { return nil }
        let note =
            "this is the log from before it changed its key, with \(changedSince) entries. Whoever "
            + "holds the key of that time can make up such a log"
        // A backup that holds the change brings back the key with it.
        guard restores.contains(where: { $0.size < changedSince }) else {
            return note + ": ask for today's"
        }
        return note
            + ", or a restore may be why: the log says that an older state was brought back, and "
            + "the change may have been given up with what came after it. Ask the operator, and "
            + "see docs/verify-audit.md"
    }

    /// The lowest index that a problem names: where to begin to look.
    package var firstBadIndex: UInt64? {
        problems.compactMap { problem in
            switch problem {
            case .entryChanged(let index), .entryTime(let index): index
            case .entryNumber(let index, _), .unprovenKey(let index), .entryShape(let index): index
            case .hashChanged(_, _, let first, _): first
            default: nil
            }
        }.min()
    }

    mutating func add(_ problem: Problem) {
        guard !isFull else { return }
        problems.append(problem)
        if problems.count == Self.problemCountMax { problems.append(.tooMany) }
    }

    var isFull: Bool { problems.count > Self.problemCountMax }
}

extension VerificationReport.Problem: CustomStringConvertible {
    package var description: String {
        switch self {
        case .checkpoint(let reason):
            "checkpoint: \(reason)"
        case .keys(let reason):
            "keys: \(reason)"
        case .unprovenKey(let index):
            "entry \(index): names a new key without a proof in rotations/"
        case .olderCheckpoint(let number, let reason):
            "older checkpoint \(number): \(reason)"
        case .shrunk(let olderSize, let size):
            "the log has \(size) entries, but \(olderSize) were signed earlier"
        case .rewritten(let olderSize):
            "the first \(olderSize) entries are not those that were signed earlier"
        case .missingFile(let path):
            "\(path): missing"
        case .unreadableFile(let path, let reason):
            "\(path): cannot be read: \(reason)"
        case .uncoveredFile(let path):
            "\(Self.printable(path)): not part of the signed log"
        case .wrongCount(let path, let expected, let found, let isCutShort):
            "\(path): \(expected) expected, \(found) found\(isCutShort ? ", then broken bytes" : "")"
        case .entryChanged(let index):
            "entry \(index): not the entry that was signed"
        case .entryNumber(let index, let found?):
            "entry \(index): says to be entry \(found)"
        case .entryShape(let index):
            "entry \(index): not the JSON of an audit entry, or not to be read in one way only"
        case .entryNumber(let index, nil):
            "entry \(index): does not begin like an audit entry"
        case .entryTime(let index):
            "entry \(index): earlier than the entry before it"
        case .hashChanged(let path, let position, let first, let end):
            "\(path): hash \(position) is not that of the entries \(first) to \(end - 1)"
        case .root(let signed, let computed):
            "the entries give the root \(computed), but \(signed) was signed"
        case .tooMany:
            "more problems were found; verification ended here"
        }
    }

    /// The one text that comes from outside: a name in the directory, which could hold orders for a
    /// terminal.
    private static func printable(_ path: String) -> String {
        String(
            String.UnicodeScalarView(
                path.unicodeScalars.prefix(200).map {
                    $0.value > 0x1F && $0.isASCII && $0.value != 0x7F ? $0 : "?"
                }))
    }
}
