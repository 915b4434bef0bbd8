/// Signs a log's checkpoints.
package struct CheckpointSigner: Sendable {
    private let signer: NoteSigner

    /// - Parameters:
    ///   - name: the log's origin and the key's name, like `example.com/audit`.
    ///   - privateKey: 32 bytes, the Ed25519 seed of RFC 8032.
    /// - Throws: `NoteError.invalidName`, or `malformedKey` if there are not 32 bytes.
    package init(name: String, privateKey seed: [UInt8]) throws(NoteError) {
        signer = try NoteSigner(name: name, privateKey: seed)
    }

    /// What verifiers need; `description` is its text form.
    package var key: VerifierKey { signer.key }

    /// The log's origin.
    package var name: String { key.name }

    /// `name+hex8+base64`, as every signed-note tool reads it.
    package var verifierKey: String { key.description }

    /// The signed note of this checkpoint. Costs one Ed25519 signature, some 30 µs.
    ///
    /// - Throws: `NoteError.invalidName` if the checkpoint's origin is not this signer's name.
    package func sign(_ checkpoint: Checkpoint) throws(NoteError) -> String {
        try sign(checkpoint, with: [])
    }

    /// The same with the signatures of other keys of the log behind it: of one that was replaced a
    /// short while ago, for verifiers that know only that.
    package func sign(
        _ checkpoint: Checkpoint, with others: [CheckpointSigner]
    ) throws(NoteError) -> String {
        var signatures: [SignedNote.Signature] = []
        for one in [self] + others {
            guard checkpoint.origin == one.name else { throw .invalidName }
            signatures += try one.signer.sign(checkpoint.text).signatures
        }
        return SignedNote(text: checkpoint.text, signatures: signatures).serialized
    }

    /// The same private key under another name: to verifiers it is another key, and no text of the
    /// one can be taken for one of the other.
    package func named(_ name: String) throws(NoteError) -> NoteSigner {
        try signer.named(name)
    }
}
