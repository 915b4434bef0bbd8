/// A set of consent levels, each 0...63: one machine word, so that a consent check is one `and`.
package struct ConsentLevels: Hashable, Sendable {
    /// The highest level there is.
    package static let levelMax = 63

    /// Bit n stands for level n.
    package var bits: UInt64

    package init(bits: UInt64 = 0) {
        self.bits = bits
    }

    /// Nil if one of the levels is outside 0...63. Repeated levels count once.
    package init?(_ levels: some Sequence<Int>) {
        var bits: UInt64 = 0
        for level in levels {
            guard (0...Self.levelMax).contains(level) else { return nil }
            bits |= 1 << UInt64(level)
        }
        self.bits = bits
    }

    /// The levels {0...level}; nil outside 0...63.
    package static func cumulative(_ level: Int) -> ConsentLevels? {
        guard (0...levelMax).contains(level) else { return nil }
        return ConsentLevels(bits: UInt64.max >> UInt64(levelMax - level))
    }

    /// The levels {0...63}.
    package static let all = ConsentLevels(bits: .max)

    package var isEmpty: Bool { bits == 0 }

    package func contains(_ level: Int) -> Bool {
        (0...Self.levelMax).contains(level) && bits & (1 << UInt64(level)) != 0
    }

    package func isSuperset(of other: ConsentLevels) -> Bool {
        bits & other.bits == other.bits
    }

    /// Ascending, each once.
    package var levels: [Int] {
        (0...Self.levelMax).filter { bits & (1 << UInt64($0)) != 0 }
    }
}

extension ConsentLevels: Codable {
    /// A JSON array of integers.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let levels = ConsentLevels(try container.decode([Int].self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "consent levels are integers 0...63")
        }
        self = levels
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(levels)
    }
}

extension ConsentLevels: CustomStringConvertible {
    package var description: String {
        "{" + levels.map(String.init).joined(separator: ",") + "}"
    }
}
