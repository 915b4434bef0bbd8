import FoundationEssentials

/// The forms in which a marker is looked for.
package enum LeakForm: String, Sendable, CaseIterable {
    case raw
    case base64
    case hexadecimal
    case percent
    case utf16

    /// What stands in a file if a piece of a marker stands there in this form, wherever the piece
    /// begins in what was encoded.
    func texts(of piece: [UInt8]) -> [[UInt8]] {
        switch self {
        case .raw: [piece]
        case .base64: Self.base64(piece)
        case .hexadecimal:
            ["0123456789abcdef", "0123456789ABCDEF"].map { Self.digits(piece, $0, before: []) }
        case .percent:
            ["0123456789abcdef", "0123456789ABCDEF"].map {
                Self.digits(piece, $0, before: [UInt8(ascii: "%")])
            }
        case .utf16: [piece.flatMap { [$0, 0] }, piece.flatMap { [0, $0] }]
        }
    }

    /// A group of three bytes may begin before the piece by none, one or two: the characters that
    /// depend on the piece alone, for each. Both alphabets, where they differ.
    private static func base64(_ piece: [UInt8]) -> [[UInt8]] {
        var texts: [[UInt8]] = []
        for before in 0...2 {
            let bits = (before + piece.count) * 8
            let first = (before * 8 + 5) / 6
            let whole = Data([UInt8](repeating: 0, count: before) + piece).base64EncodedString()
            let text = Array(Array(whole.utf8)[first..<bits / 6])
            texts.append(text)
            let other = text.map { byte -> UInt8 in
                switch byte {
                case UInt8(ascii: "+"): UInt8(ascii: "-")
                case UInt8(ascii: "/"): UInt8(ascii: "_")
                default: byte
                }
            }
            if other != text { texts.append(other) }
        }
        return texts
    }

    private static func digits(_ piece: [UInt8], _ alphabet: String, before: [UInt8]) -> [UInt8] {
        let digits = Array(alphabet.utf8)
        return piece.flatMap { before + [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }
}
