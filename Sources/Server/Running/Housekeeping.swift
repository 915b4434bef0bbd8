import Audit
import FoundationEssentials
import Logging
import ServiceLifecycle
import Store
import Subjects
import Synchronization
import Vault

/// Once a minute: drops expired days, destroys expired epochs, forgets old disclosures, sweeps the records that all of this leaves, rotates token keys, brings
/// the escrow up to date, records held-back refusals.
///
/// While the vault does not trust the clock nothing is destroyed; the hold is recorded once.
final class Housekeeping: Service {
    static let periodSeconds = 60
    #if DEBUG
        /// Tests of a real process cannot wait a minute for each round; no release build reads it.
        static let seconds =
            ProcessInfo.processInfo.environment["STRM_TEST_HOUSEKEEPING_SECONDS"].flatMap {
                Double($0)
            } ?? Double(periodSeconds)
    #else
        static let seconds = Double(periodSeconds)
    #endif

    private let engine: Engine
    private let rotation: SigningKeyRotation
    private let wasHeld = Atomic<Bool>(false)
    /// The UTC day on which erasures were last forgotten.
    private let forgottenDay = Atomic<UInt32>(0)

    init(engine: Engine) {
        self.engine = engine
        rotation = SigningKeyRotation(
            vault: engine.vault, store: engine.store, audit: engine.audit, keys: engine.keys,
            settings: engine.settings.tokens)
    }

    func run() async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.tick(now: self.engine.clock())
                do {
                    try await Task.sleep(for: .seconds(Self.seconds))
                } catch {
                    return
                }
            }
        }
    }

    /// One round. A step that fails is logged and tried again in the next round; it does not keep
    /// the others from theirs.
    func tick(now: Milliseconds) async {
        await step("expiry") { try await self.expire(now: now) }
        await step("disclosures") { try await self.forgetDisclosures(now: now) }
        await step("sweep") { try await self.sweep(now: now) }
        await step("token keys") { try await self.rotation.rotate(now: now) }
        await step("escrow") { try await self.engine.settleEscrow() }
        await step("refusals") { try await self.engine.tokenService.recordSuppressedRefusals() }
        engine.housekeepingRounds.wrappingAdd(1, ordering: .relaxed)
        engine.housekeepingEndedAt.store(engine.clock(), ordering: .relaxed)
    }

    private func step(_ name: String, _ body: () async throws -> Void) async {
        do {
            try await body()
        } catch let error as StoreError {
            engine.logger.error(
                "housekeeping failed", metadata: ["step": "\(name)", "error": "\(error)"])
        } catch let error as SubjectError {
            engine.logger.error(
                "housekeeping failed", metadata: ["step": "\(name)", "error": "\(error)"])
        } catch let error as VaultError {
            engine.logger.error(
                "housekeeping failed", metadata: ["step": "\(name)", "error": "\(error)"])
        } catch {
            engine.logger.error(
                "housekeeping failed", metadata: ["step": "\(name)", "error": "\(type(of: error))"])
        }
    }

    /// Steps of the sweeper in one round, each a commit: at most 100,000 records are looked at and
    /// 10,000 deleted.
    private static let sweepStepsMax = 20

    /// Dead records are no secret: they go behind everything else, and not while the store is busy.
    private func sweep(now: Milliseconds) async throws {
        let (vault, store, sweeper) = (engine.vault, engine.store, engine.sweeper)
        guard try await store.readers.run({ vault.mayDestroy(now: now) }) else { return }
        // As long as it can be answered whose data a release has opened.
        let kept = Milliseconds(engine.settings.audit.disclosureDays) * 86_400_000
        for _ in 0..<Self.sweepStepsMax {
            do {
                let isMore = try await store.readers.run {
                    try sweeper.step(now: now, subjectsKept: kept)
                }
                // Durable before the next step is begun: ingest waits for one step at most.
                _ = try await store.commit([])
                guard isMore else { return }
            } catch VaultError.store(.overloaded) {
                return
            }
        }
    }

    private func expire(now: Milliseconds) async throws {
        let (vault, store, audit) = (engine.vault, engine.store, engine.audit)
        guard try await store.readers.run({ vault.mayDestroy(now: now) }) else {
            let statistics = vault.statistics
            // Otherwise the time of this round alone is wrong: it was read before the clock was put
            // right.
            guard statistics.isDestructionOnHold, !wasHeld.load(ordering: .relaxed) else { return }
            let awaitsTimeSource = statistics.awaitsTimeSource
            engine.logger.warning(
                "the clock is not trusted: nothing is destroyed until an operator confirms it",
                metadata: ["orUntilSynchronised": "\(awaitsTimeSource)"])
            try await audit.append(.server(.expiryHeld))
            wasHeld.store(true, ordering: .relaxed)
            return
        }
        wasHeld.store(false, ordering: .relaxed)
        let day = UTCDay(at: now).number
        if forgottenDay.exchange(day, ordering: .relaxed) != day {
            try await store.readers.run { try vault.forgetExpiredErasures(now: now) }
        }
        // On record before the deed, here and below: what is destroyed leaves no other trace.
        let days = store.expiredDays(now: now)
        for day in days {
            try await audit.append(
                .server(
                    .daysDropped,
                    detail: ["day": "\(day.day)", "retention": "\(day.retention)"]))
        }
        if !days.isEmpty { _ = try await store.readers.run { try store.expire(now: now) } }
        let expired = try await store.readers.run { vault.expiredEpochs(now: now) }
        guard !expired.isEmpty else { return }
        for epoch in expired {
            try await audit.append(
                .server(
                    .epochDestroyed,
                    detail: [
                        "epoch": String(epoch.epoch), "day": "\(epoch.day)",
                        "retention": "\(epoch.retention)",
                    ]))
        }
        _ = try await store.readers.run { try vault.destroyExpiredEpochs(now: now) }
        // What was destroyed is gone for good when the escrow has forgotten it too.
        try await engine.settleEscrow()
    }

    /// One bounded round of what is kept beside the audit log. By the UTC day, so that a busy log
    /// does not get an entry about it each minute.
    private func forgetDisclosures(now: Milliseconds) async throws {
        let (vault, audit) = (engine.vault, engine.audit)
        guard try await engine.store.readers.run({ vault.mayDestroy(now: now) }) else { return }
        let day: Milliseconds = 86_400_000
        let cutoff = now - Milliseconds(engine.settings.audit.disclosureDays) * day
        _ = try await audit.forgetDisclosures(before: cutoff - cutoff % day)
    }
}
