/// What somebody knows of a log's keys from elsewhere than the log that is to be verified.
///
/// All of the keys must be of that log: a chain that leaves one out may be the work of who holds a key
/// that was replaced and leaked. Where the proofs of the changes are known too, an export from before a
/// change can be told from such a log by its size, and is taken; where they are not, it is refused.
package struct KnownKeys: Sendable {
    /// The oldest first; never empty.
    package let keys: [VerifierKey]
    /// What the proofs that were kept say; nil: none were kept.
    package let proven: KeyChain?

    /// Of who knows one key alone, and has no proofs.
    package init(_ key: VerifierKey) {
        keys = [key]
        proven = nil
    }

    /// - Parameters:
    ///   - keys: the oldest first.
    ///   - rotations: the proofs of all changes of the key up to some time, from the first one on.
    /// - Throws: `ProofError.unknownKey` if there is no key, `leftOut` if the proofs do not lead to one
    ///   of them, `rotation` if one of them is not sound.
    package init(_ keys: [VerifierKey], rotations: [[UInt8]] = []) throws(ProofError) {
        guard let first = keys.first else { throw .unknownKey }
        self.keys = keys
        guard !rotations.isEmpty else {
            proven = nil
            return
        }
        let chain = try KeyChain(trusting: first, rotations: rotations)
        try Self.expectAll(keys, in: chain)
        proven = chain
    }

    /// The keys by which a log is verified.
    ///
    /// - Parameter rotation: gives the proof of this number, counted from 1, that came with the log;
    ///   nil: there are no more.
    /// - Returns: the chain, and how many of its changes are proven by what came with the log.
    /// - Throws: `ProofError`: the keys are not believed.
    package func chain(
        rotation: (Int) throws(ProofError) -> [UInt8]?
    ) throws(ProofError) -> (chain: KeyChain, provenBeside: Int) {
        let offered = try KeyChain(proofs: rotation)
        let count = offered.handovers.count
        guard let proven else {
            let chain = offered.terms.isEmpty ? KeyChain(keys[0]) : offered
            try Self.expectAll(keys, in: chain)
            return (chain, count)
        }
        if let number = proven.firstOtherRotation(offered) {
            throw .rotation(number: number, "it is another change than the one that was kept")
        }
        return (offered.terms.count > proven.terms.count ? offered : proven, count)
    }

    /// The keys by which something is verified that comes without the log: if no proofs were kept, the
    /// newest key alone, since nobody can tell what an older one signed in its time.
    package var chainWithoutLog: KeyChain { proven ?? KeyChain(keys[keys.count - 1]) }

    private static func expectAll(
        _ keys: [VerifierKey], in chain: KeyChain
    ) throws(ProofError) {
        for key in keys where !chain.terms.contains(where: { $0.key == key }) {
            throw keys.count == 1 ? ProofError.unknownKey : .leftOut(key)
        }
    }
}
