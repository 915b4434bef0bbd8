import AuditProof
import Contracts
import Crypto
import Query
import Store
import Vault

/// What lies in the object of one batch, signed, so that nobody has to believe the bucket.
///
/// A `SignedDocument` whose value is called `manifest`.
struct BatchManifest: Sendable {
    static let version: Int64 = 1

    var exporter: ExporterDefinition
    var stream: String
    var derivedStream: String?
    var retention: RetentionClass
    var plan: BatchPlan
    var written: WrittenBatch

    /// The document, and the hash of it that the audit log keeps.
    func signed(_ signer: NoteSigner) throws(NoteError) -> (document: [UInt8], sha256: String) {
        let document = try SignedDocument.bytes(of: json, named: "manifest", signedBy: signer)
        return (document, HexText.text(SHA256.hash(data: document)))
    }

    var json: CanonicalJSON {
        let content = written.content
        var members: [String: CanonicalJSON] = [
            "version": .integer(Self.version), "exporter": .string(exporter.name),
            "stream": .string(stream), "derivedStream": .optional(derivedStream),
            "partition": .integer(Int64(plan.partition)),
            "firstOffset": .integer(Int64(clamping: plan.first)),
            "lastOffset": .integer(Int64(clamping: plan.end - 1)),
            "events": .integer(Int64(content.events)),
            "dropped": .integer(Int64(content.dropped)),
            "expired": .integer(Int64(clamping: plan.expired(content))),
            "sealedFields": .integer(Int64(content.sealedFields)),
            "firstEventAt": Self.time(plan.firstEventAt),
            "lastEventAt": Self.time(plan.lastEventAt),
            "object": .string(plan.object),
            "compression": .string(exporter.compression.rawValue),
            "bytes": .integer(Int64(clamping: written.bytes)),
            "sha256": .string(written.sha256),
            "contentBytes": .integer(Int64(clamping: content.bytes)),
            "contentSha256": .string(content.sha256),
            "contracts": .array(content.contracts.sorted().map(CanonicalJSON.string)),
            "purposes": .array(content.openedLevels.levels.map { .integer(Int64($0)) }),
            "fields": .array(content.openedFields.sorted().map(CanonicalJSON.string)),
            "keys": .null, "plannedAt": Self.time(plan.plannedAt),
        ]
        let expiry = keyExpiry
        members["keysExpireFrom"] = Self.time(expiry?.earliest)
        members["keysExpireUntil"] = Self.time(expiry?.latest)
        if let keys = written.keys {
            members["keys"] = .object([
                "object": .string(keys.object), "sha256": .string(keys.sha256),
                "keyLinks": .integer(Int64(keys.keyLinks)),
                // What is said of the keys' end is not true of these copies.
                "voids": .string("expiry and erasure of these keys"),
            ])
        }
        return .object(members)
    }

    var keyExpiry: (earliest: Milliseconds, latest: Milliseconds)? {
        guard let first = plan.firstEventAt, let last = plan.lastEventAt else { return nil }
        return Vault.keyExpiry(firstEventAt: first, lastEventAt: last, retention: retention)
    }

    private static func time(_ time: Milliseconds?) -> CanonicalJSON {
        .optional(time.map { LeafHeader.timeText($0) })
    }
}

extension BatchPlan {
    /// Events of the range that had expired when it was read.
    func expired(_ content: BatchContent) -> UInt64 {
        let there = UInt64(content.events + content.dropped)
        return end - first > there ? end - first - there : 0
    }
}

/// What was read for a batch.
struct BatchContent: Sendable, Codable, Equatable {
    var events = 0
    var dropped = 0
    var sealedFields = 0
    /// Of the lines before compression.
    var bytes: UInt64 = 0
    var sha256 = ""
    var contracts: Set<String> = []
    var openedFields: Set<String> = []
    var openedLevels = ConsentLevels(bits: 0)

    mutating func add(_ page: Query.RangePage) {
        events += page.count
        dropped += page.dropped
        sealedFields += page.sealedFields
        bytes += UInt64(page.body.count)
        contracts.formUnion(page.contracts)
        openedFields.formUnion(page.openedFields)
        openedLevels.bits |= page.openedLevels.bits
    }
}
