/// Why a JSON text was refused: the place and what was expected there, never the text itself.
struct WireError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Byte index in the text.
    var index: Int
    var expected: String

    var description: String { "at byte \(index): expected \(expected)" }
}

/// A strict RFC 8259 parser for management bodies and settings (events have their own, on
/// simdjson): valid UTF-8 only, no name twice in an object, at most 32 levels, nothing after the
/// value. Linear in time for bounded objects; the body's size is bounded by the HTTP limit.
struct WireParser {
    static let depthMax = 32

    private let bytes: [UInt8]
    private var index = 0

    static func parse(_ bytes: [UInt8]) throws(WireError) -> WireValue {
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw WireError(index: 0, expected: "valid UTF-8")
        }
        var parser = WireParser(bytes: bytes)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.index == bytes.count else { throw parser.error("the end of the text") }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private mutating func value(depth: Int) throws(WireError) -> WireValue {
        guard depth < Self.depthMax else { throw error("at most \(Self.depthMax) levels") }
        skipSpace()
        switch peek {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    private mutating func object(depth: Int) throws(WireError) -> WireValue {
        index += 1
        var members: [(name: String, value: WireValue)] = []
        var names: Set<String> = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object([]) }
        repeat {
            skipSpace()
            guard peek == UInt8(ascii: "\"") else { throw error("a member name") }
            let name = try string()
            guard names.insert(name).inserted else { throw error("each member name once") }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("a colon") }
            members.append((name: name, value: try value(depth: depth + 1)))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw error("a comma or a closing brace") }
        return .object(members)
    }

    private mutating func array(depth: Int) throws(WireError) -> WireValue {
        index += 1
        var items: [WireValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array([]) }
        repeat {
            items.append(try value(depth: depth + 1))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw error("a comma or a closing bracket") }
        return .array(items)
    }

    private mutating func string() throws(WireError) -> String {
        index += 1
        var text: [UInt8] = []
        while let byte = peek {
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &text)
            case 0..<0x20: throw error("no control character in a string")
            default: text.append(byte)
            }
        }
        throw error("a closing quote")
    }

    private mutating func escape(into text: inout [UInt8]) throws(WireError) {
        guard let byte = peek else { throw error("an escape") }
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var scalar = try hexadecimal()
            if (0xD800..<0xDC00).contains(scalar) {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                    throw error("a second surrogate")
                }
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw error("a second surrogate") }
                scalar = 0x10000 + ((scalar - 0xD800) << 10) + (low - 0xDC00)
            }
            guard let character = Unicode.Scalar(scalar) else {
                throw error("a whole surrogate pair")
            }
            text.append(contentsOf: Array(String(Character(character)).utf8))
        default: throw error("an escape")
        }
    }

    private mutating func hexadecimal() throws(WireError) -> UInt32 {
        guard index + 4 <= bytes.count else { throw error("four hexadecimal digits") }
        var value: UInt32 = 0
        for byte in bytes[index..<index + 4] {
            guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw error("four hexadecimal digits")
            }
            value = value << 4 | UInt32(digit)
        }
        index += 4
        return value
    }

    private mutating func number() throws(WireError) -> WireValue {
        let start = index
        _ = take(UInt8(ascii: "-"))
        let leading = peek
        guard digits() > 0 else {
            index = start
            throw error("a value")
        }
        guard leading != UInt8(ascii: "0") || index - start <= (bytes[start] == 0x2D ? 2 : 1) else {
            throw error("no leading zero")
        }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard digits() > 0 else { throw error("a digit") }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() > 0 else { throw error("a digit") }
        }
        let text = String(decoding: bytes[start..<index], as: UTF8.self)
        if isInteger, let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else { throw error("a finite number") }
        return .number(number)
    }

    private mutating func digits() -> Int {
        let start = index
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        return index - start
    }

    private mutating func word(_ text: String, _ value: WireValue) throws(WireError) -> WireValue {
        guard bytes[index...].starts(with: text.utf8) else { throw error("a value") }
        index += text.utf8.count
        return value
    }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D {
            index += 1
        }
    }

    private func error(_ expected: String) -> WireError {
        WireError(index: index, expected: expected)
    }
}
