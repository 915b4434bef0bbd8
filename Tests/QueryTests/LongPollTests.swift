import Contracts
import Ingest
import Store
import Testing

@testable import Query

@Suite("A long poll", .timeLimit(.minutes(1)))
struct LongPollTests {
    @Test("wakes when an event is durable")
    func wakes() async throws {
        let machine = try Machine()
        let (query, reader) = (machine.query, try machine.reader([1]))
        async let page = query.page(reader, .init(waitSeconds: 60))
        await machine.naps.waitsForSleeper()
        await machine.stores(Event(mark: "a"))
        #expect(try await page.marks == ["a"])
        #expect(machine.watchers == 0)
        #expect(machine.query.statistics.waitingReaders == 0)
    }

    @Test("ends empty when its time is up, with a cursor that goes on")
    func timesOut() async throws {
        let machine = try Machine()
        let (query, reader) = (machine.query, machine.sealedReader)
        async let waiting = query.page(reader, .init(waitSeconds: 60))
        await machine.naps.waitsForSleeper()
        machine.naps.end()
        let page = try await waiting
        #expect(page.count == 0)
        #expect(machine.watchers == 0)
        await machine.stores(Event(mark: "a"))
        let next = try await query.page(reader, .init(cursor: page.nextCursor))
        #expect(try next.marks == ["a"])
    }

    @Test("of a derived stream goes on waiting over events that do not pass, and counts them")
    func dropped() async throws {
        let machine = try Machine()
        let (query, reader) = (machine.query, try machine.reader([2]))
        async let waiting = query.page(reader, .init(waitSeconds: 60))
        await machine.naps.waitsForSleeper()
        await machine.stores(Event(mark: "no", consent: [1]))
        await machine.stores(Event(mark: "none", consent: []))
        await machine.stores(Event(mark: "yes"))
        let page = try await waiting
        #expect(try page.marks == ["yes"])
        #expect(page.dropped == 2)
        let next = try await query.page(reader, .init(cursor: page.nextCursor))
        #expect(next.dropped == 0)
    }

    @Test("that ends empty has moved its cursor behind the events that did not pass")
    func movesOn() async throws {
        let machine = try Machine()
        await machine.stores((0..<5).map { _ in Event(consent: [1]) })
        let reader = try machine.reader([2])
        let page = try await machine.query.page(reader, .init())
        #expect(page.dropped == 5)
        let next = try await machine.query.page(reader, .init(cursor: page.nextCursor))
        #expect(next.dropped == 0)
    }

    @Test("that is cancelled leaves no watcher behind")
    func cancelled() async throws {
        let machine = try Machine(partitions: 4)
        let (query, reader) = (machine.query, machine.sealedReader)
        let task = Task { () async -> QueryError? in
            do throws(QueryError) {
                _ = try await query.page(reader, .init(waitSeconds: 60))
                return nil
            } catch {
                return error
            }
        }
        await machine.naps.waitsForSleeper()
        task.cancel()
        #expect(await task.value == .cancelled)
        #expect(machine.watchers == 0)
        #expect(machine.query.statistics.waitingReaders == 0)
    }

    @Test("whose last time is past does not wait")
    func past() async throws {
        let machine = try Machine()
        await machine.stores(Event(mark: "a"))
        let page = try await machine.query.page(
            machine.sealedReader, .init(to: Machine.start, waitSeconds: 60))
        #expect(page.count == 0)
        machine.clock.advances(by: 10)
        let late = try await machine.query.page(
            machine.sealedReader,
            .init(from: Machine.start + 1, to: Machine.start + 5, waitSeconds: 60))
        #expect(late.count == 0)
    }

    @Test("fifteen hundred at once all hear of one event, though the store has room for fewer")
    func many() async throws {
        let machine = try Machine()
        let (query, reader) = (machine.query, machine.sealedReader)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<1_500 {
                group.addTask { try await query.page(reader, .init(waitSeconds: 60)).count }
            }
            while machine.watchers < 1_500 { await Task.yield() }
            await machine.stores(Event())
            for try await count in group { #expect(count == 1) }
        }
        #expect(machine.watchers == 0)
    }

    @Test("ends when the store does, and does not spin")
    func storeEnds() async throws {
        let machine = try Machine()
        let (query, reader) = (machine.query, machine.sealedReader)
        let task = Task { () async -> QueryError? in
            do throws(QueryError) {
                _ = try await query.page(reader, .init(waitSeconds: 60))
                return nil
            } catch {
                return error
            }
        }
        await machine.naps.waitsForSleeper()
        machine.ingest.stop()
        machine.store.close()
        let error = await task.value
        #expect(error == nil || error == .store(.closed))
    }
}
