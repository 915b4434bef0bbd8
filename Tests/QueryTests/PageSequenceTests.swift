import Contracts
import Store
import Testing

@testable import Query

@Suite("A followed stream", .timeLimit(.minutes(1)))
struct PageSequenceTests {
    @Test("gives page after page, none empty, as somebody asks for them")
    func follows() async throws {
        let machine = try Machine()
        await machine.stores((0..<5).map { Event(mark: "\($0)") })
        var pages = machine.query.follow(try machine.reader([1]), .init(limit: 2))
            .makeAsyncIterator()
        var marks: [String] = []
        for _ in 0..<3 { marks += try #require(try await pages.next()).marks }
        #expect(marks == ["0", "1", "2", "3", "4"])
        await machine.stores(Event(mark: "no", consent: [2]), Event(mark: "5"))
        #expect(try await pages.next()?.marks == ["5"])
        // One page was read for each that was asked for.
        #expect(machine.query.statistics.derivedPages == 4)
    }

    @Test("ends at its last time once that is past")
    func ends() async throws {
        let machine = try Machine()
        await machine.stores(Event(mark: "a"))
        machine.clock.advances(by: 1_000)
        await machine.stores(Event(mark: "b"))
        var marks: [String] = []
        for try await page in machine.query.follow(
            machine.sealedReader, .init(to: Machine.start + 500))
        {
            marks += try page.marks
        }
        #expect(marks == ["a"])
    }

    @Test("ends without an error when its task is cancelled")
    func cancelled() async throws {
        let machine = try Machine()
        let (query, reader) = (machine.query, machine.sealedReader)
        let task = Task {
            var count = 0
            for try await page in query.follow(reader, .init()) { count += page.count }
            return count
        }
        await machine.naps.waitsForSleeper()
        task.cancel()
        #expect(try await task.value == 0)
        #expect(machine.watchers == 0)
    }

    @Test("passes an error on and then is over")
    func fails() async throws {
        let machine = try Machine()
        await machine.stores(Event())
        machine.faults.failsWrites = true
        var pages = machine.query.follow(try machine.reader([1]), .init()).makeAsyncIterator()
        do {
            _ = try await pages.next()
            Issue.record("no error")
        } catch {
            #expect(error == .auditUnavailable(retryAfterSeconds: 1))
        }
        #expect(try await pages.next() == nil)
    }
}
