import Store

/// What erasures change in the keyring.
extension Keyring {
    /// Puts on record how far the erasure ledger goes, so that a shorter one is noticed. If that
    /// fails `failure` tells it, and the store says it all the same.
    func note(ledger number: UInt64, now: Milliseconds) {
        guard contents.ledgerNumber < number else { return }
        do throws(VaultError) {
            try change(now: now) { contents in
                contents.ledgerNumber = max(contents.ledgerNumber, number)
            }
        } catch {
            // Known to `failure`; the next generation that is written has it.
            return
        }
    }

    /// The destruction that has put successors in the keyring and is not done; nil: there is none.
    var successorGeneration: UInt32? {
        contents.epochs.values.lazy.compactMap { $0.successors?.generation }.first
    }

    /// The buckets whose keys have successors.
    var succeededBuckets: [EpochClass: Set<UInt8>] {
        contents.epochs.compactMapValues { $0.successors?.buckets }
    }

    /// Gives each of these buckets a successor, as far as their epochs are still there. New data
    /// keys are wrapped by them from then on; the old ones still open. There are none yet.
    func addSuccessors(
        for buckets: [EpochClass: Set<UInt8>], generation: UInt32, ledger number: UInt64,
        now: Milliseconds
    ) throws(VaultError) {
        try change(now: now) { contents throws(VaultError) in
            contents.ledgerNumber = max(contents.ledgerNumber, number)
            for (id, buckets) in buckets {
                guard let keys = contents.epochs[id] else { continue }
                contents.epochs[id] = try keys.withSuccessors(for: buckets, generation: generation)
            }
        }
    }

    /// Leaves out the keys that have successors. On return every copy of the keyring that holds
    /// them is overwritten, as far as KeyringDirectory can do that.
    /// - Parameter masterKey: the one that this generation is written under; nil: as before.
    func destroySucceeded(
        generation: UInt32, masterKey: LockedMemory?, now: Milliseconds
    ) throws(VaultError) {
        let destroy: (inout KeyringContents) throws(VaultError) -> Void = {
            contents throws(VaultError) in
            for (id, keys) in contents.epochs where keys.successors != nil {
                contents.epochs[id] = try keys.withoutSucceeded()
            }
            contents.destroyedThrough = max(contents.destroyedThrough, generation)
        }
        if let masterKey {
            try rotateMaster(to: masterKey, now: now, destroy)
        } else {
            try change(now: now, destroy)
        }
    }
}
