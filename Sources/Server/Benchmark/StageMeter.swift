#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What one round of a stage took.
struct StageSample {
    var nanosecondsPerEvent: Double
    /// Nil if nobody counts.
    var allocationsPerEvent: Double?
}

/// Reads the clocks and the counter of allocations around a stage.
struct StageMeter {
    private let counter = AllocationCounter()

    /// Processor time of the calling thread: what other processes take from it does not count.
    func processorTime(events: Int, _ body: () throws -> Void) rethrows -> StageSample {
        let allocations = allocationCount
        let start = Self.threadNanoseconds()
        try body()
        let spent = Self.threadNanoseconds() - start
        return sample(events, spent, since: allocations)
    }

    /// Time on the wall: for what waits for other threads and the disk.
    func elapsedTime(
        events: Int, _ body: () async throws -> Void
    ) async rethrows -> StageSample {
        let allocations = allocationCount
        let start = Self.read(CLOCK_MONOTONIC)
        try await body()
        let spent = Self.read(CLOCK_MONOTONIC) - start
        return sample(events, spent, since: allocations)
    }

    /// Calls of the allocator so far, of all threads; nil if nobody counts.
    var allocationCount: UInt64? { counter.count }

    /// For a duration in ns that somebody else measured; `since` nil: allocations are not given.
    func sample(
        _ events: Int, _ nanoseconds: UInt64, since allocations: UInt64?
    ) -> StageSample {
        var sample = StageSample(nanosecondsPerEvent: Double(nanoseconds) / Double(events))
        if let allocations, let now = allocationCount {
            sample.allocationsPerEvent = Double(now - allocations) / Double(events)
        }
        return sample
    }

    /// Processor time that the calling thread has used.
    static func threadNanoseconds() -> UInt64 { read(CLOCK_THREAD_CPUTIME_ID) }

    static func elapsedNanoseconds(_ body: () throws -> Void) rethrows -> UInt64 {
        let start = read(CLOCK_MONOTONIC)
        try body()
        return read(CLOCK_MONOTONIC) - start
    }

    private static func read(_ clock: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// Allocations, if a library that counts them was loaded before the program: it exports
/// `unsigned long long strm_allocation_count(void)`, the calls so far of malloc and its kin by all
/// threads.
private struct AllocationCounter {
    private typealias Function = @convention(c) () -> UInt64

    private let function: Function?

    init() {
        guard let program = dlopen(nil, RTLD_LAZY),
            let symbol = dlsym(program, "strm_allocation_count")
        else {
            function = nil
            return
        }
        // The symbol's name is the contract for its type; nothing else exports it.
        function = unsafeBitCast(symbol, to: Function.self)
    }

    var count: UInt64? { function?() }
}
