import Contracts
import Foundation
import Store
import Testing

@testable import Query

@Suite("A range of offsets", .timeLimit(.minutes(1)))
struct RangeTests {
    private func offset(_ number: UInt64) -> Offset { Offset(rawValue: number) }

    private func marks(_ page: Query.RangePage) throws -> [String] {
        try String(decoding: page.body, as: UTF8.self).split(separator: "\n").map { line in
            let event = try JSONSerialization.jsonObject(with: Data(line.utf8))
            return try #require((event as? [String: Any])?["mark"] as? String)
        }
    }

    @Test("is read from its first offset to its last, whatever comes behind it")
    func bounds() async throws {
        let machine = try Machine()
        await machine.stores((0..<10).map { Event(mark: "m\($0)") })
        let page = try await machine.query.readRange(
            machine.sealedReader, partition: 0, first: offset(2), end: offset(6))
        #expect(try marks(page) == ["m2", "m3", "m4", "m5"])
        #expect(page.next == offset(6))
        #expect(page.contracts == ["test/a/1.0.0"])
        #expect(page.keyLinks.count == 1)
        #expect(page.openedFields.isEmpty)
    }

    @Test("is measured as it is read: events, those dropped, times, and where its bytes end")
    func measure() async throws {
        let machine = try Machine()
        await machine.stores(
            Event(mark: "a", consent: [0]), Event(mark: "b"), Event(mark: "c"), Event(mark: "d"))
        let reader = try machine.reader([1])
        let all = try await machine.query.measure(
            reader, partition: 0, first: offset(0), end: offset(4), bytesMax: .max)
        #expect((all.events, all.dropped, all.end) == (3, 1, offset(4)))
        #expect(all.oldestAt == machine.clock.now && all.lastAt == machine.clock.now)
        let one = try await machine.query.measure(
            reader, partition: 0, first: offset(0), end: offset(4), bytesMax: 1)
        #expect((one.events, one.dropped, one.end) == (1, 1, offset(2)))
        let page = try await machine.query.readRange(
            reader, partition: 0, first: offset(0), end: one.end)
        #expect(try marks(page) == ["b"])
        #expect(page.dropped == 1)
    }

    @Test("of a derived stream is a release: on record, with what was opened")
    func release() async throws {
        let machine = try Machine()
        await machine.stores(Event(mark: "a"), Event(mark: "b", contract: "b"), Event(mark: "c"))
        let page = try await machine.query.readRange(
            try machine.reader([1, 2], client: "exporter:x"), partition: 0, first: offset(0),
            end: offset(2))
        #expect(page.openedFields == ["one", "two"])
        #expect(page.openedLevels.levels == [1, 2])
        #expect(page.contracts == ["test/a/1.0.0", "test/b/1.0.0"])
        let entry = try #require(try machine.releases().first)
        #expect(entry["client"] as? String == "exporter:x")
        #expect(entry["events"] as? Int == 2)
    }

    @Test("whose release cannot be recorded is not handed out")
    func refused() async throws {
        let machine = try Machine()
        await machine.stores(Event())
        machine.faults.failsWrites = true
        let reader = try machine.reader([1])
        await #expect(throws: QueryError.self) {
            try await machine.query.readRange(
                reader, partition: 0, first: offset(0), end: offset(1))
        }
    }

    @Test("of which all has expired is empty, and ends")
    func expired() async throws {
        let machine = try Machine()
        await machine.stores(Event(), Event())
        machine.clock.advances(by: 8 * 24 * Machine.hour)
        let page = try await machine.query.readRange(
            machine.sealedReader, partition: 0, first: offset(0), end: offset(2))
        #expect((page.count, page.next) == (0, offset(2)))
    }

    @Test("gives no keys of a stream for which nobody has allowed it")
    func keysRefused() async throws {
        let machine = try Machine()
        await machine.stores(Event())
        let page = try await machine.query.readRange(
            machine.sealedReader, partition: 0, first: offset(0), end: offset(1))
        await #expect(throws: QueryError.self) {
            try await machine.query.releaseKeys(
                machine.sealedReader, page.keyLinks, detail: [:])
        }
    }
}
