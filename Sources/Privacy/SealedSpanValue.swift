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
    /// Always 0 so far.
    package var flags: UInt8

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
