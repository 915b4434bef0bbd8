import AuditProof

/// The keys of a server's audit log as the server names them, with the proofs of their changes.
/// That they belong together, only a `KeyChain` of them says.
struct OfferedKeys: Sendable {
    /// Today's, as text.
    let current: String
    /// The proofs of all changes of the key, in their order.
    let rotations: [[UInt8]]

    static func fetch(_ client: ServerClient) async throws -> OfferedKeys {
        let reply = try await client.request("GET", "/v1/audit/verifier-keys")
        try reply.check("read the keys of the audit log")
        let keys = try reply.json()["items"]?.array ?? []
        guard let current = keys.last?["key"]?.string else {
            throw CommandFailure(.failed, "the server names no key of the audit log")
        }
        var rotations: [[UInt8]] = []
        for number in 1..<max(1, keys.count) {
            let proof = try await client.request("GET", "/v1/audit/rotations/\(number)")
            try proof.check("read the proof of change \(number) of the key")
            rotations.append(proof.body)
        }
        return OfferedKeys(current: current, rotations: rotations)
    }
}

/// What this machine knows of the keys of a server's log, and how it learns of later ones.
///
/// A key that is stored here is never replaced: what a server offers is stored if it follows from
/// that key, and from everything else that is known.
enum KeyMemory {
    /// - Returns: nil: no key of this server's log is stored here.
    static func known(at server: String?) throws(CommandFailure) -> KnownKeys? {
        guard try TrustedKeys.areStored(server) else { return nil }
        return try TrustedKeys.read([], server: server)
    }

    /// Stores the keys that came later, and the proofs of all changes.
    ///
    /// - Parameter known: what was stored here when the command began.
    /// - Returns: whether anything of it was new.
    /// - Throws: `failed` if the keys contradict what is known; nothing was stored then.
    static func learn(
        _ offered: OfferedKeys, knowing known: KnownKeys, at server: String?
    ) throws(CommandFailure) -> Bool {
        let changes = known.proven?.handovers.count ?? 0
        guard offered.rotations.count >= changes else {
            throw otherLog(
                "the log changed its key \(offered.rotations.count) times, but \(changes) changes "
                    + "are stored here")
        }
        let chain: KeyChain
        do throws(ProofError) {
            chain = try known.chain(
                rotation: { number in
                    number <= offered.rotations.count ? offered.rotations[number - 1] : nil
                }
            ).chain
        } catch {
            throw otherLog(
                "the keys of the log do not follow from those that are stored here: \(error)")
        }
        // A log that never changed its key offers no proof, and so none that contradicts.
        guard chain.terms.contains(where: { $0.key.description == offered.current }) else {
            throw otherLog(
                "the keys of the log do not follow from those that are stored here: it is signed by "
                    + offered.current)
        }
        let first = known.keys[0]
        let later = chain.terms.map(\.key).drop { $0 != first }.dropFirst().map(\.description)
        let store = CredentialStore.standard()
        let url = try ServerURL.chosen(server)
        let stored = try store.entries(for: url)
        guard
            (stored.laterVerifierKeys ?? []) != later
                || (stored.keyChangeProofs?.count ?? 0) != offered.rotations.count
        else { return false }
        try store.pinLaterVerifierKeys(
            later, proofs: texts(offered), following: first.description, at: url)
        return true
    }

    /// Stores keys of which nothing is known here but what the server says.
    ///
    /// - Returns: all of them, the oldest first.
    /// - Throws: `failed` if they do not follow from one another.
    static func trust(
        _ offered: OfferedKeys, at server: String?
    ) throws(CommandFailure) -> [String] {
        let chain: KeyChain
        do {
            chain = try KeyChain(
                trusting: try VerifierKey(offered.current), rotations: offered.rotations)
        } catch {
            throw CommandFailure(
                .failed, "the keys that the server names do not follow from one another: \(error)")
        }
        let keys = chain.terms.map(\.key.description)
        try CredentialStore.standard().pinFirstVerifierKeys(
            keys, proofs: texts(offered), at: try ServerURL.chosen(server))
        return keys
    }

    private static func texts(_ offered: OfferedKeys) -> [String] {
        offered.rotations.map { String(decoding: $0, as: UTF8.self) }
    }

    private static func otherLog(_ reason: String) -> CommandFailure {
        CommandFailure(
            .failed, reason,
            next: "strm audit keys; look whose server this is, and in docs/verify-audit.md if a "
                + "backup was brought back")
    }
}
