import Contracts
import Foundation
import Store
import Testing

@testable import Ingest

@Suite("An ingest lane", .timeLimit(.minutes(1)))
struct IngestLaneTests {
    @Test("the first event of a session is made durable by way of the slow lane, the next directly")
    func bothWays() async throws {
        let machine = try Machine()
        #expect(machine.receives(event("s1", mark: "first")) == .queued)
        #expect(!machine.lane.isEmpty)
        guard case .flushed = machine.lane.flush() else {
            Issue.record("refused")
            return
        }
        await machine.sink.waits(for: 1)
        #expect(machine.ingest.statistics.divertedEvents == 1)

        #expect(machine.receives(event("s1", mark: "second")) == .queued)
        _ = machine.lane.flush()
        await machine.sink.waits(for: 2)
        #expect(machine.ingest.statistics.divertedEvents == 1)
        #expect(machine.sink.durable == [1, 2])
        #expect(try machine.storedMarks() == ["first", "second"])
        #expect(machine.ingest.statistics.acceptedEvents == 2)
        #expect(machine.lane.isEmpty)
    }

    @Test("personal values are sealed and strmMeta is filled in, on both ways alike")
    func sealing() async throws {
        let machine = try Machine()
        await machine.warms("s1")
        machine.receives(event("s1", name: "Ada"))
        _ = machine.lane.flush()
        await machine.sink.waits(for: 2)
        for stored in try machine.storedEvents() {
            let object = try JSONSerialization.jsonObject(with: Data(stored.utf8))
            let fields = try #require(object as? [String: Any])
            let meta = try #require(fields["strmMeta"] as? [String: Any])
            #expect(meta["timestamp"] as? Int64 == Machine.start)
            #expect(meta["billingId"] as? String == "billing \"7\"")
            #expect(KeyLink((meta["keyLink"] as? String) ?? "") != nil)
            #expect((meta["nonce"] as? Int64).map { $0 >= 0 } == true)
            #expect(fields["name"] as? String != "Ada")
            #expect(fields["session"] as? String == "s1")
        }
    }

    @Test("one value has one ciphertext in its session for 24 hours, and another one after")
    func rotation() async throws {
        let machine = try Machine()
        func sealed(_ session: String, after: Milliseconds) async throws -> String {
            machine.clock.advances(by: after)
            await machine.warms(session)
            return try member("name", of: try #require(try machine.storedEvents().last))
        }
        let first = try await sealed("s1", after: 0)
        #expect(try await sealed("s1", after: 23 * Machine.hour) == first)
        #expect(try await sealed("s2", after: 0) != first)
        let day2 = try await sealed("s1", after: Machine.hour)
        #expect(day2 != first)
        #expect(try await sealed("s1", after: 0) == day2)
    }

    @Test("a refused event is answered at once with its reason and counted by it")
    func refusals() throws {
        let machine = try Machine()
        guard case .refused(let malformed) = machine.receives("{") else {
            Issue.record("not refused")
            return
        }
        #expect(malformed.kind == .malformedBody)
        guard case .refused(let broken) = machine.receives(event("s1", mark: "NO")) else {
            Issue.record("not refused")
            return
        }
        #expect(broken.pointer == "/mark")
        machine.receives(event("s1", mark: "NO"))
        let counted = machine.ingest.statistics.refusedEvents
        #expect(counted[.init(kind: broken.kind.rawValue, rule: broken.rule)] == 2)
        #expect(counted.values.reduce(0, +) == 3)
        #expect(machine.lane.isEmpty)
    }

    @Test("more personal values than a record can hold are refused, not fatal")
    func tooManyValues() async throws {
        let machine = try Machine()
        await machine.warms("s1")
        let tags = Array(repeating: "t", count: 70_000)
        guard case .refused(let refusal) = machine.receives(event("s1", tags: tags)) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.kind == .tooLarge)
        #expect(machine.receives(event("s1", tags: Array(tags.prefix(60_000)))) == .queued)
        _ = machine.lane.flush()
        await machine.sink.waits(for: 2)
        #expect(machine.sink.failed.isEmpty)
    }

