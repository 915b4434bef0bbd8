/// Milliseconds since 1970-01-01T00:00:00Z. Leap seconds do not exist.
package typealias Milliseconds = Int64

/// Names a stream for ever: numbers are given by the catalog and never used twice.
package struct StreamID: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    package var rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(UInt32.self)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    package var description: String { String(rawValue) }
}

/// The place of an event in its partition: 0, 1, 2 … without gaps, never given twice, also after
/// everything before it has expired.
package struct Offset: Comparable, Hashable, Sendable, CustomStringConvertible {
    package var rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    package var description: String { String(rawValue) }
}

/// One ordered sequence of events.
package struct PartitionID: Hashable, Sendable, CustomStringConvertible {
    package var stream: StreamID
    package var partition: UInt16

    package init(stream: StreamID, partition: UInt16 = 0) {
        self.stream = stream
        self.partition = partition
    }

    package var description: String { "\(stream)/\(partition)" }
}
