/// Decides compare-and-set for the requests of one batch, before anything is written: each request
/// sees what the ones before it in the batch have changed.
struct CatalogChanges {
    private let catalog: Catalog
    /// nil: deleted.
    private(set) var pending: [DocumentKey: Document?] = [:]
    /// The last revision that was given to any document.
    private(set) var revision: UInt64

    init(catalog: Catalog, revision: UInt64) {
        self.catalog = catalog
        self.revision = revision
    }

    var isEmpty: Bool { pending.isEmpty }

    mutating func removeAll() { pending.removeAll(keepingCapacity: true) }

    /// Takes all document changes of a request, or none. Gives the new revisions.
    mutating func take(
        _ mutations: [Mutation]
    ) throws(StoreError) -> [DocumentKey: UInt64] {
        var draft = self
        var revisions: [DocumentKey: UInt64] = [:]
        for mutation in mutations {
            switch mutation {
            case .putDocument(let key, let body, let expected):
                try draft.check(key, expected, isDelete: false)
                draft.revision += 1
                draft.pending[key] = .some(
                    Document(key: key, revision: draft.revision, body: body))
                revisions[key] = draft.revision
            case .deleteDocument(let key, let expected):
                try draft.check(key, expected, isDelete: true)
                draft.pending[key] = .some(nil)
                revisions[key] = nil
            case .putKey, .replaceKey, .deleteKey, .putIndex, .deleteIndex, .putSubject,
                .deleteSubject, .putCursor, .deleteCursor, .audit:
                continue
            }
        }
        self = draft
        return revisions
    }

    private func check(
        _ key: DocumentKey, _ expected: UInt64?, isDelete: Bool
    ) throws(StoreError) {
        let current: Document? =
            if let changed = pending[key] { changed } else { catalog.document(key) }
        switch expected {
        case nil: if !isDelete && current != nil { throw .conflict }
        case 0: break
        case let revision: if current?.revision != revision { throw .conflict }
        }
    }
}
