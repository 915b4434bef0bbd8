/// Where a sealed field stands in the stored JSON of an event: the bytes between the quotes.
package struct SealedSpanValue: Sendable, Equatable {
    /// Byte offset in the JSON.
    package var start: UInt32
    /// Byte count of the base64 text.
    package var length: UInt32
    /// Index of the PII field in its contract.
    package var fieldIndex: UInt16
    /// Consent level that a reader needs, 0...63.
    package var level: UInt8
    /// Bit 0: sealed in the random form. The others are 0.
    package var flags: UInt8

    package static let randomFlag: UInt8 = 1

    package var isRandom: Bool { flags & Self.randomFlag != 0 }

    package init(
        start: UInt32, length: UInt32, fieldIndex: UInt16, level: UInt8, flags: UInt8 = 0
    ) {
        self.start = start
        self.length = length
        self.fieldIndex = fieldIndex
        self.level = level
        self.flags = flags
    }
}
