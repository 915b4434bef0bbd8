import Contracts
import Crypto
import Foundation
import Store
import Testing
import Vault

@testable import Query

@Suite("Masked fields of a derived stream", .timeLimit(.minutes(1)))
struct MaskedStreamTests {
    private static let masks = [
        MaskRule(contract: "shop/order", field: "customer/email", type: .hmacSHA256),
        MaskRule(contract: "shop/order/1.0.0", field: "items/*/note", type: .murmur3, seed: 42),
        MaskRule(contract: "shop/order", field: "total", type: .hmacSHA256),
        MaskRule(contract: "shop/order", field: "labels", type: .murmur3, seed: 42),
        MaskRule(contract: "shop/order", field: "isGift", type: .murmur3, seed: 42),
        MaskRule(contract: "shop/order", field: "remark", type: .hmacSHA256),
    ]

    private func machine() throws -> Machine {
        let machine = try Machine()
        machine.registry.replaceAll([try Order.contract()])
        return machine
    }

    @Test func `values are replaced by hashes: equal ones stay equal, also across sequences`()
        async throws
    {
        let machine = try machine()
        await machine.stores(
            Order(session: "s1", notes: ["ring", "bell"], labels: #"{"a":"x","b":null,"c":5}"#)
                .json,
            Order(session: "s2", notes: ["bell"], labels: #"{"k":"x"}"#).json,
            Order(session: "s3", email: "bob@example.com").json)
        let reader = try await machine.masked(Self.masks, [1, 2])
        let events = try await machine.query.page(reader, Query.Request()).events

        let (first, second, third) = (events[0], events[1], events[2])
        let mail = try #require(first.text("customer/email"))
        #expect(mail.count == 64 && mail.allSatisfy { "0123456789abcdef".contains($0) })
        #expect(second.text("customer/email") == mail)
        #expect(third.text("customer/email") != mail)
        #expect(first.text("total") == second.text("total"))
        #expect(first.text("total")?.count == 64)
        // mmh3.hash_bytes(b"bell", 42).hex() and so on.
        #expect(first.text("items/1/note") == "065325ad31ec8fc44dae50c03a311a0a")
        #expect(second.text("items/0/note") == "065325ad31ec8fc44dae50c03a311a0a")
        #expect(first.text("labels/a") == second.text("labels/k"))
        #expect(first.text("labels/a") == "8b4480d6d8e454ffc982f45c081be13c")
        #expect(first.text("labels/c") == "904fdaebf2e8ae7620d5c47d0a221939")
        #expect(first.value("labels/b") is NSNull)
        #expect(first.text("isGift") == "ff794faeeff85a7fc80f5a2147ca3649")
        #expect(first.value("remark") is NSNull)
        // What is not masked is as ever.
        #expect(first.text("customer/tier") == "GOLD")
        #expect(first.text("customer/zip") == "1010")
        #expect(first.text("items/0/sku") == "sku-0")
    }

    @Test func `the hash is HMAC-SHA-256 of the value under the seed, which the vault opens`()
        async throws
    {
        let machine = try machine()
        await machine.stores(Order().json)
        let reader = try await machine.masked(Self.masks, [1, 2])
        let event = try await machine.query.page(reader, Query.Request()).events[0]
        let derived = try #require(reader.target.derived)
        let text = try #require(derived.sealedMaskSeed)
        let sealed = try #require(Data(base64Encoded: text))
        let seed = try machine.vault.openCredential(
            [UInt8](sealed), owner: "mask seed of derived stream 70 demo-derived")
        #expect(seed.count == 32)
        for (path, value) in [("customer/email", "ann@example.com"), ("total", "12.5")] {
            let code = HMAC<SHA256>.authenticationCode(
                for: Data(value.utf8), using: SymmetricKey(data: seed))
            #expect(event.text(path) == code.map { String(format: "%02x", $0) }.joined())
        }
    }

    @Test func `two streams have two seeds, and one's does not open for the other`() async throws {
        let machine = try machine()
        await machine.stores(Order().json)
        let masks = [Self.masks[0]]
        let one = try await machine.masked(masks, [1], id: 70)
        let other = try await machine.masked(masks, [1], id: 71)
        let hashes = try await [
            machine.query.page(one, Query.Request()).events[0].text("customer/email"),
            machine.query.page(other, Query.Request()).events[0].text("customer/email"),
        ]
        #expect(hashes[0] != hashes[1])
        var definition = try #require(one.target.derived)
        definition.sealedMaskSeed = other.target.derived?.sealedMaskSeed
        let mixed = Query.Reader(
            client: "r", role: "reader", target: .derived(definition, source: machine.stream))
        await #expect(throws: QueryError.unavailable(retryAfterSeconds: 1)) {
            try await machine.query.page(mixed, Query.Request())
        }
    }

    @Test func `the release is on record with the masked fields, apart from those that left`()
        async throws
    {
        let machine = try machine()
        await machine.stores(Order(notes: ["n"]).json, Order(session: "s2").json)
        let reader = try await machine.masked(Self.masks, [1, 2])
        _ = try await machine.query.page(reader, Query.Request())
        let entry = try #require(try machine.releases().first)
        #expect(try machine.releases().count == 1)
        #expect(entry["fields"] as? [String] == ["customer/born", "customer/tier"])
        #expect(entry["contracts"] as? [String] == [Order.reference])
        #expect(entry["purposes"] as? [Int] == [1, 2])
        #expect(entry["events"] as? Int == 2)
        #expect(entry["keyLinks"] as? Int == 2)
        let detail = try #require(entry["detail"] as? [String: String])
        #expect(detail["masked"] == "customer/email isGift items/note remark total")
        #expect(detail["masked-values"] == "9")
    }

    @Test func `many masked fields are on record in several texts, none of which is cut`() {
        let paths = (10..<60).map { "section/field-number-\($0)" }
        let detail = Release.maskedDetail(paths)
        #expect(detail.count > 1)
        #expect(detail.values.allSatisfy { $0.utf8.count <= 256 })
        let names = ["masked"] + (2...detail.count).map { "masked-\($0)" }
        let found = names.compactMap { detail[$0] }.joined(separator: " ")
        #expect(found == paths.joined(separator: " "))
    }

    @Test func `a page with masked fields alone is on record too`() async throws {
        let machine = try machine()
        await machine.stores(Order(consent: [0]).json)
        let reader = try await machine.masked([Self.masks[2]], [0])
        _ = try await machine.query.page(reader, Query.Request())
        let entry = try #require(try machine.releases().first)
        #expect(entry["fields"] == nil)
        #expect((entry["detail"] as? [String: String])?["masked"] == "total")
        machine.faults.failsWrites = true
        await #expect(throws: QueryError.auditUnavailable(retryAfterSeconds: 1)) {
            try await machine.query.page(reader, Query.Request())
        }
    }

