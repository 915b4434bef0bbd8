package import AuditProof
package import Buckets
package import Logging
package import Query
package import Store
package import Vault

/// What all exporters share.
package struct ExportContext: Sendable {
    package let store: Store
    let query: Query
    let vault: Vault
    /// Today's key: asked for each manifest, since it may change while the server runs.
    let signer: @Sendable () -> NoteSigner
    let policy: BucketPolicy
    /// Batches on their way at once, of all exporters.
    let batchesInFlightMax: Int
    let clock: @Sendable () -> Milliseconds
    /// A stream or derived stream by its name; nil: there is none.
    let target: @Sendable (String) -> ReadTarget?
    let logger: Logger
    /// Opens the bucket of a connector. Tests give their own.
    var openBucket:
        @Sendable (_ connector: String, ExportContext) async throws(ExportError) -> any Bucket

    package init(
        store: Store, query: Query, vault: Vault, signer: @escaping @Sendable () -> NoteSigner,
        policy: BucketPolicy,
        batchesInFlightMax: Int, clock: @escaping @Sendable () -> Milliseconds,
        target: @escaping @Sendable (String) -> ReadTarget?, logger: Logger
    ) {
        self.store = store
        self.query = query
        self.vault = vault
        self.signer = signer
        self.policy = policy
        self.batchesInFlightMax = batchesInFlightMax
        self.clock = clock
        self.target = target
        self.logger = logger
        openBucket = { (connector, context) async throws(ExportError) -> any Bucket in
            try await Connectors.open(connector, context)
        }
    }

    /// The name under which an exporter reads: the audit log shows it as the client of a release.
    static func client(_ exporter: String) -> String { "exporter:\(exporter)" }
    static let role = "exporter"

    /// Whether what seems to have expired may be given up. Blocks a reader thread.
    func clockIsTrusted() async -> Bool {
        let (vault, now) = (vault, clock())
        // No thread: asked again with the next try.
        return (try? await store.readers.run { vault.mayDestroy(now: now) }) ?? false
    }

    func reader(_ definition: ExporterDefinition) throws(ExportError) -> Query.Reader {
        guard let target = target(definition.stream) else {
            throw .gone("the stream \(definition.stream)")
        }
        return Query.Reader(
            client: Self.client(definition.name), role: Self.role, target: target)
    }
}
