import Audit
import AuditProof
import Store

/// Makes one backup.
///
/// Under a hidden name, which nobody takes for a backup, and which a start removes; it gets its name
/// when all of it was synced, read again and checked. So a kill or a full disk leaves no half backup
/// that looks whole. On its way out a failure removes what it made.
struct BackupMaker: Sendable {
    static let hiddenPrefix = ".making-"
    static let deletedPrefix = ".deleting-"

    let store: Store
    /// Today's key.
    let signer: @Sendable () -> NoteSigner
    let keyringID: String
    /// Where backups lie.
    let directory: String
    let dataDirectory: String
    let program: String
    let clock: @Sendable () -> Milliseconds

    /// Beside the database, so that table files are links and commits wait for milliseconds only.
    private var checkpointPath: String { Self.checkpointPath(dataDirectory) }

    static func checkpointPath(_ dataDirectory: String) -> String {
        "\(dataDirectory)/checkpoint.making"
    }

    struct Made: Sendable {
        var manifest: BackupManifest
        var stalledNanoseconds: UInt64
    }

    /// Blocks, for as long as it takes to write the database once and to read it twice.
    func make(
        name: String, isAutomatic: Bool, isCancelled: @Sendable () -> Bool
    ) throws(BackupFailure) -> Made {
        try checkRoom()
        let hidden = "\(directory)/\(Self.hiddenPrefix)\(name)"
        do throws(BackupFailure) {
            try Self.removeIfThere(checkpointPath)
            try BackupFiles.makeDirectory(hidden)
            try BackupFiles.makeDirectory("\(hidden)/db")
            let createdAt = clock()
            let checkpoint = try checkpoint()
            var sums = BackupSums()
            var bytes: UInt64 = 0
            for file in try BackupFiles.names(checkpointPath) {
                let copied = try BackupFiles.copy(
                    "\(checkpointPath)/\(file)", to: "\(hidden)/db/\(file)",
                    isCancelled: isCancelled)
                sums.files[file] = copied.sha256
                bytes += copied.bytes
            }
            // The links hold room in the data's file system: not a moment longer than needed.
            try BackupFiles.removeTree(checkpointPath)
            try BackupFiles.sync(directory: "\(hidden)/db")
            let found = try check(hidden, sums, checkpoint, isCancelled)
            let manifest = BackupManifest(
                name: name, createdAt: createdAt, verifiedAt: clock(), keyringID: keyringID,
                sequence: found.sequence, auditSize: found.auditSize, auditRoot: found.auditRoot,
                events: found.events, files: sums.files.count, bytes: bytes,
                sumsSHA256: sums.sha256, isAutomatic: isAutomatic, program: program)
            try finish(hidden, manifest, sums)
            return Made(manifest: manifest, stalledNanoseconds: checkpoint.stalledNanoseconds)
        } catch {
            // What cannot be removed now is removed by the next start; the first reason is told.
            try? Self.removeIfThere(hidden)
            try? Self.removeIfThere(checkpointPath)
            throw error
        }
    }

    private func checkRoom() throws(BackupFailure) {
        try Self.expectLasting(directory, dataDirectory)
        guard BackupFiles.kind(directory) == .directory else {
            throw .refused("the directory for backups is not there: is its device mounted?")
        }
        let needed = store.statistics.diskBytes + (64 << 20)
        if let free = BackupFiles.freeBytes(directory), free < needed { throw .diskFull }
    }

    private func checkpoint() throws(BackupFailure) -> StoreCheckpoint {
        do throws(StoreError) {
            return try store.checkpoint(to: checkpointPath)
        } catch {
            throw BackupFailure(error)
        }
    }

    /// Reads from the backup itself what was written, all of it.
    private func check(
        _ hidden: String, _ sums: BackupSums, _ checkpoint: StoreCheckpoint,
        _ isCancelled: () -> Bool
    ) throws(BackupFailure) -> BackupVerification.Found {
        for (name, sha256) in sums.files {
            let again = try BackupFiles.hash("\(hidden)/db/\(name)", isCancelled: isCancelled)
            guard again.sha256 == sha256 else {
                throw .damaged("db/\(name) is not what was written")
            }
        }
        let found = try BackupVerification.read(
            database: "\(hidden)/db", isCancelled: isCancelled)
        guard found.sequence == checkpoint.sequence, found.heads == checkpoint.heads,
            let audit = AuditWatermark(checkpoint.audit), audit.size == found.auditSize,
            audit.root == found.auditRoot
        else { throw .damaged("it does not hold what the checkpoint did") }
        return found
    }

    private func finish(
        _ hidden: String, _ manifest: BackupManifest, _ sums: BackupSums
    ) throws(BackupFailure) {
        let signed: [UInt8]
        do {
            signed = try manifest.signed(signer())
        } catch {
            throw .io("the manifest cannot be signed: \(error)")
        }
        try BackupFiles.create("\(hidden)/\(BackupManifest.sumsName)", sums.bytes)
        try BackupFiles.create("\(hidden)/\(BackupManifest.fileName)", signed)
        try BackupFiles.sync(directory: hidden)
        // The point of no return: from here on there is a backup of this name.
        try BackupFiles.rename(hidden, to: "\(directory)/\(manifest.name)")
        try BackupFiles.sync(directory: directory)
    }

    /// The checkpoint is removed at each start and for each backup, with all that is in it.
    private static func expectLasting(
        _ directory: String, _ dataDirectory: String
    ) throws(BackupFailure) {
        let checkpoint = checkpointPath(dataDirectory)
        let removed = [checkpoint, checkpoint + ".tmp"]
        guard !removed.contains(where: { PlacePath.isInside(directory, $0) }) else {
            throw .refused(
                "the directory for backups is inside one of the data that the server removes: "
                    + "move it elsewhere")
        }
    }

    static func removeIfThere(_ path: String) throws(BackupFailure) {
        if BackupFiles.kind(path) != .missing { try BackupFiles.removeTree(path) }
    }

    /// Removes what makers left that died: our own hidden names, nothing else.
    static func tidy(directory: String?, dataDirectory: String) throws(BackupFailure) {
        if let directory { try expectLasting(directory, dataDirectory) }
        try removeIfThere(checkpointPath(dataDirectory))
        try removeIfThere(checkpointPath(dataDirectory) + ".tmp")
        guard let directory, BackupFiles.kind(directory) == .directory else { return }
        for name in try BackupFiles.names(directory) {
            for prefix in [hiddenPrefix, deletedPrefix]
            where name.hasPrefix(prefix) && BackupName.isValid(String(name.dropFirst(prefix.count)))
            {
                try BackupFiles.removeTree("\(directory)/\(name)")
            }
        }
    }
}
