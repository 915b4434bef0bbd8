/// A pattern of JSON Schema, which is an ECMA-262 regular expression, written for RE2.
///
/// What both have under one spelling is copied. Translated are: `.` and `\s`, which mean more
/// characters in ECMA-262; `\uXXXX`, `\u{…}`, `\cX`, `\0`; `\p{Letter}`, `\p{Script=…}`; `(?<name>`;
/// `[]`, `[^]`, `[` within a class. What only RE2 has (`\A`, `\z`, `\Q`, `\C`, `\a`) is refused.
/// What only ECMA-262 has, look-around and back-references, is copied, so that RE2 refuses it.
struct ECMAPattern {
    /// Why a pattern is no pattern.
    struct Refused: Error {
        let reason: String
    }

    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var output = ""
    private var isInClass = false

    /// White space and line ends of ECMA-262, inside a class.
    private static let space =
        #"\t\n\x0b\f\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"#
        + #"\x{feff}"#
    /// All other characters, inside a class.
    private static let notSpace =
        #"\x00-\x08\x0e-\x1f!-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}"#
        + #"\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}"#
        + #"\x{ff00}-\x{10ffff}"#

    private init(_ pattern: String) {
        scalars = Array(pattern.unicodeScalars)
    }

    /// The pattern for RE2.
    static func translated(_ pattern: String) throws(Refused) -> String {
        var translation = ECMAPattern(pattern)
        while translation.index < translation.scalars.count { try translation.step() }
        return translation.output
    }

    private func peek(_ offset: Int) -> Unicode.Scalar? {
        index + offset < scalars.count ? scalars[index + offset] : nil
    }

    private mutating func step() throws(Refused) {
        let scalar = scalars[index]
        index += 1
        switch scalar {
        case "\\": try escape()
        case "]" where isInClass:
            isInClass = false
            output += "]"
        case "[" where isInClass: output += "\\["
        case "[": openClass()
        case "." where !isInClass: output += "[^\\n\\r\u{2028}\u{2029}]"
        case "("
        where !isInClass && peek(0) == "?" && peek(1) == "<" && peek(2) != "="
            && peek(2) != "!":
            output += "(?P<"
            index += 2
        default: output.unicodeScalars.append(scalar)
        }
    }

    private mutating func openClass() {
        var start = "["
        if peek(0) == "^" {
            start = "[^"
            index += 1
        }
        if peek(0) == "]" {
            // The class of nothing, and that of everything.
            index += 1
            output += start == "[" ? "[^\\x00-\\x{10FFFF}]" : "[\\x00-\\x{10FFFF}]"
            return
        }
        isInClass = true
        output += start
    }

    private mutating func escape() throws(Refused) {
        guard let scalar = peek(0) else { throw Refused(reason: "trailing \\") }
        index += 1
        switch scalar {
        case "s": output += isInClass ? Self.space : "[\(Self.space)]"
        case "S": output += isInClass ? Self.notSpace : "[\(Self.notSpace)]"
        case "b" where isInClass: output += "\\x08"
        case "c": try control()
        case "0": output += "\\x00"
        case "u": try unicode()
        case "p", "P": try property(scalar)
        case "1"..."9": throw Refused(reason: "invalid escape sequence: \\\(scalar)")
        case "x":
            guard let high = peek(0), let low = peek(1), high.properties.isASCIIHexDigit,
                low.properties.isASCIIHexDigit
            else { throw Refused(reason: "invalid escape sequence: \\x") }
            output += "\\x"
        case "A", "z", "Z", "Q", "E", "C", "a", "G", "X", "R":
            throw Refused(reason: "invalid escape sequence: \\\(scalar)")
        case "_": output += "_"
        case _ where scalar.value >= 0x80: output.unicodeScalars.append(scalar)
        default:
            output += "\\"
            output.unicodeScalars.append(scalar)
        }
    }

    private mutating func control() throws(Refused) {
        guard let letter = peek(0), letter.properties.isAlphabetic, letter.isASCII else {
            throw Refused(reason: "invalid escape sequence: \\c")
        }
        index += 1
        put(letter.value & 31)
    }

    private mutating func unicode() throws(Refused) {
        if peek(0) == "{" {
            index += 1
            var value: UInt32 = 0
            while let digit = peek(0), digit != "}" {
                guard let hex = Character(digit).hexDigitValue, value < 0x110000 else {
                    throw Refused(reason: "invalid escape sequence: \\u{")
                }
                value = value << 4 | UInt32(hex)
                index += 1
            }
            guard peek(0) == "}" else { throw Refused(reason: "invalid escape sequence: \\u{") }
            index += 1
            put(value)
            return
        }
        let high = try unit()
        guard (0xd800..<0xdc00).contains(high), peek(0) == "\\", peek(1) == "u" else {
            put(high)
            return
        }
        index += 2
        let low = try unit()
        guard (0xdc00..<0xe000).contains(low) else {
            throw Refused(reason: "half of a surrogate pair")
        }
        put(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
    }

    private mutating func unit() throws(Refused) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let hex = peek(0).flatMap({ Character($0).hexDigitValue }) else {
                throw Refused(reason: "invalid escape sequence: \\u")
            }
            value = value << 4 | UInt32(hex)
            index += 1
        }
        return value
    }

    private mutating func put(_ value: UInt32) {
        output += "\\x{\(String(value, radix: 16))}"
    }

    /// `\p{…}`: RE2 knows the short names of general categories, and scripts by name.
    private mutating func property(_ letter: Unicode.Scalar) throws(Refused) {
        guard peek(0) == "{", let end = scalars[index...].firstIndex(of: "}") else {
            throw Refused(reason: "invalid escape sequence: \\\(letter)")
        }
        var name = String(String.UnicodeScalarView(scalars[(index + 1)..<end]))
        index = end + 1
        for prefix in ["General_Category=", "gc=", "Script=", "sc="] where name.hasPrefix(prefix) {
            name.removeFirst(prefix.count)
        }
        if name == "ASCII" {
            let set = letter == "p" ? "\\x00-\\x7f" : "\\x80-\\x{10FFFF}"
            output += isInClass ? set : "[\(set)]"
            return
        }
        output += "\\\(letter){\(Self.categories[name] ?? name)}"
    }

    /// Long names of general categories (Unicode, PropertyValueAliases.txt) that RE2 has by their
    /// short ones.
    private static let categories: [String: String] = [
        "Letter": "L", "Cased_Letter": "LC", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll",
        "Titlecase_Letter": "Lt", "Modifier_Letter": "Lm", "Other_Letter": "Lo",
        "Mark": "M", "Combining_Mark": "M", "Nonspacing_Mark": "Mn", "Spacing_Mark": "Mc",
        "Enclosing_Mark": "Me", "Number": "N", "Decimal_Number": "Nd", "digit": "Nd",
        "Letter_Number": "Nl", "Other_Number": "No", "Punctuation": "P", "punct": "P",
        "Connector_Punctuation": "Pc", "Dash_Punctuation": "Pd", "Open_Punctuation": "Ps",
        "Close_Punctuation": "Pe", "Initial_Punctuation": "Pi", "Final_Punctuation": "Pf",
        "Other_Punctuation": "Po", "Symbol": "S", "Math_Symbol": "Sm", "Currency_Symbol": "Sc",
        "Modifier_Symbol": "Sk", "Other_Symbol": "So", "Separator": "Z", "Space_Separator": "Zs",
        "Line_Separator": "Zl", "Paragraph_Separator": "Zp", "Other": "C", "Control": "Cc",
        "cntrl": "Cc", "Format": "Cf", "Private_Use": "Co", "Any": "Any",
    ]
}
