import Audit
import AuditProof
import Export
import Glibc
import Store
import Vault

/// The permission to start once on a state that is older than the watermark: a restore leaves it, it
/// names the backup, and no other older state is let in by it. The first start uses it up.
///
/// It counts only as long as the watermark is the one that it gives up: the first commit on the
/// restored state, the entry `storeRestored` with this permission's id, replaces that. So a copy of a
/// permission that was used lets nothing in later, and is no harm where its entry is on record.
///
/// The file `restored` in the keyring directory: a C2SP signed note by the key of the audit log under
/// a name of its own, whose text is that name and one line of `CanonicalJSON`.
struct RestoreTicket: Sendable, Equatable {
    static let keyName = "streammachine.dev/restores"
    private static let fileName = "restored"
    private static let bytesMax = 16 << 10

    /// What the log that is given up had, as far as the watermark file knew it.
    struct Abandoned: Sendable, Equatable {
        var auditSize: UInt64
        var auditRoot: TreeHash
        var sequence: UInt64
    }

    /// Of this restore: random, hexadecimal.
    var id: String
    /// The backup's name.
    var backup: String
    var sequence: UInt64
    var auditSize: UInt64
    var auditRoot: TreeHash
    /// nil: there was no watermark, so nobody here knows.
    var abandoned: Abandoned?
    /// Somebody said that the erasure ledger is lost; nil: it must be there.
    var lostLedger: LostLedger?
    /// False: the restore is on record already, and this is a start like any other.
    var allowsOlderState = true

    /// For the audit entry `storeRestored`.
    var detail: [String: String] {
        var detail = [
            "restore": id, "backup": backup, "auditSize": String(auditSize),
            "auditRoot": auditRoot.base64,
        ]
        detail["abandonedAuditSize"] = abandoned.map { String($0.auditSize) } ?? "unknown"
        detail["abandonedAuditRoot"] = abandoned.map { $0.auditRoot.base64 } ?? "unknown"
        if let lostLedger {
            detail["erasureLedgerLost"] = "true"
            detail["erasureLedgerSeen"] = String(lostLedger.seen)
            detail["erasureLedgerFound"] = String(lostLedger.found)
        }
        return detail
    }

    /// The ticket that a restore left; nil: there is none, which is the usual case.
    /// - Throws: `BackupFailure.refused` if it is not signed by this installation's newest key, the
    ///   database is not that backup, or the permission was used. The start must be refused.
    static func find(_ settings: ServerSettings, _ vault: Vault) throws -> RestoreTicket? {
        let path = "\(settings.keyringDirectory)/\(fileName)"
        guard BackupFiles.kind(path) != .missing else { return nil }
        let bytes = try BackupFiles.contents(path, bytesMax: bytesMax)
        // The newest alone: one that was replaced may be in other hands.
        let keys = try AuditKeys.keys(named: keyName, vault)
        guard let key = keys.last,
            let note = try? SignedNote(parsing: bytes), (try? note.verify(with: key)) != nil,
            var ticket = RestoreTicket(text: note.text)
        else {
            throw BackupFailure.refused(
                "\(path) is no permission that `strm restore` of this installation left"
                    + (isOfReplacedKey(bytes, keys) ? replacedKeyText : ""))
        }
        ticket.allowsOlderState = try ticket.allowsOlder(
            database: "\(settings.directory)/db",
            try WatermarkFacts.read("\(settings.keyringDirectory)/watermark"))
        return ticket
    }

    /// An earlier release signed with the first key, whichever came after it.
    private static let replacedKeyText =
        ": it is signed by a key that was replaced, and whoever holds that one may have made it. "
        + "Earlier releases signed so: if you restored with one of them, and this is the first "
        + "start since, the restore must be repeated with this one, into an empty directory; else "
        + "remove the file"

    private static func isOfReplacedKey(_ bytes: [UInt8], _ keys: [VerifierKey]) -> Bool {
        guard let note = try? SignedNote(parsing: bytes) else { return false }
        return keys.dropLast().contains { (try? note.verify(with: $0)) != nil }
    }

    /// Signed, whole and synced when it returns; takes the place of an older one.
    func leave(in directory: String, _ vault: Vault) throws {
        let newest = vault.auditSigningNumbers.last ?? 0
        let signer = try NoteSigner(
            name: Self.keyName, privateKey: vault.secret(.auditSigning(number: newest)))
        let note = try signer.sign("\(Self.keyName)\n\(json.text)\n").serialized
        let path = "\(directory)/\(Self.fileName)"
        unlink("\(path).next")
        try BackupFiles.create("\(path).next", Array(note.utf8))
        try BackupFiles.rename("\(path).next", to: path)
        try BackupFiles.sync(directory: directory)
    }

