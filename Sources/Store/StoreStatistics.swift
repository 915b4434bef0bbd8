/// What the store has done since it was opened, and how it is now.
package struct StoreStatistics: Sendable {
    package var commits: UInt64 = 0
    package var events: UInt64 = 0
    /// Bytes of their records.
    package var eventBytes: UInt64 = 0
    package var mutations: UInt64 = 0
    package var keysMade: UInt64 = 0
    /// Requests and chunks that were refused because the queue or the disk was full, or because
    /// the batch in hand did not end.
    package var refusals: UInt64 = 0
    /// From taking a batch to its last acknowledgement.
    package var commitTime = DurationHistogram()
    /// The engine's write with its sync.
    package var writeTime = DurationHistogram()
    /// Events of a batch.
    package var batchEvents = CountHistogram()
    /// How long the batch in hand has taken so far; 0: none is in hand. Seconds mean a stall.
    package var runningNanoseconds: UInt64 = 0
    package var queuedEvents = 0
    package var queuedBytes = 0
    package var queuedRequests = 0
    package var partitions = 0
    /// Watches that have neither woken nor been taken back.
    package var watchers = 0
    /// Column families with events.
    package var dayFamilies = 0
    /// Files of the database, in bytes; measured every ten seconds.
    package var diskBytes: UInt64 = 0
    /// Free on the file system, in bytes; measured every half second.
    package var freeBytes: UInt64 = 0
    package var isDiskFull = false
    package var isPoisoned = false
    /// What the first failed write said.
    package var poisonReason: String?
    /// The last watermark that was written; ms since 1970.
    package var watermarkTime: Milliseconds = 0
    package var watermarkFailures: UInt64 = 0
    /// nil while the store closes, or if the engine does not tell.
    package var engine: EngineFigures?

    package init() {}
}

/// Times, counted in buckets whose upper bounds double from 1 µs.
package struct DurationHistogram: Sendable, Equatable {
    /// `counts[i]`: times up to 2^i µs and over the bound before; the last: all that is longer.
    package private(set) var counts = [UInt64](repeating: 0, count: 26)
    package private(set) var sumNanoseconds: UInt64 = 0

    package init() {}

    package var count: UInt64 { counts.reduce(0, +) }

    /// The upper bound of bucket `index` in seconds; infinity for the last.
    package static func upperBoundSeconds(_ index: Int) -> Double {
        index >= 25 ? .infinity : Double(1 << index) / 1_000_000
    }

    mutating func record(nanoseconds: UInt64) {
        sumNanoseconds &+= nanoseconds
        let microseconds = (nanoseconds + 999) / 1000
        let bucket = microseconds <= 1 ? 0 : 64 - (microseconds - 1).leadingZeroBitCount
        counts[min(25, bucket)] += 1
    }
}

/// Counts, in buckets whose upper bounds double from 1.
package struct CountHistogram: Sendable, Equatable {
    /// `counts[i]`: values up to 2^i and over the bound before; the last one: all that is larger.
    package private(set) var counts = [UInt64](repeating: 0, count: 18)
    package private(set) var sum: UInt64 = 0

    package init() {}

    package var count: UInt64 { counts.reduce(0, +) }

    package static func upperBound(_ index: Int) -> Double {
        index >= 17 ? .infinity : Double(1 << index)
    }

    mutating func record(_ value: Int) {
        let value = UInt64(max(0, value))
        sum &+= value
        let bucket = value <= 1 ? 0 : 64 - (value - 1).leadingZeroBitCount
        counts[min(17, bucket)] += 1
    }
}
