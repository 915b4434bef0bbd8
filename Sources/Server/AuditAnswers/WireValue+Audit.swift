import Audit
import AuditProof
import Store

/// Answers from the audit log as JSON.
extension WireValue {
    init(_ ranges: NumberRanges) {
        self = [
            "ranges": .array(
                ranges.ranges.map { range in
                    .array([
                        .integer(Int64(clamping: range.lowerBound)),
                        .integer(Int64(clamping: range.upperBound)),
                    ])
                }), "isCut": .bool(ranges.isCut),
        ]
    }

    init(offsets: [Int: NumberRanges]) {
        self = .array(
            offsets.sorted { $0.key < $1.key }.map { partition, ranges in
                ["partition": .integer(Int64(partition)), "offsets": WireValue(ranges)]
            })
    }

    init(_ basis: AuditBasis) {
        self = [
            "firstEntry": .integer(Int64(clamping: basis.first)),
            "endEntry": .integer(Int64(clamping: basis.end)),
            "entriesLookedAt": .integer(Int64(clamping: basis.lookedAt)),
            "entriesMatched": .integer(Int64(basis.matched)),
            "logSize": .integer(Int64(clamping: basis.size)),
            "logRoot": .string(basis.root.base64),
        ]
    }

    init(_ count: AuditCount) {
        self = ["value": .integer(Int64(count.value)), "isLowerBound": .bool(count.isLowerBound)]
    }

    init(_ use: AuditUses.Use) {
        let way = use.way
        self = .object([
            ("act", .string(way.act.rawValue)), ("client", .string(way.client)),
            ("role", .string(way.role)), ("stream", .string(way.stream)),
            ("derivedStream", .optional(way.derivedStream)),
            ("purposes", .numbers(way.purposes)), ("contracts", .texts(way.contracts)),
            (
                "fields",
                .array(
                    use.values.sorted { $0.key < $1.key }.map { name, count in
                        ["field": .string(name), "values": .integer(Int64(clamping: count))]
                    })
            ),
            ("hashedFields", .texts(use.hashedFields.sorted())),
            ("events", .integer(Int64(clamping: use.events))),
            ("sequences", WireValue(use.sequences)),
            ("firstAt", .string(WireTime.format(use.firstAt))),
            ("lastAt", .string(WireTime.format(use.lastAt))),
            ("exporter", .optional(way.exporter)), ("connector", .optional(way.connector)),
            ("entryCount", .integer(Int64(use.entryCount))), ("entries", WireValue(use.entries)),
            ("hashedEntries", WireValue(use.hashedEntries)),
            ("offsets", WireValue(offsets: use.offsets)), ("isPartial", .bool(use.isPartial)),
            ("isUpperBound", .bool(use.isUpperBound)),
        ])
    }

    init(_ recipient: AuditRecipients.Recipient) {
        self = .object([
            ("act", .string(recipient.act.rawValue)), ("client", .string(recipient.client)),
            ("role", .string(recipient.role)), ("stream", .string(recipient.stream)),
            ("derivedStream", .optional(recipient.derivedStream)),
            ("purposes", .numbers(recipient.purposes)), ("fields", .texts(recipient.fields)),
            ("hashedFields", .texts(recipient.hashedFields)),
            ("fieldsMayBeMore", .bool(recipient.fieldsMayBeMore)),
            ("events", .integer(Int64(clamping: recipient.events))),
            ("hashedEvents", .integer(Int64(clamping: recipient.hashedEvents))),
            ("keyLinks", .integer(Int64(recipient.links))),
            ("firstAt", .string(WireTime.format(recipient.firstAt))),
            ("lastAt", .string(WireTime.format(recipient.lastAt))),
            ("exporter", .optional(recipient.exporter)),
            ("connector", .optional(recipient.connector)),
            ("objects", .texts(recipient.objects)),
            ("objectsOmitted", .integer(Int64(recipient.objectsOmitted))),
            ("entries", WireValue(recipient.entries)),
            ("offsets", WireValue(offsets: recipient.offsets)),
        ])
    }

    init(_ answer: AuditRecipients) {
        self = [
            "recipients": .array(answer.recipients.map { WireValue($0) }),
            "isCut": .bool(answer.isCut),
            "exactAfter": .optional(answer.exactAfter.map { WireTime.format($0) }),
            "unknownEntries": WireValue(answer.unknown),
            "rejectionsShown": WireValue(answer.rejectionsShown),
            "basis": WireValue(answer.basis), "notKnown": .texts(AuditLimits.ofPeople),
        ]
    }

    static func numbers(_ numbers: [Int]) -> WireValue {
        .array(numbers.map { .integer(Int64($0)) })
    }

    static func texts(_ texts: [String]) -> WireValue { .array(texts.map { .string($0) }) }
}

/// What no answer from the log can know; stands in each of them.
enum AuditLimits {
    static let ofReads = [
        "What a reader did with what it got, and to whom it passed it on.",
        "Whether an answer that was on its way reached the reader: an entry is written before the "
            + "first byte leaves.",
        "What was done with data keys that were handed out (act keysExported): they open all "
            + "fields of their sequences, for ever.",
        "Which fields the bodies of refused events held that were shown to somebody (act "
            + "rejectionShown).",
    ]

    /// For a question that named a derived stream or a purpose.
    static func ofReads(_ filter: AuditFilter) -> [String] {
        var texts = ofReads
        if filter.derivedStream != nil {
            texts.append(
                "Who got data keys (act keysExported) or bodies of refused events (act "
                    + "rejectionShown): they leave by no derived stream. Ask without derivedStream."
            )
        }
        if filter.purpose != nil {
            texts.append(
                "For which purpose fields left as hashes: they are told for each purpose of the "
                    + "page in which they left.")
        }
        return texts
    }

    static let oldPurposes =
        "What a level stood for before the first decision about it that is on record, and its name "
        + "and owner where the decision is from before these were put on record: then the name is "
        + "null."

    static let ofPeople =
        ofReads + [
            "Whose events they were, where a sequence holds events of several people: the figures "
                + "are those of the person's sequences.",
            "Events whose contract names no data subject, or that named another one: they are not "
                + "on record as this person's.",
            "What happened before exactAfter in the entries listed as unknownEntries: it is not "
                + "kept any more whose fields they handed out.",
        ]
}
