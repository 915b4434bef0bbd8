/// Numbers as ranges: entries of the log, or offsets of a partition. Ascending, disjoint, with a gap
/// between each two.
///
/// Bounded: beyond `rangesMax` ranges what would make another one is not kept, and `isCut` says so.
package struct NumberRanges: Sendable, Equatable {
    package static let rangesMax = 1_000

    package private(set) var ranges: [ClosedRange<UInt64>] = []
    /// There were more.
    package private(set) var isCut = false

    package init() {}

    package mutating func add(_ range: ClosedRange<UInt64>) {
        // The first range that ends at or behind the place before the new one.
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = low + (high - low) / 2
            let isBefore =
                range.lowerBound > 0 && ranges[middle].upperBound < range.lowerBound - 1
            if isBefore { low = middle + 1 } else { high = middle }
        }
        var merged = range
        var end = low
        while end < ranges.count,
            range.upperBound == .max || ranges[end].lowerBound <= range.upperBound + 1
        {
            merged =
                min(
                    merged.lowerBound, ranges[end].lowerBound)...max(
                    merged.upperBound, ranges[end].upperBound)
            end += 1
        }
        if low == end, ranges.count >= Self.rangesMax {
            isCut = true
        } else {
            ranges.replaceSubrange(low..<end, with: [merged])
        }
    }

    package mutating func add(_ number: UInt64) { add(number...number) }
}
