/// A thread that every half second brings the watermark up to date and looks whether the disk is
/// full. Away from the commit thread, so that no acknowledgement waits for either.
///
/// `@unchecked Sendable`: all mutable state is read and written with `lock` held.
final class Housekeeper: @unchecked Sendable {
    static let periodMilliseconds = 500
    /// Every so many rounds the files are measured.
    private static let measureRounds = 20

    private let lock = ConditionLock()
    private let shared: CommitShared
    private let databasePath: String
    private var isStopping = false
    private var thread: StoreThread?
    private var round = 0

    init(shared: CommitShared, databasePath: String) {
        self.shared = shared
        self.databasePath = databasePath
    }

    func start() throws(StoreError) {
        let thread = try StoreThread(name: "strm-keeper") { [self] in
            while waitForRound() { work() }
        }
        lock.withLock { self.thread = thread }
    }

    func stop() {
        let thread = lock.withLock { () -> StoreThread? in
            isStopping = true
            lock.broadcast()
            defer { self.thread = nil }
            return self.thread
        }
        thread?.join()
    }

    /// One round. Tests call it: they do not wait for the thread.
    func work() {
        measure()
        do throws(StoreError) {
            try shared.keeper.writeIfDirty(now: shared.clock())
        } catch {
            // It stays dirty, so the next round writes it. A start until then sees the older one.
            shared.counters.didFailWatermark()
        }
    }

    private func measure() {
        let round = lock.withLock { () -> Int in
            defer { self.round += 1 }
            return self.round
        }
        let files =
            round % Self.measureRounds == 0 ? Directories.fileBytes(databasePath) : nil
        let free = shared.configuration.freeBytes?() ?? Directories.freeBytes(databasePath)
        shared.counters.didMeasure(freeBytes: free, diskBytes: files)
        guard let free else { return }
        let least = shared.configuration.freeBytesMin
        // The last eighth is left to the engine, which must still be able to finish what it began.
        shared.queue.setDisk(isFull: free < least, isUsedUp: free < least / 8)
    }

    private func waitForRound() -> Bool {
        lock.withLock {
            if !isStopping { lock.wait(milliseconds: Self.periodMilliseconds) }
            return !isStopping
        }
    }
}
