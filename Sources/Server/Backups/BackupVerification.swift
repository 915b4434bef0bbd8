import Audit
package import AuditProof
import Store

/// Checks a backup where it lies, changing nothing.
package struct BackupVerification: Sendable {
    /// The directory with `manifest.json`, `SHA256SUMS` and `db`.
    let path: String
    let isCancelled: @Sendable () -> Bool

    package init(path: String, isCancelled: @escaping @Sendable () -> Bool = { false }) {
        self.path = path
        self.isCancelled = isCancelled
    }

    /// Everything: the manifest's signature, that there are exactly its files and each is what it
    /// was, that the database opens and all its checksums are right, and that the entries of the
    /// audit log in it give the root that the manifest names. Reads all of it twice.
    /// - Throws: `.damaged` naming the first thing that is wrong.
    package func verify(keys: [VerifierKey]) throws(BackupFailure) -> BackupManifest {
        let (manifest, sums) = try describe(keys: keys)
        try checkFiles(sums)
        let found = try Self.read(database: "\(path)/db", isCancelled: isCancelled)
        try Self.compare(found, manifest)
        return manifest
    }

    /// The signed part alone: the manifest, and the list of files that it vouches for. Cheap.
    func describe(
        keys: [VerifierKey]
    ) throws(BackupFailure) -> (manifest: BackupManifest, sums: BackupSums) {
        try checkNames(
            path, [BackupManifest.fileName, BackupManifest.sumsName, "db"].sorted(), "")
        let manifest = try BackupManifest(
            try BackupFiles.contents(
                "\(path)/\(BackupManifest.fileName)", bytesMax: BackupManifest.bytesMax),
            verifiedBy: keys)
        let sums = try BackupSums(
            try BackupFiles.contents(
                "\(path)/\(BackupManifest.sumsName)", bytesMax: BackupManifest.sumsBytesMax))
        guard sums.sha256 == manifest.sumsSHA256, sums.files.count == manifest.files else {
            throw .damaged("\(BackupManifest.sumsName) is not the one that was signed")
        }
        return (manifest, sums)
    }

    private func checkFiles(_ sums: BackupSums) throws(BackupFailure) {
        try checkNames("\(path)/db", sums.files.keys.sorted(), "db/")
        for (name, sha256) in sums.files.sorted(by: { $0.key < $1.key }) {
            let found = try BackupFiles.hash("\(path)/db/\(name)", isCancelled: isCancelled)
            guard found.sha256 == sha256 else {
                throw .damaged("db/\(name) is not what it was")
            }
        }
    }

    /// Exactly these names, and each a file or, where it must be, a directory: no link.
    private func checkNames(
        _ directory: String, _ expected: [String], _ prefix: String
    ) throws(BackupFailure) {
        guard BackupFiles.kind(directory) == .directory else {
            throw .damaged("there is no directory \(directory)")
        }
        let found = try BackupFiles.names(directory)
        if let missing = expected.first(where: { !found.contains($0) }) {
            throw .damaged("\(prefix)\(missing) is missing")
        }
        let known = Set(expected)
        if let extra = found.first(where: { !known.contains($0) }) {
            throw .damaged("\(prefix)\(extra) does not belong to it")
        }
        for name in expected {
            let isRight =
                BackupFiles.kind("\(directory)/\(name)")
                == (prefix.isEmpty && name == "db" ? .directory : .file)
            guard isRight else { throw .damaged("\(prefix)\(name) is not a plain file") }
        }
    }

    /// What a database holds, read in full.
    struct Found {
        var sequence: UInt64
        var heads: [PartitionID: UInt64]
        var auditSize: UInt64
        var auditRoot: TreeHash
        var events: UInt64
    }

    static func read(
        database path: String, isCancelled: () -> Bool
    ) throws(BackupFailure) -> Found {
        do throws(StoreError) {
            let copy = try StoredCopy(path: path)
            let sweep = try copy.sweep(isCancelled: isCancelled)
            let tree = try AuditCopy.tree(of: copy)
            return Found(
                sequence: copy.sequence, heads: copy.heads, auditSize: tree.size,
                auditRoot: tree.root, events: sweep.events)
        } catch {
            throw BackupFailure(error)
        }
    }

    private static func compare(
        _ found: Found, _ manifest: BackupManifest
    ) throws(BackupFailure) {
        guard found.sequence == manifest.sequence else {
            throw .damaged("the database ends at write \(found.sequence)")
        }
        guard found.auditSize == manifest.auditSize, found.auditRoot == manifest.auditRoot else {
            throw .damaged("the audit log in it is not the one that the manifest names")
        }
        guard found.events == manifest.events else {
            throw .damaged("it holds \(found.events) events")
        }
    }
}