    static func remove(in directory: String) throws(BackupFailure) {
        guard unlink("\(directory)/\(fileName)") == 0 || errno == ENOENT else {
            // A permission that stays would let another older state in.
            let reason = String(cString: strerror(errno))
            throw .io("\(directory)/\(fileName) cannot be removed: \(reason)")
        }
        try BackupFiles.sync(directory: directory)
    }

    /// Whether the start may be on a state that is older than the watermark.
    ///
    /// A start that died may have written to the restored database: offsets that it skips, so that
    /// the number of the last write is not that of the backup any more, and the entry. But an audit
    /// log that goes on in any other way is of another state, such as one from before the disaster.
    private func allowsOlder(database: String, _ watermark: WatermarkFacts?) throws -> Bool {
        let seen = watermark.flatMap { AuditWatermark($0.audit) }
        let isUnused =
            seen == abandoned.map { AuditWatermark(size: $0.auditSize, root: $0.auditRoot) }
        let told: String
        do throws(StoreError) {
            let copy = try StoredCopy(path: database)
            if copy.sequence >= sequence,
                try AuditCopy.root(of: copy, size: auditSize) == auditRoot
            {
                if try isRecorded(in: copy) { return isUnused && abandoned != nil }
                if try AuditCopy.hasEntry(auditSize, in: copy) {
                    told = "the database has gone on since the backup \(backup) was made"
                } else if isUnused {
                    return true
                } else {
                    told = "the permission was used, and the installation has gone on since"
                }
            } else {
                told = "the database is not the backup \(backup)"
            }
        } catch {
            told = "the database is not the backup \(backup): \(error.description)"
        }
        throw BackupFailure.refused(
            "A restore allows one start, on the backup \(backup) alone, but \(told). Restore again "
                + "into an empty directory, or, if that is not wanted, remove the file "
                + "\(Self.fileName) from the keyring directory.")
    }

    private func isRecorded(in copy: StoredCopy) throws(StoreError) -> Bool {
        try AuditCopy.entries(.storeRestored, of: copy, from: auditSize, lookingAt: 1_000)
            .contains { $0.line.contains("\"restore\":\"\(id)\"") }
    }

    private var json: CanonicalJSON {
        var members: [String: CanonicalJSON] = [
            "version": .integer(1), "restore": .string(id), "backup": .string(backup),
            "sequence": .integer(Int64(clamping: sequence)),
            "auditSize": .integer(Int64(clamping: auditSize)),
            "auditRoot": .string(auditRoot.base64), "abandoned": .null,
        ]
        if let abandoned {
            members["abandoned"] = .object([
                "auditSize": .integer(Int64(clamping: abandoned.auditSize)),
                "auditRoot": .string(abandoned.auditRoot.base64),
                "sequence": .integer(Int64(clamping: abandoned.sequence)),
            ])
        }
        if let lostLedger {
            members["lostLedger"] = .object([
                "seen": .integer(Int64(clamping: lostLedger.seen)),
                "found": .integer(Int64(clamping: lostLedger.found)),
            ])
        }
        return .object(members)
    }

    /// nil: not of the form above. The text is authentic.
    private init?(text: String) {
        let lines = text.split(separator: "\n")
        guard lines.count == 2, lines[0] == Self.keyName,
            let value = try? WireParser.parse(Array(lines[1].utf8)),
            value["version"]?.wholeNumber == 1, case .string(let id)? = value["restore"],
            case .string(let backup)? = value["backup"],
            let place = Self.place(value), case .integer(let sequence)? = value["sequence"]
        else { return nil }
        var abandoned: Abandoned?
        if let given = value["abandoned"], !given.isNull {
            guard let place = Self.place(given), case .integer(let sequence)? = given["sequence"]
            else { return nil }
            abandoned = Abandoned(
                auditSize: place.size, auditRoot: place.root, sequence: UInt64(sequence))
        }
        var lostLedger: LostLedger?
        if let given = value["lostLedger"] {
            guard case .integer(let seen)? = given["seen"],
                case .integer(let found)? = given["found"]
            else { return nil }
            lostLedger = LostLedger(seen: UInt64(seen), found: UInt64(found))
        }
        self.init(
            id: id, backup: backup, sequence: UInt64(sequence), auditSize: place.size,
            auditRoot: place.root, abandoned: abandoned, lostLedger: lostLedger)
    }

    private static func place(_ value: WireValue) -> (size: UInt64, root: TreeHash)? {
        guard case .integer(let size)? = value["auditSize"],
            case .string(let root)? = value["auditRoot"], let hash = TreeHash(base64: root)
        else { return nil }
        return (UInt64(size), hash)
    }

    init(
        id: String, backup: String, sequence: UInt64, auditSize: UInt64, auditRoot: TreeHash,
        abandoned: Abandoned?, lostLedger: LostLedger? = nil
    ) {
        self.id = id
        self.backup = backup
        self.sequence = sequence
        self.auditSize = auditSize
        self.auditRoot = auditRoot
        self.abandoned = abandoned
        self.lostLedger = lostLedger
    }
}
