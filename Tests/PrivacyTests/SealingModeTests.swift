import Contracts
import Foundation
import Testing

@testable import Privacy

@Suite struct SealingModeTests {
    /// `Data/sealing-modes.json`, made by Tink; docs/privacy.md refers to it.
    struct Vectors: Decodable {
        struct Vector: Decodable {
            var plaintext: String
            var deterministic: String
            var random: String
        }
        var key: String
        var keyId: String
        var nonce: String
        var vectors: [Vector]

        static func read() throws -> Vectors {
            let file = Repository.root.appending(path: "Tests/PrivacyTests/Data/sealing-modes.json")
            return try JSONDecoder().decode(Vectors.self, from: Data(contentsOf: file))
        }
    }

    @Test func `both forms give the bytes of the vectors and open them again`() throws {
        let file = try Vectors.read()
        let key = KeyFixture(
            bytes: bytes(file.key), id: try #require(UInt32(file.keyId, radix: 16)))
        let nonce = try #require(UInt128(file.nonce, radix: 16))
        #expect(file.vectors.map { bytes($0.plaintext).count } == [0, 1, 15, 16, 17, 1_000])
        for vector in file.vectors {
            let plaintext = bytes(vector.plaintext)
            let (plain, random) = (Array(vector.deterministic.utf8), Array(vector.random.utf8))
            #expect(key.seal(plaintext) == plain)
            #expect(key.seal(plaintext, nonce: nonce) == random)
            #expect(try key.open(plain) == plaintext)
            #expect(try key.open(random, isRandom: true) == plaintext)
        }
    }

    @Test func `a field of one form is malformed where its span says the other`() {
        let key = KeyFixture()
        let value = Array("4111 1111 1111 1111, and on".utf8)
        #expect(throws: OpenError.malformed) { try key.open(key.seal(value), isRandom: true) }
        #expect(throws: OpenError.malformed) { try key.open(key.seal(value, nonce: 7)) }
    }

    @Test func `a changed version byte does not turn one form into the other`() throws {
        let key = KeyFixture()
        let value = Array("4111 1111 1111 1111, and on".utf8)
        var random = try #require(Data(base64Encoded: Data(key.seal(value, nonce: 7))))
        random[0] = 1
        var plain = try #require(Data(base64Encoded: Data(key.seal(value))))
        plain[0] = 2
        #expect(throws: OpenError.altered) { try key.open([UInt8](random.base64EncodedData())) }
        #expect(throws: OpenError.altered) {
            try key.open([UInt8](plain.base64EncodedData()), isRandom: true)
        }
    }

    @Test func `every flipped bit of the random form is refused`() throws {
        let key = KeyFixture()
        let binary = try #require(
            Data(base64Encoded: Data(key.seal(Array("4111 1111".utf8), nonce: 12_345))))
        for bit in 0..<(binary.count * 8) {
            var altered = binary
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            let expected: OpenError = bit < 8 ? .malformed : bit < 40 ? .wrongKey : .altered
            #expect(throws: expected, "bit \(bit)") {
                try key.open([UInt8](altered.base64EncodedData()), isRandom: true)
            }
        }
    }

    @Test func `equal values are equal in the deterministic mode and differ in the random mode`()
        throws
    {
        let sealer = EventSealer()
        let (first, second) = (twoModes().sealed(by: sealer), twoModes().sealed(by: sealer))
        #expect(first.text(of: 0) == second.text(of: 0))
        #expect(first.text(of: 1) != second.text(of: 1))
        #expect(first.text(of: 0) != first.text(of: 1))
        #expect(first.spans.map(\.flags) == [0, 1])
        for event in [first, second] {
            var output = ByteBuilder()
            #expect(try event.opened([1, 2], into: &output) == 2)
            let text = String(decoding: output.toArray(), as: UTF8.self)
            #expect(text.contains(#"{"one":"gr\"een","two":"gr\"een""#))
        }
    }

    @Test func `a span with a flag that is not known is left sealed`() {
        var event = twoModes().sealed()
        event.spans[0].flags = 2
        var output = ByteBuilder()
        #expect(throws: OpenError.malformed) { try event.opened([1], into: &output) }
        #expect(output.count == 0)
    }

    @Test func `each value gets the next nonce of the source, and none is used twice`() throws {
        var fills = 0
        let sealer = EventSealer { buffer in
            for place in buffer.indices { buffer[place] = UInt8(truncatingIfNeeded: place >> 4) }
            buffer[0] = UInt8(fills)
            fills += 1
        }
        var nonces: Set<Data> = []
        for _ in 0..<300 {
            let text = Data(twoModes().sealed(by: sealer).text(of: 1))
            nonces.insert(try #require(Data(base64Encoded: text))[5..<21])
        }
        // 256 of the first filling, 44 of the second, which repeats them by our making.
        #expect(fills == 2)
        #expect(nonces.count == 256)
    }

    @Test func `nonces of the system do not repeat`() throws {
        var nonces = RandomNonces()
        #expect(Set((0..<1_000).map { _ in nonces.next() }).count == 1_000)
    }

    @Test func `room is counted for the larger form`() {
        #expect(FieldCipher.sealedCount(0) == 28)
        #expect(FieldCipher.sealedCount(0, isRandom: true) == 52)
        let key = KeyFixture()
        for count in 0..<100 {
            let value = [UInt8](repeating: 65, count: count)
            let sealed = key.seal(value, nonce: 1)
            #expect(sealed.count == FieldCipher.sealedCount(count, isRandom: true))
        }
    }

    private func twoModes() -> EventFixture {
        var event = EventFixture()
        event.text("{\"one\":\"")
        event.personal("gr\\\"een", level: 1, field: 0)
        event.text("\",\"two\":\"")
        event.personal("gr\\\"een", level: 2, field: 1, isRandom: true)
        event.text("\",\"strmMeta\":{\"timestamp\":")
        event.insertion(.timestamp)
        event.text("}}")
        return event
    }

    private func bytes(_ hexadecimal: String) -> [UInt8] {
        let digits = hexadecimal.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }
}
