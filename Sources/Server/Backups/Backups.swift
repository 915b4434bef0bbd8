import Audit
import AuditProof
import Dispatch
import Logging
import ServiceLifecycle
import Store
import Synchronization

/// Makes backups, checks them and forgets old ones, one at a time, on a thread of its own; what is
/// there is told meanwhile.
///
/// Each is on record before it is begun, and again when it has ended. A stop of the server gives up
/// what is on its way, and does not wait for a device that hangs.
final class Backups: Service {
    struct State {
        var running: BackupJob?
        /// How the last making ended, and the last check of each backup since the start.
        var lastMade: BackupOutcome?
        var checks: [String: BackupOutcome] = [:]
        /// Of the last look at the directory: manifests that our key signed, newest last.
        var known: [BackupManifest] = []
        var made: UInt64 = 0
        var failed: UInt64 = 0
        /// Of the schedule.
        var pause = BackupPause()
        var stalledNanoseconds: UInt64 = 0
        /// Removals that are on record and were not done yet.
        var removing: Set<String> = []
    }

    /// How long a stop waits for the device, in seconds.
    static let stopSecondsMax = 20.0

    let maker: BackupMaker?
    let keys: @Sendable () throws -> [VerifierKey]
    let settings: BackupSettings
    let state = Mutex(State())
    let audit: AuditLog
    let logger: Logger
    let device: DeviceCalls
    /// Called before each look at the directory: a fault hook of the tests.
    let beforeLook = Mutex<(@Sendable () -> Void)?>(nil)
    private let tidy: @Sendable () throws -> Void
    private let clock: @Sendable () -> Milliseconds
    private let jobs: AsyncStream<BackupJob>
    private let continuation: AsyncStream<BackupJob>.Continuation
    private let isStopping = Flag()
    private let stopSecondsMax: Double

    /// Shared with the thread that works.
    private final class Flag: Sendable {
        let value = Atomic(false)
    }

    /// - Parameters:
    ///   - maker: nil: `backups.directory` is not set.
    ///   - tidy: removes what a process that died left of backups. Blocks.
    ///   - stopSecondsMax: for tests.
    init(
        maker: BackupMaker?, keys: @escaping @Sendable () throws -> [VerifierKey],
        tidy: @escaping @Sendable () throws -> Void, settings: BackupSettings, audit: AuditLog,
        clock: @escaping @Sendable () -> Milliseconds, logger: Logger,
        stopSecondsMax: Double = Backups.stopSecondsMax
    ) throws(StoreError) {
        self.maker = maker
        self.keys = keys
        self.tidy = tidy
        self.settings = settings
        self.audit = audit
        self.clock = clock
        self.logger = logger
        self.stopSecondsMax = stopSecondsMax
        device = try DeviceCalls()
        // One at most is in it: `begin` sees to that.
        (jobs, continuation) = AsyncStream.makeStream(of: BackupJob.self)
    }

    func run() async {
        await withTaskGroup { group in
            group.addTask { await self.runJobs() }
            group.addTask { await self.giveUpAfterStop() }
            // Beside the jobs: it asks other devices than theirs, which may hang.
            group.addTask { await self.warnOfPlaces() }
        }
    }

    private func runJobs() async {
        await withGracefulShutdownHandler {
            // Before the first of them: what it makes looks like what is removed here.
            await removeLeftovers()
            for await job in jobs { await work(job) }
        } onGracefulShutdown: {
            self.refuseJobs()
        }
    }

    /// Not when the settings are read: whoever looks where a path leads waits for its device.
    func warnOfPlaces() async {
        do {
            let misplaced = try await device.run { [settings] in settings.misplaced }
            for copy in misplaced { copy.warn(logger) }
        } catch {
            let reason = (error as? BackupFailure)?.description ?? "it failed"
            logger.error(
                "where copies lie could not be looked at", metadata: ["reason": "\(reason)"])
        }
    }

    private func refuseJobs() {
        isStopping.value.store(true, ordering: .releasing)
        continuation.finish()
    }

