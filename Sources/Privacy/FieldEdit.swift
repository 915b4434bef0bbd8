/// One value of a stored event that a reader gets otherwise than it is stored.
package struct FieldEdit: Sendable, BitwiseCopyable {
    package enum Kind: UInt8, Sendable, BitwiseCopyable {
        /// A sealed value, opened.
        case open
        /// A sealed value, opened in memory and hashed.
        case maskSealed
        /// A value in clear, hashed; null stays null.
        case maskPlain
    }

    package var kind: Kind
    /// Flags of the sealed span; 0 for a value in clear.
    package var flags: UInt8
    /// Index of the mask function; 0 for `open`.
    package var mask: UInt8
    /// Byte offset in the JSON: between the quotes of a sealed value, at the first byte of one in
    /// clear.
    package var start: UInt32
    package var length: UInt32

    package init(kind: Kind, flags: UInt8 = 0, mask: UInt8 = 0, start: UInt32, length: UInt32) {
        self.kind = kind
        self.flags = flags
        self.mask = mask
        self.start = start
        self.length = length
    }
}
