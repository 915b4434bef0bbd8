import Contracts
import Glibc
import Synchronization
import Testing

@testable import Store

@Suite("A commit")
struct CommitTests {
    @Test("gives offsets without holes, also after the store was closed and opened")
    func offsetsAreContiguous() throws {
        let fixture = try StoreFixture()
        try fixture.open()
        try fixture.send(count: 10)
        try fixture.reopen()
        #expect(fixture.store.tail(StoreFixture.partition) == Offset(rawValue: 10))
        try fixture.send(count: 5, from: 10)
        let events = try fixture.events()
        #expect(events.map(\.offset) == Array(0..<15))
        #expect(events.map(\.number) == Array(0..<15))
    }

    @Test("shows in the engine's own figures, and nothing does after the store was closed")
    func engineFigures() throws {
        let fixture = try StoreFixture()
        try fixture.open()
        let before = try #require(fixture.store.statistics.engine)
        try fixture.send(count: 2_000)
        let after = try #require(fixture.store.statistics.engine)
        #expect(after.memtableBytes > before.memtableBytes)
        #expect(after.blockCacheBytes <= 64 << 20)
        #expect(!after.isWriteStopped && after.delayedWriteBytesPerSecond == 0)
        let store = fixture.store
        store.close()
        #expect(store.statistics.engine == nil)
    }

    @Test("is one write with one sync, which comes before every acknowledgement")
    func syncComesFirst() throws {
        let effects = try Self.effects { _ in }
        #expect(effects.count == 6)
        #expect(effects.first == .write(events: 6, mutations: 1))
        let synced = effects.compactMap { if case .synced(let n) = $0 { n } else { nil } }
        #expect(synced.count == 1, "one batch, one write")
        #expect(effects.dropFirst(2).first == .acknowledge)
        #expect(effects.dropFirst(3) == [.watcher, .sink, .completion])
        #expect(try Self.syncsOfOneBatch { _ in } == 1, "the engine synced its log once")
    }

    @Test("without its sync is noticed by the same recording (negative control)")
    func missingSyncIsNoticed() throws {
        #expect(try Self.syncsOfOneBatch { $0.isSyncEnabled = false } == 0)
    }

    /// Three chunks and a request that wait when the commit thread starts.
    private static func effects(
        _ change: (inout StoreConfiguration) -> Void
    ) throws -> [EffectLog.Effect] {
        let observer = TestObserver()
        let fixture = try StoreFixture { $0.observer = observer }
        let store = try fixture.open(starting: false, change)
        let sink = WaitingSink(log: observer.log)
        for number in 0..<3 {
            let chunk = EventChunk(sink: sink)
            chunk.append(2 * number, to: StoreFixture.partition, at: StoreFixture.start)
            chunk.append(2 * number + 1, to: StoreFixture.partition, at: StoreFixture.start)
            try store.submit(chunk)
        }
        let done = Answer<Bool>()
        try store.submit([.putCursor(key: [1], value: [2])]) { _ in
            observer.log.append(.completion)
            done.give(.success(true))
        }
        _ = store.watch(StoreFixture.partition, beyond: Offset(rawValue: 5)) {
            observer.log.append(.watcher)
        }
        try store.start()
        _ = done.take()
        #expect(sink.seen.map(\.tokens) == [[0, 1, 2, 3, 4, 5]])
        return observer.log.all
    }

    private static func syncsOfOneBatch(
        _ change: (inout StoreConfiguration) -> Void
    ) throws -> UInt64 {
        let observer = TestObserver()
        let fixture = try StoreFixture { $0.observer = observer }
        try fixture.open(change)
        try fixture.send(count: 4)
        try fixture.send(count: 4, from: 4)
        let synced = observer.log.all.compactMap { if case .synced(let n) = $0 { n } else { nil } }
        #expect(synced.count == 2)
        return synced[1] - synced[0]
    }

