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
        let trusted = try TrustedKeys.read(key, server: server)
        return try LogKeys(trusted, export: export)
    }
}

/// Finds the verifier keys that a person trusts.
enum TrustedKeys {
    /// In their order of time if they were stored; never empty.
    static func read(_ given: [String], server: String?) throws(CommandFailure) -> [VerifierKey] {
        var texts: [String] = []
        for text in given { texts += try lines(text) }
        if given.isEmpty { texts = try stored(server) }
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
        return keys
    }

    static func stored(_ server: String?) throws(CommandFailure) -> [String] {
        let entries = try CredentialStore.standard().entries(for: try ServerURL.chosen(server))
        return [entries.auditVerifierKey].compactMap { $0 } + (entries.laterVerifierKeys ?? [])
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

/// The trusted keys, and those that follow from them by the proofs in an export.
struct LogKeys {
    /// One that begins with each trusted key, the newest first; with an export, one for all.
    let chains: [KeyChain]
    /// All of them, each once.
    let all: [VerifierKey]

    init(_ trusted: [VerifierKey], export: String?) throws(CommandFailure) {
        guard let export else {
            chains = trusted.reversed().map { KeyChain($0) }
            all = trusted
            return
        }
        try Self.expectDirectory(export)
        var failure = ProofError.unknownKey
        for key in trusted.reversed() {
            do throws(ProofError) {
                let chain = try KeyChain(
                    trusting: key,
                    rotation: { (number) throws(ProofError) in
                        try Self.rotation(number, in: export)
                    })
                chains = [chain]
                all = chain.terms.map(\.key)
                return
            } catch { failure = error }
        }
        throw CommandFailure(.failed, "the keys of the log in \(export): \(failure)")
    }

    /// The keys as they sign under another name.
    func named(_ name: String) -> [VerifierKey] {
        all.compactMap { try? $0.renamed(name) }
    }

    /// Tries the chains, the newest first; a fault that is not the lack of a known signature counts
    /// more than one that is.
    func first<Value>(
        _ body: (KeyChain) throws(ProofError) -> Value
    ) throws(ProofError) -> Value {
        var failure: ProofError?
        for chain in chains {
            do throws(ProofError) { return try body(chain) } catch {
                if failure == nil || failure == .checkpoint(.note(.notSigned)) { failure = error }
            }
        }
        throw failure ?? .unknownKey
    }

    /// For a text that no known key signed. It may be genuine all the same: of a key that came later.
    static func unknown(_ signers: [String]) -> CommandFailure {
        let names = signers.map { Table.printable($0) }.joined(separator: " and ")
        return CommandFailure(
            .failed, "signed by \(names), which does not follow from yours",
            next: "--export DIR with an export of the log, if its key was changed since; if it "
                + "does not lead there either, this is not genuine")
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

extension VerifierKey {
    /// `name+key id`, as a signature line names the key.
    var identity: String {
        description.split(separator: "+").prefix(2).joined(separator: "+")
    }
}
