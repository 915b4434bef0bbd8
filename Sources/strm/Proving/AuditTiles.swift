import AuditProof

/// The files of an audit log of so many entries.
enum AuditTiles {
    static func paths(size: UInt64) -> [String] {
        var paths: [String] = []
        TilePath.forEach(size: size) { paths.append($0.description) }
        return paths
    }
}
