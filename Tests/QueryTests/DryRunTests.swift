import Audit
import Contracts
import Foundation
import Store
import Synchronization
import Testing

@testable import Query

@Suite("A dry run of a derived stream", .timeLimit(.minutes(1)))
struct DryRunTests {
    private func machine(subject: Bool = false, withZip: Bool = true) throws -> Machine {
        let machine = try Machine()
        machine.registry.replaceAll([try Order.contract(subject: subject, withZip: withZip)])
        return machine
    }

    @Test func `counts what a read hands out, and why the rest is dropped`() async throws {
        let machine = try machine()
        await machine.stores(
            Order(session: "a", notes: ["x", "y"], consent: [0, 1, 2]).json,
            Order(session: "b", consent: [0, 1]).json, Order(session: "c", consent: [0]).json,
            Order(session: "d", consent: []).json, Order(session: "a", consent: [1, 2]).json)
        let reader = try machine.reader([1, 2])
        let run = try await machine.query.dryRun(reader, isStored: true)
        let page = try await machine.query.page(reader, Query.Request())
        #expect(run.seen == 5)
        #expect(run.passing == page.count)
        #expect(run.dropped == page.dropped)
        #expect(run.withoutConsent == 1)
        #expect(run.lacking == [.init(level: 1, events: 2), .init(level: 2, events: 3)])
        #expect(run.isComplete)
        #expect(run.contracts.map(\.contract) == [Order.reference])
        #expect(run.contracts[0].events == 2)
        #expect(
            run.contracts[0].fields == [
                .init(path: "customer/born", level: 2, opened: 2),
                .init(path: "customer/email", level: 1, opened: 2),
                .init(path: "customer/tier", level: 1, opened: 2),
                .init(path: "items/note", level: 2, opened: 2),
            ])
        #expect(run.keyLinks == .init(value: 1, isLowerBound: false))
        #expect(run.sequences == .init(value: 1, isLowerBound: false))
        #expect(run.people == nil)
    }

    @Test func `tells masked fields, personal or not, from those that are opened`() async throws {
        let machine = try machine()
        await machine.stores(Order(labels: #"{"a":"x","b":"y"}"#).json, Order().json)
        let reader = try await machine.masked(
            [
                MaskRule(contract: "shop/order", field: "customer/email", type: .hmacSHA256),
                MaskRule(contract: "shop/order", field: "labels", type: .murmur3, seed: 1),
            ], [1])
        let run = try await machine.query.dryRun(reader, isStored: true)
        #expect(
            run.contracts[0].fields == [
                .init(path: "customer/email", level: 1, masked: 2),
                .init(path: "customer/tier", level: 1, opened: 2),
                .init(path: "labels", level: nil, masked: 2),
            ])
    }

    @Test func `the smallest group is of sequences that share all values that identify together`()
        async throws
    {
        let machine = try machine()
        await machine.stores(
            Order(session: "a", born: "1980", zip: "1010").json,
            Order(session: "a", born: "1980", zip: "1010").json,
            Order(session: "b", born: "1980", zip: "1010").json,
            Order(session: "c", born: "1980", zip: "1010").json,
            Order(session: "d", born: "1990", zip: "1010").json,
            Order(session: "e", born: "1990", zip: "1010").json)
        // Without level 2 the year is not shown: one combination of five sequences.
        let coarse = try await machine.query.dryRun(try machine.reader([1]), isStored: true)
        #expect(
            coarse.smallestGroup
                == .init(
                    sequences: 5, isLowerBound: false, combinations: 1, contract: Order.reference,
                    fields: ["customer/zip"]))
        let fine = try await machine.query.dryRun(try machine.reader([1, 2]), isStored: true)
        #expect(fine.smallestGroup?.sequences == 2)
        #expect(fine.smallestGroup?.combinations == 2)
        #expect(fine.smallestGroup?.fields == ["customer/born", "customer/zip"])
        // A masked value tells people apart as well as the value.
        let reader = try await machine.masked(
            [MaskRule(contract: "shop/order", field: "customer/born", type: .hmacSHA256)], [1, 2])
        let masked = try await machine.query.dryRun(reader, isStored: true)
        #expect(masked.smallestGroup?.sequences == 2)
    }

    @Test func `a sequence of two days is one sequence with two links, in groups too`()
        async throws
    {
        let machine = try machine()
        await machine.stores(Order(session: "a").json)
        machine.clock.advances(by: 25 * Machine.hour)
        await machine.stores(Order(session: "a").json)
        let run = try await machine.query.dryRun(try machine.reader([1]), isStored: true)
        #expect(run.keyLinks.value == 2)
        #expect(run.sequences.value == 1)
        #expect(run.smallestGroup?.sequences == 1)
    }

    @Test func `people are the subjects on record, and unknown where a contract names none`()
        async throws
    {
        let machine = try machine(subject: true)
        await machine.stores(
            Order(session: "a", subject: "ann").json, Order(session: "b", subject: "ann").json,
            Order(session: "c", subject: "bob").json,
            Order(session: "d", subject: "eve", consent: [0]).json)
        let run = try await machine.query.dryRun(try machine.reader([1]), isStored: true)
        #expect(run.people == .init(value: 2, isLowerBound: false))
        #expect(run.sequences.value == 3)
        machine.registry.replaceAll([
            try Order.contract(subject: true),
            try Order.contract(number: 10, version: "2.0.0"),
        ])
        await machine.stores(Order(session: "z", version: "2.0.0").json)
        let mixed = try await machine.query.dryRun(try machine.reader([1]), isStored: true)
        #expect(mixed.people == nil)
    }

    @Test func `without a field that identifies with others there is no smallest group`()
        async throws
    {
        let machine = try machine(withZip: false)
        await machine.stores(Order().json)
        let run = try await machine.query.dryRun(try machine.reader([1]), isStored: true)
        #expect(run.smallestGroup == nil)
        let none = try await machine.query.dryRun(try machine.reader([9]), isStored: true)
        #expect(none.passing == 0)
        #expect(none.contracts.isEmpty)
        #expect(none.smallestGroup == nil)
    }

    @Test func `fields whose key is gone are counted as such`() async throws {
        let data = TestData()
        var machine: Machine? = try Machine(data)
        machine?.registry.replaceAll([try Order.contract()])
        await machine?.stores(Order(session: "a").json, Order(session: "b").json)
        let owner = try #require(machine?.sealedReader)
        let sealed = try #require(try await machine?.query.page(owner, Query.Request()).events[0])
        let link = try #require(KeyLink(sealed.keyLink))
        _ = try await machine?.store.commit([.deleteKey(link)])
        machine = nil

        let again = try Machine(data)
        again.registry.replaceAll([try Order.contract()])
        let run = try await again.query.dryRun(try again.reader([1, 2]), isStored: true)
        #expect(
            run.contracts[0].fields == [
                .init(path: "customer/born", level: 2, opened: 1, keyGone: 1),
                .init(path: "customer/email", level: 1, opened: 1, keyGone: 1),
                .init(path: "customer/tier", level: 1, opened: 1, keyGone: 1),
            ])
        #expect(run.sequences.value == 2)
        // What is sealed does not make one like the other: two combinations of one.
        #expect(run.smallestGroup?.combinations == 2)
    }

    @Test func `counts that reach their bound say so, and what was not counted is alone`()
        async throws
    {
        let machine = try machine(subject: true)
        for number in 0..<6 {
            await machine.stores(Order(session: "s\(number)", zip: "\(number / 2)").json)
        }
        let run = try await machine.query.dryRun(
            try machine.reader([1]), isStored: true, countMax: 4)
        #expect(run.passing == 6)
        #expect(run.keyLinks == .init(value: 4, isLowerBound: true))
        #expect(run.sequences == .init(value: 4, isLowerBound: true))
        #expect(run.people == .init(value: 4, isLowerBound: true))
        #expect(run.smallestGroup?.sequences == 1)
        #expect(run.smallestGroup?.isLowerBound == true)
        let short = try await machine.query.dryRun(
            try machine.reader([1]), isStored: true, eventsMax: 5)
        #expect(short.seen == 5)
        #expect(!short.isComplete)
    }

    @Test func `looks at the window that is asked for, in every partition`() async throws {
        let machine = try Machine(partitions: 2)
        machine.registry.replaceAll([try Order.contract()])
        await machine.stores(json: [Order(session: "a").json], partition: 0)
        machine.clock.advances(by: Machine.hour)
        await machine.stores(json: [Order(session: "b").json], partition: 1)
        let all = try await machine.query.dryRun(try machine.reader([1]), isStored: true)
        #expect(all.seen == 2)
        let late = try await machine.query.dryRun(
            try machine.reader([1]), from: machine.clock.now, isStored: true)
        #expect(late.seen == 1)
        #expect(late.from == machine.clock.now && late.to == machine.clock.now)
    }

    @Test func `is on record with counts alone before it answers, and is no release`()
        async throws
    {
        let machine = try machine()
        await machine.stores(Order(email: "SMCANARY@example.com").json)
        for isStored in [true, false] {
            _ = try await machine.query.dryRun(try machine.reader([1]), isStored: isStored)
        }
        let filter = AuditFilter(act: .derivedStreamMeasured)
        let lines = try machine.audit.entries(matching: filter, from: 0, limit: 10).lines
        #expect(lines.count == 2)
        #expect(lines[0].line.contains(#""derivedStream":"demo-derived""#))
        #expect(!lines[1].line.contains("derivedStream\":"))
        for line in lines {
            #expect(line.line.contains(#""events":1,"keyLinks":1,"#))
            #expect(!line.line.contains("CANARY"))
        }
        #expect(try machine.releases().isEmpty)
        machine.faults.failsWrites = true
        await #expect(throws: QueryError.auditUnavailable(retryAfterSeconds: 1)) {
            try await machine.query.dryRun(try machine.reader([1]), isStored: true)
        }
        // The place of the one run is free again.
        await #expect(throws: QueryError.auditUnavailable(retryAfterSeconds: 1)) {
            try await machine.query.dryRun(try machine.reader([1]), isStored: true)
        }
    }

    @Test func `one runs at a time`() async throws {
        let machine = try machine()
        machine.query.dryRunIsOn.store(true, ordering: .releasing)
        await #expect(throws: QueryError.store(.overloaded(retryAfterSeconds: 5))) {
            try await machine.query.dryRun(try machine.reader([1]), isStored: true)
        }
    }
}
