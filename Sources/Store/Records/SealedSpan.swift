/// Where a sealed value stands in the JSON of a record: the bytes between its quotes.
///
/// 12 bytes on disk, little-endian, in this order:
/// ```
/// 0        4        8            10      11      12
/// | start  | length | fieldIndex | level | flags |
/// ```
/// Bit 0 of the flags: the value is sealed in the random form (version 2 of a sealed field), else
/// in the deterministic one (version 1). The other bits are 0; a reader leaves a value sealed that
/// has one it does not know.
package struct SealedSpan: Sendable, Hashable {
    package var start: UInt32
    package var length: UInt32
    package var fieldIndex: UInt16
    package var level: UInt8
    package var flags: UInt8

    package static let byteCount = 12

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
