/// The keys that a log had, one after the other, as far as they follow from one key that is trusted.
///
/// A log changes its key by an entry (`KeyRotation`) that names the new one. The proof of it is an
/// `EntryProof` of that entry in the tree that ends with it, whose checkpoint both keys signed: the
/// old one vouches for the new one, and the new one shows that it is there. Whoever knows any one key
/// of the log gets to all others, forwards and backwards.
///
/// A key counts for the trees of its time alone: from the one that ends with its own entry to the
/// one that ends with its successor's. That holds for who has the proofs of the changes, and for
/// nobody else: with an old key that leaked one can make a log that never changed its key, and hand
/// it out without proofs. Who trusts that old key alone takes it. A checkpoint that was kept from after
/// the change, trusting a newer key too, or the proofs themselves, kept (`KnownKeys`), show it. And a
/// proof that comes without the log, in a tree no larger than that of the change, is taken from an old
/// key whichever key is trusted.
package struct KeyChain: Sendable {
    /// A key, and the sizes of the trees that it may sign.
    package struct Term: Hashable, Sendable {
        package let key: VerifierKey
        package let from: UInt64
        /// nil: the key is today's, as far as the chain knows.
        package internal(set) var through: UInt64?
    }

    /// More rotations than this are not looked at: one a day for a century.
    package static let rotationCountMax = 36_500

    /// In the order of time; never empty.
    package private(set) var terms: [Term]
    /// The trees that end with the rotations' entries, which the whole log must begin with.
    package private(set) var handovers: [Checkpoint] = []

    /// Of a log that never changed its key.
    package init(_ key: VerifierKey) {
        terms = [Term(key: key, from: 0, through: nil)]
    }

    /// - Parameters:
    ///   - trusted: any key of the log that the caller has from elsewhere.
    ///   - rotations: the proofs of all rotations, in their order, none left out.
    /// - Throws: `ProofError.rotation` naming the first that does not fit, `unknownKey`.
    package init(trusting trusted: VerifierKey, rotations: [[UInt8]]) throws(ProofError) {
        try self.init(
            trusting: trusted,
            rotation: { number in number <= rotations.count ? rotations[number - 1] : nil })
    }

    /// - Parameters:
    ///   - trusted: any key of the log that the caller has from elsewhere.
    ///   - rotation: gives the proof of the rotation of this number, counted from 1; nil: there are
    ///     no more. It is not asked for the next before the one before is found good, so that one
    ///     at a time is in memory, and nothing is read behind one that does not fit.
    /// - Throws: as above, and what `rotation` throws.
    package init(
        trusting trusted: VerifierKey, rotation: (Int) throws(ProofError) -> [UInt8]?
    ) throws(ProofError) {
        try self.init(proofs: rotation)
        if terms.isEmpty { terms = [Term(key: trusted, from: 0, through: nil)] }
        guard terms.contains(where: { $0.key == trusted }) else { throw .unknownKey }
    }

    /// The keys that the proofs name, whoever trusts them; no terms at all if there are no proofs.
    init(proofs rotation: (Int) throws(ProofError) -> [UInt8]?) throws(ProofError) {
        terms = []
        for number in 1...Self.rotationCountMax {
            do throws(ProofError) {
                guard let bytes = try rotation(number) else { break }
                try append(try EntryProof(parsing: bytes), number: number)
            } catch {
                if case .rotation = error { throw error }
                throw .rotation(number: number, error.description)
            }
        }
    }

    /// Whether both are of one log: the shorter is how the longer begins, tree by tree.
    /// - Returns: the number of the first change that is another one; nil: they agree.
    func firstOtherRotation(_ other: KeyChain) -> Int? {
        for number in 0..<min(terms.count, other.terms.count) {
            guard terms[number].key == other.terms[number].key else { return max(1, number) }
            guard number > 0 else { continue }
            guard handovers[number - 1] == other.handovers[number - 1] else { return number }
        }
        return nil
    }

    private mutating func append(_ proof: EntryProof, number: Int) throws(ProofError) {
        func fault(_ reason: String) -> ProofError { .rotation(number: number, reason) }
        guard let entry = proof.entry, let rotation = KeyRotation(entry),
            rotation.index == proof.index
        else { throw fault("its entry does not name a new key") }
        guard rotation.number == number else { throw fault("it is number \(rotation.number)") }
        guard rotation.key.name == rotation.previous.name, rotation.key != rotation.previous else {
            throw fault("the new key is of another log, or no new one")
        }
        if terms.isEmpty { terms = [Term(key: rotation.previous, from: 0, through: nil)] }
        let last = terms[terms.count - 1]
        guard rotation.previous == last.key else { throw fault("it replaces another key") }
        let checkpoint: Checkpoint
        do {
            checkpoint = try Checkpoint(parsing: proof.note, verifiedBy: last.key)
            _ = try Checkpoint(parsing: proof.note, verifiedBy: rotation.key)
        } catch { throw .checkpoint(error) }
        // Not `index + 1`: whoever wrote the proof chose the index, and may have chosen the last one.
        guard checkpoint.size > last.from, checkpoint.size - 1 == proof.index else {
            throw fault("its tree does not end with its entry")
        }
        _ = try proof.included(in: checkpoint)
        terms[terms.count - 1].through = checkpoint.size
        terms.append(Term(key: rotation.key, from: checkpoint.size, through: nil))
        handovers.append(checkpoint)
    }

    /// Reads a checkpoint that a key signed in its time.
    ///
    /// - Throws: `CheckpointError`: `otherTerm` if only keys signed it whose time it was not,
    ///   `otherTree` if it contradicts the tree in which a key was changed.
    package func checkpoint(_ note: [UInt8]) throws(CheckpointError) -> Checkpoint {
        var failure = CheckpointError.note(.notSigned)
        var found: Checkpoint?
        for term in terms {
            do throws(CheckpointError) {
                let checkpoint = try Checkpoint(parsing: note, verifiedBy: term.key)
                if checkpoint.size >= term.from, checkpoint.size <= term.through ?? .max {
                    found = checkpoint
                } else {
                    failure = .otherTerm(size: checkpoint.size)
                }
            } catch {
                // Not signed by this key; anything else is a fault, whatever other keys say.
                guard error == .note(.notSigned) else { throw error }
            }
        }
        guard let found else { throw failure }
        let isOther = handovers.contains { $0.size == found.size && $0.root != found.root }
        guard !isOther else { throw .otherTree(size: found.size) }
        return found
    }

    /// The keys of the chain that signed the note, in their order, whatever their time.
    package func signers(of note: [UInt8]) -> [VerifierKey] {
        guard let signed = try? SignedNote(parsing: note) else { return [] }
        return terms.map(\.key).filter { key in (try? signed.verify(with: key)) != nil }
    }
}
