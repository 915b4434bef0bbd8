import Contracts
import Foundation
import Synchronization

@testable import Store

/// A store in a directory of its own, with a clock that only the test moves.
final class StoreFixture: Sendable {
    static let start: Milliseconds = 1_763_900_000_000  // 2025-11-23T12:13:20Z
    static let partition = PartitionID(stream: StreamID(rawValue: 7))
    static let week = RetentionClass.standard

    let root: String
    let clock = TestClock(start)
    private let current = Mutex<Store?>(nil)
    let adjust: @Sendable (inout StoreConfiguration) -> Void

    init(_ adjust: @escaping @Sendable (inout StoreConfiguration) -> Void = { _ in }) throws {
        root = NSTemporaryDirectory() + "strm-store-\(UUID().uuidString)"
        self.adjust = adjust
        try FileManager.default.createDirectory(
            atPath: root, withIntermediateDirectories: true)
    }

    deinit {
        current.withLock { $0 }?.close()
        try? FileManager.default.removeItem(atPath: root)
    }

    var directory: String { root + "/data" }
    var databasePath: String { directory + "/db" }
    var watermarkPath: String { root + "/keys/watermark" }

    var configuration: StoreConfiguration {
        var configuration = StoreConfiguration(
            directory: directory, watermarkPath: watermarkPath)
        configuration.readerThreads = 2
        adjust(&configuration)
        return configuration
    }

    var store: Store {
        guard let store = current.withLock({ $0 }) else { preconditionFailure("not open") }
        return store
    }

    @discardableResult
    func open(
        starting: Bool = true, _ change: (inout StoreConfiguration) -> Void = { _ in }
    ) throws -> Store {
        var configuration = configuration
        change(&configuration)
        let store = try Store.open(configuration, clock: clock.reading)
        current.withLock { $0 = store }
        if starting { try store.start() }
        return store
    }

    func close() {
        current.withLock { $0 }?.close()
        current.withLock { $0 = nil }
    }

    func reopen() throws {
        close()
        try open()
    }

    /// Names of the WAL files, ascending.
    var walNames: [String] {
        Directories.names(databasePath).filter { $0.hasSuffix(".log") }.sorted()
    }

    /// Copies what is on disk to another fixture.
    func copy(watermark: Bool = true) throws -> StoreFixture {
        let copy = try StoreFixture(adjust)
        copy.clock.set(clock.read())
        try FileManager.default.copyItem(atPath: directory, toPath: copy.directory)
        try FileManager.default.createDirectory(
            atPath: copy.root + "/keys", withIntermediateDirectories: true)
        if watermark {
            try FileManager.default.copyItem(
                atPath: watermarkPath, toPath: copy.watermarkPath)
        }
        return copy
    }

    // Sending and reading, in the words of the domain.

    /// Submits events with these numbers in one chunk and waits for the outcome.
    @discardableResult
    func send(
        _ numbers: some Sequence<Int>, to partition: PartitionID = partition,
        retention: RetentionClass = week, link: KeyLink = KeyLink(high: 1, low: 2),
        padding: Int = 0
    ) throws -> CommitOutcome {
        let sink = WaitingSink()
        let chunk = EventChunk(sink: sink)
        for number in numbers {
            chunk.append(
                number, to: partition, retention: retention, link: link, at: clock.read(),
                padding: padding)
        }
        try store.submit(chunk)
        return sink.wait()
    }

    func send(
        count: Int, from first: Int = 0, to partition: PartitionID = partition,
        retention: RetentionClass = week, padding: Int = 0
    ) throws {
        let outcome = try send(
            first..<first + count, to: partition, retention: retention, padding: padding)
        guard outcome == .durable else { throw StoreError.poisoned }
    }

    /// All events that are alive, in order.
    func events(
        _ partition: PartitionID = partition, from: Int = 0, notBefore: Milliseconds = 0
    ) throws -> [SeenEvent] {
        var seen: [SeenEvent] = []
        var next = Offset(rawValue: UInt64(from))
        while true {
            let end = try store.read(partition, from: next, limit: 10_000, notBefore: notBefore) {
                seen.append(SeenEvent($0))
                return true
            }
            next = end.next
            if end.reachedTail { return seen }
        }
    }
}

/// What a visit saw.
struct SeenEvent: Equatable {
    let offset: UInt64
    let timestamp: Milliseconds
    let number: Int
    let json: String

    init(_ view: borrowing EventRecordView) {
        offset = view.offset.rawValue
        timestamp = view.timestamp
        json = String(decoding: view.json, as: UTF8.self)
        number = Int(json.dropFirst(5).prefix { $0.isNumber }) ?? -1
    }
}

