import Contracts
import Foundation
import Testing

@testable import Store

/// Random operations on the store and on dictionaries must agree, across restarts.
/// `STRM_TEST_SEED=n` runs one seed, `STRM_TEST_ROUNDS=n` so many operations.
@Suite("The store agrees with a model")
struct ModelTests {
    private struct Event: Equatable {
        let offset: UInt64
        let number: Int
        let time: Milliseconds
        let link: KeyLink
    }

    /// What the store should be.
    private struct Model {
        var events: [PartitionID: [Event]] = [:]
        var next: [PartitionID: UInt64] = [:]
        var lastTime: [PartitionID: Milliseconds] = [:]
        var dropped: Set<PartitionID> = []
        var documents: [String: (revision: UInt64, body: [UInt8])] = [:]
        var cursors: [UInt8: [UInt8]] = [:]
        var keys: [KeyLink: [UInt8]] = [:]
    }

    private static let retentions: [UInt32: Int] = [1: 1, 2: 1, 3: 7, 4: 30]

    @Test("for random operations with restarts")
    func randomOperations() async throws {
        let environment = ProcessInfo.processInfo.environment
        let seeds =
            environment["STRM_TEST_SEED"].flatMap { UInt64($0) }.map { [$0] }
            ?? [UInt64.random(in: 0...UInt64(UInt32.max)), 1, 2]
        let rounds = environment["STRM_TEST_ROUNDS"].flatMap { Int($0) } ?? 250
        for seed in seeds {
            print("STRM_TEST_SEED=\(seed)")
            try await run(seed: seed, rounds: rounds)
        }
    }

    private func run(seed: UInt64, rounds: Int) async throws {
        var generator = SeededGenerator(seed: seed)
        let fixture = try StoreFixture { $0.memtableBytes = 64 << 10 }
        try fixture.open()
        var model = Model()
        let links = (0..<5).map { _ in KeyLink(random: &generator) }
        for round in 0..<rounds {
            switch Int.random(in: 0..<100, using: &generator) {
            case 0..<45: try send(fixture, &model, links, &generator)
            case 45..<55:
                let step = [1, 999, 60_000, 3_600_000, 40_000_000].randomElement(using: &generator)
                fixture.clock.advance(by: Milliseconds(step ?? 1))
            case 55..<58: fixture.clock.advance(by: -100_000)
            case 58..<70: try await change(fixture, &model, links, &generator)
            case 70..<85: try compareRange(fixture, model, links, &generator)
            case 85..<90: try expire(fixture, &model)
            case 90..<91: try drop(fixture, &model, &generator)
            case 91..<96: try fixture.reopen()
            default: fixture.store.housekeeper.work()
            }
            if round % 50 == 49 { try compareAll(fixture, model, "seed \(seed), round \(round)") }
        }
        try fixture.reopen()
        try compareAll(fixture, model, "seed \(seed), end")
        try fixture.store.verifyChecksums()
    }

    private func partition(_ generator: inout SeededGenerator) -> (PartitionID, RetentionClass) {
        let stream = UInt32.random(in: 1...4, using: &generator)
        return (
            PartitionID(stream: StreamID(rawValue: stream)),
            Self.retentions[stream].flatMap { RetentionClass(days: $0) } ?? .standard
        )
    }

    private func send(
        _ fixture: StoreFixture, _ model: inout Model, _ links: [KeyLink],
        _ generator: inout SeededGenerator
    ) throws {
        let sink = WaitingSink()
        let chunk = EventChunk(sink: sink)
        for _ in 0..<Int.random(in: 1...40, using: &generator) {
            let (id, retention) = partition(&generator)
            let number = Int.random(in: 0..<1_000_000, using: &generator)
            let link = links.randomElement(using: &generator) ?? links[0]
            chunk.append(
                number, to: id, retention: retention, link: link, at: fixture.clock.read(),
                padding: Int.random(in: 0..<200, using: &generator))
            guard !model.dropped.contains(id) else { continue }
            let time = max(fixture.clock.read(), model.lastTime[id] ?? 0)
            let offset = model.next[id, default: 0]
            model.lastTime[id] = time
            model.next[id] = offset + 1
            model.events[id, default: []].append(
                Event(offset: offset, number: number, time: time, link: link))
        }
        try fixture.store.submit(chunk)
        #expect(sink.wait() == .durable)
    }

