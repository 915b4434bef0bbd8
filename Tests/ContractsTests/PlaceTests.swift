import Testing

@testable import Contracts

@Suite("the place of a refusal")
struct PlaceTests {
    /// Fields of a schema, members of an event; pointer and place of the refusal.
    static let cases: [(fields: String, members: String, pointer: String, place: String)] = [
        (
            #"{"name":"tags","type":{"type":"array","items":"int"}}"#, #""tags":[1,"x"]"#,
            "/tags/1", "/tags/*"
        ),
        (
            #"{"name":"m","type":{"type":"map","values":"int"}}"#, #""m":{"CANARY":"x"}"#,
            "/m/CANARY", "/m/*"
        ),
        (#"{"name":"n","type":"int"}"#, #""n":1,"CANARY":2"#, "/CANARY", "/*"),
        (#"{"name":"n","type":"int"}"#, #""n":"x""#, "/n", "/n"),
        (#"{"name":"n","type":"int"}"#, "", "/n", "/n"),
        (
            #"{"name":"r","type":{"type":"record","name":"R","#
                + #""fields":[{"name":"a_b","type":"int"}]}}"#, #""r":{"a_b":null}"#, "/r/a_b",
            "/r/a_b"
        ),
    ]

    @Test("names of the schema stay, and what the sender chose is an asterisk", arguments: cases)
    func places(
        _ row: (fields: String, members: String, pointer: String, place: String)
    ) throws {
        let refusal = try #require(try refusal(row.fields, row.members))
        #expect(refusal.pointer == row.pointer)
        #expect(refusal.place == row.place)
    }

    @Test("a pointer that is not known to be the schema's is no place")
    func unknown() {
        let refusal = Refusal(
            kind: .schemaViolation, pointer: "/CANARY", rule: .type, expected: "a string")
        #expect(refusal.place == "*")
        #expect(Refusal(kind: .tooLarge, rule: .bodySize, expected: "less").place == "")
    }

    @Test("the contract of a refused event is known only if it is registered")
    func contract() throws {
        let fixture = try Fixture(fields: #"{"name":"n","type":"int"}"#)
        let start = #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k""#
        _ = fixture.event(start + #","n":"x"}"#)
        #expect(fixture.decoder.namedContract?.description == "t/t/1.0.0")
        _ = fixture.event(start.replacing("t/t/1.0.0", with: "CANARY/t/1.0.0") + #","n":1}"#)
        #expect(fixture.decoder.namedContract == nil)
        _ = fixture.event("{")
        #expect(fixture.decoder.namedContract == nil)
    }

    private func refusal(_ fields: String, _ members: String) throws -> Refusal? {
        let fixture = try Fixture(fields: fields)
        let text =
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k""#
            + (members.isEmpty ? "" : ",") + members + "}"
        let bytes = Array(text.utf8)
        do {
            try bytes.withUnsafeBytes {
                try fixture.decoder.decode($0, format: .json, schemaRef: nil)
            }
            return nil
        } catch {
            return error as? Refusal
        }
    }
}
