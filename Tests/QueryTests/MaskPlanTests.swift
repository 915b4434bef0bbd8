import Contracts
import Privacy
import Store
import Testing

@testable import Query

@Suite("What is to be done to an event that is masked")
struct MaskPlanTests {
    /// `a` is a record with `x`, and a map of such; only `a/*/x` is personal data.
    private static func contract() throws -> Contract {
        let ref = #""handle":"t","name":"t","version":"1.0.0""#
        let text = """
            {"ref":{\(ref)},"keyField":"id","piiFields":{"a/*/x":1},
             "schema":{"ref":{\(ref),"schemaType":"JSON_SCHEMA"},"definition":
              {"type":"object","properties":{"id":{"type":"string"},
               "a":{"properties":{"x":{"type":"string"}},
                "additionalProperties":{"properties":{"x":{"type":"string"}}}}}}}}
            """
        return try Contract(document: ContractDocument(json: Array(text.utf8)), number: 1)
    }

    @Test("a path that is personal data at one place is masked at its places in clear too")
    func bothPlaces() throws {
        let rule = MaskRule(contract: "t/t", field: "a/x", type: .hmacSHA256)
        let plan = try #require(MaskPlan([rule], try Self.contract()))
        let text = #"{"a":{"x":"clear","k":{"x":"c2VhbGVk"}}}"#
        let sealed = try #require(text.firstRange(of: "c2VhbGVk"))
        let span = SealedSpanValue(
            start: UInt32(text.utf8.distance(from: text.startIndex, to: sealed.lowerBound)),
            length: 8, fieldIndex: 0, level: 1, flags: 0)
        var edits: [FieldEdit] = []
        let isRead = Array(text.utf8).withUnsafeBytes {
            plan.write(
                [span], ConsentLevels(bits: 2), $0, keyed: true, into: &edits)
        }
        #expect(isRead)
        #expect(edits.map(\.kind) == [.maskPlain, .maskSealed])
        #expect(edits.map(\.start) == [10, span.start])
    }
}
