/// A newer checkpoint with the proof that its tree begins with an older one: what a log sends to a
/// witness (C2SP tlog-witness, `add-checkpoint`), and what we give as a consistency proof.
///
///     old <size of the older tree, decimal>
///     <hash, base64>      consistency proof of RFC 6962 §2.1.2; none if the old size is 0
///     …
///     <empty line>
///     <the newer checkpoint, a signed note>
package struct TreeUpdate: Sendable {
    /// As the specification says.
    package static let hashCountMax = 63
    /// 63 hashes and a checkpoint fit in it.
    package static let byteCountMax = SignedNote.byteCountMax + 4_096

    package let oldSize: UInt64
    package let hashes: [TreeHash]
    /// The signed note. Not verified by parsing.
    package let note: [UInt8]

    package init(oldSize: UInt64, hashes: [TreeHash], note: [UInt8]) {
        self.oldSize = oldSize
        self.hashes = hashes
        self.note = note
    }

    /// - Throws: `ProofError.malformed` for anything but the format above.
    package init(parsing bytes: [UInt8]) throws(ProofError) {
        guard bytes.count <= Self.byteCountMax else { throw .malformed("too long") }
        var lines = ProofLines(bytes)
        guard let text = lines.next()?.removingPrefix("old "), let oldSize = UInt64(text),
            String(oldSize) == text
        else { throw .malformed("it does not begin with the old size") }
        hashes = try lines.hashes(countMax: Self.hashCountMax)
        self.oldSize = oldSize
        note = lines.rest
    }

    /// The proof as it is stored and sent.
    package var text: String {
        "old \(oldSize)\n" + hashes.map { $0.base64 + "\n" }.joined() + "\n"
            + String(decoding: note, as: UTF8.self)
    }

    /// Verifies both signatures and that nothing of the older tree was changed.
    ///
    /// - Parameter kept: the older checkpoint, a signed note that was kept elsewhere.
    /// - Returns: the newer tree.
    package func verified(
        by chain: KeyChain, since kept: [UInt8]
    ) throws(ProofError) -> Checkpoint {
        let old: Checkpoint
        let new: Checkpoint
        do {
            old = try chain.checkpoint(kept)
            new = try chain.checkpoint(note)
        } catch { throw .checkpoint(error) }
        guard old.size == oldSize else { throw .otherOldSize(proof: oldSize, kept: old.size) }
        // Every tree begins with the empty one, so there is nothing to prove then.
        let isConsistent =
            oldSize == 0
            ? hashes.isEmpty
            : MerkleTree.verifyConsistency(
                oldSize: oldSize, oldRoot: old.root, newSize: new.size, newRoot: new.root,
                proof: hashes)
        guard isConsistent else { throw .notConsistent(oldSize: oldSize, newSize: new.size) }
        return new
    }
}