    @Test("wakes a watcher after the sync and only once")
    func watcherIsWokenAfterTheSync() throws {
        let observer = TestObserver()
        let fixture = try StoreFixture { $0.observer = observer }
        let store = try fixture.open()
        let wakes = Mutex(0)
        _ = store.watch(StoreFixture.partition, beyond: Offset(rawValue: 1)) {
            #expect(store.tail(StoreFixture.partition) >= Offset(rawValue: 2))
            wakes.withLock { $0 += 1 }
        }
        let forgotten = store.watch(StoreFixture.partition, beyond: Offset(rawValue: 0)) {
            Issue.record("an unwatched watcher was woken")
        }
        store.unwatch(forgotten)
        try fixture.send(count: 1)
        #expect(wakes.withLock { $0 } == 0, "offset 1 is not there yet")
        #expect(store.statistics.watchers == 1)
        observer.hold()
        let sink = WaitingSink()
        let chunk = EventChunk(sink: sink)
        chunk.append(1, to: StoreFixture.partition, at: StoreFixture.start)
        try store.submit(chunk)
        observer.waitForWrites(2)
        #expect(wakes.withLock { $0 } == 0, "written, but not synced")
        #expect(store.tail(StoreFixture.partition) == Offset(rawValue: 1))
        observer.release()
        sink.wait()
        try fixture.send(count: 3, from: 2)
        #expect(wakes.withLock { $0 } == 1)
        #expect(store.statistics.watchers == 0)
    }

