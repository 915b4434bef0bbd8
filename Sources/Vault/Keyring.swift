import Store
import Synchronization

/// The open keyring: what is in memory, and how it changes on disk.
///
/// Reading takes a short lock and never waits for the disk. Changes are one at a time: the next
/// generation is durable before anyone sees it in memory.
final class Keyring: Sendable {
    private struct Writer {
        var masterKey: LockedMemory
        /// Number of the last generation that was written or tried: a failed one is not reused.
        var generation: UInt64
        var clock: ClockGuard
    }

    private let directory: KeyringDirectory
    /// 16 random bytes, the same for the life of the installation.
    let id: [UInt8]
    private let escrowed = Mutex<KeyringEscrow?>(nil)
    private let writer: Mutex<Writer>
    private let published: Mutex<KeyringContents>
    /// `newestDay` of the published contents, for the hot path.
    private let newestDayNumber: Atomic<UInt32>
    private let publishedGeneration: Atomic<UInt64>
    private let madeBuckets = Atomic<UInt64>(0)
    /// The clock guard's last word, readable without waiting for a write.
    private let held: Atomic<Bool>
    private let waiting: Atomic<Bool>
    private let clock: VaultClock
    private let lastFailure = Mutex<VaultError?>(nil)

    /// How far the persisted clock mark may lag behind while nothing else changes.
    private static let highWaterStep: Milliseconds = 600_000
    /// The same at an orderly stop: an hour is all that a reboot may take without a time source.
    private static let stopStep: Milliseconds = 60_000

    init(
        directory: KeyringDirectory, masterKey: LockedMemory, clock: VaultClock
    ) throws(VaultError) {
        let opened = try KeyringFile.decode(try directory.read(), masterKey: masterKey)
        self.directory = directory
        id = opened.id
        self.clock = clock
        // Before the look, see ClockGuard.
        let isSynchronised = clock.isSynchronised()
        let clockGuard = ClockGuard(
            Self.readClocks(clock), isSynchronised: isSynchronised,
            record: ClockGuard.Record(
                mark: opened.contents.clockHighWater, line: opened.contents.clockLine,
                isHeld: opened.contents.heldSince > 0))
        held = Atomic(!clockGuard.isTrusted)
        waiting = Atomic(clockGuard.isWaiting)
        writer = Mutex(
            Writer(masterKey: masterKey, generation: opened.generation, clock: clockGuard))
        newestDayNumber = Atomic(opened.contents.newestDay.number)
        publishedGeneration = Atomic(opened.generation)
        published = Mutex(opened.contents)
    }

    /// Writes the first generation: secrets, no epochs.
    static func initialise(
        directory: KeyringDirectory, masterKey: LockedMemory, now: Milliseconds
    ) throws(VaultError) {
        guard !directory.hasKeyring else { throw .keyring("there is one already") }
        var contents = KeyringContents()
        contents.clockHighWater = now
        for name in [.auditSigning, .tokenSigning(1), .clientPepper, .cursorKey, .index]
            as [SecretName]
        {
            try contents.makeSecret(name, now: now)
        }
        var id = [UInt8](repeating: 0, count: 16)
        id.withUnsafeMutableBytes { Cryptography.fillRandomly($0) }
        try directory.replace(
            with: try KeyringFile.encode(contents, generation: 1, id: id, masterKey: masterKey))
    }

    /// True if the keyring is written under this master key.
    func isSealed(under key: LockedMemory) -> Bool {
        writer.withLock { writer in
            writer.masterKey.withBytes { own in
                key.withBytes { Cryptography.areEqual(Array(own), Array($0)) }
            }
        }
    }

    /// nil: there is none.
    var escrow: KeyringEscrow? { escrowed.withLock { $0 } }

    /// Each generation from the current one on goes there too.
    func attach(_ escrow: KeyringEscrow) throws(VaultError) {
        try writer.withLock { writer throws(VaultError) in
            escrow.offer(try directory.read(), generation: writer.generation)
            escrowed.withLock { $0 = escrow }
        }
    }

    var contents: KeyringContents { published.withLock { $0 } }
    /// Why the last write failed; nil if it did not.
    var failure: VaultError? { lastFailure.withLock { $0 } }
    var generation: UInt64 { publishedGeneration.load(ordering: .acquiring) }
    /// The generation in which bucket keys were last made by this process; 0: none.
    var bucketsMadeIn: UInt64 { madeBuckets.load(ordering: .acquiring) }
    var isOnHold: Bool { held.load(ordering: .acquiring) }
    /// On hold only until the kernel says that a time source keeps the clock.
    var awaitsTimeSource: Bool { waiting.load(ordering: .acquiring) }

