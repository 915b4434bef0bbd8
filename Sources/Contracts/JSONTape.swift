/// Simdjson's tape: a flat list of 64-bit words, the top byte of each says what stands there.
///
///     '{' '['   low 32 bits: index one behind the matching end; bits 32...55: count of members or items, saturated
///     '"'       low 56 bits: offset in the string buffer of a 4-byte length, the bytes and a NUL
///     'l' 'u' 'd'   Int64, UInt64 or Double in the next word
///     't' 'f' 'n'   true, false, null
///
/// A plain view; valid as long as the parser's last result (``JSONParser/parse(_:)``). Indexes come
/// from the tape itself, which simdjson builds well formed for any input, so they are not checked
/// again.
struct JSONTape {
    let words: UnsafePointer<UInt64>
    let strings: UnsafeRawPointer

    enum Tag {
        static let object = UInt8(ascii: "{")
        static let array = UInt8(ascii: "[")
        static let string = UInt8(ascii: "\"")
        static let integer = UInt8(ascii: "l")
        static let unsigned = UInt8(ascii: "u")
        static let double = UInt8(ascii: "d")
        static let yes = UInt8(ascii: "t")
        static let no = UInt8(ascii: "f")
        static let null = UInt8(ascii: "n")
    }

    /// Index of the document's root value.
    static let rootIndex = 1

    @inline(__always)
    func tag(_ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: words[index] >> 56)
    }

    /// Index of the end mark of the object or list at `index`; its members stand between the two.
    @inline(__always)
    func end(_ index: Int) -> Int {
        Int(words[index] & 0xffff_ffff) - 1
    }

    /// Index of the value behind the one at `index`.
    @inline(__always)
    func next(_ index: Int) -> Int {
        switch tag(index) {
        case Tag.object, Tag.array: return Int(words[index] & 0xffff_ffff)
        case Tag.integer, Tag.unsigned, Tag.double: return index + 2
        default: return index + 1
        }
    }

    /// Members or items, saturated at 16,777,215.
    @inline(__always)
    func memberCount(_ index: Int) -> Int {
        Int(words[index] >> 32 & 0xff_ffff)
    }

    /// The unescaped UTF-8 of the string at `index`.
    @inline(__always)
    func string(_ index: Int) -> UnsafeRawBufferPointer {
        let start = strings + Int(words[index] & 0xff_ffff_ffff_ffff)
        let count = Int(start.loadUnaligned(as: UInt32.self))
        return UnsafeRawBufferPointer(start: start + 4, count: count)
    }

    @inline(__always)
    func integer(_ index: Int) -> Int64 { Int64(bitPattern: words[index + 1]) }

    @inline(__always)
    func unsigned(_ index: Int) -> UInt64 { words[index + 1] }

    @inline(__always)
    func double(_ index: Int) -> Double { Double(bitPattern: words[index + 1]) }
}
