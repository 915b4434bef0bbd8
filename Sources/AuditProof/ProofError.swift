/// Why a proof is not believed. Descriptions are safe to show: they name sizes and indexes, never
/// an entry's text.
package enum ProofError: Error, Hashable, Sendable, CustomStringConvertible {
    case malformed(String)
    case checkpoint(CheckpointError)
    /// The proof does not carry the entry, and none was given beside it.
    case noEntry
    /// The entry, at this index, is not in the tree that the checkpoint speaks of.
    case notIncluded(index: UInt64, size: UInt64)
    /// The larger tree does not begin with the smaller one.
    case notConsistent(oldSize: UInt64, newSize: UInt64)
    /// The proof speaks of another old tree than the checkpoint that was kept.
    case otherOldSize(proof: UInt64, kept: UInt64)
    /// The proof of this rotation, counted from 1, does not fit the keys before it.
    case rotation(number: Int, String)
    /// The key that is trusted is none that the log ever had.
    case unknownKey
    /// Several keys are trusted, and nothing proves that this one is of the same log.
    case leftOut(VerifierKey)

    package var description: String {
        switch self {
        case .malformed(let reason): "not a proof: \(reason)"
        case .checkpoint(let error): "checkpoint: \(error)"
        case .noEntry: "the proof does not carry its entry: give it beside the proof"
        case .notIncluded(let index, let size):
            "entry \(index) is not this one in the signed tree of \(size) entries"
        case .notConsistent(let oldSize, let newSize):
            "the tree of \(newSize) entries does not begin with that of \(oldSize)"
        case .otherOldSize(let proof, let kept):
            "the proof begins at \(proof) entries, but the kept checkpoint is of \(kept)"
        case .rotation(let number, let reason): "rotation \(number) of the key: \(reason)"
        case .unknownKey: "the key is none that this log ever had"
        case .leftOut(let key):
            "\(key) is trusted too, and no proof of a change of the key leads to it: this is the log "
                + "from before the change, or one that the holder of a key that was replaced made up"
        }
    }
}
