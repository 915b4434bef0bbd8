import Contracts
import Foundation
import Synchronization
import Testing

@testable import Store

@Suite("A fault")
struct FaultTests {
    private static let partition = StoreFixture.partition

    @Test(
        "of a write poisons the store: all that waits and all that comes is refused",
        arguments: [
            TestObserver.Fault.beforeWrite(.io("test")), .afterWrite(.io("test")),
        ])
    func poisons(_ fault: TestObserver.Fault) throws {
        let observer = TestObserver()
        let fixture = try StoreFixture { $0.observer = observer }
        let store = try fixture.open()
        try fixture.send(count: 3)
        observer.hold()
        observer.fault.withLock { $0 = fault }
        let sink = WaitingSink()
        for number in 3..<5 {
            let chunk = EventChunk(sink: sink)
            chunk.append(number, to: Self.partition, at: StoreFixture.start)
            try store.submit(chunk)
            if number == 3 { observer.waitForWrites(2) }
        }
        let request = Answer<CommitReceipt>()
        try store.submit([.putCursor(key: [1], value: [1])], completion: request.give)
        observer.release()
        sink.wait(calls: 2)
        #expect(sink.seen.map(\.outcome) == [.failed(.poisoned), .failed(.poisoned)])
        #expect(throws: StoreError.poisoned) { try request.take().get() }
        #expect(throws: StoreError.poisoned) { try fixture.send([9]) }
        #expect(throws: StoreError.poisoned) {
            try store.submit([.putCursor(key: [1], value: [1])])
        }
        #expect(throws: StoreError.poisoned) { try store.expire(now: .max / 2) }
        #expect(store.statistics.isPoisoned)
        #expect(store.statistics.poisonReason == "the storage failed: test")
        #expect(observer.log.all.filter { $0 == .acknowledge }.count == 1, "never acknowledged")
        #expect(observer.log.all.filter { if case .write = $0 { true } else { false } }.count == 2)

