package import AuditProof
import Export
package import Store

/// What a backup is, signed, so that nobody has to believe the place where it lies.
///
/// A backup is a directory:
///
///     manifest.json    {"manifest":{…},"signature":"— streammachine.dev/backups …"}
///     SHA256SUMS       a line "HEX  db/NAME" for each file, sorted, as sha256sum writes it
///     db/              the database: files only
///
/// The signature is that of a C2SP signed note whose text is the value of `manifest` as
/// `CanonicalJSON` and one newline, by the key of the audit log under a name of its own.
package struct BackupManifest: Sendable, Equatable {
    static let version: Int64 = 1
    static let keyName = "streammachine.dev/backups"
    static let fileName = "manifest.json"
    static let sumsName = "SHA256SUMS"
    static let bytesMax = 64 << 10
    static let sumsBytesMax = 64 << 20

    package var name: String
    /// When the database was as it lies here, ms since 1970.
    package var createdAt: Milliseconds
    /// When the whole backup had been read again and checked, before it got its name.
    package var verifiedAt: Milliseconds
    /// Hexadecimal: only the keyring with this id opens what is sealed in it.
    package var keyringID: String
    /// The number of the last write in it.
    package var sequence: UInt64
    package var auditSize: UInt64
    package var auditRoot: TreeHash
    package var events: UInt64
    package var files: Int
    package var bytes: UInt64
    /// Of the file `SHA256SUMS`, hexadecimal.
    package var sumsSHA256: String
    /// Made by the server by itself, and removed by it when there are too many.
    package var isAutomatic: Bool
    /// Of the program that made it.
    package var program: String

    var json: CanonicalJSON {
        .object([
            "version": .integer(Self.version), "name": .string(name),
            "createdAt": .string(WireTime.format(createdAt)),
            "verifiedAt": .string(WireTime.format(verifiedAt)),
            "keyringId": .string(keyringID),
            "sequence": .integer(Int64(clamping: sequence)),
            "auditSize": .integer(Int64(clamping: auditSize)),
            "auditRoot": .string(auditRoot.base64),
            "events": .integer(Int64(clamping: events)), "files": .integer(Int64(files)),
            "bytes": .integer(Int64(clamping: bytes)), "sha256sums": .string(sumsSHA256),
            "madeBy": .string(isAutomatic ? "schedule" : "request"), "program": .string(program),
        ])
    }

    /// The file `manifest.json`.
    func signed(_ signer: NoteSigner) throws(NoteError) -> [UInt8] {
        let text = json.text
        let note = try signer.sign(text + "\n").serialized
        let line = String(note.dropLast().split(separator: "\n").last ?? "")
        return Array(
            ("{\"manifest\":\(text),\"signature\":" + CanonicalJSON.string(line).text + "}\n").utf8)
    }

    /// Reads a file `manifest.json` that one of `keys` signed.
    /// - Throws: `.damaged`; also for a version that this program does not know.
    init(_ file: [UInt8], verifiedBy keys: [VerifierKey]) throws(BackupFailure) {
        let (manifest, signature) = try Self.parse(file)
        let text = "\(try Self.canonical(manifest).text)\n"
        let note: SignedNote
        do {
            note = try SignedNote(parsing: Array("\(text)\n\(signature)\n".utf8))
        } catch {
            throw .damaged("its manifest has no signature: \(error)")
        }
        var reason = NoteError.notSigned
        let isSigned = keys.contains { key in
            do throws(NoteError) {
                try note.verify(with: key)
                return true
            } catch {
                if error != .notSigned { reason = error }
                return false
            }
        }
        guard isSigned else {
            throw .damaged("its manifest is not signed by this installation's key (\(reason))")
        }
        try self.init(manifest)
    }

    /// Reads it without a signature: for a list, and for nothing that is acted on.
    init(unverified file: [UInt8]) throws(BackupFailure) {
        try self.init(try Self.parse(file).manifest)
    }

    private static func parse(
        _ file: [UInt8]
    ) throws(BackupFailure) -> (manifest: WireValue, signature: String) {
        do {
            let document = try WireParser.parse(file)
            if let manifest = document["manifest"], case .string(let line)? = document["signature"],
                case .object(let members) = document, members.count == 2
            {
                return (manifest, line)
            }
        } catch {
            // Told below: what is wrong with the JSON of a damaged file leads nowhere.
        }
        throw .damaged("its manifest cannot be read")
    }

    private init(_ value: WireValue) throws(BackupFailure) {
        func text(_ name: String) throws(BackupFailure) -> String {
            guard case .string(let text)? = value[name] else {
                throw .damaged("its manifest lacks \(name)")
            }
            return text
        }
        func number(_ name: String) throws(BackupFailure) -> UInt64 {
            guard case .integer(let number)? = value[name], number >= 0 else {
                throw .damaged("its manifest lacks \(name)")
            }
            return UInt64(number)
        }
        func time(_ name: String) throws(BackupFailure) -> Milliseconds {
            guard let time = WireTime.parse(try text(name)) else {
                throw .damaged("its manifest lacks \(name)")
            }
            return time
        }
        let version = try number("version")
        guard version == Self.version else {
            throw .damaged(
                "its version \(version) is not known; this program knows \(Self.version)")
        }
        name = try text("name")
        createdAt = try time("createdAt")
        verifiedAt = try time("verifiedAt")
        keyringID = try text("keyringId")
        sequence = try number("sequence")
        auditSize = try number("auditSize")
        guard let root = TreeHash(base64: try text("auditRoot")) else {
            throw .damaged("its manifest lacks auditRoot")
        }
        auditRoot = root
        events = try number("events")
        files = Int(clamping: try number("files"))
        bytes = try number("bytes")
        sumsSHA256 = try text("sha256sums")
        isAutomatic = try text("madeBy") == "schedule"
        program = try text("program")
        guard BackupName.isValid(name) else { throw .damaged("its name is none of a backup") }
    }

    private static func canonical(_ value: WireValue) throws(BackupFailure) -> CanonicalJSON {
        switch value {
        case .null: return .null
        case .integer(let number): return .integer(number)
        case .string(let text): return .string(text)
        case .array(let items):
            var all: [CanonicalJSON] = []
            for item in items { all.append(try canonical(item)) }
            return .array(all)
        case .object(let members):
            var all: [String: CanonicalJSON] = [:]
            for (name, member) in members { all[name] = try canonical(member) }
            return .object(all)
        case .bool, .number, .json: throw .damaged("its manifest cannot be read")
        }
    }

    init(
        name: String, createdAt: Milliseconds, verifiedAt: Milliseconds, keyringID: String,
        sequence: UInt64, auditSize: UInt64, auditRoot: TreeHash, events: UInt64, files: Int,
        bytes: UInt64, sumsSHA256: String, isAutomatic: Bool, program: String
    ) {
        self.name = name
        self.createdAt = createdAt
        self.verifiedAt = verifiedAt
        self.keyringID = keyringID
        self.sequence = sequence
        self.auditSize = auditSize
        self.auditRoot = auditRoot
        self.events = events
        self.files = files
        self.bytes = bytes
        self.sumsSHA256 = sumsSHA256
        self.isAutomatic = isAutomatic
        self.program = program
    }
}