    /// Not at the start of the server, which does not wait for this device.
    private func removeLeftovers() async {
        do {
            try await device.run(tidy)
        } catch {
            // Room that is not given back is no reason to refuse backups.
            let reason = (error as? BackupFailure)?.description ?? "it failed"
            logger.error(
                "what a backup left could not be removed", metadata: ["reason": "\(reason)"])
        }
    }

    /// From the stop on nothing is begun on the device, and after a while nobody waits for it. That a
    /// task is cancelled without a stop, as when another service has failed, is no other case: who
    /// waits for a device that hangs must be sent away then too, or `run` would never return.
    private func giveUpAfterStop() async {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
        }
        refuseJobs()
        device.refuse()
        let end = ContinuousClock.now + .seconds(stopSecondsMax)
        while device.isBusy, ContinuousClock.now < end { await Self.waitALittle() }
        device.giveUp()
    }

    /// Also if the task is cancelled, where `Task.sleep` would not wait.
    private static func waitALittle() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global(qos: .utility).asyncAfter(deadline: .now() + .milliseconds(20)) {
                continuation.resume()
            }
        }
    }

    /// Puts a new backup on record and begins it.
    /// - Returns: its name.
    /// - Throws: `Problem`: there is no directory, or one is being made or checked; `StoreError` if
    ///   it cannot be put on record: nothing was begun.
    func create(by caller: Principal?, now: Milliseconds) async throws -> String {
        guard maker != nil else { throw Self.noDirectory }
        let job = BackupJob(
            kind: .make, name: BackupName.make(now: now), isAutomatic: caller == nil,
            caller: caller, startedAt: now)
        try begin(job)
        do {
            try await record(job, ["state": "begun"])
        } catch {
            state.withLock { $0.running = nil }
            throw error
        }
        start(job)
        return job.name
    }

    /// Begins a check of a backup that is there.
    func verify(_ name: String, by caller: Principal, now: Milliseconds) async throws {
        guard try await listing(name) != nil else { throw Self.unknown }
        let job = BackupJob(kind: .verify, name: name, caller: caller, startedAt: now)
        try begin(job)
        start(job)
    }

    /// Newest first, those that are being made or were not made included; each once.
    func list() async throws -> [BackupListing] {
        guard let maker else { throw Self.noDirectory }
        while true {
            let before = state.withLock { $0.running?.name }
            let found = try await device.run { [self] in try look(maker) }
            // One that ended in between is in neither: what is there is looked at again.
            let listings = state.withLock { state in
                state.running?.name == before ? Self.listings(found, state) : nil
            }
            if let listings { return listings }
        }
    }

    static func listings(
        _ found: [(String, BackupManifest?)], _ state: State
    ) -> [BackupListing] {
        let running = state.running
        var listings = found.map { name, result in
            BackupListing(
                name: name,
                state: result.map { .whole($0) } ?? .failed("its manifest is not one of ours"),
                checked: state.checks[name],
                isVerifying: running?.kind == .verify && running?.name == name)
        }
        if let running, running.kind == .make {
            // It may have its name already, and is not on record yet.
            listings.removeAll { $0.name == running.name }
            listings.append(
                BackupListing(name: running.name, state: .making(since: running.startedAt)))
        } else if let last = state.lastMade, let failure = last.failure {
            listings.append(
                BackupListing(name: last.job.name, state: .failed(failure.description)))
        }
        return listings.sorted { $0.name > $1.name }
    }

    func listing(_ name: String) async throws -> BackupListing? {
        guard BackupName.isValid(name) else { return nil }
        return try await list().first { $0.name == name }
    }

    private func begin(_ job: BackupJob) throws(Problem) {
        let isFree = state.withLock { state in
            guard state.running == nil else { return false }
            state.running = job
            return true
        }
        guard isFree else {
            throw .conflict("A backup is being made or checked. Wait until it has ended.")
        }
    }

    private func start(_ job: BackupJob) {
        guard case .enqueued = continuation.yield(job) else {
            return end(job, .cancelled)
        }
    }

    private func work(_ job: BackupJob) async {
        let flag = isStopping
        let isCancelled: @Sendable () -> Bool = { flag.value.load(ordering: .acquiring) }
        do {
            switch job.kind {
            case .make: try await make(job, isCancelled)
            case .verify:
                guard let maker else { throw BackupFailure.refused("there is no directory") }
                let keys = try keys()
                _ = try await device.run {
                    try BackupVerification(
                        path: "\(maker.directory)/\(job.name)", isCancelled: isCancelled
                    ).verify(keys: keys)
                }
                end(job, nil)
            }
        } catch let failure as BackupFailure {
            await fail(job, failure)
        } catch {
            await fail(job, .io("\((error as? StoreError)?.description ?? "it failed")"))
        }
    }

    private func make(
        _ job: BackupJob, _ isCancelled: @escaping @Sendable () -> Bool
    ) async throws {
        guard let maker else { return }
        let made = try await device.run {
            try maker.make(
                name: job.name, isAutomatic: job.isAutomatic, isCancelled: isCancelled)
        }
        let manifest = made.manifest
        state.withLock {
            $0.made += 1
            $0.pause.succeeds()
            $0.stalledNanoseconds = made.stalledNanoseconds
            $0.known.append(manifest)
        }
        end(job, nil)
        logger.info(
            "a backup was made",
            metadata: [
                "backup": "\(job.name)", "bytes": "\(manifest.bytes)",
                "events": "\(manifest.events)", "milliseconds": "\(clock() - job.startedAt)",
            ])
        do {
            try await record(
                job,
                [
                    "state": "made", "events": String(manifest.events),
                    "bytes": String(manifest.bytes), "auditSize": String(manifest.auditSize),
                    "auditRoot": manifest.auditRoot.base64,
                    "sha256sums": manifest.sumsSHA256,
                ])
        } catch {
            logger.error("a backup's end could not be recorded", metadata: ["error": "\(error)"])
        }
    }

    private func fail(_ job: BackupJob, _ failure: BackupFailure) async {
        if job.kind == .make {
            let now = clock()
            state.withLock {
                $0.failed += 1
                if job.isAutomatic { $0.pause.fails(at: now) }
            }
        }
        end(job, failure)
        logger.error(
            "a backup failed",
            metadata: [
                "backup": "\(job.name)", "step": "\(job.kind.rawValue)",
                "reason": "\(failure.description)",
            ])
        guard job.kind == .make else { return }
        do {
            try await record(job, ["state": "failed"])
        } catch {
            logger.error("a backup's end could not be recorded", metadata: ["error": "\(error)"])
        }
    }

    private func end(_ job: BackupJob, _ failure: BackupFailure?) {
        let outcome = BackupOutcome(job: job, finishedAt: clock(), failure: failure)
        state.withLock {
            $0.running = nil
            if job.kind == .make { $0.lastMade = outcome } else { $0.checks[job.name] = outcome }
        }
    }

    private func record(_ job: BackupJob, _ detail: [String: String]) async throws {
        let all = detail.merging(["backup": job.name]) { mine, _ in mine }
        if let caller = job.caller {
            try await audit.append(.by(caller, .backupCreated, detail: all))
        } else {
            try await audit.append(.server(.backupCreated, detail: all))
        }
    }

    /// What lies in the directory: names of ours, and the manifest where it is signed. Blocks.
    func look(_ maker: BackupMaker) throws(BackupFailure) -> [(String, BackupManifest?)] {
        beforeLook.withLock { $0 }?()
        guard BackupFiles.kind(maker.directory) == .directory else {
            state.withLock { $0.known = [] }
            return []
        }
        // Without keys none is known to be ours.
        let keys = (try? self.keys()) ?? []
        var found: [(String, BackupManifest?)] = []
        for name in try BackupFiles.names(maker.directory) where BackupName.isValid(name) {
            let path = "\(maker.directory)/\(name)"
            guard BackupFiles.kind(path) == .directory else { continue }
            do throws(BackupFailure) {
                let (manifest, _) = try BackupVerification(path: path).describe(keys: keys)
                found.append((name, manifest.name == name ? manifest : nil))
            } catch {
                found.append((name, nil))
            }
        }
        let known = found.compactMap(\.1)
        state.withLock { $0.known = known }
        return found
    }

    static let noDirectory = Problem.conflict(
        "Backups need the setting backups.directory: see docs/backup.md.")
    static let unknown = Problem.notFound("There is no backup of this name.")
}
