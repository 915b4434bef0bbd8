import Store

/// Names the bucket keys of one epoch and one retention class.
struct EpochClass: Hashable, Sendable {
    let epoch: UInt32
    let retention: RetentionClass
}

/// All that the keyring holds, as a value. Copies share the secret memory.
struct KeyringContents: Sendable {
    struct Secret: Sendable {
        let created: Milliseconds
        let memory: LockedMemory
    }

    /// Number of the newest epoch; 0 before the first. Never falls, is never given twice.
    var newestEpoch: UInt32 = 0
    /// Day of the newest epoch; meaningless before the first. Never falls.
    var newestDay = UTCDay(number: 0)
    /// The last wall-clock time that was trusted. Falls when a clock that was ahead is put right;
    /// epochs do not go by it.
    var clockHighWater: Milliseconds = 0
    /// What the clocks of the same boot are measured by; nil: there is none.
    var clockLine: ClockLine?
    /// Since when an operator has to confirm the clock before anything is destroyed, by that clock;
    /// 0: nobody has to.
    var heldSince: Milliseconds = 0
    /// The highest number of the erasure ledger that was seen.
    var ledgerNumber: UInt64 = 0
    /// The last destruction of erased keys that is done in here: its number in the ledger, which is
    /// the generation of the keys that took their place.
    var destroyedThrough: UInt32 = 0
    var secrets: [SecretName: Secret] = [:]
    var epochs: [EpochClass: BucketKeys] = [:]

    /// Opens a new epoch if the day has ended. A clock that went back changes nothing.
    mutating func advanceEpoch(now: Milliseconds) {
        let today = UTCDay(at: now)
        if newestEpoch == 0 || today > newestDay {
            newestEpoch += 1
            newestDay = today
        }
    }

    /// The pairs whose term has ended, oldest first.
    func expired(now: Milliseconds) -> [DestroyedEpoch] {
        epochs.compactMap { id, keys in
            BucketKeys.termEnd(day: keys.day, retention: id.retention) <= now
                ? DestroyedEpoch(epoch: id.epoch, day: keys.day, retention: id.retention) : nil
        }
        .sorted { ($0.epoch, $0.retention) < ($1.epoch, $1.retention) }
    }

    /// Makes 32 random bytes under a name, in the place of what was there.
    mutating func makeSecret(_ name: SecretName, now: Milliseconds) throws(VaultError) {
        let memory = try LockedMemory(byteCount: Cryptography.keyBytes)
        var firstWord: UInt32
        repeat {
            Cryptography.fillRandomly(memory)
            firstWord = memory.withBytes { $0.load(as: UInt32.self) }
            // Below the order of P-256 and not zero, so that it can be a private key of any kind.
        } while firstWord == .max || firstWord == 0
        secrets[name] = Secret(created: now, memory: memory)
    }

    var tokenSigningNumbers: [UInt32] {
        secrets.keys.filter { $0.kind == .tokenSigning }.map(\.number).sorted()
    }
}
