import Contracts
import Ingest
import Store
import Testing

@testable import Query

@Suite("What was refused", .timeLimit(.minutes(1)))
struct RejectionTests {
    @Test("is seen by no page, no subscription and no export, sealed or opened")
    func invisible() async throws {
        let machine = try Machine()
        await machine.stores(Event(mark: "first"))
        await machine.refuses("{\"CANARY\":1}")
        await machine.refuses(Event(contract: "none").json)
        await machine.stores(Event(mark: "second"))
        let kept = try await machine.query.rejections(
            of: machine.stream, from: nil, start: Offset(rawValue: 0), limit: 10)
        #expect(kept.items.count == 2)
        for reader in [machine.sealedReader, try machine.reader(cumulative: 63)] {
            var request = Query.Request()
            let page = try await machine.query.page(reader, request)
            #expect(!String(decoding: page.body, as: UTF8.self).contains("CANARY"))
            let measure = try await machine.query.measure(
                reader, partition: 0, first: Offset(rawValue: 0),
                end: machine.store.tail(machine.stream.partitionIDs[0]), bytesMax: .max)
            #expect(measure.events + measure.dropped == 2)
            for partition in [1, Int(UInt16.max), Int(UInt16.max) - 1] {
                await #expect(throws: QueryError.self) {
                    _ = try await machine.query.readRange(
                        reader, partition: partition, first: Offset(rawValue: 0),
                        end: Offset(rawValue: 9))
                }
            }
            // The key of a kept event finds nothing either.
            request.keyLink = try machine.keptLinks().first
            let byLink = try await machine.query.page(reader, request)
            #expect(byLink.count == 0)
        }
    }

    @Test("is told with what is known, and opened only where it is put on record")
    func opened() async throws {
        let machine = try Machine()
        await machine.refuses("{\"CANARY\":1}")
        let opened = try #require(
            try await machine.query.showRejection(
                of: machine.stream, offset: Offset(rawValue: 0), to: "officer", role: "dpo"))
        #expect(opened.body.body == Array("{\"CANARY\":1}".utf8))
        #expect(opened.rejection.about.rule == "required")
        #expect(opened.rejection.about.place == "/strmMeta")
        machine.faults.failsWrites = true
        await #expect(throws: QueryError.auditUnavailable(retryAfterSeconds: 1)) {
            _ = try await machine.query.showRejection(
                of: machine.stream, offset: Offset(rawValue: 0), to: "officer", role: "dpo")
        }
    }

    @Test("is gone for those who open once it has expired")
    func expired() async throws {
        let machine = try Machine()
        await machine.refuses("x")
        machine.clock.advances(by: machine.stream.retention.milliseconds + 1)
        let shown = try await machine.query.showRejection(
            of: machine.stream, offset: Offset(rawValue: 0), to: "officer", role: "dpo")
        #expect(shown == nil)
        let kept = try await machine.query.rejections(
            of: machine.stream, from: nil, start: Offset(rawValue: 0), limit: 10)
        #expect(kept.items.isEmpty)
        #expect(kept.isAtEnd)
    }
}
