package import AuditProof
package import Store
import Synchronization

/// The keys of the log, and how one replaces another.
///
/// A new key is named by an entry, `auditKeyRotated`. The tree that ends with it is signed by the old
/// key and by the new one: that checkpoint, with the proof that the entry is in it, is what leads
/// verifiers from one key to the next (`KeyChain`). Larger trees are signed by the new key, and by
/// the old one too until the overlap is over, for verifiers that have not heard of the new one yet.
extension AuditLog {
    /// A key that is to sign from the entry of this text on.
    struct PendingRotation {
        let body: [UInt8]
        let number: UInt32
        let signer: CheckpointSigner
        let overlapDays: Int
        /// Set on the commit thread.
        var entry: UInt64?
        var stagedAt: Milliseconds = 0
    }

    static let dayMilliseconds: Milliseconds = 86_400_000

    /// All keys, the first one first; the last one signs.
    package var terms: [SigningTerm] { state.withLock { $0.terms } }

    /// What leads from any one of the keys to all others.
    package func keyChain() throws(StoreError) -> KeyChain {
        let terms = self.terms
        var proofs: [[UInt8]] = []
        for term in terms.dropFirst() {
            guard let proof = try rotationProof(term.number) else { break }
            proofs.append(Array(proof.text.utf8))
        }
        do throws(ProofError) {
            return try KeyChain(trusting: terms[0].signer.key, rotations: proofs)
        } catch {
            throw .corrupt("the keys of the audit log: \(error)")
        }
    }

    /// Today's key under another name, such as the one for manifests.
    ///
    /// Traps if the text is no name of a key.
    package func signer(named name: String) -> NoteSigner {
        let terms = self.terms
        do {
            return try terms[terms.count - 1].signer.named(name)
        } catch {
            preconditionFailure("a name of a key is a constant of ours: \(error)")
        }
    }

    /// Puts a new key on record and lets it sign. Durable on return.
    ///
    /// - Parameters:
    ///   - entry: gets the details that verifiers read; its act is `auditKeyRotated`.
    ///   - mutations: the catalog's own record of it, for the same commit.
    /// - Throws: `.conflict` if another change is under way or the catalog was quicker; nothing was
    ///   done then. What `Store.commit` throws.
    package func rotate(
        to signer: CheckpointSigner, number: UInt32, overlapDays: Int, recording entry: AuditEntry,
        with mutations: [Mutation]
    ) async throws(StoreError) -> SigningTerm {
        var entry = entry
        let previous = terms[terms.count - 1].signer
        entry.act = .auditKeyRotated
        entry.detail["key"] = signer.verifierKey
        entry.detail["previous"] = previous.verifierKey
        entry.detail["number"] = String(number)
        entry.detail["overlapDays"] = String(overlapDays)
        let draft = Self.draft(entry)
        let isFree = state.withLock { state in
            guard state.rotation == nil, state.terms.last?.number == number - 1 else {
                return false
            }
            state.rotation = PendingRotation(
                body: draft.body, number: number, signer: signer, overlapDays: overlapDays)
            return true
        }
        guard isFree else { throw .conflict }
        do throws(StoreError) {
            // Without a deadline: if the entry becomes durable, its key must sign, whoever waits.
            _ = try await store.commit(mutations + [.audit(draft)])
        } catch {
            state.withLock { $0.rotation = nil }
            throw error
        }
        guard let term = terms.first(where: { $0.number == number }) else {
            throw .corrupt("the entry of the new audit key is not where it was written")
        }
        return term
    }

    /// The proof of a rotation, by its number from 1 on: the entry that names the key, in the tree
    /// that ends with it, signed by the key before and by the new one. nil: there is none.
    package func rotationProof(_ number: UInt32) throws(StoreError) -> EntryProof? {
        let terms = self.terms
        guard number > 0, let term = terms.first(where: { $0.number == number }),
            let entry = term.entry
        else { return nil }
        return try entryProof(entry, size: entry + 1)
    }

    /// The proof that entry `index` is in the tree of `size` entries, with the signed checkpoint of
    /// that tree; nil unless `index < size <= self.size`.
    package func entryProof(_ index: UInt64, size: UInt64) throws(StoreError) -> EntryProof? {
        guard let hashes = try inclusionProof(index: index, size: size),
            let value = try store.readAudit(AuditFamily.leafKey(index)),
            value.first == AuditFamily.leafVersion
        else { return nil }
        return EntryProof(
            entry: Array(value.dropFirst()), index: index, hashes: hashes,
            note: Array(try signedTree(size: size).note.utf8))
    }

