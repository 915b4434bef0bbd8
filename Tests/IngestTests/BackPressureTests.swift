import Contracts
import Store
import Testing

@testable import Ingest

@Suite("Back-pressure", .timeLimit(.minutes(1)))
struct BackPressureTests {
    @Test("a full queue gives every waiting token back, once")
    func fullQueue() async throws {
        let machine = try Machine(queueEventsMax: 4)
        await machine.warms("s1")
        machine.faults.holdsCommits = true
        machine.receives(event("s1"))
        _ = machine.lane.flush()
        await machine.faults.waitsForHeldCommit()

        var refused: [UInt64] = []
        for _ in 0..<5 {
            for _ in 0..<3 { #expect(machine.receives(event("s1")) == .queued) }
            if case .refused(let tokens, let error) = machine.lane.flush() {
                refused += tokens.map(\.first)
                guard case .overloaded = error else {
                    Issue.record("another error: \(error)")
                    continue
                }
            }
        }
        #expect(!refused.isEmpty)
        #expect(machine.lane.isEmpty)
        machine.faults.holdsCommits = false
        await machine.sink.waits(for: 17 - refused.count)
        #expect((machine.sink.durable + refused).sorted() == Array(1...17))
        #expect(machine.ingest.statistics.overloadedEvents == UInt64(refused.count))
        #expect(try machine.storedEvents().count == 17 - refused.count)
    }

    @Test("a chunk refused in the middle of a tick is answered at its end")
    func fullQueueWithinTick() async throws {
        let machine = try Machine(queueEventsMax: 4) { $0.chunkEventsMax = 2 }
        await machine.warms("s1")
        machine.faults.holdsCommits = true
        machine.receives(event("s1"))
        _ = machine.lane.flush()
        await machine.faults.waitsForHeldCommit()
        for _ in 0..<9 { machine.receives(event("s1")) }
        guard case .refused(let tokens, _) = machine.lane.flush() else {
            Issue.record("nothing was refused")
            return
        }
        machine.faults.holdsCommits = false
        await machine.sink.waits(for: 11 - tokens.count)
        #expect((machine.sink.durable + tokens.map(\.first)).sorted() == Array(1...11))
        #expect(machine.lane.isEmpty)
    }

    @Test("after a failed write nothing is acknowledged, and senders hear it")
    func poisoned() async throws {
        let machine = try Machine()
        await machine.warms("s1")
        machine.faults.failsWrites = true
        machine.receives(event("s1"))
        _ = machine.lane.flush()
        await machine.sink.waits(for: 2)
        #expect(machine.sink.failed == [2])
        machine.receives(event("s1"))
        guard case .refused(let tokens, .poisoned) = machine.lane.flush() else {
            Issue.record("not refused")
            return
        }
        #expect(tokens.map(\.first) == [3])
        // By way of the slow lane too.
        machine.receives(event("s2"))
        _ = machine.lane.flush()
        await machine.sink.waits(for: 3)
        #expect(machine.sink.failed == [2, 4])
    }
}