    @Test func `without its key a personal field stays sealed, and what is in clear is masked`()
        async throws
    {
        let data = TestData()
        var machine: Machine? = try Machine(data)
        machine?.registry.replaceAll([try Order.contract()])
        await machine?.stores(Order(notes: ["n"]).json)
        let reader = try #require(try await machine?.masked(Self.masks, [1, 2]))
        let owner = try #require(machine?.sealedReader)
        let sealed = try #require(try await machine?.query.page(owner, Query.Request()).events[0])
        let link = try #require(KeyLink(sealed.keyLink))
        _ = try await machine?.store.commit([.deleteKey(link)])
        machine = nil

        let again = try Machine(data)
        again.registry.replaceAll([try Order.contract()])
        let page = try await again.query.page(reader, Query.Request())
        #expect(page.sealedFields == 4)
        let event = try page.events[0]
        for path in ["customer/email", "customer/born", "items/0/note"] {
            #expect(event.text(path) == sealed.text(path))
        }
        #expect(event.text("total")?.count == 64)
        let entry = try #require(try again.releases().first)
        #expect(entry["fields"] == nil)
        #expect(entry["sealedFields"] as? Int == 4)
        #expect((entry["detail"] as? [String: String])?["masked"] == "isGift remark total")
    }

    @Test func `a later version masks where the path is, and seals where its level is not held`()
        async throws
    {
        let machine = try machine()
        machine.registry.replaceAll([
            try Order.contract(),
            try Order.contract(number: 10, version: "2.0.0", emailLevel: 5),
        ])
        await machine.stores(Order().json, Order(version: "2.0.0").json)
        let reader = try await machine.masked([Self.masks[0], Self.masks[2]], [1])
        let events = try await machine.query.page(reader, Query.Request()).events
        #expect(events[0].text("customer/email")?.count == 64)
        #expect(events[1].text("customer/email")?.count == 48)
        #expect(events[1].text("total") == events[0].text("total"))
    }

    @Test func `an event whose contract is not known is withheld, as nothing tells what to mask`()
        async throws
    {
        let machine = try machine()
        await machine.stores(Order().json)
        let reader = try await machine.masked(Self.masks, [1, 2])
        machine.registry.replaceAll([])
        let page = try await machine.query.page(reader, Query.Request())
        #expect(page.count == 0)
        #expect(page.dropped == 1)
    }

    static let refused: [(MaskRule, String)] = [
        (MaskRule(contract: "shop/none", field: "total", type: .hmacSHA256), "contract"),
        (MaskRule(contract: "shop/order/9.0.0", field: "total", type: .hmacSHA256), "contract"),
        (MaskRule(contract: "shop", field: "total", type: .hmacSHA256), "contract"),
        (MaskRule(contract: "shop/order", field: "gone", type: .hmacSHA256), "field"),
        (MaskRule(contract: "shop/order", field: "customer", type: .hmacSHA256), "field"),
        (MaskRule(contract: "shop/order", field: "", type: .hmacSHA256), "field"),
        (MaskRule(contract: "shop/order", field: "strmMeta/nonce", type: .hmacSHA256), "field"),
        // Level 2, which the stream has not.
        (MaskRule(contract: "shop/order", field: "items/note", type: .hmacSHA256), "field"),
        (MaskRule(contract: "shop/order", field: "labels/*", type: .hmacSHA256), "field"),
    ]

    @Test(arguments: refused)
    func `a mask without a place, or of a field that is not the reader's, is refused`(
        _ example: (MaskRule, String)
    ) throws {
        let machine = try machine()
        let levels = try #require(ConsentLevels([1]))
        let fine = [
            MaskRule(contract: "shop/order", field: "customer/email", type: .hmacSHA256),
            MaskRule(contract: "shop/order/1.0.0", field: "labels/*", type: .hmacSHA256),
        ]
        try machine.query.check(fine, levels: levels)
        let error = #expect(throws: MaskError.self) {
            try machine.query.check(fine + [example.0], levels: levels)
        }
        #expect(error?.index == 2)
        #expect(error?.member == example.1)
    }
}

extension Machine {
    /// A reader of a derived stream with these masks.
    func masked(
        _ masks: [MaskRule], _ levels: [Int], id: UInt32 = 70
    ) async throws -> Query.Reader {
        let plain = try #require(try reader(levels, id: id).target.derived)
        let definition = try await query.mask(plain, with: masks)
        return Query.Reader(
            client: "reader", role: "reader", target: .derived(definition, source: stream))
    }
}
