package import Store

/// Copies a stream or a derived stream into a bucket, a file an interval, as the catalog keeps it
/// (kind `exporter`, by name).
package struct ExporterDefinition: Sendable, Codable, Equatable {
    package static let kind = "exporter"
    package static let intervalSecondsMax = 3_600
    package static let batchBytesRange = (1 << 20)...(8 << 30)
    package static let batchBytesDefault = 256 << 20

    package enum Compression: String, Sendable, Codable, CaseIterable { case none, gzip, zstd }

    package var name: String
    /// The name of a stream or derived stream.
    package var stream: String
    package var connector: String
    /// Between the starts of two rounds.
    package var intervalSeconds: Int
    /// Before the names of all objects; may be empty.
    package var pathPrefix: String
    package var compression: Compression
    /// Where a batch ends even if more is there: bytes of its events before compression.
    package var batchBytesMax: Int
    /// Whether the data keys of each batch are handed out beside it.
    package var includesKeys: Bool
    package var isPaused: Bool
    package var createdAt: Milliseconds
    package var createdBy: String

    package init(
        name: String, stream: String, connector: String, intervalSeconds: Int = 60,
        pathPrefix: String = "", compression: Compression = .none,
        batchBytesMax: Int = Self.batchBytesDefault, includesKeys: Bool = false,
        createdAt: Milliseconds, createdBy: String
    ) {
        self.name = name
        self.stream = stream
        self.connector = connector
        self.intervalSeconds = intervalSeconds
        self.pathPrefix = pathPrefix
        self.compression = compression
        self.batchBytesMax = batchBytesMax
        self.includesKeys = includesKeys
        isPaused = false
        self.createdAt = createdAt
        self.createdBy = createdBy
    }
}
