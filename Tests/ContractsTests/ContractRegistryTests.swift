import Testing

@testable import Contracts

@Suite("which contract an event falls under")
struct ContractRegistryTests {
    private static func contract(
        _ name: String, _ version: String, number: UInt32
    ) throws -> Contract {
        try Contract(
            document: Fixture.document(fields: "", name: name, version: version), number: number)
    }

    private static func body(_ ref: String) -> [UInt8] {
        Array(#"{"strmMeta":{"eventContractRef":"\#(ref)","consentLevels":[1]},"id":"k"}"#.utf8)
    }

    private static func kind(
        _ fixture: Fixture, _ ref: String, schema: String? = nil
    ) -> Refusal.Kind? {
        guard case .failure(let refusal) = fixture.decode(body(ref), schemaRef: schema) else {
            return nil
        }
        #expect(refusal.pointer == (refusal.kind == .unknownSchema ? "" : EventDecoder.refPointer))
        return refusal.kind
    }

    @Test("unknown, inactive and wrong ones are told apart")
    func kinds() throws {
        let fixture = try Fixture()
        fixture.registry.replaceAll([
            (try Self.contract("a", "1.0.0", number: 1), .active),
            (try Self.contract("a", "1.0.1", number: 2), .inactive),
            (try Self.contract("b", "1.0.0", number: 3), .active),
        ])
        #expect(Self.kind(fixture, "t/a/1.0.0") == nil)
        #expect(fixture.decoder.contract.number == 1)
        #expect(Self.kind(fixture, "t/b/1.0.0") == nil)
        #expect(fixture.decoder.contract.number == 3)
        #expect(Self.kind(fixture, "t/a/1.0.1") == .inactiveContract)
        #expect(Self.kind(fixture, "t/c/1.0.0") == .unknownContract)
        #expect(Self.kind(fixture, "") == .unknownContract)
        #expect(Self.kind(fixture, "t/a/1.0.0", schema: "t/a/1.0.0") == nil)
        #expect(Self.kind(fixture, "t/a/1.0.0", schema: "t/b/1.0.0") == .wrongSchema)
        #expect(Self.kind(fixture, "t/a/1.0.0", schema: "t/x/1.0.0") == .unknownSchema)
        #expect(Self.kind(fixture, "t/a/1.0.1", schema: "t/a/1.0.1") == .inactiveContract)
        // Right after a refusal the last contract is still chosen; its state is asked again.
        #expect(Self.kind(fixture, "t/a/1.0.1") == .inactiveContract)
        #expect(Self.kind(fixture, "t/a/1.0.0") == nil)
    }

    @Test("a decoder follows the registry from one event to the next")
    func changes() throws {
        let fixture = try Fixture()
        let contract = try Self.contract("a", "1.0.0", number: 1)
        #expect(Self.kind(fixture, "t/a/1.0.0") == .unknownContract)
        fixture.registry.replaceAll([(contract, .active)])
        #expect(Self.kind(fixture, "t/a/1.0.0") == nil)
        #expect(Self.kind(fixture, "t/t/1.0.0") == .unknownContract)
        fixture.registry.replaceAll([(contract, .inactive)])
        #expect(Self.kind(fixture, "t/a/1.0.0") == .inactiveContract)
        #expect(fixture.registry.contract(number: 1) === contract)
        #expect(fixture.registry.contract(number: 2) == nil)
        fixture.registry.replaceAll([])
        #expect(Self.kind(fixture, "t/a/1.0.0") == .unknownContract)
    }

    @Test("of two contracts with one reference the later counts")
    func twice() throws {
        let fixture = try Fixture()
        let (one, two) = (
            try Self.contract("a", "1.0.0", number: 1), try Self.contract("a", "1.0.0", number: 2)
        )
        fixture.registry.replaceAll([(one, .active), (two, .active)])
        #expect(Self.kind(fixture, "t/a/1.0.0") == nil)
        #expect(fixture.decoder.contract === two)
        #expect(fixture.registry.contract(number: 1) === one)
        let head: [UInt8] = [0x12] + Array("t/a/1.0.0".utf8) + [0, 0, 0, 0, 0, 2, 0x6b]
        guard case .accepted = fixture.event(head, .avroBinary, schemaRef: "t/a/1.0.0") else {
            Issue.record("binary")
            return
        }
        #expect(fixture.decoder.contract === two)
    }

    @Test("Avro binary is recognised, and needs no schema's name when the reference comes first")
    func binary() throws {
        let fixture = try Fixture()
        let bytes = Fixture.binaryHead
        #expect(fixture.event(bytes, .detect) == .accepted(""))
        #expect(fixture.event(bytes, .detect, schemaRef: nil) == .accepted(""))
        #expect(
            fixture.event(bytes, .avroBinary, schemaRef: "t/x/1.0.0") == .refused("", .schemaRef))
        #expect(
            fixture.event([0x12] + bytes, .avroBinary, schemaRef: nil) == .refused("", .schemaRef))
        #expect(fixture.event([], .avroBinary, schemaRef: nil) == .refused("", .schemaRef))
        #expect(fixture.event(Self.body("t/t/1.0.0"), .detect) == .accepted(""))
        #expect(
            fixture.event(Array(" \n".utf8) + Self.body("t/t/1.0.0"), .detect) == .accepted(""))
        guard case .refused(_, .json) = fixture.event(bytes, .json) else {
            Issue.record("binary is not JSON")
            return
        }
    }

    @Test("many contracts are found by their references")
    func many() throws {
        let fixture = try Fixture()
        fixture.registry.replaceAll(
            try (0..<200).map { number in
                (try Self.contract("c\(number)", "1.0.0", number: UInt32(number)), .active)
            })
        for number in stride(from: 0, to: 200, by: 7) {
            #expect(Self.kind(fixture, "t/c\(number)/1.0.0") == nil)
            #expect(fixture.decoder.contract.number == UInt32(number))
        }
    }
}
