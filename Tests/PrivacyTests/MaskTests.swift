import Contracts
import Crypto
import Foundation
import Testing

@testable import Privacy

@Suite struct MaskTests {
    private struct Vectors: Decodable {
        struct Vector: Decodable {
            var seed: UInt32
            var message: String
            var hash: String

            init(from decoder: any Decoder) throws {
                var items = try decoder.unkeyedContainer()
                seed = try items.decode(UInt32.self)
                message = try items.decode(String.self)
                hash = try items.decode(String.self)
            }
        }
        var vectors: [Vector]
    }

    @Test func `murmur3 gives the digits of Python's mmh3`() throws {
        let file = Repository.root.appending(path: "Tests/PrivacyTests/Data/murmur3.json")
        let vectors = try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file)).vectors
        #expect(vectors.count > 200)
        for vector in vectors {
            let message = bytes(vector.message)
            #expect(digits(.murmur3(seed: vector.seed), message) == vector.hash)
        }
    }

    @Test func `hmac-sha256 gives the digits of another implementation, for any length`() {
        var generator = SeededGenerator(77)
        let key = generator.bytes(32)
        let hash = key.withUnsafeBytes { ValueHash(key: $0) }
        for count in Array(0...130) + [1_000] {
            let message = generator.bytes(count)
            let expected = HMAC<SHA256>.authenticationCode(
                for: message, using: SymmetricKey(data: key))
            #expect(digits(.hmacSHA256(hash), message) == hexadecimal(expected))
        }
    }

    @Test func `sealed and plain values are replaced by hashes of what they say`() throws {
        let sealed = EventFixture.threeLevels().sealed()
        var edits = sealed.spans.map { span in
            FieldEdit(
                kind: span.level == 1 ? .open : .maskSealed, flags: span.flags, mask: 0,
                start: span.start, length: span.length)
        }
        let nonce = try #require(sealed.json.range(of: "42"))
        edits.append(
            FieldEdit(
                kind: .maskPlain, mask: 0, start: UInt32(nonce.lowerBound),
                length: UInt32(nonce.count)))
        edits.sort { $0.start < $1.start }
        let text = try edited(sealed, edits)
        #expect(text.contains(#"{"one":"first","#))
        let quoted = digits(.murmur3(seed: 9), Array("a \"quote\" and \\ and \u{1}".utf8))
        #expect(text.contains(#""two":"\#(quoted)""#))
        #expect(text.contains(#""three":["\#(digits(.murmur3(seed: 9), []))"]"#))
        #expect(text.contains(#""nonce":"\#(digits(.murmur3(seed: 9), Array("42".utf8)))""#))
    }

    @Test func `a string in clear is hashed without its escapes, and null stays null`() throws {
        let json = Array(#"{"a":"x\"\u0001","b":null,"c":true,"d":"null"}"#.utf8)
        let event = EventFixture.Sealed(json: json, timestampDigitsAt: 0, spans: [])
        let edits = try [#""x\"\u0001""#, "null", "true", #""null""#].map { value in
            let place = try #require(json.range(of: value))
            return FieldEdit(
                kind: .maskPlain, start: UInt32(place.lowerBound), length: UInt32(place.count))
        }
        func hash(_ value: String) -> String { digits(.murmur3(seed: 9), Array(value.utf8)) }
        let expected =
            #"{"a":"\#(hash("x\"\u{1}"))","b":null,"c":"\#(hash("true"))","d":"\#(hash("null"))"}"#
        #expect(try edited(event, edits) == expected)
    }

    @Test func `an altered value, or one without its key, leaves nothing in the output`() throws {
        var sealed = EventFixture.threeLevels().sealed()
        let edits = sealed.spans.map { span in
            FieldEdit(kind: .maskSealed, start: span.start, length: span.length)
        }
        #expect(throws: OpenError.malformed) { try edited(sealed, edits, hasKey: false) }
        let last = try #require(sealed.spans.last)
        let place = Int(last.start) + 12
        sealed.json[place] = sealed.json[place] == UInt8(ascii: "A") ? 66 : 65
        #expect(throws: OpenError.altered) { try edited(sealed, edits) }
        let unordered = [edits[1], edits[0]]
        #expect(throws: OpenError.malformed) { try edited(sealed, unordered) }
    }

    private func edited(
        _ event: EventFixture.Sealed, _ edits: [FieldEdit], hasKey: Bool = true
    ) throws -> String {
        let key = KeyFixture()
        var output = ByteBuilder()
        do {
            try event.json.withUnsafeBytes { json in
                try edits.withUnsafeBufferPointer { edits in
                    try key.bytes.withUnsafeBytes { bytes in
                        try EventOpener().edit(
                            json: json, edits: edits, functions: [.murmur3(seed: 9)],
                            key: hasKey ? (bytes, key.id) : nil, into: &output)
                    }
                }
            }
        } catch {
            #expect(output.count == 0)
            throw error
        }
        return String(decoding: output.toArray(), as: UTF8.self)
    }

    private func digits(_ function: MaskFunction, _ message: [UInt8]) -> String {
        var output = [UInt8](repeating: 0, count: function.digitCount)
        message.withUnsafeBytes { message in
            output.withUnsafeMutableBytes { output in
                if let start = output.baseAddress { function.write(message, into: start) }
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }
}

extension [UInt8] {
    fileprivate func range(of text: String) -> Range<Int>? {
        let wanted = Array(text.utf8)
        return indices.first { self[$0...].starts(with: wanted) }.map { $0..<$0 + wanted.count }
    }
}
