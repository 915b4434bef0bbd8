package import Store

/// Expiry by destroying keys.
extension Vault {
    /// What `destroyExpiredEpochs` would destroy now; empty while the clock is not trusted. For the
    /// audit entry, which is written first.
    package func expiredEpochs(now: Milliseconds) -> [DestroyedEpoch] {
        mayDestroy(now: now) ? keyring.contents.expired(now: now) : []
    }

    /// Compares the clocks; false while nothing may be destroyed because of its age, be it keys or
    /// events, and for a `now` of a clock that was put right since. Ask before each destruction, with
    /// the time by which it is decided, and every few minutes: it also keeps on record what the next
    /// start is measured by, and a hold, so it may write the keyring. Blocks.
    package func mayDestroy(now: Milliseconds) -> Bool {
        keyring.mayDestroy(now: now)
    }

    /// Destroys the keys of all epochs whose last event has expired: every copy of those events,
    /// in backups and exports too, is unreadable from then on. Costs one keyring file, however many
    /// events there are. Durable on return; a repeated call is harmless. Blocks.
    /// - Returns: what was destroyed; empty while the clock is not trusted.
    package func destroyExpiredEpochs(now: Milliseconds) throws(VaultError) -> [DestroyedEpoch] {
        let destroyed = try keyring.destroyExpired(now: now)
        if !destroyed.isEmpty {
            // After the keyring, so that a key that is put in now is seen by its own check.
            cache.removeAll(
                of: Set(destroyed.map { EpochClass(epoch: $0.epoch, retention: $0.retention) }))
            try forgetExpiredErasures(now: now)
        }
        return destroyed
    }

    /// Forgets whose keys were erased some time ago, as far as nobody needs it any more; nothing while
    /// the clock is not trusted, for what is forgotten does not come back. For now and then: what is
    /// to be forgotten may be due though no epoch ends. Blocks.
    package func forgetExpiredErasures(now: Milliseconds) throws(VaultError) {
        guard !keyring.isOnHold else { return }
        try forgetDestroyedErasures(now: now)
    }

    /// At an orderly stop: keeps the time on record that the next start is measured by, if it is
    /// trusted. An escrow that followed so far follows this too, if it can: its status says when it
    /// does not. Durable on return. Blocks; for ten seconds at most if the escrow's device hangs.
    /// - Throws: `.keyring`: the stop need not wait for it. The next start is only more careful.
    package func recordClockAtStop() throws(VaultError) {
        let hasFollowed = escrowStatus?.isBehind == false
        try keyring.recordClockAtStop()
        // The clock is on record, and what the escrow lacks is no more than that.
        if hasFollowed { try? settleCopy() }
    }

    /// An operator says that the wall clock is right: destruction goes on. Durable on return: the
    /// next start trusts it too. Nothing else lifts a hold that does not only wait for a time source.
    /// Blocks.
    package func confirmClock() throws(VaultError) {
        try keyring.confirmClock()
    }
}
