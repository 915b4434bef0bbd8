import Contracts
import Foundation
import Store
import Testing
import Vault

@testable import Ingest

@Suite("Keeping and replaying refused events", .timeLimit(.minutes(1)))
struct KeepingTests {
    private static let stream = StreamID(rawValue: 7)
    private static let kept = PartitionID(stream: stream, partition: .max)
    private static let marks = PartitionID(stream: stream, partition: .max - 1)

    private func keeps(_ machine: Machine) throws -> StreamTarget {
        for partition in [Self.kept, Self.marks] {
            try machine.store.openPartition(partition, retention: .standard)
        }
        return StreamTarget(
            name: "demo", client: "c", partition: machine.target.partition, retention: .standard,
            keepsRejections: true)
    }

    private func receive(_ body: String, _ machine: Machine, _ target: StreamTarget) {
        Array(body.utf8).withUnsafeBytes {
            _ = machine.lane.receive(
                $0, format: .json, schemaRef: nil, stream: target,
                token: CommitToken(first: 1, second: 0), now: machine.clock.now)
        }
    }

    private func body(_ text: String) throws -> RefusedBody {
        let bytes = Array(text.utf8)
        var sealed = [UInt8](
            repeating: 0, count: RefusedBody.byteCount(schemaRef: nil, body: bytes.count))
        bytes.withUnsafeBytes { bytes in
            sealed.withUnsafeMutableBytes {
                RefusedBody.write(bytes, format: .json, schemaRef: nil, into: $0)
            }
        }
        return try #require(sealed.withUnsafeBytes { RefusedBody($0) })
    }

