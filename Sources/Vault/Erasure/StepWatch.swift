import Glibc

/// Measures steps one after the other.
struct StepWatch {
    private var last = Self.milliseconds

    /// Milliseconds since the last call.
    mutating func lap() -> Int {
        let now = Self.milliseconds
        defer { last = now }
        return Int(now - last)
    }

    private static var milliseconds: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
    }
}