extension EventChunk {
    /// An event `{"i":NUMBER,"timestamp":…}` with one span.
    func append(
        _ number: Int, to partition: PartitionID, retention: RetentionClass = .standard,
        link: KeyLink = KeyLink(high: 1, low: 2), at time: Milliseconds, padding: Int = 0,
        token: CommitToken? = nil
    ) {
        var json = Array("{\"i\":\(number),\"timestamp\":".utf8)
        let digitsAt = json.count
        json += Array(String(time).utf8) + Array(",\"p\":\"".utf8)
        let start = json.count
        json += [UInt8](repeating: UInt8(ascii: "x"), count: padding) + Array("\"}".utf8)
        let room = begin(
            partition: partition, retention: retention, keyLink: link, contract: 3,
            consent: ConsentLevels(bits: 0b101), timestamp: time, spanCount: 1,
            jsonCapacity: json.count + 10)
        room.copyBytes(from: json)
        let span = SealedSpan(
            start: UInt32(start), length: UInt32(padding), fieldIndex: 4, level: 2)
        withUnsafeTemporaryAllocation(of: SealedSpan.self, capacity: 1) { spans in
            spans.initialize(repeating: span)
            end(
                jsonCount: json.count, spans: UnsafeBufferPointer(spans),
                timestampDigitsAt: digitsAt,
                token: token ?? CommitToken(first: UInt64(number), second: 0))
        }
    }
}

/// Milliseconds that only the test moves.
final class TestClock: Sendable {
    private let now: Mutex<Milliseconds>

    init(_ now: Milliseconds) { self.now = Mutex(now) }

    var reading: @Sendable () -> Milliseconds { { self.read() } }

    func read() -> Milliseconds { now.withLock { $0 } }
    func set(_ time: Milliseconds) { now.withLock { $0 = time } }
    func advance(by milliseconds: Milliseconds) { now.withLock { $0 += milliseconds } }
}

/// Lets a test wait for the outcome of its chunks.
final class WaitingSink: CommitSink {
    struct Call: Sendable {
        let tokens: [UInt64]
        let chunks: Int
        let outcome: CommitOutcome
    }

    private let log: EffectLog?
    private let calls = Mutex<[Call]>([])
    private let lock = ConditionLock()

    init(log: EffectLog? = nil) { self.log = log }

    func didCommit(_ chunks: [EventChunk], outcome: CommitOutcome) {
        log?.append(.sink)
        let tokens = chunks.flatMap { chunk in (0..<chunk.count).map { chunk.token(at: $0).first } }
        lock.withLock {
            calls.withLock {
                $0.append(Call(tokens: tokens, chunks: chunks.count, outcome: outcome))
            }
            lock.broadcast()
        }
    }

    var seen: [Call] { calls.withLock { $0 } }

    /// Blocks until there were so many calls.
    @discardableResult
    func wait(calls count: Int = 1) -> CommitOutcome {
        lock.withLock {
            while calls.withLock({ $0.count < count }) { lock.wait() }
        }
        return seen[count - 1].outcome
    }
}

/// The effects of commits in their order.
final class EffectLog: Sendable {
    enum Effect: Equatable {
        case write(events: Int, mutations: Int)
        case synced(UInt64)
        case acknowledge
        case sink, completion, watcher, stage
    }

    private let effects = Mutex<[Effect]>([])

    func append(_ effect: Effect) { effects.withLock { $0.append(effect) } }
    var all: [Effect] { effects.withLock { $0 } }
}

/// Records effects, holds commits up and makes them fail, as the test says.
final class TestObserver: CommitObserver {
    enum Fault: Equatable {
        case none
        case beforeWrite(StoreError)
        case afterWrite(StoreError)
    }

    let log = EffectLog()
    let fault = Mutex(Fault.none)
    private let gate = ConditionLock()
    private let isHeld = Mutex(false)
    private let entered = Mutex(0)

    /// From now on commits stop before their write.
    func hold() { isHeld.withLock { $0 = true } }

    func release() {
        gate.withLock {
            isHeld.withLock { $0 = false }
            gate.broadcast()
        }
    }

    /// Blocks until so many commits have come to their write.
    func waitForWrites(_ count: Int) {
        gate.withLock {
            while entered.withLock({ $0 < count }) { gate.wait() }
        }
    }

    func willWrite(_ batch: CommitFacts) throws(StoreError) {
        gate.withLock {
            entered.withLock { $0 += 1 }
            gate.broadcast()
            while isHeld.withLock({ $0 }) { gate.wait() }
        }
        log.append(.write(events: batch.events, mutations: batch.mutations))
        if case .beforeWrite(let error) = fault.withLock({ $0 }) { throw error }
    }

    func didWrite(_ batch: CommitFacts, syncs: UInt64) throws(StoreError) {
        log.append(.synced(syncs))
        if case .afterWrite(let error) = fault.withLock({ $0 }) { throw error }
    }

    func willAcknowledge(_ batch: CommitFacts, syncs: UInt64) { log.append(.acknowledge) }
}

/// Numbers audit drafts as the real log does, without hashes.
final class CountingStage: CommitStage {
    struct State {
        var size: UInt64 = 0
        var durable: UInt64 = 0
        var keysMade: [Int] = []
    }

    let state = Mutex(State())

    func stage(
        _ drafts: [AuditDraft], keysMade: Int, at time: Milliseconds,
        into writes: inout StagedWrites
    ) {
        state.withLock { state in
            for draft in drafts {
                writes.putAudit(key: StoreKeys.bytes(state.size), value: draft.body)
                state.size += 1
            }
            if keysMade > 0 { state.keysMade.append(keysMade) }
            writes.auditSizeAfter = state.size
        }
    }

    func didCommit() { state.withLock { $0.durable = $0.size } }
    func watermark() -> [UInt8] { StoreKeys.bytes(state.withLock { $0.durable }) }
}
