import Audit
import AuditProof
import Store
import Vault

/// What is written down for a person who was erased, for the letter and for a court: what was
/// destroyed, when, how, who had received it before, and what all that does not cover. It names the
/// person by keyed hash alone.
///
/// A `SignedDocument` whose value is called `receipt`; docs/people.md describes its members.
struct ErasureReceipt: Sendable {
    static let version: Int64 = 1
    /// Links that are listed; the number of all is in `destroyed.dataKeys`.
    static let linksMax = 100_000

    /// An entry of the audit log.
    struct Entry: Sendable, Equatable {
        var act: String
        var number: UInt64
        /// When it was committed; of a request: when nothing could be opened any more.
        var at: Milliseconds?
    }

    let erasure: Erasure
    let streamNames: [StreamID: String]
    let issuedAt: Milliseconds
    /// Of the links that are known; nil: none is.
    var recipients: AuditRecipients?
    var events = ErasedEvents.Counts()
    var entries: [Entry] = []
    /// A signed note.
    var checkpoint = ""

    init(erasure: Erasure, streamNames: [StreamID: String], issuedAt: Milliseconds) {
        self.erasure = erasure
        self.streamNames = streamNames
        self.issuedAt = issuedAt
    }

    func json(key: VerifierKey) -> CanonicalJSON {
        .object([
            "version": .integer(Self.version), "kind": .string("erasure"),
            "erasure": .string(erasure.id), "reference": .optional(erasure.reference),
            "person": .string(HexText.text(erasure.person.bytes)),
            "requestedBy": .object([
                "client": .string(erasure.client), "role": .string(erasure.role),
            ]),
            "requestedAt": Self.time(erasure.requestedAt),
            "unusableSince": Self.time(unusableSince),
            "destroyedAt": Self.time(erasure.destroyedAt), "issuedAt": Self.time(issuedAt),
            "streams": .array(erasure.streams.map { .string(name($0)) }),
            "laterEventsAreRefused": .boolean(erasure.hasFence),
            "destroyed": destroyed, "events": eventCounts, "custody": custody,
            "recipients": recipientsJSON,
            "notCovered": .array(ReceiptLimits.codes(for: self).map(Self.limit)),
            "audit": .object([
                "entries": .array(
                    entries.map { entry in
                        .object([
                            "act": .string(entry.act),
                            "entry": .integer(Int64(clamping: entry.number)),
                            "at": Self.time(entry.at),
                        ])
                    }), "checkpoint": .string(checkpoint),
            ]),
            "key": .string(key.description),
        ])
    }

    /// Keys are unusable before the request is in the audit log, and it is asked for before that.
    private var unusableSince: Milliseconds {
        let asked = entries.first { $0.act == Act.erasureRequested.rawValue }
        return asked?.at ?? erasure.requestedAt
    }

    private var destroyed: CanonicalJSON {
        let batch = erasure.batch
        let links = erasure.links.prefix(Self.linksMax)
        return .object([
            "dataKeys": .integer(Int64(erasure.linkCount)),
            "goneBefore": .integer(Int64(erasure.goneCount)),
            "sharedDataKeys": .integer(Int64(batch?.sharedLinks[erasure.id] ?? 0)),
            "bucketKeys": .integer(Int64(batch?.buckets ?? 0)),
            "othersRewrapped": .integer(Int64(batch?.survivors ?? 0)),
            "unreadableRecords": .integer(Int64(batch?.unreadable ?? 0)),
            "keyringGeneration": .integer(Int64(clamping: batch?.keyringGeneration ?? 0)),
            "ledgerNumber": .integer(Int64(clamping: erasure.number)),
            "epochs": .array(
                erasure.epochs.map { epoch in
                    .object([
                        "stream": .string(name(epoch.stream)),
                        "epoch": .integer(Int64(epoch.epoch)), "day": .string("\(epoch.day)"),
                        "retentionDays": .integer(Int64(epoch.retention.days)),
                        "dataKeys": .integer(Int64(epoch.links)),
                    ])
                }), "keyLinks": .array(links.map { .string($0.description) }),
            "keyLinksOmitted": .integer(Int64(erasure.linkCount - links.count)),
        ])
    }

    private var eventCounts: CanonicalJSON {
        .object([
            "isComplete": .boolean(events.isComplete && erasure.areLinksKnown),
            "streams": .array(
                events.streams.map { count in
                    .object([
                        "stream": .string(count.stream), "events": .integer(Int64(count.events)),
                        "firstAt": Self.time(count.firstAt), "lastAt": Self.time(count.lastAt),
                        "fieldsInClearRemainUntil": Self.time(count.remainUntil),
                    ])
                }),
        ])
    }

    private var custody: CanonicalJSON {
        .object([
            "masterKey": .string(erasure.batch?.masterKeyCustody ?? ""),
            "masterKeyRenewed": .boolean(erasure.batch?.isMasterKeyRenewed ?? false),
        ])
    }

    private var recipientsJSON: CanonicalJSON {
        guard let recipients else {
            return .object([
                "isKnown": .boolean(erasure.linkCount + erasure.goneCount == 0),
                "isPartial": .boolean(false), "isCut": .boolean(false),
                "exactAfter": .null, "items": .array([]), "rejectionsShown": .array([]),
                "rejectionsShownAreCut": .boolean(false), "entriesLookedAt": .null,
            ])
        }
        return .object([
            "isKnown": .boolean(true), "isPartial": .boolean(!erasure.areLinksKnown),
            "isCut": .boolean(recipients.isCut),
            "exactAfter": Self.time(recipients.exactAfter),
            "items": .array(recipients.recipients.map(recipient)),
            "rejectionsShown": Self.ranges(recipients.rejectionsShown),
            "rejectionsShownAreCut": .boolean(recipients.rejectionsShown.isCut),
            "entriesLookedAt": .object([
                "first": .integer(Int64(clamping: recipients.basis.first)),
                "end": .integer(Int64(clamping: recipients.basis.end)),
            ]),
        ])
    }