    /// The proof that the tree of `newSize` entries begins with that of `oldSize`, with the signed
    /// checkpoint of the former; nil unless `oldSize <= newSize <= self.size`.
    package func treeUpdate(
        from oldSize: UInt64, to newSize: UInt64
    ) throws(StoreError) -> TreeUpdate? {
        guard oldSize <= newSize, newSize <= size else { return nil }
        let hashes =
            oldSize == 0 ? [] : try consistencyProof(oldSize: oldSize, newSize: newSize) ?? []
        return TreeUpdate(
            oldSize: oldSize, hashes: hashes, note: Array(try signedTree(size: newSize).note.utf8))
    }

    /// The root of the first `size` entries; nil if there are fewer.
    package func root(size: UInt64) throws(StoreError) -> TreeHash? {
        guard size <= self.size else { return nil }
        let store = store
        return try MerkleTree.rootHash(size: size) { position throws(StoreError) in
            try AuditRecovery.readHash(position, store)
        }
    }

    /// The signed checkpoint of a tree that the log has or had.
    package func signedNote(size: UInt64) throws(StoreError) -> String {
        try signedTree(size: size).note
    }

    /// The checkpoint of a tree that the log has or had, signed by the key of its time.
    func signedTree(size: UInt64) throws(StoreError) -> (checkpoint: Checkpoint, note: String) {
        let (terms, time) = state.withLock { ($0.terms, $0.lastMilliseconds) }
        guard let root = try root(size: size) else {
            throw .io("the audit log has fewer than \(size) entries")
        }
        let checkpoint = Checkpoint(origin: terms[0].signer.name, size: size, root: root)
        return (checkpoint, try Self.sign(checkpoint, terms, time))
    }

    /// Signs with the key of the tree's time; with the one before too where that is still wanted.
    static func sign(
        _ checkpoint: Checkpoint, _ terms: [SigningTerm], _ time: Milliseconds
    ) throws(StoreError) -> String {
        guard let place = terms.lastIndex(where: { $0.firstSize <= checkpoint.size }) else {
            throw .corrupt("the audit log has no key")
        }
        let term = terms[place]
        var others: [CheckpointSigner] = []
        if place > 0, checkpoint.size == term.firstSize || time < term.overlapEnd {
            others.append(terms[place - 1].signer)
        }
        do {
            return try term.signer.sign(checkpoint, with: others)
        } catch {
            throw .io("the checkpoint cannot be signed: \(error)")
        }
    }

    /// Finds the entries of rotations again, each near where the catalog says.
    ///
    /// - Throws: `.corrupt` if one is not there: the catalog and the log are of one commit.
    static func terms(
        first: CheckpointSigner, _ rotations: [RecordedRotation], in store: Store, size: UInt64
    ) throws(StoreError) -> [SigningTerm] {
        var terms = [SigningTerm(number: 0, signer: first, entry: nil, overlapEnd: 0)]
        for rotation in rotations.sorted(by: { $0.number < $1.number }) {
            var found: (index: UInt64, time: Milliseconds)?
            let start = max(rotation.sizeBefore, terms[terms.count - 1].firstSize)
            try AuditRecovery.scan(store, from: AuditFamily.leafKey(start)) {
                key, value throws(StoreError) in
                guard let index = AuditFamily.leafIndex(key), index < size else { return false }
                let leaf = try AuditFamily.leaf(value, index: index)
                guard let entry = KeyRotation(leaf), entry.number == rotation.number,
                    entry.key == rotation.signer.key, let header = LeafHeader(leaf)
                else { return true }
                found = (index, header.milliseconds)
                return false
            }
            guard let found, rotation.number == UInt32(terms.count) else {
                throw .corrupt("key \(rotation.number) of the audit log has no entry in it")
            }
            terms.append(
                SigningTerm(
                    number: rotation.number, signer: rotation.signer, entry: found.index,
                    overlapEnd: found.time
                        + Milliseconds(rotation.overlapDays) * dayMilliseconds))
        }
        return terms
    }
}
