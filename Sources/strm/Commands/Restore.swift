import ArgumentParser
import Foundation
import Server

/// `strm restore`: a backup into an empty data directory.
struct Restore: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bring a backup back into an empty data directory.",
        usage: "strm restore <backup> [--data <directory>] [options]",
        discussion: """
            No server may run on it. The backup is checked first, and so is that the keyring is \
            its own. What was acknowledged after the backup is lost; the next start puts that on \
            record, with the size and root of the audit log that is given up.

            EXAMPLE
              strm restore /mnt/backups/20261129T195000Z-3f9a2c --data /var/lib/strm
              strm restore /mnt/backups/20261129T195000Z-3f9a2c --data /var/lib/strm \
                --keyring-from-escrow /mnt/escrow --master-key file:/mnt/safe/master.key
            """)

    @Argument(help: "The directory of a backup.") var backup: String
    @OptionGroup var directory: DataDirectoryOptions

    @Option(
        name: .customLong("keyring"),
        help: ArgumentHelp(
            "The keyring directory (default: what DIR/strm.json says, else DIR/keys).",
            valueName: "directory"))
    var keyring: String?

    @Option(
        help: ArgumentHelp(
            "file:PATH, environment:NAME or command:PROGRAM ARG….", valueName: "source"))
    var masterKey: String?

    @Option(
        help: ArgumentHelp(
            "Bring the keyring back too, from this escrow, if the keyring directory has no other.",
            valueName: "directory"))
    var keyringFromEscrow: String?

    @Flag(help: "Keep the keyring's copy in that escrow from now on: not for a drill.")
    var adoptEscrow = false

    @Option(
        name: .customLong("erasures"),
        help: ArgumentHelp(
            "Where the erasure ledger is (default: what DIR/strm.json says, else the keyring "
                + "directory).", valueName: "directory"))
    var erasures: String?

    @Flag(
        help: """
            The erasure ledger is lost: start without it. Erasures that were not destroyed yet, and \
            fences, are forgotten; see docs/backup.md.
            """)
    var erasureLedgerLost = false

    @Flag(
        help: """
            The backup is signed by a signing key that was replaced before it was made, and you know \
            that it is yours all the same; see docs/backup.md.
            """)
    var replacedSigningKey = false

    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        if let masterKey, MasterKeyCustody(masterKey) == nil {
            throw ValidationError(
                "--master-key is file:PATH, environment:NAME or command:PROGRAM ARG…")
        }
        if adoptEscrow, keyringFromEscrow == nil {
            throw ValidationError("--adopt-escrow is of --keyring-from-escrow.")
        }
    }

    func run() throws {
        // Before anything else is looked at, whose absence would be told instead.
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: backup, isDirectory: &isDirectory),
            isDirectory.boolValue
        else { throw CommandFailure.cannotRead(backup, reason: "there is no such directory") }
        let data = directory.path
        let result: RestoreResult
        do {
            var options = RestoreOptions(
                backup: Self.absolute(backup), dataDirectory: data,
                keyringDirectory: keyring.map(Self.absolute),
                masterKey: custody,
                escrowDirectory: keyringFromEscrow.map(Self.absolute),
                erasuresDirectory: erasures.map(Self.absolute),
                acceptsLostLedger: erasureLedgerLost)
            options.acceptsReplacedKey = replacedSigningKey
            options.adoptsEscrow = adoptEscrow
            result = try Restoration.restore(options)
        } catch {
            throw ServerFailure.explain(error, data: data)
        }
        if !result.wroteSettings { warnOfSettings(in: data) }
        if result.hasNoEscrow {
            Terminal.note(
                "No settings name the escrow: the server keeps no copy of the keyring, and what it "
                    + "destroys stays in that one. That is right for a drill. If this is the server "
                    + "from now on, set keyring.escrow.directory before it starts.")
        }
        let pairs = Self.pairs(result)
        switch output.output {
        case .json:
            Terminal.print(
                JSONValue.object(
                    Dictionary(uniqueKeysWithValues: pairs.map { ($0.0, $0.1) })
                ).text())
        case .table:
            Terminal.print(Table.card(pairs.map { (Table.words($0.0), $0.1.cell) }))
            Terminal.note(
                "What was decided after the backup is undone too: clients that were deleted, "
                    + "approvals, positions of exporters and consumers.\nnext: strm serve --data "
                    + data)
        }
    }

    /// A server may be started from anywhere.
    private var custody: MasterKeyCustody? {
        masterKey.flatMap { MasterKeyCustody($0) }?.absolute(
            in: FileManager.default.currentDirectoryPath)
    }

    /// Settings that were there stay as they are. What was given here and stands otherwise in them, or
    /// not at all, was good for this restore, and the next start knows nothing of it.
    private func warnOfSettings(in data: String) {
        let settings = FileManager.default.contents(atPath: "\(data)/strm.json")
            .flatMap { try? JSONValue(parsing: $0) }
        let given: [(key: String, value: String?)] = [
            ("keyring.directory", keyring.map(Self.absolute)),
            ("keyring.escrow.directory", keyringFromEscrow.map(Self.absolute)),
            ("erasures.directory", erasures.map(Self.absolute)),
            ("masterKey", custody?.description),
        ]
        for (key, value) in given {
            let said = key.split(separator: ".").reduce(settings) { $0?[String($1)] }?.string
            guard let value, said != value else { continue }
            Terminal.note(
                "warning: \(data)/strm.json was there and was left as it is: it does not say that "
                    + "\(key) is \(value). Write it there if the server is to use it.")
        }
    }

    private static func pairs(_ result: RestoreResult) -> [(String, JSONValue)] {
        func number(_ value: UInt64?) -> JSONValue {
            value.map { .integer(Int64(clamping: $0)) } ?? .null
        }
        return [
            ("backup", .string(result.backup)), ("createdAt", .string(result.createdAt)),
            ("events", number(result.events)), ("bytes", number(result.bytes)),
            ("lostEvents", number(result.lostEvents)), ("auditSize", number(result.auditSize)),
            ("abandonedAuditSize", number(result.abandonedAuditSize)),
            ("abandonedAuditRoot", result.abandonedAuditRoot.map { .string($0) } ?? .null),
            ("days", .integer(Int64(result.days))),
            ("expiredDays", .integer(Int64(result.expiredDays))),
            ("escrowGeneration", number(result.escrowGeneration)),
            ("erasureLedgerSeen", number(result.lostLedger?.seen)),
            ("erasureLedgerFound", number(result.lostLedger?.found)),
            ("wroteSettings", .boolean(result.wroteSettings)),
        ]
    }

    private static func absolute(_ path: String) -> String {
        let text = URL(filePath: path, directoryHint: .isDirectory).standardizedFileURL.path(
            percentEncoded: false)
        return text.hasSuffix("/") && text.count > 1 ? String(text.dropLast()) : text
    }
}
