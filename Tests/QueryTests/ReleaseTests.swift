import Audit
import Contracts
import Store
import Synchronization
import Testing
import Vault

@testable import Query

@Suite("A release", .timeLimit(.minutes(1)))
struct ReleaseTests {
    @Test("leaves one audit entry a page: who, what, which fields, for which purpose")
    func entry() async throws {
        let machine = try Machine()
        await machine.stores(
            Event(session: "s1", consent: [1]), Event(session: "s1"), Event(session: "s2"),
            Event(session: "s2"))
        let page = try await machine.query.page(
            try machine.reader([1, 2], client: "analyst"), Query.Request())
        #expect(page.count == 3)
        let releases = try machine.releases()
        #expect(releases.count == 1)
        let entry = try #require(releases.first)
        #expect(entry["client"] as? String == "analyst")
        #expect(entry["role"] as? String == "reader")
        #expect(entry["stream"] as? String == "demo")
        #expect(entry["derivedStream"] as? String == "demo-derived")
        #expect(entry["partition"] as? Int == 0)
        #expect(entry["fields"] as? [String] == ["one", "two"])
        #expect(entry["contracts"] as? [String] == ["test/a/1.0.0"])
        #expect(entry["purposes"] as? [Int] == [1, 2])
        #expect(entry["events"] as? Int == 3)
        #expect(entry["keyLinks"] as? Int == 2)
        #expect("\(entry)".contains("one"))
        #expect(machine.query.statistics.releases == 1)
        #expect(machine.query.statistics.openedFields == 6)
    }

    @Test("says which fields of which contract if there are several")
    func severalContracts() async throws {
        let machine = try Machine()
        await machine.stores(Event(contract: "b"), Event(contract: "a"))
        _ = try await machine.query.page(try machine.reader([1, 2]), Query.Request())
        let entry = try #require(try machine.releases().first)
        #expect(entry["contracts"] as? [String] == ["test/a/1.0.0", "test/b/1.0.0"])
        #expect(entry["fields"] as? [String] == ["one", "one", "two"])
        #expect(entry["values"] as? [Int] == [1, 1, 1])
        #expect(entry["fieldContracts"] as? [Int] == [0, 1, 0])
        #expect(entry["fieldLevels"] as? [Int] == [1, 1, 2])
    }

    @Test("is not recorded where nothing was opened")
    func nothingOpened() async throws {
        let machine = try Machine()
        await machine.stores(Event(), Event(contract: "b"))
        _ = try await machine.query.page(machine.sealedReader, Query.Request())
        let page = try await machine.query.page(try machine.reader([0]), Query.Request())
        #expect(page.count == 2)
        _ = try await machine.query.page(try machine.reader([9]), Query.Request())
        #expect(try machine.releases().isEmpty)
    }

