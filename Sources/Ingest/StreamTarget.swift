package import Store

/// Where the events of one sender go, resolved once for each access token and then only read.
///
/// Partition 0 of the stream: a stream has one partition until a key-based choice is asked for.
package final class StreamTarget: Sendable {
    /// The stream's name, for metrics and problem documents.
    package let name: String
    /// The id of the client that sends, for counts of what was refused.
    package let client: String
    package let partition: PartitionID
    package let retention: RetentionClass
    /// Bodies that are refused are kept, sealed.
    package let keepsRejections: Bool

    package init(
        name: String, client: String = "", partition: PartitionID, retention: RetentionClass,
        keepsRejections: Bool = false
    ) {
        self.name = name
        self.client = client
        self.partition = partition
        self.retention = retention
        self.keepsRejections = keepsRejections
    }
}
