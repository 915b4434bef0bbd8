/// A place in the canonical JSON of an event: a personal value to seal, or where a field of
/// `strmMeta` is to be inserted.
///
/// Plain data, 16 bytes, so that tables of spans are copied without reference counting.
package struct EventSpan: Sendable, Equatable, BitwiseCopyable {
    package enum Kind: UInt8, Sendable, BitwiseCopyable {
        /// The bytes between the quotes of a personal string, in escaped form.
        case pii
        /// The four insertion points: length 0, the value goes here, with its quotes where it is a
        /// string.
        case nonce
        case timestamp
        case keyLink
        case billingId
    }

    package var kind: Kind
    /// The bytes contain a backslash: unescape before sealing. Always false for insertion points.
    package var isEscaped: Bool
    /// Consent level 0...63 that opens the value; 0 for insertion points.
    package var level: UInt8
    /// The value is sealed in the random mode (``SealingMode``). Always false for insertion points.
    package var isRandom: Bool
    /// Index into ``Contract/piiFields``; 0 for insertion points.
    package var fieldIndex: UInt16
    /// Bytes from the start of the canonical JSON.
    package var start: UInt32
    package var length: UInt32

    package init(
        kind: Kind, isEscaped: Bool = false, level: UInt8 = 0, isRandom: Bool = false,
        fieldIndex: UInt16 = 0, start: UInt32, length: UInt32 = 0
    ) {
        self.kind = kind
        self.isEscaped = isEscaped
        self.level = level
        self.isRandom = isRandom
        self.fieldIndex = fieldIndex
        self.start = start
        self.length = length
    }
}