    @Test("a kept event is a record of no contract, without consent, at a level that nobody has")
    func record() async throws {
        let machine = try Machine()
        let target = try keeps(machine)
        receive(event("s1", mark: "CANARY"), machine, target)
        receive("nonsense", machine, target)
        await machine.ingest.keeper.settle()
        #expect(machine.ingest.keeper.statistics(of: Self.stream).kept == 2)
        var about: [KeptRejection] = []
        var links: Set<KeyLink> = []
        _ = try machine.store.read(
            Self.kept, from: Offset(rawValue: 0), limit: 10, notBefore: 0
        ) { view in
            #expect(view.contract == 0)
            let consent = view.consent
            #expect(consent.isEmpty)
            #expect(view.spanCount == 1)
            let level = Int(view.span(at: 0).level)
            #expect(!ConsentLevels(bits: .max).contains(level))
            #expect(view.timestamp == machine.clock.now)
            #expect(!String(decoding: view.json, as: UTF8.self).contains("CANARY"))
            let object = try JSONSerialization.jsonObject(with: Data(view.json))
            let members = try #require(object as? [String: Any])
            #expect(members["rejectedAt"] as? Int64 == machine.clock.now)
            let read = KeptRejection(view)
            about.append(try #require(read))
            links.insert(view.keyLink)
            return true
        }
        #expect(about.map(\.rule) == ["regex", "json"])
        #expect(about.map(\.place) == ["/mark", ""])
        #expect(about.map(\.client) == ["c", "c"])
        #expect(links.count == 2)
        #expect(try machine.storedEvents().isEmpty)
    }

    @Test("a body for which there is no room is counted and changes no answer")
    func busy() async throws {
        let machine = try Machine { $0.rejections.waitingBytesMax = 4 }
        let target = try keeps(machine)
        receive("nonsense", machine, target)
        await machine.ingest.keeper.settle()
        let statistics = machine.ingest.keeper.statistics(of: Self.stream)
        #expect(statistics == KeepingStatistics(kept: 0, notKept: [.busy: 1]))
        #expect(machine.store.tail(Self.kept).rawValue == 0)
    }

    @Test("a stop stores what was taken, and nothing is taken after it")
    func stopped() async throws {
        let machine = try Machine()
        let target = try keeps(machine)
        for _ in 0..<5 { receive("nonsense", machine, target) }
        machine.ingest.stop()
        receive("nonsense", machine, target)
        await machine.ingest.keeper.settle()
        #expect(machine.store.tail(Self.kept).rawValue == 5)
    }

    @Test("an accepted event and its mark are one commit, and neither is there if it fails")
    func oneCommit() async throws {
        let machine = try Machine()
        let target = try keeps(machine)
        let group = [
            try replayed(4, event("s1", mark: "good"), at: machine.clock.now),
            try replayed(5, event("s1", mark: "BAD"), at: machine.clock.now),
            try replayed(9, event("s2", mark: "also-good"), at: machine.clock.now),
        ]
        let commits = machine.store.statistics.events
        let outcomes = await machine.ingest.replay(group, to: target, now: machine.clock.now)
        #expect(outcomes.map(name) == ["accepted", "refused", "accepted"])
        #expect(machine.store.statistics.events == commits + 4)
        #expect(try machine.storedMarks() == ["good", "also-good"])
        #expect(try marks(machine) == [4, 9])

        machine.faults.failsWrites = true
        let failed = await machine.ingest.replay(group, to: target, now: machine.clock.now)
        #expect(failed.map(name) == ["failed", "refused", "failed"])
        #expect(machine.store.tail(machine.target.partition).rawValue == 2)
        #expect(machine.store.tail(Self.marks).rawValue == 2)
    }

    @Test("a replay brings back nothing of who was erased since, and a fence holds for the rest")
    func erasedPerson() async throws {
        let machine = try Machine(contract: try TestContract.document(subject: "name"))
        machine.vault.attach(store: machine.store)
        let target = try keeps(machine)
        let before = machine.clock.now
        machine.clock.advances(by: 100_000)
        for (person, fence) in [("Ada", false), ("Eve", true)] {
            _ = try Array(person.utf8).withUnsafeBytes {
                try machine.vault.requestErasure(
                    of: $0, streams: [Self.stream], id: "e-\(person)",
                    by: (client: "dpo", role: "dpo"), reference: nil, fence: fence,
                    now: machine.clock.now)
            }
        }
        machine.clock.advances(by: 100_000)
        let after = machine.clock.now
        let group = [
            try replayed(1, event("s1", mark: "ada-before", name: "Ada"), at: before),
            try replayed(2, event("s1", mark: "bob-before", name: "Bob"), at: before),
            try replayed(3, event("s1", mark: "ada-after", name: "Ada"), at: after),
            try replayed(4, event("s2", mark: "eve-before", name: "Eve"), at: before),
            try replayed(5, event("s2", mark: "eve-after", name: "Eve"), at: after),
        ]
        let outcomes = await machine.ingest.replay(group, to: target, now: after)
        #expect(outcomes.map(name) == ["erased", "accepted", "accepted", "erased", "fenced"])
        #expect(try machine.storedMarks() == ["bob-before", "ada-after"])
        #expect(try marks(machine) == [2, 3])
    }

    private func replayed(
        _ offset: UInt64, _ event: String, at time: Milliseconds
    ) throws -> Ingest.Replayed {
        (rejection: Offset(rawValue: offset), rejectedAt: time, body: try body(event))
    }

    private func name(_ outcome: Ingest.ReplayOutcome) -> String {
        switch outcome {
        case .accepted: "accepted"
        case .refused: "refused"
        case .subjectErased: "erased"
        case .subjectFenced: "fenced"
        case .failed: "failed"
        }
    }

    private func marks(_ machine: Machine) throws -> [UInt64] {
        var offsets: [UInt64] = []
        _ = try machine.store.read(
            Self.marks, from: Offset(rawValue: 0), limit: 10, notBefore: 0
        ) { view in
            let object = try JSONSerialization.jsonObject(with: Data(view.json))
            #expect((object as? [String: Any])?["replayedAt"] as? Int64 == machine.clock.now)
            let mark = ReplayMark(view)
            offsets.append(try #require(mark).rejection.rawValue)
            return true
        }
        return offsets
    }

    @Test("one replay of a stream runs at a time")
    func gate() {
        let gate = ReplayGate()
        #expect(gate.enter(Self.stream))
        #expect(!gate.enter(Self.stream))
        #expect(gate.enter(StreamID(rawValue: 8)))
        gate.leave(Self.stream)
        #expect(gate.enter(Self.stream))
    }

    @Test("a budget counts by second and hour, and a clock that is set back gives one window more")
    func budget() {
        var limits = RejectionLimits()
        limits.perSecondMax = 2
        limits.bytesPerHourMax = 10
        var budget = KeepingBudget()
        let start: Milliseconds = 3_600_000 * 1_000
        let steps: [(bytes: Int, after: Milliseconds, isTaken: Bool)] = [
            (1, 0, true), (1, 999, true), (1, 999, false), (8, 1_000, true),
            (1, 3_599_000, false), (10, 3_600_000, true), (10, 0, true),
        ]
        for step in steps {
            let isTaken = budget.take(bytes: step.bytes, now: start + step.after, limits: limits)
            #expect(isTaken == step.isTaken, "\(step)")
        }
    }
}