    @Test("calls a watcher at once if the event is there, and at the end if it never comes")
    func watcherIsCalledAtOnceOrAtTheEnd() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send(count: 1)
        let wakes = Mutex(0)
        _ = store.watch(StoreFixture.partition, beyond: Offset(rawValue: 0)) {
            wakes.withLock { $0 += 1 }
        }
        #expect(wakes.withLock { $0 } == 1)
        _ = store.watch(StoreFixture.partition, beyond: Offset(rawValue: 1)) {
            wakes.withLock { $0 += 1 }
        }
        store.close()
        #expect(wakes.withLock { $0 } == 2)
    }

    @Test("raises a time that falls to the one before, in the header and in the JSON")
    func timesNeverFall() throws {
        let fixture = try StoreFixture()
        try fixture.open()
        try fixture.send([0])
        fixture.clock.advance(by: -3_600_000)
        try fixture.send([1])
        try fixture.reopen()
        try fixture.send([2])
        fixture.clock.advance(by: 3_600_001)
        try fixture.send([3])
        let events = try fixture.events()
        let start = StoreFixture.start
        #expect(events.map(\.timestamp) == [start, start, start, start + 1])
        for event in events { #expect(event.json.contains("\"timestamp\":\(event.timestamp),")) }
    }

    @Test("calls each sink once with all its chunks")
    func sinksAreCalledOnce() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open(starting: false)
        let sinks = [WaitingSink(), WaitingSink()]
        for number in 0..<10 {
            let chunk = EventChunk(sink: sinks[number % 2])
            chunk.append(number, to: StoreFixture.partition, at: StoreFixture.start)
            try store.submit(chunk)
        }
        try store.start()
        for sink in sinks { sink.wait() }
        #expect(sinks[0].seen.map(\.tokens) == [[0, 2, 4, 6, 8]])
        #expect(sinks[1].seen.map(\.tokens) == [[1, 3, 5, 7, 9]])
        #expect(store.statistics.commits == 1)
    }

    @Test("is bounded in events, and what does not fit goes into the next")
    func batchesAreBounded() throws {
        let observer = TestObserver()
        let fixture = try StoreFixture {
            $0.observer = observer
            $0.batchEventsMax = 10
        }
        let store = try fixture.open(starting: false)
        let sink = WaitingSink()
        for number in 0..<7 {
            let chunk = EventChunk(sink: sink)
            for event in 0..<4 {
                chunk.append(
                    4 * number + event, to: StoreFixture.partition, at: StoreFixture.start)
            }
            try store.submit(chunk)
        }
        try store.start()
        sink.wait(calls: 4)
        let writes = observer.log.all.compactMap {
            if case .write(let events, _) = $0 { events } else { nil }
        }
        #expect(writes == [8, 8, 8, 4])
        #expect(try fixture.events().map(\.number) == Array(0..<28))
    }

    @Test("that does not end makes later events refused, with a time to wait, and not kept waiting")
    func stallIsToldToSenders() throws {
        let observer = TestObserver()
        let fixture = try StoreFixture {
            $0.observer = observer
            $0.stallNanosecondsMax = 0
        }
        let store = try fixture.open()
        let sink = WaitingSink()
        func chunk(_ number: Int) -> EventChunk {
            let chunk = EventChunk(sink: sink)
            chunk.append(number, to: StoreFixture.partition, at: StoreFixture.start)
            return chunk
        }
        observer.hold()
        try store.submit(chunk(0))
        observer.waitForWrites(1)
        #expect(throws: StoreError.overloaded(retryAfterSeconds: 1)) { try store.submit(chunk(1)) }
        #expect(store.statistics.runningNanoseconds > 0)
        #expect(store.statistics.refusals == 1)
        // What records a release or a key is not held back: it has its own time to wait.
        let done = Answer<CommitReceipt>()
        try store.submit([.putCursor(key: [1], value: [2])], completion: done.give)
        observer.release()
        _ = try done.take().get()
        sink.wait()
        // The thread takes the next batch only after it has answered: no batch is in hand then.
        while store.statistics.runningNanoseconds > 0 { sched_yield() }
        try store.submit(chunk(2))
        sink.wait(calls: 2)
        #expect(try fixture.events().map(\.number) == [0, 2])
    }

    @Test("is not said to stall while a control between two commits takes its time")
    func controlIsNoStall() throws {
        let fixture = try StoreFixture { $0.stallNanosecondsMax = 0 }
        let store = try fixture.open()
        let entered = Answer<Bool>()
        let mayGo = Answer<Bool>()
        let thread = try StoreThread(name: "control") {
            do throws(StoreError) {
                try store.onCommitThread { _ in
                    entered.give(.success(true))
                    _ = mayGo.take()
                }
            } catch {
                Issue.record(error)
            }
        }
        _ = entered.take()
        let sink = WaitingSink()
        let chunk = EventChunk(sink: sink)
        chunk.append(0, to: StoreFixture.partition, at: StoreFixture.start)
        try store.submit(chunk)
        mayGo.give(.success(true))
        sink.wait()
        thread.join()
    }

    @Test("keeps the order of a key and the chunk that was submitted after it")
    func keysComeFirst() throws {
        let observer = TestObserver()
        let fixture = try StoreFixture {
            $0.observer = observer
            $0.batchEventsMax = 1
        }
        let store = try fixture.open(starting: false)
        store.setCommitStage(CountingStage())
        let link = KeyLink.random()
        try store.submit([.putKey(link, record: [9])])
        let sink = WaitingSink()
        let chunk = EventChunk(sink: sink)
        chunk.append(0, to: StoreFixture.partition, link: link, at: StoreFixture.start)
        try store.submit(chunk)
        try store.start()
        sink.wait()
        let writes = observer.log.all.filter { if case .write = $0 { true } else { false } }
        #expect(writes == [.write(events: 0, mutations: 1), .write(events: 1, mutations: 0)])
        #expect(try store.readKey(link) == [9])
    }

    @Test("numbers audit drafts and counts new keys through the stage")
    func auditIsStaged() async throws {
        let fixture = try StoreFixture()
        let store = try fixture.open(starting: false)
        let stage = CountingStage()
        store.setCommitStage(stage)
        let answers = (0..<3).map { _ in Answer<CommitReceipt>() }
        for answer in answers {
            try store.submit(
                [
                    .putKey(KeyLink.random(), record: [1]),
                    .audit(AuditDraft(body: Array("\"act\":\"x\"".utf8))),
                ], completion: answer.give)
        }
        try store.start()
        for answer in answers {
            #expect(try answer.take().get().auditSizeAfter == 3, "one batch: the size after it")
        }
        let receipt = try await store.commit([.audit(AuditDraft(body: [7]))])
        #expect(receipt.auditSizeAfter == 4)
        #expect(stage.state.withLock { $0.keysMade } == [3])
        #expect(try store.readAudit(StoreKeys.bytes(UInt64(3))) == [7])
        var found: [UInt64] = []
        try store.scanAudit(from: StoreKeys.bytes(UInt64(1))) { key, _ in
            found.append(StoreKeys.number(key, as: UInt64.self) ?? 99)
            return found.count < 2
        }
        #expect(found == [1, 2])
        try fixture.reopen()
        #expect(fixture.store.recoveredAuditWatermark == StoreKeys.bytes(UInt64(4)))
    }

    @Test("with an audit entry but no audit log does not happen")
    func auditNeedsALog() async throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        await #expect(
            throws: StoreError.io("an audit entry was submitted, but there is no audit log")
        ) {
            try await store.commit([
                .putCursor(key: [1], value: [1]), .audit(AuditDraft(body: [7])),
            ])
        }
        #expect(try store.readCursor([1]) == nil)
        try fixture.send([1])
    }
}

@Suite("The allocator")
struct AllocatorTests {
    @Test("takes the bound on its arenas")
    func arenas() {
        #expect(AllocatorArenas.bound())
    }
}
