import Foundation
package import Store

/// The last checkpoint that a place outside took, as the catalog keeps it (kind `witness`, by the
/// kind of place), so that a restart knows from where to prove.
package struct OutsideConfirmation: Sendable, Codable, Equatable {
    package static let documentKind = "witness"

    /// The place as configured: a record of another one is not looked at.
    package var place: String
    /// Entries of the tree.
    package var size: UInt64
    /// When it was taken, by our clock.
    package var at: Milliseconds
    /// The signed note as it was taken, with the witness's cosignatures behind ours.
    package var note: String
    /// A cosignature was verified by the witness's key.
    package var isVerified: Bool
    /// The time that the witness itself gives, in seconds since 1970.
    package var witnessedAt: UInt64?

    static func key(_ kind: WitnessKind) -> DocumentKey {
        DocumentKey(kind: documentKind, name: kind.rawValue)
    }

    init(
        place: String, size: UInt64, at: Milliseconds, note: String, isVerified: Bool = false,
        witnessedAt: UInt64? = nil
    ) {
        self.place = place
        self.size = size
        self.at = at
        self.note = note
        self.isVerified = isVerified
        self.witnessedAt = witnessedAt
    }

    /// nil: there is none, or it is of another place.
    static func read(_ kind: WitnessKind, place: String, _ store: Store) -> OutsideConfirmation? {
        guard let document = store.document(key(kind)),
            let record = try? JSONDecoder().decode(Self.self, from: Data(document.body)),
            record.place == place
        else { return nil }
        return record
    }

    func mutation(_ kind: WitnessKind) throws -> Mutation {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return .putDocument(
            Self.key(kind), body: [UInt8](try encoder.encode(self)), expectedRevision: 0)
    }
}

/// The kinds of places.
package enum WitnessKind: String, Sendable, CaseIterable {
    case file, url, connector
}

/// How a place is, for status and metrics.
package struct WitnessStatus: Sendable {
    package var kind: WitnessKind
    package var place: String
    /// nil: it never took a checkpoint of this log.
    package var confirmation: OutsideConfirmation?
    /// Why the last try failed; nil if it did not.
    package var failure: WitnessFailure?
    /// Tries in a row that failed.
    package var failures: Int

    /// The place and the log tell different histories.
    package var isOtherHistory: Bool {
        if case .otherHistory = failure { true } else { false }
    }

    /// A cosignature of the last checkpoint was verified by the witness's key: nobody but the
    /// witness can have taken it.
    package var isVerified: Bool { confirmation?.isVerified ?? false }

    /// Since the place last took a checkpoint; infinite if it never did. By the time that a verified
    /// cosignature gives, if it is earlier than the answer: whoever stands between may answer with an
    /// old one as long as the log does not grow.
    package func ageSeconds(now: Milliseconds) -> Double {
        guard let confirmation else { return .infinity }
        var at = confirmation.at
        if confirmation.isVerified, let seconds = confirmation.witnessedAt {
            let signed = seconds.multipliedReportingOverflow(by: 1_000)
            if !signed.overflow { at = min(at, Milliseconds(clamping: signed.partialValue)) }
        }
        return Double(max(0, now - at)) / 1_000
    }
}
