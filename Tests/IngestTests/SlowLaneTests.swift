import Contracts
import Store
import Testing
import Vault

@testable import Ingest

@Suite("The slow lane", .timeLimit(.minutes(1)))
struct SlowLaneTests {
    @Test("a sequence waits behind its event in the slow lane; other sequences pass")
    func order() async throws {
        let machine = try Machine()
        await machine.warms("other")
        // s1's key is made and in memory, but its event cannot leave before s2's key is found.
        machine.keys.shut(after: 1)
        machine.receives(event("s1", mark: "1"))
        machine.receives(event("s2", mark: "2"))
        _ = machine.lane.flush()
        await machine.keys.waitsForArrival()

        machine.receives(event("s1", mark: "3"))
        machine.receives(event("other", mark: "4"))
        _ = machine.lane.flush()
        await machine.sink.waits(for: 2)
        #expect(try machine.storedMarks() == ["", "4"])
        machine.keys.open()
        await machine.sink.waits(for: 5)
        #expect(try machine.storedMarks() == ["", "4", "1", "2", "3"])
        #expect(machine.sink.failed.isEmpty)
    }

    @Test("an event that lost its key does not pass its predecessors of the same tick")
    func orderWithinTick() async throws {
        let machine = try Machine()
        await machine.warms("s1")
        machine.receives(event("s1", mark: "1"))
        machine.clock.advances(by: 25 * Machine.hour)
        machine.receives(event("s1", mark: "2"))
        _ = machine.lane.flush()
        await machine.sink.waits(for: 3)
        #expect(try machine.storedMarks() == ["", "1", "2"])
        #expect(machine.ingest.statistics.divertedEvents == 2)
    }

    @Test("ten thousand events of many sessions keep the order of each session")
    func orderUnderLoad() async throws {
        // Far fewer keys in memory than sessions, so that the two ways mix all the time.
        let machine = try Machine(cachedKeysMax: 64)
        for number in 0..<10_000 {
            machine.receives(event("s\(number % 300)", mark: "\(number)"))
            if number % 50 == 0 { _ = machine.lane.flush() }
        }
        _ = machine.lane.flush()
        await machine.sink.waits(for: 10_000)
        var last: [String: Int] = [:]
        var next = Offset(rawValue: 0)
        var isDone = false
        while !isDone {
            let end = try machine.store.read(
                machine.target.partition, from: next, limit: 1_000, notBefore: 0
            ) { view in
                let text = String(decoding: view.json, as: UTF8.self)
                let session = try member("session", of: text)
                let number = try #require(Int(try member("mark", of: text)))
                #expect(last[session] ?? -1 < number)
                last[session] = number
                return true
            }
            next = end.next
            isDone = end.reachedTail
        }
        #expect(last.count == 300)
        #expect(next.rawValue == 10_000)
        #expect(machine.ingest.statistics.slowLaneEvents == 0)
    }

    @Test("what does not fit is turned away at once, and every token is answered exactly once")
    func overload() async throws {
        let machine = try Machine { $0.slowEventsMax = 3 }
        machine.keys.shut()
        let outcomes = (0..<10).map { machine.receives(event("s\($0)")) }
        #expect(outcomes.filter { $0 == .queued }.count == 3)
        #expect(outcomes.filter { $0 == .overloaded(retryAfterSeconds: 1) }.count == 7)
        _ = machine.lane.flush()
        machine.keys.open()
        await machine.sink.waits(for: 3)
        #expect(machine.sink.durable.sorted() == [1, 2, 3])
        #expect(machine.ingest.statistics.overloadedEvents == 7)
        #expect(machine.ingest.statistics.slowLaneBytes == 0)
        #expect(machine.receives(event("s9")) == .queued)
    }

    @Test("its bound in bytes holds, and yet one large event always fits")
    func overloadInBytes() async throws {
        let machine = try Machine { $0.slowBytesMax = 10 }
        #expect(machine.receives(event("s1")) == .queued)
        #expect(machine.receives(event("s2")) == .overloaded(retryAfterSeconds: 1))
        _ = machine.lane.flush()
        await machine.sink.waits(for: 1)
    }

    @Test("an event whose key cannot be had is answered through the sink")
    func keyless() async throws {
        let machine = try Machine()
        machine.keys.fails = true
        machine.receives(event("s1"))
        machine.receives(event("s2"))
        _ = machine.lane.flush()
        await machine.sink.waits(for: 2)
        #expect(machine.sink.failed.sorted() == [1, 2])
        #expect(machine.ingest.statistics.keylessEvents == 2)
        machine.keys.fails = false
        await machine.warms("s1")
        #expect(machine.sink.durable == [3])
        #expect(try machine.storedEvents().count == 1)
    }

    @Test("events of a person who was erased with a fence are refused, those of others are not")
    func fenced() async throws {
        let machine = try Machine(contract: try TestContract.document(subject: "name"))
        machine.vault.attach(store: machine.store)
        for (session, name) in [("s1", "Ada"), ("s2", "Bob")] {
            machine.receives(event(session, name: name))
        }
        _ = machine.lane.flush()
        await machine.sink.waits(for: 2)
        _ = try Array("Ada".utf8).withUnsafeBytes {
            try machine.vault.requestErasure(
                of: $0, streams: [machine.target.partition.stream], id: "e-1",
                by: (client: "dpo", role: "dpo"), reference: nil, fence: true,
                now: machine.clock.now)
        }
        for (session, name) in [("s1", "Ada"), ("s2", "Bob"), ("s3", "Ada"), ("s2", "Ada")] {
            machine.receives(event(session, name: name))
        }
        _ = machine.lane.flush()
        await machine.sink.waits(for: 6)
        #expect(machine.sink.durable.sorted() == [1, 2, 4])
        #expect(machine.sink.failed.sorted() == [3, 5, 6])
        for (token, outcome) in machine.sink.ended where token > 2 && token != 4 {
            #expect(outcome == .failed(.subjectFenced))
        }
    }

    @Test("stopping ends what waits and takes nothing more")
    func stopping() async throws {
        let machine = try Machine()
        machine.receives(event("s1", mark: "a"))
        _ = machine.lane.flush()
        machine.receives(event("s2", mark: "b"))
        machine.ingest.stop()
        #expect(machine.receives(event("s3")) == .unavailable)
        // Reserved before the stop, handed over after it: answered all the same.
        _ = machine.lane.flush()
        await machine.sink.waits(for: 2)
        #expect(machine.sink.durable == [1])
        #expect(machine.sink.failed == [2])
        machine.ingest.stop()
    }
}