    /// The day of the newest epoch: no key of an older day than the one before it seals any more.
    @inline(__always)
    var newestDay: UTCDay { UTCDay(number: newestDayNumber.load(ordering: .acquiring)) }

    /// The bucket keys that an existing data key is wrapped with; nil if they were destroyed.
    func bucketKeys(_ id: EpochClass) -> BucketKeys? {
        published.withLock { $0.epochs[id] }
    }

    func secret(_ name: SecretName) -> KeyringContents.Secret? {
        published.withLock { $0.secrets[name] }
    }

    /// The bucket keys for a new data key: those of today, or of the newest epoch if the clock went
    /// back. The first call of a day and class writes the keyring.
    func bucketKeys(
        for retention: RetentionClass, now: Milliseconds
    ) throws(VaultError) -> (id: EpochClass, keys: BucketKeys) {
        if let found = published.withLock({ Self.current($0, retention, now) }) { return found }
        return try writer.withLock { writer throws(VaultError) in
            // Somebody else may have made them while we waited.
            if let found = published.withLock({ Self.current($0, retention, now) }) {
                return found
            }
            var contents = self.contents
            contents.advanceEpoch(now: now)
            let memory = try LockedMemory(byteCount: BucketKeys.byteCount)
            Cryptography.fillRandomly(memory)
            let id = EpochClass(epoch: contents.newestEpoch, retention: retention)
            let keys = BucketKeys(day: contents.newestDay, memory: memory)
            contents.epochs[id] = keys
            let look = look(&writer)
            try write(&contents, look, &writer, makesBuckets: true)
            return (id, keys)
        }
    }

    /// Opens an epoch whose number is higher than `number`, for today.
    func beginEpoch(behind number: UInt32, now: Milliseconds) throws(VaultError) {
        try change(now: now) { contents in
            contents.newestEpoch = max(contents.newestEpoch, number) + 1
            contents.newestDay = max(contents.newestDay, UTCDay(at: now))
        }
    }

    private static func current(
        _ contents: KeyringContents, _ retention: RetentionClass, _ now: Milliseconds
    ) -> (id: EpochClass, keys: BucketKeys)? {
        guard contents.newestEpoch > 0, UTCDay(at: now) <= contents.newestDay else { return nil }
        let id = EpochClass(epoch: contents.newestEpoch, retention: retention)
        return contents.epochs[id].map { (id, $0) }
    }

    /// Looks at the clocks; true if things may be destroyed by the time `now`. Puts on record what
    /// the next start must know of it: a trusted time if the one there is old, a hold that is new.
    func mayDestroy(now: Milliseconds) -> Bool {
        writer.withLock { writer in
            let look = look(&writer)
            let isTrusted = writer.clock.isTrusted && writer.clock.allows(now, at: look)
            do throws(VaultError) {
                try recordClock(look, &writer)
            } catch {
                // `failure` tells it, and the next call tries again. An older mark only makes the
                // next start more careful.
                return isTrusted
            }
            return isTrusted
        }
    }

    /// Puts the clock on record at an orderly stop, if it is trusted and what is there is older than
    /// a minute: a machine that is off for some minutes then needs nobody.
    func recordClockAtStop() throws(VaultError) {
        try writer.withLock { writer throws(VaultError) in
            let look = look(&writer)
            try recordClock(look, step: Self.stopStep, &writer)
        }
    }

    private func recordClock(
        _ look: ClockLine, step: Milliseconds = Keyring.highWaterStep, _ writer: inout Writer
    ) throws(VaultError) {
        var contents = self.contents
        guard mustRecordClock(contents, look, step, writer) else { return }
        try write(&contents, look, &writer)
    }

    /// Looks at the clocks, and has the guard take note of them. The times that callers decide by
    /// may be minutes old: only two clocks that are read side by side can be compared.
    private func look(_ writer: inout Writer) -> ClockLine {
        // Before the look, see ClockGuard.
        let isSynchronised = clock.isSynchronised()
        let look = Self.readClocks(clock)
        _ = writer.clock.observe(look, isSynchronised: isSynchronised)
        tell(writer.clock)
        return look
    }

    private func tell(_ clock: ClockGuard) {
        held.store(!clock.isTrusted, ordering: .releasing)
        waiting.store(clock.isWaiting, ordering: .releasing)
    }

