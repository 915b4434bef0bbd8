/// Reading JSON text of any layout into the one form that can be signed.
extension CanonicalJSON {
    /// Documents are read up to this size.
    package static let byteCountMax = 64 << 20
    private static let depthMax = 32

    /// Refuses what two readers could understand in two ways: a member name twice, numbers that are
    /// not whole or beyond 64 bits, names beyond ASCII (their order could be disputed), text that is
    /// not UTF-8.
    package static func parse(_ bytes: [UInt8]) throws(SignedDocument.Failure) -> CanonicalJSON {
        guard bytes.count <= byteCountMax else { throw .malformed("it is longer than 64 MiB") }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw .malformed("it is not UTF-8")
        }
        var parser = Parser(bytes: bytes)
        let value = try parser.value(depth: 0)
        parser.skipSpace()
        guard parser.isAtEnd else { throw parser.failure("nothing behind the value") }
        return value
    }

    private struct Parser {
        let bytes: [UInt8]
        var at = 0

        var isAtEnd: Bool { at == bytes.count }

        func failure(_ expected: String) -> SignedDocument.Failure {
            .malformed("at byte \(at): expected \(expected)")
        }

        mutating func value(depth: Int) throws(SignedDocument.Failure) -> CanonicalJSON {
            guard depth <= CanonicalJSON.depthMax else { throw failure("fewer levels") }
            skipSpace()
            guard at < bytes.count else { throw failure("a value") }
            switch bytes[at] {
            case UInt8(ascii: "{"): return try object(depth)
            case UInt8(ascii: "["): return try array(depth)
            case UInt8(ascii: "\""): return .string(try string())
            case UInt8(ascii: "n"): return try word("null", .null)
            case UInt8(ascii: "t"): return try word("true", .boolean(true))
            case UInt8(ascii: "f"): return try word("false", .boolean(false))
            default: return try number()
            }
        }

        private mutating func object(
            _ depth: Int
        ) throws(SignedDocument.Failure) -> CanonicalJSON {
            at += 1
            var members: [String: CanonicalJSON] = [:]
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object([:]) }
            repeat {
                skipSpace()
                let name = try string()
                guard name.utf8.allSatisfy({ $0 < 0x80 }) else { throw failure("a name of ASCII") }
                skipSpace()
                guard take(UInt8(ascii: ":")) else { throw failure("a colon") }
                guard members[name] == nil else { throw failure("each name once") }
                members[name] = try value(depth: depth + 1)
                skipSpace()
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "}")) else { throw failure("a comma or a closing brace") }
            return .object(members)
        }

        private mutating func array(
            _ depth: Int
        ) throws(SignedDocument.Failure) -> CanonicalJSON {
            at += 1
            var items: [CanonicalJSON] = []
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array([]) }
            repeat {
                items.append(try value(depth: depth + 1))
                skipSpace()
            } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: "]")) else { throw failure("a comma or a closing bracket") }
            return .array(items)
        }

        private mutating func number() throws(SignedDocument.Failure) -> CanonicalJSON {
            let start = at
            _ = take(UInt8(ascii: "-"))
            while at < bytes.count, (0x30...0x39).contains(bytes[at]) { at += 1 }
            let text = String(decoding: bytes[start..<at], as: UTF8.self)
            // Of one number there is one text: no leading zero, no minus zero.
            guard let number = Int64(text), String(number) == text else {
                at = start
                throw failure("a value; numbers are whole")
            }
            if at < bytes.count, [0x2E, 0x65, 0x45].contains(bytes[at]) {
                throw failure("a whole number")
            }
            return .integer(number)
        }

        private mutating func word(
            _ text: String, _ value: CanonicalJSON
        ) throws(SignedDocument.Failure) -> CanonicalJSON {
            guard bytes[at...].starts(with: text.utf8) else { throw failure("a value") }
            at += text.utf8.count
            return value
        }

        private mutating func string() throws(SignedDocument.Failure) -> String {
            guard take(UInt8(ascii: "\"")) else { throw failure("a string") }
            var text: [UInt8] = []
            while at < bytes.count {
                let byte = bytes[at]
                at += 1
                switch byte {
                case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
                case UInt8(ascii: "\\"): try escape(&text)
                case 0..<0x20: throw failure("no control character in a string")
                default: text.append(byte)
                }
            }
            throw failure("a closing quote")
        }

        private mutating func escape(_ text: inout [UInt8]) throws(SignedDocument.Failure) {
            guard at < bytes.count else { throw failure("an escape") }
            let kind = bytes[at]
            at += 1
            switch kind {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(kind)
            case UInt8(ascii: "b"): text.append(0x08)
            case UInt8(ascii: "f"): text.append(0x0C)
            case UInt8(ascii: "n"): text.append(0x0A)
            case UInt8(ascii: "r"): text.append(0x0D)
            case UInt8(ascii: "t"): text.append(0x09)
            case UInt8(ascii: "u"): text += Array(String(Character(try scalar())).utf8)
            default: throw failure("an escape")
            }
        }

        private mutating func scalar() throws(SignedDocument.Failure) -> Unicode.Scalar {
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code) {
                guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
                    throw failure("a second surrogate")
                }
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw failure("a second surrogate") }
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure("a whole surrogate pair") }
            return scalar
        }

        private mutating func hexadecimal() throws(SignedDocument.Failure) -> UInt32 {
            guard at + 4 <= bytes.count else { throw failure("four hexadecimal digits") }
            var code: UInt32 = 0
            for byte in bytes[at..<at + 4] {
                guard byte < 0x80, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                    throw failure("four hexadecimal digits")
                }
                code = code << 4 | UInt32(digit)
            }
            at += 4
            return code
        }

        private mutating func take(_ byte: UInt8) -> Bool {
            guard at < bytes.count, bytes[at] == byte else { return false }
            at += 1
            return true
        }

        mutating func skipSpace() {
            while at < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[at]) { at += 1 }
        }
    }
}
