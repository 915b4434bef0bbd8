import Contracts
import Foundation
import Testing

@testable import Query

@Suite("The sealing modes of fields", .timeLimit(.minutes(1)))
struct SealingModeTests {
    @Test func `from ingest to a derived read: random values differ as stored and open equal`()
        async throws
    {
        let machine = try Machine()
        machine.registry.replaceAll([try Order.contract()])
        await machine.stores(
            Order(notes: ["ring", "ring"]).json, Order(notes: ["ring", "b"]).json)

        let sealed = try await machine.query.page(machine.sealedReader, Query.Request()).events
        #expect(sealed[0].text("customer/email") == sealed[1].text("customer/email"))
        #expect(try form(sealed[0].text("customer/email")) == 1)
        let random = [
            sealed[0].text("customer/tier"), sealed[1].text("customer/tier"),
            sealed[0].text("items/0/note"), sealed[0].text("items/1/note"),
            sealed[1].text("items/0/note"),
        ]
        #expect(Set(random).count == 5)
        for text in random { #expect(try form(text) == 2) }

        let page = try await machine.query.page(try machine.reader([1, 2]), Query.Request())
        #expect(page.sealedFields == 0)
        for event in try page.events {
            #expect(event.text("customer/email") == "ann@example.com")
            #expect(event.text("customer/tier") == "GOLD")
            #expect(event.text("items/0/note") == "ring")
        }
    }

    /// The version byte of a sealed field.
    private func form(_ text: String?) throws -> UInt8 {
        let sealed = try #require(text)
        return try #require(Data(base64Encoded: sealed)?.first)
    }
}