    private static func readClocks(_ clock: VaultClock) -> ClockLine {
        // In this order a pause in between makes the clock look behind, never ahead.
        let wall = clock.wall()
        return ClockLine(wall: wall, monotonic: clock.monotonic(), boot: clock.boot)
    }

    private func mustRecordClock(
        _ contents: KeyringContents, _ look: ClockLine, _ step: Milliseconds, _ writer: Writer
    ) -> Bool {
        let clock = writer.clock
        guard clock.isTrusted else { return clock.isHeld && contents.heldSince == 0 }
        let mark = clock.markToRecord(look, instead: contents.clockHighWater)
        return clock.isNews(to: contents.clockLine) || abs(mark - contents.clockHighWater) > step
    }

    func confirmClock() throws(VaultError) {
        try writer.withLock { writer throws(VaultError) in
            let before = writer.clock
            let look = Self.readClocks(clock)
            writer.clock.confirm(look)
            tell(writer.clock)
            do throws(VaultError) {
                var contents = self.contents
                try write(&contents, look, &writer)
            } catch {
                writer.clock = before
                tell(before)
                throw error
            }
        }
    }

    /// Leaves out the epochs whose term has ended, in one generation; moves the persisted clock
    /// mark on if it has fallen behind. Nothing happens while the clock is not trusted.
    func destroyExpired(now: Milliseconds) throws(VaultError) -> [DestroyedEpoch] {
        try writer.withLock { writer throws(VaultError) in
            let look = look(&writer)
            guard writer.clock.isTrusted else { return [] }
            var contents = self.contents
            let expired = writer.clock.allows(now, at: look) ? contents.expired(now: now) : []
            for one in expired {
                contents.epochs[EpochClass(epoch: one.epoch, retention: one.retention)] = nil
            }
            if !expired.isEmpty || mustRecordClock(contents, look, Self.highWaterStep, writer) {
                try write(&contents, look, &writer)
            }
            return expired
        }
    }

    /// Changes secrets in a generation of their own.
    func change<R>(
        now: Milliseconds, _ body: (inout KeyringContents) throws(VaultError) -> R
    ) throws(VaultError) -> R {
        try writer.withLock { writer throws(VaultError) in
            var contents = self.contents
            let result = try body(&contents)
            let look = look(&writer)
            try write(&contents, look, &writer)
            return result
        }
    }

    /// Writes the next generation under another master key. No data is touched.
    /// - Parameter change: what else changes in it.
    func rotateMaster(
        to masterKey: LockedMemory, now: Milliseconds,
        _ change: (inout KeyringContents) throws(VaultError) -> Void = { _ throws(VaultError) in }
    ) throws(VaultError) {
        try writer.withLock { writer throws(VaultError) in
            let before = writer.masterKey
            writer.masterKey = masterKey
            do throws(VaultError) {
                var contents = self.contents
                try change(&contents)
                let look = look(&writer)
                try write(&contents, look, &writer)
            } catch {
                writer.masterKey = before
                throw error
            }
        }
    }

    /// Makes `contents` durable, then visible.
    /// - Parameter look: of which the guard has taken note.
    private func write(
        _ contents: inout KeyringContents, _ look: ClockLine, _ writer: inout Writer,
        makesBuckets: Bool = false
    ) throws(VaultError) {
        if writer.clock.isTrusted {
            // Also back: a mark in the future, of a clock that was wrong, would trust the next such.
            contents.clockHighWater = writer.clock.markToRecord(
                look, instead: contents.clockHighWater)
            contents.clockLine = writer.clock.lineToRecord(look)
            contents.heldSince = 0
        } else if writer.clock.isHeld, contents.heldSince == 0 {
            // An untrusted time does not become the mark.
            contents.heldSince = max(look.wall, 1)
        }
        writer.generation += 1
        let bytes: [UInt8]
        do throws(VaultError) {
            bytes = try KeyringFile.encode(
                contents, generation: writer.generation, id: id, masterKey: writer.masterKey)
            try directory.replace(with: bytes)
        } catch {
            lastFailure.withLock { $0 = error }
            throw error
        }
        lastFailure.withLock { $0 = nil }
        let visible = contents
        // First: whoever sees new bucket keys sees that they are new.
        if makesBuckets { madeBuckets.store(writer.generation, ordering: .releasing) }
        published.withLock { $0 = visible }
        newestDayNumber.store(visible.newestDay.number, ordering: .releasing)
        publishedGeneration.store(writer.generation, ordering: .releasing)
        escrow?.offer(bytes, generation: writer.generation)
    }
}
