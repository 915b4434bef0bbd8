import Foundation
import Testing

@testable import Contracts

@Suite("canonical text")
struct TextTests {
    private static func escape(_ raw: [UInt8]) -> [UInt8] {
        raw.withUnsafeBytes { bytes in
            let count = JSONText.escapedCount(bytes)
            return [UInt8](unsafeUninitializedCapacity: count) { output, written in
                written = JSONText.escape(bytes, into: UnsafeMutableRawBufferPointer(output))
            }
        }
    }

    private static func unescape(_ escaped: [UInt8]) -> [UInt8] {
        escaped.withUnsafeBytes { bytes in
            [UInt8](unsafeUninitializedCapacity: escaped.count) { output, written in
                written = JSONText.unescape(bytes, into: UnsafeMutableRawBufferPointer(output))
            }
        }
    }

    @Test("every byte at every place of a word is escaped rightly")
    func everyByte() {
        for byte in UInt8.min...UInt8.max {
            for length in 1...20 {
                var raw = [UInt8](repeating: UInt8(ascii: "a"), count: length)
                raw[length / 2] = byte
                let escaped = Self.escape(raw)
                #expect(Self.unescape(escaped) == raw)
                let mustEscape = byte < 0x20 || byte == 0x22 || byte == 0x5c
                #expect((escaped != raw) == mustEscape)
                #expect(!escaped.contains { $0 < 0x20 })
            }
        }
    }

    @Test("other JSON escapes are understood, broken ones copied, and nothing traps")
    func unescaping() {
        let cases: [(String, String)] = [
            (#"\/\u0041\u00e9\ud83d\ude00"#, "/Aé😀"), (#"\ud83d"#, #"\ud83d"#),
            (#"\ud83dx"#, #"\ud83dx"#), (#"\ud83d\u0041"#, #"\ud83dA"#), (#"\u12"#, #"\u12"#),
            (#"\"#, #"\"#), (#"\x"#, #"\x"#), (#"\\u0041"#, #"\u0041"#), ("", ""),
        ]
        for (escaped, raw) in cases {
            #expect(String(decoding: Self.unescape(Array(escaped.utf8)), as: UTF8.self) == raw)
        }
    }

    /// A number as one may write it, and its canonical form.
    static let numbers: [(String, String)] = [
        ("0", "0"), ("-0.0", "0"), ("1", "1"), ("-1.5", "-1.5"), ("0.1", "0.1"),
        ("1e21", "1e+21"), ("1e16", "1e+16"), ("9999999999999998", "9999999999999998"),
        ("123456789012345680000", "1.2345678901234568e+20"), ("1e-6", "0.000001"),
        ("1e-7", "1e-7"), ("1.5e-9", "1.5e-9"), ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("9007199254740993", "9007199254740992"), ("333333333.33333329", "333333333.3333333"),
        ("1e23", "1e+23"), ("-0.0000033333333333333333", "-0.0000033333333333333333"),
        ("4.35", "4.35"), ("1e15", "1000000000000000"), ("123.456", "123.456"),
    ]

    @Test("doubles are written as RFC 8785 says, with an exponent from 1e16 on", arguments: numbers)
    func number(_ example: (String, String)) throws {
        let number = try #require(Double(example.0))
        #expect(String(decoding: NumberText.bytes(number), as: UTF8.self) == example.1)
    }

    @Test("any double and any integer reads back as itself")
    func roundTrip() {
        var generator = SeededGenerator.printed()
        for _ in 0..<20_000 {
            let number = Double(bitPattern: generator.next())
            guard number.isFinite else { continue }
            let text = String(decoding: NumberText.bytes(number), as: UTF8.self)
            #expect(Double(text) == number)
            let integer = Int64(bitPattern: generator.next()) >> Int64(generator.next() % 64)
            let digits = [UInt8](unsafeUninitializedCapacity: NumberText.bytesMax) {
                buffer, count in
                count = buffer.baseAddress.map { NumberText.write(integer, into: $0) } ?? 0
            }
            #expect(String(decoding: digits, as: UTF8.self) == String(integer))
        }
        for edge in [
            Int64.min, .max, 0, 9, 10, -10, 99, 100, 999_999_999_999_999_999,
            1_000_000_000_000_000_000,
        ] {
            #expect(JSONValue.integer(edge).bytes == Array(String(edge).utf8))
            let digits = [UInt8](unsafeUninitializedCapacity: NumberText.bytesMax) {
                buffer, count in
                count = buffer.baseAddress.map { NumberText.write(edge, into: $0) } ?? 0
            }
            #expect(String(decoding: digits, as: UTF8.self) == String(edge))
        }
    }

    @Test("references are handle/name/version and nothing that could climb a path")
    func references() {
        for good in ["a/b/1.0.0", "A-1/b_2/10.20.30", "a/b/1.0.0-rc.1", "a.b/c/0.0.1+x"] {
            #expect(ContractRef(good)?.description == good)
            #expect(SchemaRef(good)?.description == good)
        }
        for bad in [
            "", "a", "a/b", "a/b/1.0", "a/b/1.0.0/", "/a/b/1.0.0", "a//1.0.0", "../b/1.0.0",
            "a/./1.0.0", "a/b/1.0.x", "a/b/1.0.0-", "a b/c/1.0.0", "a/é/1.0.0", "a/b/1..0",
            "a/b/\(String(repeating: "1", count: 70)).0.0",
            "\(String(repeating: "a", count: 65))/b/1.0.0",
        ] {
            #expect(ContractRef(bad) == nil, "\(bad)")
        }
    }

    @Test("consent levels are a set of 0...63")
    func consentLevels() throws {
        #expect(ConsentLevels([0, 5, 63, 5])?.levels == [0, 5, 63])
        #expect(ConsentLevels([64]) == nil)
        #expect(ConsentLevels([-1]) == nil)
        #expect(ConsentLevels.cumulative(0)?.levels == [0])
        #expect(ConsentLevels.cumulative(2)?.levels == [0, 1, 2])
        #expect(ConsentLevels.cumulative(63)?.bits == .max)
        #expect(ConsentLevels.cumulative(64) == nil)
        let levels = try #require(ConsentLevels([1, 4]))
        #expect(levels.isSuperset(of: ConsentLevels()))
        #expect(levels.isSuperset(of: ConsentLevels(bits: 2)))
        #expect(!levels.isSuperset(of: ConsentLevels(bits: 1)))
        #expect(levels.contains(4) && !levels.contains(64) && !levels.contains(-1))
        let text = try JSONEncoder().encode([levels])
        #expect(String(decoding: text, as: UTF8.self) == "[[1,4]]")
        #expect(try JSONDecoder().decode([ConsentLevels].self, from: text) == [levels])
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode([ConsentLevels].self, from: Data("[[64]]".utf8))
        }
        let refs = try #require(ContractRef("a/b/1.0.0"))
        #expect(
            try JSONDecoder().decode([ContractRef].self, from: JSONEncoder().encode([refs])) == [
                refs
            ])
        #expect(MemoryLayout<EventSpan>.size == 16)
    }
}
