/// A stream, as the catalog keeps it (kind `stream`, by name).
package struct StreamDefinition: Sendable, Codable, Equatable {
    package static let kind = "stream"

    package var name: String
    package var id: StreamID
    package var partitions: Int
    package var retention: RetentionClass
    package var createdAt: Milliseconds
    package var createdBy: String
    /// A data protection officer allows that data keys of this stream are handed out with exports.
    /// nil as long as nobody has decided: not allowed.
    package var allowsKeyExport: Bool?
    /// Bodies of refused events are kept, each sealed whole. nil: they are not.
    package var keepsRejections: Bool?

    package init(
        name: String, id: StreamID, partitions: Int = 1, retention: RetentionClass = .standard,
        createdAt: Milliseconds, createdBy: String
    ) {
        self.name = name
        self.id = id
        self.partitions = partitions
        self.retention = retention
        self.createdAt = createdAt
        self.createdBy = createdBy
    }

    /// Where its events are: what readers, exporters and derived streams look at.
    package var partitionIDs: [PartitionID] {
        (0..<partitions).map { PartitionID(stream: id, partition: UInt16($0)) }
    }

    /// Where refused events are kept (``KeptRejection``); no reader of events ever looks there. Its
    /// number is far above those that a cursor can name.
    package var rejectionPartition: PartitionID { PartitionID(stream: id, partition: .max) }

    /// Where it is noted which kept events were replayed (``ReplayMark``).
    package var replayPartition: PartitionID { PartitionID(stream: id, partition: .max - 1) }

    /// What is opened when refused events are kept, and dropped with the stream.
    package var rejectionPartitions: [PartitionID] { [rejectionPartition, replayPartition] }
}
