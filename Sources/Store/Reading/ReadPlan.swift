/// What a read of one partition goes through, fixed when it begins.
struct ReadPlan: Sendable {
    struct Day: Sendable {
        let family: DayFamily
        let firstOffset: UInt64
    }

    let partition: PartitionID
    /// Nothing at or beyond it is read.
    let tail: UInt64
    /// Ascending.
    let days: [Day]
    let gaps: [PartitionTable.Gap]

    /// The day that holds `offset`, or the first one if the offset is before all.
    func dayIndex(of offset: UInt64) -> Int {
        max(0, (days.firstIndex { $0.firstOffset > offset } ?? days.count) - 1)
    }

    /// The first offset after the last of a day.
    func endOffset(ofDay index: Int) -> UInt64 {
        index + 1 < days.count ? days[index + 1].firstOffset : tail
    }

    /// Where the hole that holds `offset` ends; nil if none was ever accepted there. A cursor from
    /// before the loss may stand in the middle of one.
    func gapEnd(at offset: UInt64) -> UInt64? {
        gaps.first { $0.start <= offset && offset < $0.end }?.end
    }
}
