import Store

/// Names of streams and derived streams: 1 to 100 characters of `A-Z a-z 0-9 . _ -`, the first a
/// letter or digit. None needs escaping in a URL, a header or a file name, and none reads as a path
/// that climbs.
enum StreamName {
    static let pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"

    static func check(_ name: String, at pointer: String) throws(Problem) -> String {
        let bytes = name.utf8
        guard (1...100).contains(bytes.count), let first = bytes.first, isAlphanumeric(first),
            bytes.allSatisfy({ isAlphanumeric($0) || [0x2D, 0x2E, 0x5F].contains($0) })
        else {
            throw .invalid(
                pointer, expected: "1 to 100 of A-Z a-z 0-9 . _ -, first a letter or digit")
        }
        return name
    }

    /// Takes the name for a stream or a derived stream: whoever commits second gets a conflict.
    static func claim(_ name: String) throws -> Mutation {
        .putDocument(key(name), body: Array("{}".utf8), expectedRevision: nil)
    }

    static func release(_ name: String, _ store: Store) throws -> Mutation {
        .deleteDocument(key(name), expectedRevision: store.document(key(name))?.revision)
    }

    private static func key(_ name: String) -> DocumentKey {
        DocumentKey(kind: "stream-name", name: name)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }
}