    private func recipient(_ one: AuditRecipients.Recipient) -> CanonicalJSON {
        .object([
            "act": .string(one.act.rawValue), "client": .string(one.client),
            "role": .string(one.role), "stream": .string(one.stream),
            "derivedStream": .optional(one.derivedStream),
            "purposes": .array(one.purposes.map { .integer(Int64($0)) }),
            "fields": .array(one.fields.map(CanonicalJSON.string)),
            "hashedFields": .array(one.hashedFields.map(CanonicalJSON.string)),
            "fieldsMayBeMore": .boolean(one.fieldsMayBeMore),
            "events": .integer(Int64(clamping: one.events)),
            "hashedEvents": .integer(Int64(clamping: one.hashedEvents)),
            "dataKeys": .integer(Int64(one.links)), "firstAt": Self.time(one.firstAt),
            "lastAt": Self.time(one.lastAt), "exporter": .optional(one.exporter),
            "connector": .optional(one.connector),
            "objects": .array(one.objects.map(CanonicalJSON.string)),
            "objectsOmitted": .integer(Int64(one.objectsOmitted)),
            "entries": Self.ranges(one.entries), "entriesAreCut": .boolean(one.entries.isCut),
        ])
    }

    private static func ranges(_ numbers: NumberRanges) -> CanonicalJSON {
        .array(
            numbers.ranges.map { range in
                .array([
                    .integer(Int64(clamping: range.lowerBound)),
                    .integer(Int64(clamping: range.upperBound)),
                ])
            })
    }

    /// False only if that is certain.
    var mayHaveReleasedKeys: Bool {
        guard let recipients else { return erasure.linkCount + erasure.goneCount > 0 }
        return !erasure.areLinksKnown || recipients.isCut || recipients.exactAfter != nil
            || recipients.recipients.contains { $0.act == .keysExported }
    }

    private static func limit(_ limit: ReceiptLimits) -> CanonicalJSON {
        .object(["code": .string(limit.rawValue), "text": .string(limit.text)])
    }

    /// A stream may have been deleted since.
    private func name(_ stream: StreamID) -> String {
        streamNames[stream] ?? "stream \(stream)"
    }

    private static func time(_ time: Milliseconds?) -> CanonicalJSON {
        .optional(time.map { LeafHeader.timeText($0) })
    }
}

/// What an erasure cannot reach. The raw value stands in receipts for ever.
enum ReceiptLimits: String, CaseIterable, Sendable {
    case releasedPlaintext = "released-plaintext"
    case releasedKeys = "released-keys"
    case machineSnapshots = "machine-snapshots"
    case masterKeyOutside = "master-key-outside"
    case masterKeyNotRenewed = "master-key-not-renewed"
    case fieldsInClear = "fields-in-clear"
    case namelessEvents = "nameless-events"
    case keptRefusals = "kept-refusals"
    case deletedStreams = "deleted-streams"
    case sharedKeys = "shared-keys"

    var text: String {
        switch self {
        case .releasedPlaintext:
            "What recipients already had in clear is not taken back. They are listed; ask them."
        case .releasedKeys:
            "Data keys were handed out, or it is not known any more whether they were: whoever has "
                + "them opens what they sealed, for ever."
        case .machineSnapshots:
            "A snapshot of the whole machine, or copies of both the keyring and the master key of "
                + "that time, made before destroyedAt and kept elsewhere, can open what was erased."
        case .masterKeyOutside:
            "The master key is kept outside this program and was not replaced: copies of the "
                + "keyring from before destroyedAt can be opened with it, unless it is rotated "
                + "there."
        case .masterKeyNotRenewed:
            "The master key was not replaced: copies of the keyring from before destroyedAt can be "
                + "opened with it."
        case .fieldsInClear:
            "Fields that the contract does not mark as personal were never sealed: they stay in "
                + "the events until these expire."
        case .namelessEvents:
            "Events whose contract names no data subject, or that named another one, are not on "
                + "record as this person's."
        case .keptRefusals:
            "Refused events that a stream keeps are not on record as anybody's; they expire with "
                + "their day."
        case .deletedStreams:
            "Streams that had been deleted before the request were not looked through: nobody can "
                + "read them, and their keys are destroyed when their days expire."
        case .sharedKeys:
            "Some of the destroyed keys also sealed events of other people in the same sequence: "
                + "those events are unreadable too."
        }
    }

    static func codes(for receipt: ErasureReceipt) -> [ReceiptLimits] {
        let batch = receipt.erasure.batch
        let hasOldKeys = batch?.isMasterKeyRenewed != true && batch?.buckets ?? 0 > 0
        return allCases.filter { limit in
            switch limit {
            case .releasedKeys: receipt.mayHaveReleasedKeys
            case .masterKeyOutside: hasOldKeys && batch?.masterKeyCustody != "file"
            case .masterKeyNotRenewed: hasOldKeys && batch?.masterKeyCustody == "file"
            case .sharedKeys: batch?.sharedLinks[receipt.erasure.id] ?? 0 > 0
            default: true
            }
        }
    }
}
