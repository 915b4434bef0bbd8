import Foundation
import Testing

@testable import Contracts

@Suite("random damage")
struct HostileEventTests {
    private static let fields =
        #"{"name":"s","type":"string"},{"name":"o","type":["null","string"]},"#
        + #"{"name":"u","type":["null","int","double","string",{"type":"map","values":"string"}]},"#
        + #"{"name":"l","type":{"type":"array","items":{"type":"record","name":"R","fields":["#
        + #"{"name":"a","type":"long"},{"name":"b","type":"bytes"},"#
        + #"{"name":"r","type":["null","R"],"default":null}]}}},"#
        + #"{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},"#
        + #"{"name":"x","type":{"type":"fixed","name":"X","size":2}},{"name":"d","type":"double"}"#

    private static let json = Array(
        (#"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k","s":"a\nb","#
            + #""o":{"string":"c"},"u":{"map":{"k":"v"}},"l":[{"a":5,"b":"\u00ff","r":{"a":6,"b":""}}],"#
            + #""e":"A","x":"\u0001\u0002","d":1.5}"#).utf8)

    private static let binary: [UInt8] =
        Fixture.binaryHead + [2, 0x61] + [2, 2, 0x63] + [8, 2, 2, 0x6b, 2, 0x76, 0]
        + [2, 10, 2, 0xff, 2, 12, 0, 0, 0] + [0] + [1, 2] + [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]

    /// Whatever comes out is canonical: parsed again as an event it gives itself.
    private func checkStable(_ fixture: Fixture, _ text: String) {
        let filled = text.replacing(#""nonce":,"timestamp":,"keyLink":,"billingId":,"#, with: "")
        switch fixture.decode(Array(filled.utf8)) {
        case .success(let again): #expect(again == text)
        case .failure(let refusal): Issue.record("canonical JSON is refused: \(refusal)")
        }
    }

    @Test(
        "JSON and binary with random bytes changed are refused or right, and never a crash",
        arguments: [true, false])
    func mutations(isJSON: Bool) throws {
        let fixture = try Fixture(fields: Self.fields, pii: [("s", 1), ("o", 2)])
        let original = isJSON ? Self.json : Self.binary
        guard case .success(let text) = fixture.decode(original, isJSON ? .json : .avroBinary)
        else {
            Issue.record("the original is right")
            return
        }
        checkStable(fixture, text)
        var generator = SeededGenerator.printed()
        var accepted = 0
        for _ in 0..<6_000 {
            var bytes = original
            for _ in 0...Int.random(in: 0...3, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0...3, using: &generator) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: at)
                case 2:
                    bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &generator)], at: at)
                default: bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &generator)
                }
            }
            if case .success(let text) = fixture.decode(bytes, isJSON ? .json : .avroBinary) {
                accepted += 1
                for span in fixture.decoder.spans {
                    #expect(Int(span.start + span.length) <= fixture.decoder.json.count)
                }
                checkStable(fixture, text)
            }
        }
        #expect(accepted > 0)
    }

    @Test("schemas with random bytes changed are refused or compiled, and never a crash")
    func schemaMutations() throws {
        let url = packageRoot.appending(path: "Examples/contracts/clickstream.json")
        let original = [UInt8](try Data(contentsOf: url))
        var generator = SeededGenerator.printed()
        var refused = 0
        for _ in 0..<400 {
            var bytes = original
            for _ in 0...Int.random(in: 0...2, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[at] = bytes[Int.random(in: 0..<bytes.count, using: &generator)]
            }
            do throws(ContractError) {
                _ = try Contract(document: try ContractDocument(json: bytes), number: 1)
            } catch {
                refused += 1
            }
        }
        #expect(refused > 0)
    }
}
