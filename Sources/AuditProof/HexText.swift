/// Bytes as lower-case hexadecimal digits.
package enum HexText {
    package static func text(_ bytes: some Sequence<UInt8>) -> String {
        var result = ""
        for byte in bytes {
            result += String(byte >> 4, radix: 16)
            result += String(byte & 15, radix: 16)
        }
        return result
    }
}
