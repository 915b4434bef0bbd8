import Audit
import AuditProof
import Buckets
import Foundation
import Logging
import Store
import Synchronization
import Testing

@testable import Witness

/// A log that grows, and a second one that begins like it and then differs.
final class LogFixture {
    let scratch = FileManager.default.temporaryDirectory
        .appendingPathComponent("strm-witness-\(UUID().uuidString)")
    let store: Store
    let audit: AuditLog
    static let now: Milliseconds = 1_795_435_200_000

    init(_ acts: [Act]) async throws {
        let configuration = StoreConfiguration(
            directory: scratch.appendingPathComponent("data").path,
            watermarkPath: scratch.appendingPathComponent("watermark").path)
        store = try Store.open(configuration, clock: { Self.now })
        let signer = try CheckpointSigner(
            name: "log.test/audit", privateKey: [UInt8](repeating: 7, count: 32))
        audit = try AuditLog(store: store, signer: signer)
        store.setCommitStage(audit)
        try store.start()
        try await grows(acts)
    }

    deinit {
        store.close()
        try? FileManager.default.removeItem(at: scratch)
    }

    func grows(_ acts: [Act]) async throws {
        for act in acts { try await audit.append(AuditEntry(act: act)) }
    }

    func witnesses(
        _ places: Witnesses.Places,
        openBucket: @escaping Witnesses.BucketOpening = { _ throws(BucketError) in
            throw .noSuchBucket
        }
    ) throws -> Witnesses {
        try Witnesses(
            places, periodSeconds: 60, audit: audit, store: store, openBucket: openBucket,
            clock: { Self.now }, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    var log: OwnLog { OwnLog(audit: audit, store: store) }
}

@Suite("Checkpoints in a file outside")
struct FilePlaceTests {
    @Test("the file gets each newer checkpoint, and what it took lasts across a restart")
    func grows() async throws {
        let log = try await LogFixture([.serverStarted, .streamCreated])
        var places = Witnesses.Places()
        places.file = log.scratch.appendingPathComponent("checkpoint").path
        let witnesses = try log.witnesses(places)
        #expect(witnesses.statuses.first?.ageSeconds(now: LogFixture.now) == .infinity)
        for size in UInt64(2)...3 {
            await witnesses.confirmAll()
            let status = try #require(witnesses.statuses.first)
            #expect(status.failure == nil)
            #expect(status.confirmation?.size == size)
            #expect(status.ageSeconds(now: LogFixture.now + 5_000) == 5)
            let note = try Data(contentsOf: URL(filePath: places.file ?? ""))
            #expect(try log.audit.keyChain().checkpoint(Array(note)).size == size)
            try await log.grows([.streamDeleted])
        }
        #expect(try log.witnesses(places).statuses.first?.confirmation?.size == 3)
        places.file = log.scratch.appendingPathComponent("another").path
        #expect(try log.witnesses(places).statuses.first?.confirmation == nil)
    }

    @Test("a checkpoint of a longer log, of another log or of none is never written over")
    func otherHistory() async throws {
        let log = try await LogFixture([.serverStarted, .streamCreated])
        let longer = try await LogFixture([.serverStarted, .streamCreated, .streamDeleted])
        let fork = try await LogFixture([.serverStarted, .streamDeleted])
        var places = Witnesses.Places()
        let path = log.scratch.appendingPathComponent("checkpoint")
        places.file = path.path
        let witnesses = try log.witnesses(places)
        for (there, word) in [
            (try longer.audit.checkpoint(), "3 entries"), (try fork.audit.checkpoint(), "other"),
            ("hello\n", "no checkpoint"),
        ] {
            try Data(there.utf8).write(to: path)
            await witnesses.confirmAll()
            let status = try #require(witnesses.statuses.first)
            #expect(status.isOtherHistory)
            #expect(status.failure?.description.contains(word) == true)
            #expect(status.confirmation == nil)
            #expect(try Data(contentsOf: path) == Data(there.utf8))
        }
        #expect(witnesses.statuses.first?.failures == 3)
        try FileManager.default.removeItem(at: path)
        await witnesses.confirmAll()
        #expect(witnesses.statuses.first?.failures == 0)
        #expect(witnesses.statuses.first?.isOtherHistory == false)
    }

    @Test("a place that cannot be written is a failure, not another history")
    func unwritable() async throws {
        let log = try await LogFixture([.serverStarted])
        var places = Witnesses.Places()
        places.file = log.scratch.appendingPathComponent("missing/checkpoint").path
        let witnesses = try log.witnesses(places)
        await witnesses.confirmAll()
        let status = try #require(witnesses.statuses.first)
        #expect(status.failures == 1)
        #expect(!status.isOtherHistory)
    }
}

@Suite("What a witness answers")
struct HTTPPlaceTests {
    /// Gives the answers one after the other and keeps what it was sent.
    final class Answers: Sendable {
        private let state: Mutex<(rest: [CheckedPost.Reply], sent: [[UInt8]])>
        init(_ replies: [CheckedPost.Reply]) { state = Mutex((replies, [])) }
        var sent: [[UInt8]] { state.withLock { $0.sent } }
        func next(_ body: [UInt8]) throws(BucketError) -> CheckedPost.Reply {
            let reply = state.withLock { state -> CheckedPost.Reply? in
                state.sent.append(body)
                return state.rest.isEmpty ? nil : state.rest.removeFirst()
            }
            guard let reply else { throw .unreachable("no answer left") }
            return reply
        }
    }

    private static func reply(
        _ status: Int, _ text: String = "", type: String? = "text/plain"
    ) -> CheckedPost.Reply {
        CheckedPost.Reply(status: status, mediaType: type, body: Array(text.utf8))
    }

    private static func size(_ size: Int) -> CheckedPost.Reply {
        reply(409, "\(size)\n", type: "text/x.tlog.size")
    }

    private static let signature =
        "\u{2014} witness.test/w1 "
        + Data([1, 2, 3, 4] + [UInt8](repeating: 9, count: 72)).base64EncodedString() + "\n"

    private static func confirm(
        _ log: LogFixture, _ answers: Answers, key: CosignerKey? = nil,
        last: OutsideConfirmation? = nil
    ) async throws(WitnessFailure) -> OutsideConfirmation {
        let place = HTTPPlace(title: "https://witness.test", key: key) {
            body throws(BucketError) in try answers.next(body)
        }
        return try await place.confirm(log.log, last: last, now: LogFixture.now)
    }

    @Test("what it cosigns is kept with our note, and the next proof begins there")
    func accepts() async throws {
        let log = try await LogFixture([.serverStarted, .streamCreated])
        let answers = Answers([Self.reply(200, Self.signature), Self.reply(200, Self.signature)])
        let first = try await Self.confirm(log, answers)
        #expect(first.size == 2)
        #expect(!first.isVerified)
        #expect(first.note == (try log.audit.checkpoint()) + Self.signature)
        try await log.grows([.streamDeleted])
        #expect(try await Self.confirm(log, answers, last: first).size == 3)
        let updates = try answers.sent.map { try TreeUpdate(parsing: $0) }
        #expect(updates.map(\.oldSize) == [0, 2])
        let chain = try log.audit.keyChain()
        #expect(try updates[1].verified(by: chain, since: Array(first.note.utf8)).size == 3)
    }

    @Test("the age of a verified cosignature counts from when it was signed, not from the answer")
    func replayed() {
        func age(isVerified: Bool, witnessedAt: UInt64?) -> Double {
            WitnessStatus(
                kind: .url, place: "p",
                confirmation: OutsideConfirmation(
                    place: "p", size: 1, at: LogFixture.now, note: "", isVerified: isVerified,
                    witnessedAt: witnessedAt), failure: nil, failures: 0
            ).ageSeconds(now: LogFixture.now + 2_000)
        }
        let now = UInt64(LogFixture.now / 1_000)
        #expect(age(isVerified: true, witnessedAt: now - 86_400) == 86_402)
        #expect(age(isVerified: true, witnessedAt: now + 86_400) == 2)
        #expect(age(isVerified: false, witnessedAt: now - 86_400) == 2)
        #expect(age(isVerified: true, witnessedAt: nil) == 2)
        #expect(age(isVerified: true, witnessedAt: .max) == 2)
    }

    @Test("lines under the log's own name are no cosignatures")
    func ownName() async throws {
        let log = try await LogFixture([.serverStarted])
        let forged = Self.signature.replacing("witness.test/w1", with: "log.test/audit")
        let both = Answers([Self.reply(200, forged + Self.signature)])
        let taken = try await Self.confirm(log, both)
        #expect(taken.note == (try log.audit.checkpoint()) + Self.signature)
        await #expect(throws: WitnessFailure.self) {
            try await Self.confirm(log, Answers([Self.reply(200, forged)]))
        }
    }

    @Test("a witness that has seen more than we remember is asked again from there")
    func knowsMore() async throws {
        let log = try await LogFixture([.serverStarted, .streamCreated, .streamDeleted])
        let answers = Answers([Self.size(2), Self.reply(200, Self.signature)])
        #expect(try await Self.confirm(log, answers).size == 3)
        #expect(try answers.sent.map { try TreeUpdate(parsing: $0).oldSize } == [0, 2])
    }

    @Test("a log that was rolled back or forked is told as such")
    func otherHistory() async throws {
        let log = try await LogFixture([.serverStarted, .streamCreated, .streamDeleted])
        for (replies, word) in [
            ([Self.size(7)], "7 entries"),
            ([Self.size(2), Self.reply(422)], "other first 2"),
            ([Self.size(3), Self.reply(409)], "other 3 entries"),
        ] {
            do throws(WitnessFailure) {
                _ = try await Self.confirm(log, Answers(replies))
                Issue.record("\(word): it was taken")
            } catch {
                guard case .otherHistory(let reason) = error, reason.contains(word) else {
                    Issue.record("\(word): \(error)")
                    continue
                }
            }
        }
    }

    @Test("any other answer is a failure that is tried again")
    func failures() async throws {
        let log = try await LogFixture([.serverStarted])
        let stranger = try CosignerKey(Self.strangerKey)
        for (replies, key) in [
            ([Self.reply(403)], nil), ([Self.reply(404)], nil), ([Self.reply(500)], nil),
            ([Self.reply(400)], nil), ([], nil), ([Self.reply(200)], nil),
            ([Self.reply(200, "ok\n")], nil), ([Self.reply(200, "\n" + Self.signature)], nil),
            ([Self.reply(200, Self.signature)], stranger),
            ([Self.reply(409, "1\n")], nil), ([Self.size(1), Self.size(0)], nil),
        ] as [([CheckedPost.Reply], CosignerKey?)] {
            do throws(WitnessFailure) {
                _ = try await Self.confirm(log, Answers(replies), key: key)
                Issue.record("\(replies): it was taken")
            } catch {
                guard case .failed = error else {
                    Issue.record("\(replies): \(error)")
                    continue
                }
            }
        }
    }

    /// A key whose signature is in no answer here.
    private static let strangerKey: String = {
        let material = [UInt8](repeating: 0, count: 32)
        return CosignerKeyText.text(name: "stranger.test", publicKey: material)
    }()

    @Test("an address that the policy has not allowed refuses the start")
    func policy() async throws {
        let log = try await LogFixture([.serverStarted])
        for (url, isInsecureAllowed) in [
            ("http://witness.example/x", false), ("ftp://witness.example", true),
            ("https://witness.example/x?y", true), ("https://witness.example/%2e", true),
        ] {
            var places = Witnesses.Places()
            places.url = url
            places.policy.allowsInsecureEndpoints = isInsecureAllowed
            #expect(throws: BucketError.self, "\(url)") { try log.witnesses(places) }
        }
        // Private addresses are only found out when it is asked.
        var places = Witnesses.Places()
        places.url = "https://127.0.0.1:1/w"
        let witnesses = try log.witnesses(places)
        await witnesses.confirmAll()
        #expect(
            witnesses.statuses.first?.failure?.description.contains("this machine") == true)
    }
}
