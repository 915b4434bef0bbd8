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

    package var partitionIDs: [PartitionID] {
        (0..<partitions).map { PartitionID(stream: id, partition: UInt16($0)) }
    }
}
