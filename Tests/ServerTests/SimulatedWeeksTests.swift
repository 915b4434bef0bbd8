import Audit
import Contracts
import Foundation
import Logging
import Store
import Testing
import Vault

@testable import Server

/// Weeks in seconds, on the real store, vault and audit log; only the clocks are the test's.
@Suite("Three weeks of housekeeping")
struct SimulatedWeeksTests {
    private static let day: Milliseconds = 86_400_000
    private static let classes = [1, 7].compactMap { RetentionClass(days: $0) }

    /// What the audit log says was destroyed: the act and its day, each as often as it is there.
    private static func destroyed(_ engine: Engine) throws -> [String: Int] {
        var counts: [String: Int] = [:]
        for act in [Act.daysDropped, .epochDestroyed] {
            let found = try engine.audit.entries(
                matching: AuditFilter(act: act), from: 0, limit: 1_000)
            for line in found.lines {
                let entry =
                    try JSONSerialization.jsonObject(with: Data(line.line.utf8)) as? [String: Any]
                let detail = try #require(entry?["detail"] as? [String: String])
                let (day, retention) = (
                    try #require(detail["day"]), try #require(detail["retention"])
                )
                counts["\(act.rawValue) \(day) \(retention)", default: 0] += 1
            }
        }
        return counts
    }

    /// The same, as the promise is: a day of events goes when its last millisecond has expired, its
    /// keys a day later.
    private static func due(_ days: [UTCDay], at now: Milliseconds) -> [String: Int] {
        var counts: [String: Int] = [:]
        for retention in classes {
            for day in days {
                let end = day.end + retention.milliseconds
                if end <= now { counts["daysDropped \(day) \(retention)"] = 1 }
                if end + Self.day <= now { counts["epochDestroyed \(day) \(retention)"] = 1 }
            }
        }
        return counts
    }

    private static func send(_ number: Int, _ engine: Engine, at now: Milliseconds) async throws {
        for (place, retention) in classes.enumerated() {
            let stream = StreamID(rawValue: UInt32(7 + place))
            var sequence = "visit-\(number)"
            let link = try sequence.withUTF8 { text in
                try engine.vault.withKey(
                    stream: stream, retention: retention, keyValue: UnsafeRawBufferPointer(text),
                    subject: nil, now: now
                ) { $0.keyLink }
            }
            let outcome = await withCheckedContinuation { continuation in
                let chunk = EventChunk(sink: OneCommit(continuation))
                let json = Array("{\"timestamp\":\(now)}".utf8)
                let room = chunk.begin(
                    partition: PartitionID(stream: stream), retention: retention, keyLink: link,
                    contract: 1, consent: ConsentLevels(bits: 1), timestamp: now, spanCount: 0,
                    jsonCapacity: json.count + 10)
                room.copyBytes(from: json)
                chunk.end(
                    jsonCount: json.count, spans: UnsafeBufferPointer(start: nil, count: 0),
                    timestampDigitsAt: 13, token: CommitToken(first: 0, second: 0))
                do throws(StoreError) {
                    try engine.store.submit(chunk)
                } catch {
                    continuation.resume(returning: .failed(error))
                }
            }
            #expect(outcome == .durable)
        }
    }

    private struct Progress {
        var hour = 0
        var days: [UTCDay] = []
        /// Days of events and epochs of keys that there were, each day.
        var kept: [Int] = []
        var sweptKeys: UInt64 = 0
    }

    /// One run of the engine, for so many hours.
    private static func run(
        hours: Int, _ directory: String, _ clock: TestClock, _ progress: inout Progress,
        atEnd: (Engine) throws -> Void = { _ in }
    ) async throws {
        let engine = try Engine(
            settings: try ServerSettings.load(
                directory: directory, overrides: ["tokens.rotationDays": "5"], environment: [:]),
            clock: clock.read, vaultClock: clock.vaultClock,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let housekeeping = Housekeeping(engine: engine)
        for _ in 0..<hours {
            let now = clock.read()
            let today = UTCDay(at: now)
            if progress.days.last != today {
                progress.days.append(today)
                progress.kept.append(
                    engine.store.keptDays.count + engine.vault.report.epochs.count)
            }
            if progress.hour % 4 == 0 { try await send(progress.hour, engine, at: now) }
            // More than one round in the hour: the second must find nothing to do.
            for _ in 0..<2 { await housekeeping.tick(now: now) }
            let (found, promised) = (try destroyed(engine), due(progress.days, at: now))
            #expect(found == promised, "hour \(progress.hour)")
            guard found == promised else { break }
            progress.hour += 1
            clock.advance(seconds: 3_600)
        }
        #expect(!engine.vault.statistics.isDestructionOnHold)
        progress.sweptKeys += engine.sweeper.statistics.keys
        try atEnd(engine)
        await engine.close()
    }

    @Test("each day's events and keys go once, on their day, and so do the signing keys")
    func weeks() async throws {
        let clock = TestClock()
        let directory = FileManager.default.temporaryDirectory
            .appending(path: "strm-weeks-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        _ = try await Installation.initialise(
            InitOptions(dataDirectory: directory), clock: clock.read)
        var progress = Progress()
        // What was done before a restart is not done again.
        for _ in 0..<3 {
            try await Self.run(hours: 7 * 24, directory, clock, &progress)
        }
        try await Self.run(hours: 24, directory, clock, &progress) { engine in
            // 5 days × 4 in 22, whatever the hour of the start.
            let rotated = try engine.audit.entries(
                matching: AuditFilter(act: .tokenKeyRotated), from: 0, limit: 1_000)
            #expect(rotated.lines.count == 4)
            // The one that signs, and none whose tokens are over.
            #expect(engine.keys.all.count == 1)
        }
        #expect(progress.hour == 22 * 24)
        // As much is kept on each day from when the longest life is over.
        #expect(Set(progress.kept.dropFirst(11)).count == 1, "\(progress.kept)")
        #expect(progress.sweptKeys > 0)
    }
}

/// Waits for the outcome of one chunk.
private final class OneCommit: CommitSink {
    private let continuation: CheckedContinuation<CommitOutcome, Never>

    init(_ continuation: CheckedContinuation<CommitOutcome, Never>) {
        self.continuation = continuation
    }

    func didCommit(_ chunks: [EventChunk], outcome: CommitOutcome) {
        continuation.resume(returning: outcome)
    }
}
