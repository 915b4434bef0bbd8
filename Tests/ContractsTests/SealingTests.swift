import Testing

@testable import Contracts

/// `personalDataConfig.sealing`, from the document to the spans of an event.
@Suite struct SealingTests {
    private static let color = #"{"type":"enum","name":"Color","symbols":["RED","GREEN"]}"#

    private func document(
        _ entries: String, fields: String
    ) throws -> ContractDocument {
        let ref = #""handle":"t","name":"t","version":"1.0.0""#
        return try ContractDocument(
            json: Array(
                """
                {"ref":{\(ref)},"keyField":"id","fieldMetadata":[\(entries)],"validations":[],
                 "schema":{"ref":{\(ref),"schemaType":"AVRO"},"definition":
                  {"type":"record","name":"Event","fields":[
                    \(Fixture.meta),{"name":"id","type":"string"},\(fields)]}}}
                """.utf8))
    }

    private func entry(_ field: String, sealing: String? = nil) -> String {
        let mode = sealing.map { #","sealing":"\#($0)""# } ?? ""
        return #"{"fieldName":"\#(field)","personalDataConfig":{"isPii":true,"isQuasiId":false,"#
            + #""purposeLevel":3\#(mode)}}"#
    }

    private func decoded(_ contract: Contract, _ members: String) throws -> [EventSpan] {
        let registry = ContractRegistry()
        registry.replaceAll([(contract, .active)])
        let decoder = EventDecoder(registry: registry, limits: EventLimits())
        let event =
            #"{"strmMeta":{"eventContractRef":"t/t/1.0.0","consentLevels":[1]},"id":"k",\#(members)}"#
        try Array(event.utf8).withUnsafeBytes { bytes in
            try decoder.decode(bytes, format: .json, schemaRef: nil)
        }
        return decoder.spans.filter { $0.kind == .pii }
    }

    @Test func `a field is sealed deterministically unless its contract says random`() throws {
        let document = try document(
            entry("a") + "," + entry("b", sealing: "random") + ","
                + entry("c", sealing: "deterministic"),
            fields: ["a", "b", "c"].map { #"{"name":"\#($0)","type":"string"}"# }
                .joined(separator: ","))
        let contract = try Contract(document: document, number: 1)
        #expect(contract.piiFields.map(\.sealing) == [.deterministic, .random, .deterministic])
        let spans = try decoded(contract, #""a":"x","b":"x","c":"x""#)
        #expect(spans.map(\.isRandom) == [false, true, false])
        #expect(MemoryLayout<EventSpan>.size == 16)
    }

    @Test func `the canonical form names the mode only where it is random`() throws {
        let field = #"{"name":"a","type":"string"}"#
        let plain = try document(entry("a", sealing: "deterministic"), fields: field)
        let text = String(decoding: plain.canonicalJSON(), as: UTF8.self)
        #expect(!text.contains("sealing"))
        let random = try document(entry("a", sealing: "random"), fields: field)
        let canonical = random.canonicalJSON()
        #expect(String(decoding: canonical, as: UTF8.self).contains(#""sealing":"random""#))
        let again = try ContractDocument(json: canonical)
        #expect(again.canonicalJSON() == canonical)
        #expect(try Contract(document: again, number: 1).piiFields.map(\.sealing) == [.random])
    }

    @Test func `an unknown mode is refused with its place`() {
        let error = #expect(throws: ContractError.self) {
            try document(entry("a", sealing: "RANDOM"), fields: #"{"name":"a","type":"string"}"#)
        }
        #expect(error?.pointer == "/fieldMetadata/0/personalDataConfig/sealing")
        #expect(error?.rule == "sealing")
    }

    @Test func `a personal enum is a span in place of its symbol, in JSON and in binary`() throws {
        let fixture = try Fixture(
            fields: #"{"name":"color","type":\#(Self.color)}"#, pii: [("color", 4)])
        #expect(fixture.json(#""color":"GREEN""#) == .accepted(#""color":"GREEN""#))
        let span = try #require(fixture.decoder.spans.first { $0.kind == .pii })
        #expect(span.level == 4 && span.length == 5)
        #expect(fixture.binary([2]) == .accepted(#""color":"GREEN""#))
        #expect(fixture.decoder.spans.first { $0.kind == .pii } == span)
        #expect(fixture.json(#""color":"BLUE""#) == .refused("/color", .enum))
    }

    @Test func `a deterministic enumeration draws a warning with its place, a random one none`()
        throws
    {
        let fields =
            #"{"name":"color","type":["null",\#(Self.color)]},{"name":"a","type":"string"}"#
        let leaking = try document(entry("a") + "," + entry("color"), fields: fields)
        let warnings = try Contract(document: leaking, number: 1).warnings
        #expect(warnings.map(\.pointer) == ["/fieldMetadata/1/fieldName"])
        #expect(warnings.map(\.rule) == ["frequency-leak"])
        #expect(warnings.first?.text.contains("Use sealing: random") == true)
        let quiet = try document(
            entry("a") + "," + entry("color", sealing: "random"), fields: fields)
        #expect(try Contract(document: quiet, number: 1).warnings == [])
    }
}
