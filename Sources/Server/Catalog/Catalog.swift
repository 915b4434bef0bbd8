import Audit
import Contracts
import FoundationEssentials
import Store
import Synchronization

/// The catalog as the server uses it: a decoded snapshot in memory, and changes that are one commit
/// each, together with their audit entry.
///
/// Changes compare-and-set on the revisions that their decision was based on, so that two
/// administrators at the same moment never both succeed. `accessVersion` grows with each change
/// that may take a right away; the token caches of the event loops compare it for each request.
final class Catalog: Sendable {
    private let store: Store
    private let state: Mutex<CatalogSnapshot>
    private let version = Atomic<UInt64>(1)

    init(store: Store) throws(StoreError) {
        self.store = store
        state = Mutex(try CatalogSnapshot(store: store))
    }

    var snapshot: CatalogSnapshot { state.withLock { $0 } }

    /// Read on the hot path: one atomic load.
    var accessVersion: UInt64 { version.load(ordering: .acquiring) }

    /// Commits `mutations` and the entry together. On return they are durable, visible in
    /// `snapshot`, and tokens of clients that are gone are refused by every event loop.
    /// - Throws: `StoreError.conflict` if a document changed since the caller looked: decide again
    ///   or answer 409.
    func commit(_ mutations: [Mutation], recording entry: AuditEntry) async throws(StoreError) {
        _ = try await store.commit(mutations + [.audit(AuditLog.draft(entry))])
        try refresh()
    }

    /// Reads the snapshot anew; revokes what is cached about tokens.
    func refresh() throws(StoreError) {
        // Under the lock, so that of two refreshes the one that read later also writes later.
        try state.withLock { (current) throws(StoreError) in
            current = try CatalogSnapshot(store: store)
        }
        version.add(1, ordering: .releasing)
    }

    static func put<Value: Encodable>(
        _ value: Value, kind: String, name: String, expectedRevision: UInt64?
    ) throws -> Mutation {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return .putDocument(
            DocumentKey(kind: kind, name: name), body: [UInt8](try encoder.encode(value)),
            expectedRevision: expectedRevision)
    }

    static func delete(kind: String, name: String, expectedRevision: UInt64) -> Mutation {
        .deleteDocument(DocumentKey(kind: kind, name: name), expectedRevision: expectedRevision)
    }

    /// The next number of a sequence (`stream`, `contract`): never given twice, also after
    /// deletions.
    /// - Returns: the number, and the mutation that takes it, to be put in the same commit.
    func takeNumber(_ sequence: String) throws(StoreError) -> (number: UInt32, mutation: Mutation) {
        let key = DocumentKey(kind: "counter", name: sequence)
        let document = store.document(key)
        let last = try Self.last(document, sequence)
        let body: WireValue = ["last": .integer(last + 1)]
        return (
            UInt32(last + 1),
            .putDocument(key, body: body.bytes, expectedRevision: document?.revision)
        )
    }

    /// The highest number of a sequence that was given; 0: none was.
    func lastNumber(_ sequence: String) throws(StoreError) -> UInt32 {
        UInt32(
            try Self.last(
                store.document(DocumentKey(kind: "counter", name: sequence)), sequence))
    }

    private static func last(
        _ document: Document?, _ sequence: String
    ) throws(StoreError) -> Int64 {
        guard let document else { return 0 }
        guard let value = try? WireParser.parse(document.body),
            case .integer(let number)? = value["last"], number >= 0, number < UInt32.max
        else { throw .corrupt("the counter \(sequence) in the catalog cannot be read") }
        return number
    }
}