    @Test("that cannot be recorded does not happen: no plaintext leaves")
    func auditFails() async throws {
        let machine = try Machine()
        await machine.stores(Event())
        machine.faults.failsWrites = true
        await #expect(throws: QueryError.auditUnavailable(retryAfterSeconds: 1)) {
            try await machine.query.page(try machine.reader([1]), Query.Request())
        }
        // The first failed write poisons the store; nothing leaves after it either.
        machine.faults.failsWrites = false
        await #expect(throws: QueryError.auditUnavailable(retryAfterSeconds: 1)) {
            try await machine.query.page(try machine.reader([1]), Query.Request())
        }
        #expect(machine.query.statistics.refusedReleases == 2)
        #expect(machine.query.statistics.derivedEvents == 0)
        // What needs no record is still served.
        let sealed = try await machine.query.page(machine.sealedReader, Query.Request())
        #expect(sealed.count == 1)
    }

    @Test("is on record before the page is there")
    func recordFirst() async throws {
        let machine = try Machine()
        await machine.stores(Event())
        let before = machine.audit.size
        _ = try await machine.query.page(try machine.reader([1]), Query.Request())
        #expect(machine.audit.size == before + 1)
    }

    @Test("of somebody who is erased between the record and the hand-out does not leave")
    func erasedMeanwhile() async throws {
        let machine = try Machine()
        machine.registry.replaceAll([try Order.contract(subject: true)])
        await machine.stores(json: [
            Order(session: "a", subject: "ann").json, Order(session: "b", subject: "bob").json,
        ])
        erasesAnnMeanwhile(machine)
        let page = try await machine.query.page(try machine.reader([1]), Query.Request())
        #expect(page.count == 2)
        #expect(page.sealedFields > 0)
        // The first entry says more than what left; the second what did.
        #expect(try machine.releases().map { $0["keyLinks"] as? Int } == [2, 1])
    }

    @Test("of keys hands out none of somebody who is erased between the record and the hand-out")
    func keyErasedMeanwhile() async throws {
        let machine = try Machine()
        machine.registry.replaceAll([try Order.contract(subject: true)])
        await machine.stores(json: [
            Order(session: "a", subject: "ann").json, Order(session: "b", subject: "bob").json,
        ])
        let range = try await machine.query.readRange(
            machine.sealedReader, partition: 0, first: Offset(rawValue: 0),
            end: Offset(rawValue: 2))
        #expect(range.keyLinks.count == 2)
        var stream = machine.stream
        stream.allowsKeyExport = true
        let reader = Query.Reader(client: "keys", role: "exporter", target: .stream(stream))
        erasesAnnMeanwhile(machine)
        let keys = try await machine.query.releaseKeys(reader, range.keyLinks, detail: [:])
        #expect(keys.count == 1)
        #expect(!machine.vault.isAnyErased(keys.map(\.link)))
        #expect(keys.allSatisfy { $0.keyset.contains { $0 != 0 } })
        // The first entry says more than what left; the second what did.
        let entries = try machine.audit.entries(
            matching: AuditFilter(act: .keysExported), from: 0, limit: 10
        ).lines.map(\.line)
        #expect(entries.count == 2)
        #expect(entries.first?.contains("\"keyLinks\":2") == true)
        #expect(entries.last?.contains("\"keyLinks\":1") == true)
    }

    @Test("of keys is given up where somebody is erased before each hand-out")
    func keysNeverSettle() async throws {
        let machine = try Machine()
        machine.registry.replaceAll([try Order.contract(subject: true)])
        let people = (0..<10).map { "person-\($0)" }
        await machine.stores(json: people.map { Order(session: $0, subject: $0).json })
        let range = try await machine.query.readRange(
            machine.sealedReader, partition: 0, first: Offset(rawValue: 0),
            end: Offset(rawValue: 10))
        var stream = machine.stream
        stream.allowsKeyExport = true
        let reader = Query.Reader(client: "keys", role: "exporter", target: .stream(stream))
        erasesMeanwhile(people, machine)
        await #expect(throws: QueryError.unavailable(retryAfterSeconds: 1)) {
            try await machine.query.releaseKeys(reader, range.keyLinks, detail: [:])
        }
    }

    @Test("of an event under a contract that is not known leaves it sealed")
    func unknownContract() async throws {
        let machine = try Machine()
        await machine.stores(Event())
        machine.registry.replaceAll([])
        let page = try await machine.query.page(try machine.reader([1, 2]), Query.Request())
        #expect(page.sealedFields == 2)
        #expect(try page.events[0]["one"] != "one")
        #expect(machine.query.statistics.damagedFields == 2)
        #expect(try machine.releases().isEmpty)
    }

    private func erasesAnnMeanwhile(_ machine: Machine) { erasesMeanwhile(["ann"], machine) }

    /// Erases one of these people between each record and its hand-out.
    private func erasesMeanwhile(_ people: [String], _ machine: Machine) {
        let (vault, stream, now) = (machine.vault, machine.stream.id, machine.clock.now)
        let next = Atomic(0)
        machine.query.beforeHandOut.withLock {
            $0 = {
                let number = next.add(1, ordering: .relaxed).oldValue
                guard number < people.count else { return }
                let erasure = Array(people[number].utf8).withUnsafeBytes { person in
                    try? vault.requestErasure(
                        of: person, streams: [stream], id: "e-\(number + 1)", by: ("dpo", "dpo"),
                        reference: nil, fence: false, now: now)
                }
                #expect(erasure?.linkCount == 1)
            }
        }
    }
}
