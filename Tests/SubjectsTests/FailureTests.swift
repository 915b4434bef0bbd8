import Audit
import AuditProof
import Contracts
import Foundation
import Logging
import Query
import Store
import Synchronization
import Testing
import Vault

@testable import Subjects

@Suite("Keys that cannot be reached")
struct FailureTests {
    @Test("who asks is told no more than that; the log says why, and names no person")
    func reason() async throws {
        let site = try Site()
        await site.stores(Visit(mark: "a"))
        let log = KeptLog()
        let subjects = site.subjects(loggingTo: log)
        let jane = try #require(DataSubject("jane@example.org"))
        // In the way of the ledger, which is made with the first erasure.
        let ledger = site.files.directory + "/keys/erasures.ledger"
        try FileManager.default.createDirectory(atPath: ledger, withIntermediateDirectories: false)
        await #expect(throws: SubjectError.unavailable(retryAfterSeconds: 5)) {
            try await subjects.erase(jane, ErasureRequest(), by: Site.officer)
        }
        #expect(log.lines.count == 1)
        let line = try #require(log.lines.first)
        #expect(line.hasPrefix("error: the keys cannot be reached: the erasure ledger: "))
        #expect(line.contains("erasures.ledger"))
        #expect(!line.contains("jane"))

        try FileManager.default.removeItem(atPath: ledger)
        let answer = try await subjects.erase(jane, ErasureRequest(), by: Site.officer)
        #expect(answer.erasure.linkCount == 1)
        #expect(log.lines.count == 1)
    }

    @Test("a fault of the store is told to who asks, and not logged here as one of the keys")
    func store() async throws {
        let site = try Site()
        await site.stores(Visit(mark: "a"))
        let log = KeptLog()
        let subjects = site.subjects(loggingTo: log)
        let jane = try #require(DataSubject("jane@example.org"))
        site.faults.failsWrites = true
        await #expect(
            performing: {
                try await subjects.erase(jane, ErasureRequest(), by: Site.officer)
            },
            throws: { error in
                if case SubjectError.store = error { true } else { false }
            })
        #expect(log.lines.isEmpty)
    }
}

extension Site {
    /// The same answers, and what is logged of them.
    fileprivate func subjects(loggingTo log: KeptLog) -> SubjectService {
        let (vault, clock, streams) = (vault, clock, streams)
        return SubjectService(
            store: store, vault: vault, audit: audit, query: query, registry: registry,
            directory: files.directory + "/keys", batchMinutes: 60, logger: log.logger,
            clock: { clock.now },
            signer: { () throws(NoteError) in
                try NoteSigner(
                    name: SubjectService.receiptKeyName, privateKey: vault.secret(.auditSigning))
            }, catalog: { SubjectCatalog(streams: streams, purposes: Visit.purposes) })
    }
}

/// Lines that were logged: level, message, and the error of the metadata.
private final class KeptLog: Sendable {
    private let kept = Mutex<[String]>([])

    var lines: [String] { kept.withLock { $0 } }

    var logger: Logger {
        Logger(label: "test") { _ in
            KeptLogHandler { line in self.kept.withLock { $0.append(line) } }
        }
    }
}

private struct KeptLogHandler: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace
    var metadataProvider: Logger.MetadataProvider?
    private let keep: @Sendable (String) -> Void

    init(_ keep: @escaping @Sendable (String) -> Void) { self.keep = keep }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        keep("\(event.level): \(event.message): \(event.metadata?["error"] ?? "")")
    }
}
