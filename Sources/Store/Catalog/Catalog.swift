import Synchronization

/// All documents in memory: loaded at open, changed by the commit thread after each sync.
final class Catalog: Sendable {
    private let documents: Mutex<[String: [String: Document]]>

    init(_ loaded: [Document]) {
        var kinds: [String: [String: Document]] = [:]
        for document in loaded {
            kinds[document.key.kind, default: [:]][document.key.name] = document
        }
        documents = Mutex(kinds)
    }

    func document(_ key: DocumentKey) -> Document? {
        documents.withLock { $0[key.kind]?[key.name] }
    }

    /// Ascending by name.
    func documents(kind: String) -> [Document] {
        let found = documents.withLock { $0[kind].map { Array($0.values) } ?? [] }
        return found.sorted { $0.key.name < $1.key.name }
    }

    /// nil: deleted. All changes become visible together.
    func apply(_ changes: [DocumentKey: Document?]) {
        guard !changes.isEmpty else { return }
        documents.withLock { kinds in
            for (key, document) in changes {
                kinds[key.kind, default: [:]][key.name] = document
            }
        }
    }
}
