import Contracts
import Store
import Testing

@testable import Query

@Suite("A named consumer", .timeLimit(.minutes(1)))
struct ConsumerTests {
    @Test("goes on at what it committed, not at what it read")
    func commits() async throws {
        let machine = try Machine()
        await machine.stores((0..<6).map { Event(mark: "\($0)") })
        let reader = machine.sealedReader
        let request = Query.Request(limit: 2, consumer: "job")
        let first = try await machine.query.page(reader, request)
        let again = try await machine.query.page(reader, request)
        #expect(try first.marks == ["0", "1"])
        #expect(try again.marks == ["0", "1"])
        try await machine.query.commit(reader, consumer: "job", cursor: first.nextCursor)
        let next = try await machine.query.page(reader, request)
        #expect(try next.marks == ["2", "3"])
        // A cursor in the request goes before the committed one.
        let given = try await machine.query.page(
            reader, .init(cursor: next.nextCursor, limit: 2, consumer: "job"))
        #expect(try given.marks == ["4", "5"])
        // Going back is allowed.
        try await machine.query.commit(reader, consumer: "job", cursor: next.nextCursor)
        try await machine.query.commit(reader, consumer: "job", cursor: first.nextCursor)
        #expect(try await machine.query.page(reader, request).marks == ["2", "3"])
    }

    @Test("belongs to its client and its view")
    func apart() async throws {
        let machine = try Machine()
        await machine.stores((0..<4).map { Event(mark: "\($0)") })
        let one = try machine.reader([1], client: "one")
        let page = try await machine.query.page(one, .init(limit: 2))
        try await machine.query.commit(one, consumer: "job", cursor: page.nextCursor)
        let readers = [
            try machine.reader([1], client: "two"), try machine.reader([1], client: "one", id: 99),
            machine.sealedReader,
        ]
        for reader in readers {
            let first = try await machine.query.page(reader, .init(limit: 1, consumer: "job"))
            #expect(try first.marks == ["0"])
        }
        #expect(try await machine.query.page(one, .init(consumer: "job")).marks == ["2", "3"])
    }

    @Test("commits genuine cursors of its view only, under a decent name")
    func refusals() async throws {
        let machine = try Machine()
        await machine.stores(Event())
        let derived = try await machine.query.page(try machine.reader([1]), .init())
        await #expect(throws: QueryError.badCursor(.otherStream)) {
            try await machine.query.commit(
                machine.sealedReader, consumer: "job", cursor: derived.nextCursor)
        }
        await #expect(throws: QueryError.badCursor(.malformed)) {
            try await machine.query.commit(machine.sealedReader, consumer: "job", cursor: "x")
        }
        await #expect {
            try await machine.query.commit(
                try machine.reader([1]), consumer: "a b", cursor: derived.nextCursor)
        } throws: { error in
            if case .badRequest = error as? QueryError { true } else { false }
        }
    }

    @Test("has a lag: the events between its commit and the end, also after a restart")
    func lag() async throws {
        let data = TestData()
        var machine: Machine? = try Machine(data)
        await machine?.stores((0..<6).map { Event(mark: "\($0)") })
        let reader = try #require(try machine?.reader([1]))
        let page = try #require(try await machine?.query.page(reader, .init(limit: 2)))
        try await machine?.query.commit(reader, consumer: "job", cursor: page.nextCursor)
        let lag = QueryStatistics.Lag(view: 70, client: "reader", consumer: "job", events: 4)
        #expect(machine?.query.statistics.lags == [lag])
        machine = nil
        let again = try Machine(data)
        #expect(again.query.statistics.lags.isEmpty)
        try again.query.start()
        #expect(again.query.statistics.lags == [lag])
    }

    @Test("one client may have a thousand of them, and no more")
    func bounded() async throws {
        let machine = try Machine()
        await machine.stores(Event())
        let page = try await machine.query.page(machine.sealedReader, .init())
        for number in 0..<ConsumerCursors.namesMax {
            try await machine.query.commit(
                machine.sealedReader, consumer: "job-\(number)", cursor: page.nextCursor)
        }
        await #expect {
            try await machine.query.commit(
                machine.sealedReader, consumer: "one-more", cursor: page.nextCursor)
        } throws: { error in
            if case .badRequest = error as? QueryError { true } else { false }
        }
        try await machine.query.commit(
            machine.sealedReader, consumer: "job-5", cursor: page.nextCursor)
    }

    @Test("of a deleted stream is forgotten, and no other")
    func forgotten() async throws {
        let machine = try Machine()
        await machine.stores(Event(), Event())
        let derived = try machine.reader([1])
        for reader in [derived, machine.sealedReader] {
            let page = try await machine.query.page(reader, .init(limit: 1))
            try await machine.query.commit(reader, consumer: "job", cursor: page.nextCursor)
        }
        try await machine.query.forgetConsumers(of: derived.target)
        #expect(machine.query.statistics.lags.map(\.view) == [7])
        #expect(try await machine.query.page(derived, .init(consumer: "job")).count == 2)
        let kept = try await machine.query.page(machine.sealedReader, .init(consumer: "job"))
        #expect(kept.count == 1)
    }
}
