/// Names a document of the catalog.
package struct DocumentKey: Hashable, Sendable, Comparable {
    /// For example `stream`. Must not be empty, nor hold U+0000.
    package let kind: String
    package let name: String

    package init(kind: String, name: String) {
        precondition(!kind.isEmpty && !kind.utf8.contains(0), "the kind of a document")
        self.kind = kind
        self.name = name
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.kind, left.name) < (right.kind, right.name)
    }
}

/// A piece of management data, as it was last committed.
package struct Document: Sendable, Equatable {
    package let key: DocumentKey
    /// Grows with each change of any document and is never used twice.
    package let revision: UInt64
    /// JSON.
    package let body: [UInt8]

    package init(key: DocumentKey, revision: UInt64, body: [UInt8]) {
        self.key = key
        self.revision = revision
        self.body = body
    }
}
