import Foundation

/// Counts durations in buckets that grow by an eighth of a power of two, so that a quantile is
/// right to 9%. 320 counters, however many durations.
struct LatencyHistogram: Sendable {
    private var counts = [Int](repeating: 0, count: 320)
    private(set) var total = 0

    mutating func add(_ duration: Duration) {
        let parts = duration.components
        let microseconds = Double(parts.seconds) * 1e6 + Double(parts.attoseconds) / 1e12
        let bucket = Int(log2(max(microseconds, 1)) * 8)
        counts[min(bucket, counts.count - 1)] += 1
        total += 1
    }

    /// Milliseconds: the upper edge of the bucket in which `fraction` (0 to 1) of all durations
    /// end. 0 if there are none.
    func quantile(_ fraction: Double) -> Double {
        var remaining = Int((Double(total) * fraction).rounded(.up))
        for (bucket, count) in counts.enumerated() where count > 0 {
            remaining -= count
            if remaining <= 0 { return exp2(Double(bucket + 1) / 8) / 1000 }
        }
        return 0
    }
}