    private func change(
        _ fixture: StoreFixture, _ model: inout Model, _ links: [KeyLink],
        _ generator: inout SeededGenerator
    ) async throws {
        let name = ["a", "b", "c"].randomElement(using: &generator) ?? "a"
        let key = DocumentKey(kind: "k", name: name)
        let body = [UInt8.random(in: .min ... .max, using: &generator)]
        let link = links.randomElement(using: &generator) ?? links[0]
        let current = model.documents[name]?.revision
        let expected = [current, nil, 0, 12].randomElement(using: &generator) ?? nil
        let isDelete = Bool.random(using: &generator)
        let wins =
            expected == 0 || expected == current || (isDelete && expected == nil)
        let receipt: CommitReceipt
        do throws(StoreError) {
            receipt = try await fixture.store.commit([
                .putCursor(key: [body[0] % 4], value: body), .putKey(link, record: body),
                isDelete
                    ? .deleteDocument(key, expectedRevision: expected)
                    : .putDocument(key, body: body, expectedRevision: expected),
            ])
        } catch {
            #expect(error == .conflict && !wins)
            return
        }
        #expect(wins)
        model.cursors[body[0] % 4] = body
        model.keys[link] = body
        if isDelete {
            model.documents[name] = nil
        } else {
            let revision = try #require(receipt.documentRevisions[key])
            model.documents[name] = (revision, body)
        }
    }

    private func expire(_ fixture: StoreFixture, _ model: inout Model) throws {
        let now = fixture.clock.read()
        for drop in try fixture.store.expire(now: now) {
            #expect(drop.day.end <= drop.retention.floor(now: now))
            for (id, days) in Self.retentions where days == Int(drop.retention.days) {
                let partition = PartitionID(stream: StreamID(rawValue: id))
                model.events[partition]?.removeAll { UTCDay(at: $0.time) == drop.day }
            }
        }
    }

    private func drop(
        _ fixture: StoreFixture, _ model: inout Model, _ generator: inout SeededGenerator
    ) throws {
        let id = PartitionID(stream: StreamID(rawValue: 4))
        guard model.next[id] != nil else { return }
        try fixture.store.dropPartition(id)
        model.dropped.insert(id)
        model.events[id] = nil
    }

    private func compareRange(
        _ fixture: StoreFixture, _ model: Model, _ links: [KeyLink],
        _ generator: inout SeededGenerator
    ) throws {
        let (id, retention) = partition(&generator)
        let all = model.events[id] ?? []
        let from = UInt64.random(in: 0...(model.next[id] ?? 0) + 2, using: &generator)
        let floor = retention.floor(now: fixture.clock.read())
        let until = all.randomElement(using: &generator)?.time
        let link = Bool.random(using: &generator) ? links.randomElement(using: &generator) : nil
        let limit = Int.random(in: 1...60, using: &generator)
        let expected = all.filter {
            $0.offset >= from && $0.time >= floor && $0.time < until ?? .max
                && $0.link == link ?? $0.link
        }.prefix(limit)
        var seen: [Event] = []
        let end = try fixture.store.read(
            id, from: Offset(rawValue: from), limit: limit, notBefore: floor, until: until,
            keyLink: link
        ) {
            let event = SeenEvent($0)
            seen.append(
                Event(
                    offset: event.offset, number: event.number, time: event.timestamp,
                    link: $0.keyLink))
            return true
        }
        #expect(seen == Array(expected))
        #expect(end.visited == seen.count)
        if let last = seen.last { #expect(end.next.rawValue > last.offset) }
    }

    private func compareAll(
        _ fixture: StoreFixture, _ model: Model, _ place: Comment
    ) throws {
        for (stream, _) in Self.retentions {
            let id = PartitionID(stream: StreamID(rawValue: stream))
            let seen = try fixture.events(id)
            let expected = model.events[id] ?? []
            #expect(seen.map(\.offset) == expected.map(\.offset), place)
            #expect(seen.map(\.number) == expected.map(\.number), place)
            #expect(seen.map(\.timestamp) == expected.map(\.time), place)
            if !model.dropped.contains(id) {
                #expect(fixture.store.tail(id).rawValue == model.next[id] ?? 0, place)
            }
        }
        #expect(
            fixture.store.documents(kind: "k").map { [UInt8($0.revision & 255)] + $0.body }
                == model.documents.sorted { $0.key < $1.key }.map {
                    [UInt8($0.value.revision & 255)] + $0.value.body
                }, place)
        for cursor in UInt8(0)..<4 {
            #expect(try fixture.store.readCursor([cursor]) == model.cursors[cursor], place)
        }
        for (link, record) in model.keys {
            #expect(try fixture.store.readKey(link) == record, place)
        }
    }
}