    @Test("chunks that come back are used again")
    func recycling() async throws {
        let machine = try Machine()
        await machine.warms("s1")
        var seen: Set<ObjectIdentifier> = []
        for round in 0..<20 {
            machine.receives(event("s1"))
            _ = machine.lane.flush()
            await machine.sink.waits(for: 2 + round)
            for chunk in machine.sink.takeChunks() {
                seen.insert(ObjectIdentifier(chunk))
                machine.lane.recycle(chunk)
            }
        }
        #expect(seen.count <= 6)
        #expect(machine.sink.durable.count == 21)
    }

    @Test("a busy tick is handed over in several chunks")
    func chunking() async throws {
        let machine = try Machine { $0.chunkEventsMax = 10 }
        await machine.warms("s1")
        for number in 0..<35 { machine.receives(event("s1", mark: "\(number)")) }
        await machine.sink.waits(for: 31)
        _ = machine.lane.flush()
        await machine.sink.waits(for: 36)
        #expect(try machine.storedMarks() == [""] + (0..<35).map { "\($0)" })
    }

    @Test("no personal value lies in clear in any file of the data directory")
    func marker() async throws {
        let machine = try Machine()
        let marker = "SMCANARY" + UUID().uuidString
        await machine.warms("s-\(marker)")
        for _ in 0..<50 { machine.receives(event("s-x", name: "Ada \(marker)", tags: [marker])) }
        _ = machine.lane.flush()
        await machine.sink.waits(for: 51)
        machine.ingest.stop()
        machine.store.close()
        var files = 0
        var hits = 0
        let root = URL(fileURLWithPath: machine.directory)
        let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
        while let file = walk?.nextObject() as? URL {
            guard let data = try? Data(contentsOf: file) else { continue }
            files += 1
            if data.range(of: Data("Ada \(marker)".utf8)) != nil { hits += 1 }
            if data.range(of: Data("\"\(marker)\"".utf8)) != nil { hits += 1 }
        }
        #expect(files > 4)
        #expect(hits == 0)
    }

    @Test("100,000 altered bodies end in an answer each, and what is stored is still an event")
    func hostileBodies() async throws {
        let machine = try Machine { $0.slowEventsMax = 1 << 20 }
        let seed = UInt64.random(in: .min ... .max)
        var random = NonceGenerator(seed: (seed, 1, 2, 3))
        let valid = Array(event("s1", mark: "ok", name: "Zoë \\u00e9", tags: ["a", "b"]).utf8)
        var queued = 0
        for round in 0..<100_000 {
            var body = valid
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<max(body.count, 1), using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: body.removeLast(min(body.count, place))
                case 1:
                    if place < body.count {
                        body[place] = UInt8.random(in: 0...255, using: &random)
                    }
                case 2:
                    body.insert(
                        contentsOf: [0x22, 0x5C, 0x7B].shuffled(using: &random),
                        at: min(place, body.count))
                default: if place < body.count { body.remove(at: place) }
                }
            }
            let format: EventDecoder.Format = round % 5 == 0 ? .avroBinary : .detect
            let outcome = body.withUnsafeBytes {
                machine.lane.receive(
                    $0, format: format, schemaRef: nil, stream: machine.target,
                    token: CommitToken(first: UInt64(round), second: 0), now: machine.clock.now)
            }
            if outcome == .queued { queued += 1 }
            if round % 64 == 0 { _ = machine.lane.flush() }
        }
        _ = machine.lane.flush()
        await machine.sink.waits(for: queued)
        #expect(machine.sink.failed.isEmpty, "seed \(seed)")
        for stored in try machine.storedEvents() {
            #expect(throws: Never.self, "seed \(seed)") {
                try JSONSerialization.jsonObject(with: Data(stored.utf8))
            }
        }
    }
}
