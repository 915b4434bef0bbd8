import Foundation
import Testing

@testable import Contracts

/// The table `Data/json_schema_cases.json`: a schema, the members of an event behind `strmMeta` and
/// `id` (or the event's `strmMeta`), and the exact refusal; without one the event is accepted.
struct SchemaCaseTests {
    private static func cases() throws -> [JSONValue] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Data/json_schema_cases.json")
        let value = try JSONValue.parse([UInt8](Data(contentsOf: file)), pointer: "")
        guard case .array(let cases) = value else { return [] }
        return cases
    }

    private static func text(_ value: JSONValue?) -> String {
        switch value {
        case .string(let text)?: return text
        case let value?: return String(decoding: value.bytes, as: UTF8.self)
        case nil: return ""
        }
    }

    private static func event(_ example: JSONValue) -> String {
        if let meta = example["meta"] {
            return #"{"strmMeta":\#(text(meta)),"id":"k"}"#
        }
        var members = text(example["event"])
        if members.hasPrefix("{") { members = String(members.dropFirst().dropLast()) }
        return #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k""#
            + (members.isEmpty ? "" : ",\(members)") + "}"
    }

    @Test func `each case of the table is accepted, or refused exactly as it says`() throws {
        let cases = try Self.cases()
        #expect(cases.count > 70)
        for example in cases {
            let name = Self.text(example["name"])
            let fixture = try Fixture(jsonSchema: Self.text(example["schema"]))
            let outcome = fixture.decode(Array(Self.event(example).utf8))
            switch (outcome, example["refused"]) {
            case (.success, nil): break
            case (.failure(let refusal), let refused?):
                #expect(refusal.kind.rawValue == Self.text(refused["kind"]), "\(name)")
                #expect(refusal.pointer == Self.text(refused["pointer"]), "\(name)")
                #expect(refusal.rule == Self.text(refused["rule"]), "\(name)")
                #expect(refusal.expected == Self.text(refused["expected"]), "\(name)")
            default: Issue.record("\(name): \(outcome)")
            }
        }
    }
}