        // What was acknowledged is still read, and is there after the next start. What was not may
        // be there, whole and in order.
        #expect(try fixture.events().map(\.number) == [0, 1, 2])
        observer.fault.withLock { $0 = .none }
        try fixture.reopen()
        let stored = if case .afterWrite = fault { [0, 1, 2, 3] } else { [0, 1, 2] }
        #expect(try fixture.events().map(\.number) == stored)
        try fixture.send([4])
        #expect(try fixture.events().map(\.offset) == (0...stored.count).map { UInt64($0) })
    }

    @Test("of the disk being full is told as such")
    func diskFullIsTold() throws {
        let observer = TestObserver()
        let fixture = try StoreFixture { $0.observer = observer }
        try fixture.open()
        observer.fault.withLock { $0 = .beforeWrite(.diskFull) }
        #expect(try fixture.send([1]) == .failed(.diskFull))
        #expect(throws: StoreError.poisoned) { try fixture.send([2]) }
    }

    @Test("that is seen in time refuses events, leaves room for audit entries, and passes")
    func diskReserve() async throws {
        let free = Mutex<UInt64>(1 << 30)
        let fixture = try StoreFixture {
            $0.freeBytes = { free.withLock { $0 } }
            $0.freeBytesMin = 64 << 20
        }
        let store = try fixture.open()
        try fixture.send([0])
        free.withLock { $0 = 63 << 20 }
        store.housekeeper.work()
        #expect(throws: StoreError.diskFull) { try fixture.send([1]) }
        #expect(store.statistics.isDiskFull)
        _ = try await store.commit([.putCursor(key: [1], value: [1])])
        free.withLock { $0 = 7 << 20 }
        store.housekeeper.work()
        await #expect(throws: StoreError.diskFull) {
            try await store.commit([.putCursor(key: [1], value: [1])])
        }
        free.withLock { $0 = 65 << 20 }
        store.housekeeper.work()
        try fixture.send([1])
        #expect(try fixture.events().map(\.number) == [0, 1])
        #expect(!store.statistics.isDiskFull && !store.statistics.isPoisoned)
        #expect(store.statistics.freeBytes == 65 << 20)
    }

    @Test("of the queue running over is an error with a time to wait, and nothing is lost")
    func queueOverflows() throws {
        let fixture = try StoreFixture {
            $0.queueEventsMax = 10
            $0.queueRequestsMax = 2
        }
        let store = try fixture.open(starting: false)
        let sink = WaitingSink()
        func chunk(_ numbers: Range<Int>) -> EventChunk {
            let chunk = EventChunk(sink: sink)
            for number in numbers {
                chunk.append(number, to: Self.partition, at: StoreFixture.start)
            }
            return chunk
        }
        try store.submit(chunk(0..<8))
        let refused = chunk(8..<12)
        #expect(throws: StoreError.overloaded(retryAfterSeconds: 1)) { try store.submit(refused) }
        try store.submit(chunk(8..<10))
        #expect(throws: StoreError.overloaded(retryAfterSeconds: 1)) {
            try store.submit(chunk(10..<11))
        }
        // Mutations have room of their own.
        for _ in 0..<2 { try store.submit([.putCursor(key: [1], value: [1])]) }
        #expect(throws: StoreError.overloaded(retryAfterSeconds: 1)) {
            try store.submit([.putCursor(key: [1], value: [1])])
        }
        #expect(store.statistics.queuedEvents == 10 && store.statistics.queuedRequests == 2)
        #expect(store.statistics.refusals == 3)
        try store.start()
        sink.wait()
        #expect(refused.count == 4, "a refused chunk stays with its maker")
        try store.submit(refused)
        sink.wait(calls: 2)
        #expect(try fixture.events().count == 14)
        #expect(store.statistics.queuedEvents == 0 && store.statistics.queuedBytes == 0)
    }

    @Test("of bytes too: one huge chunk passes when nothing else waits")
    func queueBytes() throws {
        let fixture = try StoreFixture { $0.queueBytesMax = 1_000 }
        let store = try fixture.open(starting: false)
        let sink = WaitingSink()
        for round in 0..<2 {
            let chunk = EventChunk(sink: sink)
            chunk.append(round, to: Self.partition, at: StoreFixture.start, padding: 5_000)
            if round == 0 {
                try store.submit(chunk)
            } else {
                #expect(throws: StoreError.self) { try store.submit(chunk) }
            }
        }
        try store.start()
        #expect(sink.wait() == .durable)
    }

    @Test("of a second opener is refused, and the first goes on")
    func secondOpener() throws {
        let fixture = try StoreFixture()
        try fixture.open()
        #expect(throws: StoreError.locked) {
            try Store.open(fixture.configuration, clock: { 0 })
        }
        let holder = try String(contentsOfFile: fixture.directory + "/lock", encoding: .utf8)
        #expect(holder == "\(ProcessInfo.processInfo.processIdentifier)\n")
        try fixture.send([1])
    }

    @Test("of a second process is refused")
    func secondProcess() async throws {
        let fixture = try StoreFixture()
        try fixture.open()
        let directory = fixture.directory
        let watermark = fixture.watermarkPath
        await #expect(processExitsWith: .success) {
            [
                directory = directory as String, watermark = watermark as String
            ] in
            do throws(StoreError) {
                _ = try Store.open(
                    StoreConfiguration(directory: directory, watermarkPath: watermark),
                    clock: { 0 })
                exit(1)
            } catch {
                exit(error == .locked ? 0 : 2)
            }
        }
        fixture.close()
        await #expect(processExitsWith: .success) {
            [
                directory = directory as String, watermark = watermark as String
            ] in
            try Store.open(
                StoreConfiguration(directory: directory, watermarkPath: watermark), clock: { 0 }
            ).close()
        }
    }

    @Test("of a file that may not grow is a failed write, and loses nothing acknowledged")
    func fileSizeLimit() async throws {
        let fixture = try StoreFixture()
        let root = fixture.root
        await #expect(processExitsWith: .success) { [root = root as String] in
            // Without this the kernel ends the process: the server does it at its start.
            signal(SIGXFSZ, SIG_IGN)
            let configuration = StoreConfiguration(
                directory: root + "/data", watermarkPath: root + "/keys/watermark")
            let store = try Store.open(configuration, clock: { StoreFixture.start })
            try store.start()
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            limit.rlim_cur = 200_000
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            var acknowledged = 0
            var outcome = CommitOutcome.durable
            while outcome == .durable, acknowledged < 10_000 {
                let sink = WaitingSink()
                let chunk = EventChunk(sink: sink)
                chunk.append(
                    acknowledged, to: StoreFixture.partition, at: StoreFixture.start, padding: 200)
                try store.submit(chunk)
                outcome = sink.wait()
                if outcome == .durable { acknowledged += 1 }
            }
            guard outcome == .failed(.diskFull), acknowledged > 100 else { exit(2) }
            store.close()
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
            let second = try Store.open(configuration, clock: { StoreFixture.start })
            try second.start()
            guard second.tail(StoreFixture.partition).rawValue >= UInt64(acknowledged) else {
                exit(3)
            }
            let sink = WaitingSink()
            let chunk = EventChunk(sink: sink)
            chunk.append(0, to: StoreFixture.partition, at: StoreFixture.start)
            try second.submit(chunk)
            guard sink.wait() == .durable else { exit(4) }
            try second.verifyChecksums()
            second.close()
        }
    }

    @Test("of the process being killed loses nothing acknowledged", arguments: 1...6)
    func killed(_ round: Int) async throws {
        let fixture = try StoreFixture { $0.memtableBytes = 64 << 10 }
        let root = fixture.root
        await #expect(processExitsWith: .signal(SIGKILL)) { [root = root as String, round] in
            var configuration = StoreConfiguration(
                directory: root + "/data", watermarkPath: root + "/keys/watermark")
            configuration.memtableBytes = 64 << 10
            let store = try Store.open(configuration, clock: { StoreFixture.start })
            try store.start()
            for number in 0..<100_000 {
                let sink = WaitingSink()
                let chunk = EventChunk(sink: sink)
                let partition = PartitionID(stream: StreamID(rawValue: UInt32(number % 3)))
                chunk.append(number / 3, to: partition, at: StoreFixture.start, padding: 500)
                try store.submit(chunk)
                guard sink.wait() == .durable else { exit(1) }
                if number % 100 == 0 { store.housekeeper.work() }
                if number == 150 * round {
                    try Data("\(number)".utf8).write(to: URL(fileURLWithPath: root + "/acked"))
                    // One more is on its way.
                    chunk.reset()
                    chunk.append(0, to: partition, at: StoreFixture.start)
                    try store.submit(chunk)
                    kill(getpid(), SIGKILL)
                }
            }
        }
        let acked = try #require(
            Int(String(contentsOfFile: fixture.root + "/acked", encoding: .utf8)))
        try fixture.open()
        for stream in 0..<3 {
            let events = try fixture.events(
                PartitionID(stream: StreamID(rawValue: UInt32(stream))))
            let least = (acked - stream) / 3 + 1
            #expect(events.count == least || events.count == least + 1)
            #expect(events.map(\.offset) == (0..<events.count).map { UInt64($0) })
            #expect(events.prefix(least).map(\.number) == Array(0..<least))
        }
        try fixture.send([1])
        try fixture.store.verifyChecksums()
    }

    @Test("of using a closed store is an error, and closing twice is none")
    func closed() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        try fixture.send([1])
        store.close()
        store.close()
        #expect(throws: StoreError.closed) {
            try store.submit([.putCursor(key: [1], value: [1])])
        }
        #expect(throws: StoreError.closed) { try store.submit(EventChunk(sink: WaitingSink())) }
        #expect(throws: StoreError.closed) { try store.readCursor([1]) }
        #expect(throws: StoreError.closed) { try store.expire(now: 0) }
        #expect(throws: StoreError.closed) { try store.start() }
    }

    @Test("of closing early: what was submitted before is done first")
    func closeDrains() throws {
        let fixture = try StoreFixture()
        let store = try fixture.open()
        let sink = WaitingSink()
        for number in 0..<200 {
            let chunk = EventChunk(sink: sink)
            chunk.append(number, to: Self.partition, at: StoreFixture.start)
            try store.submit(chunk)
        }
        store.close()
        #expect(sink.seen.flatMap(\.tokens) == (0..<200).map { UInt64($0) })
        #expect(sink.seen.allSatisfy { $0.outcome == .durable })
        try fixture.reopen()
        #expect(try fixture.events().count == 200)
    }
}
