import ArgumentParser
import AuditProof
import Foundation

/// The keys by which what the audit log's keys signed is verified, offline.
struct LogKeyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A verifier key of the log, or a file with one on each line; repeatable.",
            valueName: "key"))
    var key: [String] = []
    @Option(
        help: ArgumentHelp(
            "An export of the log: it proves the changes of the key.", valueName: "directory"))
    var export: String?

    /// What was given, else what `strm init` and `strm keys rotate-signing` stored for the server.
    func keys(at server: String?) throws(CommandFailure) -> LogKeys {
        try LogKeys(try TrustedKeys.read(key, server: server), export: export)
    }
}

/// Finds the verifier keys that a person trusts.
enum TrustedKeys {
    /// In the order in which they were given or followed one another. The proofs of the changes of the
    /// key belong to the stored ones alone: who names keys trusts these, and nothing else.
    static func read(_ given: [String], server: String?) throws(CommandFailure) -> KnownKeys {
        var texts: [String] = []
        var proofs: [[UInt8]] = []
        for text in given { texts += try lines(text) }
        if given.isEmpty {
            let entries = try stored(server)
            texts = [entries.auditVerifierKey].compactMap { $0 } + (entries.laterVerifierKeys ?? [])
            proofs = (entries.keyChangeProofs ?? []).map { Array($0.utf8) }
        }
        guard !texts.isEmpty else {
            throw CommandFailure(
                .notConfigured, "no verifier key is known here, so nobody could tell whose it is",
                next: "--key with what strm init printed: name+hash+base64")
        }
        var keys: [VerifierKey] = []
        for text in texts {
            do { keys.append(try VerifierKey(text)) } catch {
                throw CommandFailure(
                    .failed, "this is not a verifier key: \(error)",
                    next: "--key with what strm init printed: name+hash+base64")
            }
        }
        do throws(ProofError) {
            return try KnownKeys(keys, rotations: proofs)
        } catch {
            throw CommandFailure(
                .failed, "the keys of the log that are stored here do not follow: \(error)",
                next: "--key with what strm init printed: name+hash+base64")
        }
    }

    /// Whether `strm init` stored one here.
    static func areStored(_ server: String?) throws(CommandFailure) -> Bool {
        try stored(server).auditVerifierKey != nil
    }

    private static func stored(
        _ server: String?
    ) throws(CommandFailure) -> CredentialStore.Server {
        try CredentialStore.standard().entries(for: try ServerURL.chosen(server))
    }

    /// A key as it is, or those of a file: the first word of each line, since what stands behind a
    /// key says since when it signs.
    private static func lines(_ text: String) throws(CommandFailure) -> [String] {
        guard FileManager.default.fileExists(atPath: text) else {
            guard text.split(separator: "+", omittingEmptySubsequences: false).count >= 3 else {
                throw CommandFailure(
                    .noInput, "--key \(Table.printable(text)) is no file and no verifier key",
                    next: "--key with what strm init printed: name+hash+base64")
            }
            return [text]
        }
        return String(decoding: try InputFile.read(text), as: UTF8.self)
            .split(whereSeparator: \.isNewline)
            .compactMap { line in line.split(separator: " ").first.map(String.init) }
    }
}

/// The known keys, and those that follow from them by the proofs in an export.
struct LogKeys {
    /// By which trees are believed that come without their log. Without any proof of a change of the
    /// key it is the newest alone: nobody could tell what an older one signed in its time.
    let chain: KeyChain
    /// All of them, each once, whatever their time: for what has no place in the tree.
    let all: [VerifierKey]

    init(_ known: KnownKeys, export: String?) throws(CommandFailure) {
        guard let export else {
            chain = known.chainWithoutLog
            let proven = known.proven?.terms.map(\.key) ?? []
            all = known.keys + proven.filter { !known.keys.contains($0) }
            return
        }
        try Self.expectDirectory(export)
        do throws(ProofError) {
            chain = try known.chain(
                rotation: { (number) throws(ProofError) in
                    try Self.rotation(number, in: export)
                }
            ).chain
            all = chain.terms.map(\.key)
        } catch {
            throw CommandFailure(.failed, "the keys of the log in \(export): \(error)")
        }
    }

    /// The keys as they sign under another name.
    func named(_ name: String) -> [VerifierKey] {
        all.compactMap { try? $0.renamed(name) }
    }

    /// For a text that no known key signed. It may be genuine all the same: of a key that came later.
    static func unknown(_ signers: [String]) -> CommandFailure {
        let names = signers.map { Table.printable($0) }.joined(separator: " and ")
        return CommandFailure(
            .failed, "signed by \(names), which does not follow from yours",
            next: "--export DIR with an export of the log, if its key was changed since; if it "
                + "does not lead there either, this is not genuine")
    }

    /// For a proof that only a key signed that another one followed.
    static func replaced(_ signers: [String]) -> CommandFailure {
        let names = signers.map { Table.printable($0) }.joined(separator: " and ")
        return CommandFailure(
            .failed,
            "signed by \(names), which was replaced since, and nothing here tells when: whoever holds "
                + "that key now could have made it up",
            next: "--export DIR with an export of the log, or ask for the proof in a tree of today")
    }

    /// `name+key id` of each signature of a note.
    static func signers(_ note: some Collection<UInt8>) -> [String] {
        guard let signed = try? SignedNote(parsing: Array(note)) else { return [] }
        return signed.signatures.map { "\($0.name)+\(VerifierKey.hexadecimal($0.keyID))" }
    }

    private static func expectDirectory(_ directory: String) throws(CommandFailure) {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: directory, isDirectory: &isDirectory),
            isDirectory.boolValue
        else { throw .cannotRead(directory, reason: "it is no directory with an export") }
    }

    /// The proof of a change of the key; nil: there is none of this number.
    private static func rotation(
        _ number: Int, in directory: String
    ) throws(ProofError) -> [UInt8]? {
        let path = "\(directory)/rotations/\(number)"
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        do throws(CommandFailure) {
            return try InputFile.read(path)
        } catch {
            throw .rotation(number: number, error.message)
        }
    }
}

extension KnownKeys {
    /// Whether none of these signatures, `name+key id`, is of one of the keys.
    func isUnknown(_ signers: [String]) -> Bool {
        let proven = self.proven?.terms.map(\.key) ?? []
        return Set((keys + proven).map(\.identity)).isDisjoint(with: signers)
    }
}

extension VerifierKey {
    /// `name+key id`, as a signature line names the key.
    var identity: String {
        description.split(separator: "+").prefix(2).joined(separator: "+")
    }
}
