import Foundation
package import Store

/// How far an exporter is, as the catalog keeps it (kind `exporter-progress`, by the exporter's
/// name). Written twice a batch: with its plan before anything is uploaded, and with the new
/// position after all of it is there. Each write names the revision before it, so that an exporter
/// that was deleted, or made anew under the same name, is not written over.
package struct ExporterProgress: Sendable, Codable, Equatable {
    package static let kind = "exporter-progress"

    /// The next offset of each partition.
    package var nextOffsets: [UInt64]
    /// Batches whose range is fixed and that are not done: at most one a partition.
    var plans: [BatchPlan] = []
    package var batches: UInt64 = 0
    package var events: UInt64 = 0
    /// Of the objects with events, as they lie in the bucket.
    package var bytes: UInt64 = 0
    /// Events that expired before they were exported.
    package var lostEvents: UInt64 = 0
    package var lastObject: String?
    package var lastBatchAt: Milliseconds?
    var lastRoundAt: Milliseconds?

    package init(nextOffsets: [Offset]) {
        self.nextOffsets = nextOffsets.map(\.rawValue)
    }

    package static func key(_ exporter: String) -> DocumentKey {
        DocumentKey(kind: kind, name: exporter)
    }

    /// - Parameter expectedRevision: as in `Mutation.putDocument`.
    package func mutation(
        _ exporter: String, expectedRevision: UInt64?
    ) throws(StoreError) -> Mutation {
        do {
            return .putDocument(
                Self.key(exporter), body: [UInt8](try JSONEncoder().encode(self)),
                expectedRevision: expectedRevision)
        } catch {
            throw .io("the progress of an exporter cannot be encoded")
        }
    }

    init(_ document: Document) throws(StoreError) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(document.body))
        } catch {
            throw .corrupt("the progress of the exporter \(document.key.name) cannot be read")
        }
    }

    /// The next offset of a partition; a new partition is read from its beginning.
    func next(_ partition: Int) -> Offset {
        Offset(rawValue: partition < nextOffsets.count ? nextOffsets[partition] : 0)
    }

    mutating func move(_ partition: Int, to offset: Offset) {
        while nextOffsets.count <= partition { nextOffsets.append(0) }
        nextOffsets[partition] = offset.rawValue
    }
}

/// A batch whose range is fixed. From here on each try writes this range to these names.
struct BatchPlan: Sendable, Codable, Equatable {
    var partition: Int
    /// The first offset, and the first one behind the range.
    var first: UInt64
    var end: UInt64
    /// When the range was fixed: part of the object's name.
    var plannedAt: Milliseconds
    /// Times of the first and the last event when the range was fixed.
    var firstEventAt: Milliseconds?
    var lastEventAt: Milliseconds?
    /// Of the object with the events.
    var object: String
    /// What lies in the bucket, once all objects but the manifest do: from then on they are not
    /// read and written again, so that what has expired meanwhile is not taken out of them.
    var written: WrittenBatch?

    func isSame(as other: BatchPlan) -> Bool {
        partition == other.partition && first == other.first
    }
}

/// The objects of a batch, as they lie in the bucket.
struct WrittenBatch: Sendable, Codable, Equatable {
    var content: BatchContent
    /// Of the object with the events.
    var bytes: UInt64
    var sha256: String
    var keys: KeysObject?

    struct KeysObject: Sendable, Codable, Equatable {
        var object: String
        var sha256: String
        var keyLinks: Int
    }
}
