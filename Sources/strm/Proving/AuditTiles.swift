import AuditProof

/// The files of an audit log of so many entries.
enum AuditTiles {
    /// One at a time: the size is what the server says.
    /// - Parameter size: below 2^63.
    static func paths(size: UInt64) -> some Sequence<String> {
        TilePaths(size: size).lazy.map { $0.description }
    }
}
