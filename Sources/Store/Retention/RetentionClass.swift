/// How long the events of a stream live. Streams of one class share the families of a day.
package struct RetentionClass: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    /// 1...400.
    package let days: UInt16

    package static let daysMin = 1
    package static let daysMax = 400
    package static let standard = RetentionClass(unchecked: 7)

    /// nil: outside 1...400 days.
    package init?(days: Int) {
        guard (Self.daysMin...Self.daysMax).contains(days) else { return nil }
        self.days = UInt16(days)
    }

    private init(unchecked days: UInt16) { self.days = days }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = RetentionClass(days: try container.decode(Int.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "retention is 1 to 400 days")
        }
        self = value
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(Int(days))
    }

    package var milliseconds: Milliseconds { Milliseconds(days) * UTCDay.milliseconds }

    /// Events with a smaller timestamp have expired at `now`: the `notBefore` of a read.
    package func floor(now: Milliseconds) -> Milliseconds { now - milliseconds }

    package static func < (left: Self, right: Self) -> Bool { left.days < right.days }

    package var description: String { "\(days)d" }
}
