import Foundation
import Testing

@testable import Contracts

@Suite("the examples")
struct ExampleTests {
    static func load(_ path: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: packageRoot.appending(path: "Examples/\(path)")))
    }

    static func clickstream() throws -> Contract {
        try Contract(
            document: ContractDocument(json: load("contracts/clickstream.json")), number: 1)
    }

    static func order() throws -> Contract {
        try Contract(document: ContractDocument(yaml: load("contracts/order.yaml")), number: 2)
    }

    @Test("the clickstream event is accepted, with its two personal values")
    func clickstreamEvent() throws {
        let fixture = try Fixture()
        fixture.registry.replaceAll([(try Self.clickstream(), .active)])
        let body = try Self.load("events/clickstream.json")
        #expect((400...470).contains(body.count))
        let text = try fixture.decode(body).get()
        #expect(
            text.hasPrefix(
                #"{"strmMeta":{"eventContractRef":"example/clickstream/1.0.0","nonce":,"#))
        #expect(text.contains(#""customer":{"email":"ada.lovelace@example.com","country":"NL"}"#))
        #expect(fixture.decoder.consentLevels.levels == [0, 1, 4])
        let personal = fixture.decoder.spans.filter { $0.kind == .pii }
        #expect(personal.map(\.level) == [1, 4])
        #expect(
            String(decoding: fixture.decoder.keyValue, as: UTF8.self)
                == "visit-9a3e7c405d1b4f6e")
        let subject = try #require(fixture.decoder.subjectValue)
        #expect(String(decoding: subject, as: UTF8.self) == "ada.lovelace@example.com")
    }

    @Test("the order event has personal values at the levels 1, 2 and 3, in lists and maps")
    func orderEvent() throws {
        let fixture = try Fixture()
        let contract = try Self.order()
        fixture.registry.replaceAll([(contract, .active)])
        let text = try fixture.decode(try Self.load("events/order.json")).get()
        let values = fixture.decoder.spans.filter { $0.kind == .pii }.map { span in
            let path = contract.piiFields[Int(span.fieldIndex)].path
            let value = text.utf8.dropFirst(Int(span.start)).prefix(Int(span.length))
            return "\(span.level) \(path) \(String(Substring(value)))"
        }
        #expect(
            values == [
                "1 customer/id customer-0042718", "2 customer/email ada@mail.example",
                "2 customer/phones +31 6 5550 0100", "2 customer/phones +31 6 5550 0199",
                "3 items/engraving For Ada", "3 notes ring twice",
                #"3 notes \"happy birthday\""#,
            ])
        #expect(text.contains(#"{"sku":"CU-0003","quantity":4,"price":12,"engraving":null}"#))
    }

    @Test func `the newsletter event fits its Simple Schema, and breaks its rules by their ids`()
        throws
    {
        let fixture = try Fixture()
        let document = try ContractDocument(yaml: Self.load("contracts/newsletter.yaml"))
        fixture.registry.replaceAll([(try Contract(document: document, number: 1), .active)])
        let event = String(decoding: try Self.load("events/newsletter.json"), as: UTF8.self)
        _ = try fixture.decode(Array(event.utf8)).get()
        #expect(fixture.decoder.spans.filter { $0.kind == .pii }.map(\.level) == [2, 3])
        let wrong = [
            (#""age":36"#, #""age":15"#, "age"), ("ada@example.org", "Ada <a@b.org>", "mail-form"),
            (#""fair""#, #""fax""#, "channel"), ("Analytical Row 1", "", "paper-needs-street"),
        ]
        for (right, changed, id) in wrong {
            let text = event.replacingOccurrences(of: right, with: changed)
            guard case .failure(let refusal) = fixture.decode(Array(text.utf8)) else {
                Issue.record("\(id) is not refused")
                continue
            }
            #expect(refusal.ruleID == id)
        }
    }

    @Test func `the sign-up event, of a JSON Schema, has personal values in a branch and a map`()
        throws
    {
        let contract = try Contract(
            document: ContractDocument(yaml: try Self.load("contracts/signup.yaml")), number: 3)
        let fixture = Fixture(contract: contract)
        let body = try Self.load("events/signup.json")
        _ = try fixture.decode(body).get()
        #expect(
            fixture.personal == [
                "account/email 1 grace@navy.example", "account/contact/name 2 Grace Hopper",
                "answers 3 we ship on Fridays", "answers 3 rear admiral",
            ])
        let text = String(decoding: body, as: UTF8.self)
        let noSeats = text.replacing(#""seats":12,"#, with: "")
        #expect(
            fixture.event(Array(noSeats.utf8), .json, schemaRef: nil)
                == .refused("/seats", .required))
        let noContact = text.replacing(#","contact":{"name":"Grace Hopper"}"#, with: "")
        #expect(
            fixture.event(Array(noContact.utf8), .json, schemaRef: nil)
                == .refused("/account/contact", .required))
    }

    @Test(
        "every example contract compiles, from its canonical form too, and every example event fits one"
    )
    func everything() throws {
        let fixture = try Fixture()
        var contracts: [(Contract, ContractRegistry.State)] = []
        let names = try FileManager.default.contentsOfDirectory(
            atPath: packageRoot.appending(path: "Examples/contracts").path)
        for name in names {
            let bytes = try Self.load("contracts/\(name)")
            let isJSON = name.hasSuffix(".json")
            let document =
                try isJSON ? ContractDocument(json: bytes) : ContractDocument(yaml: bytes)
            let again = try ContractDocument(json: document.canonicalJSON())
            #expect(again.canonicalJSON() == document.canonicalJSON())
            contracts.append((try Contract(document: again, number: 1), .active))
        }
        fixture.registry.replaceAll(contracts)
        let events = try FileManager.default.contentsOfDirectory(
            atPath: packageRoot.appending(path: "Examples/events").path)
        #expect(!contracts.isEmpty && !events.isEmpty)
        for name in events {
            guard
                case .accepted = fixture.event(
                    try Self.load("events/\(name)"), .detect, schemaRef: nil)
            else {
                Issue.record("\(name) is refused")
                continue
            }
        }
    }
}
