import ArgumentParser
import AuditProof
import Foundation

/// `strm keys rotate-signing`: another key for the audit log.
struct KeysRotateSigning: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-signing",
        abstract: "Let another key sign the audit log, manifests and receipts.",
        usage: "strm keys rotate-signing [--overlap-days <days>] [options]",
        discussion: """
            The new key is named by an entry of the log that the old key signs, so whoever has the \
            key of strm init follows: verify needs no other. Witnesses and tools that know one key \
            alone must be given the new one within the overlap, during which both sign checkpoints.

            EXAMPLE
              strm keys rotate-signing --overlap-days 30
            """)

    @Option(
        help: ArgumentHelp(
            "How long the old key signs checkpoints too, 0 to 365.", valueName: "days"))
    var overlapDays = 30
    @OptionGroup(title: "Connection") var connection: ConnectionOptions
    @OptionGroup var output: OutputOptions

    mutating func validate() throws {
        guard (0...365).contains(overlapDays) else {
            throw ValidationError("--overlap-days is 0 to 365.")
        }
    }

    func run() async throws {
        try await ServerClient.with(connection, .manage) { client in
            let reply = try await client.request(
                "POST", "/v1/keys/rotate-signing",
                json: .object(["overlapDays": .integer(Int64(overlapDays))]))
            try reply.check("change the signing key")
            let answer = try reply.json()
            let isStored = try await remember(client)
            switch output.output {
            case .json: Terminal.print(answer.text())
            case .table:
                func cell(_ name: String) -> String {
                    answer[name].map { Entity.cell(name, $0) } ?? ""
                }
                Terminal.print(
                    Table.card([
                        ("key", cell("key")), ("number", cell("number")),
                        ("named by entry", cell("entry")), ("before it", cell("previous")),
                        ("both sign for", "\(overlapDays) days"),
                    ]))
                Terminal.note(
                    "keep the new key too, beside that of strm init: receipts, backups, manifests and "
                        + "proofs are signed by it from now on"
                        + (isStored ? " (it is stored on this machine)" : ""))
                Terminal.note(
                    "strm audit verify follows from any of them; give witnesses the new one")
            }
        }
    }

    /// Stores the keys that follow from the pinned one, and the proofs, if the log proves it and
    /// contradicts nothing that is stored already.
    /// - Returns: whether they were stored; not if no key is pinned here.
    private func remember(_ client: ServerClient) async throws -> Bool {
        let server = try ServerURL.chosen(connection.server)
        let store = CredentialStore.standard()
        guard let pinned = try store.entries(for: server).auditVerifierKey else { return false }
        let keys = try await client.request("GET", "/v1/audit/verifier-keys")
        try keys.check("read the keys of the audit log")
        var proofs: [[UInt8]] = []
        for number in 1..<max(1, try keys.json()["items"]?.array?.count ?? 1) {
            let proof = try await client.request("GET", "/v1/audit/rotations/\(number)")
            try proof.check("read the proof of the change")
            proofs.append(proof.body)
        }
        do {
            let known = try TrustedKeys.read([], server: connection.server)
            _ = try known.chain(
                rotation: { number in number <= proofs.count ? proofs[number - 1] : nil })
            let chain = try KeyChain(trusting: try VerifierKey(pinned), rotations: proofs)
            let later = chain.terms.map(\.key.description).drop { $0 != pinned }.dropFirst()
            try store.pinLaterVerifierKeys(
                Array(later), proofs: proofs.map { String(decoding: $0, as: UTF8.self) },
                at: server)
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(
                .failed,
                "the key was changed, but the new one does not follow from the key that is "
                    + "stored here: \(error)",
                next:
                    "strm audit keys; look whose server this is, and in docs/verify-audit.md if a "
                    + "backup was brought back")
        }
        return true
    }
}
