import Audit
import AuditProof
import Contracts
import Crypto
import Foundation
import Query
import Store
import Synchronization
import Testing
import Vault

@testable import Subjects

@Suite("Erasing a person")
struct ErasureTests {
    static let jane = "jane@example.org"
    static let joe = "joe@example.org"

    @Test("an erased person's fields stay sealed at once, others' stay open")
    func atOnce() async throws {
        let site = try Site()
        await site.stores(Visit(mark: "a"), Visit(person: Self.joe, session: "s2", mark: "b"))
        #expect(try await site.reads([1, 2]).compactMap { $0["person"] as? String }.count == 2)
        let answer = try await site.erases(Self.jane)
        #expect(answer.erasure.state == .requested)
        #expect(!answer.isRepeated)
        #expect(answer.erasure.linkCount == 1)
        let seen = try await site.reads([1, 2])
        #expect(seen.first { $0["mark"] as? String == "a" }?["person"] as? String != Self.jane)
        #expect(seen.first { $0["mark"] as? String == "b" }?["person"] as? String == Self.joe)
        #expect(try await site.accesses(Self.jane).flatMap(\.events).isEmpty)
        #expect(try await site.accesses(Self.joe).marks == ["b"])
        #expect(try await site.subjects.receipt(of: answer.erasure.id) == nil)
    }

    @Test("with now the keys are destroyed and the receipt is there, signed, with who had what")
    func now() async throws {
        let site = try Site()
        await site.stores(Visit(mark: "a"), Visit(person: Self.joe, session: "s2", mark: "b"))
        _ = try await site.reads([1, 2], as: "marketing")
        _ = try await site.accesses(Self.jane)
        let answer = try await site.erases(Self.jane, reference: "case-17", now: true)
        #expect(answer.erasure.state == .destroyed)
        let receipt = try await site.receipt(of: answer)
        #expect(receipt["erasure"]?.string == answer.erasure.id)
        #expect(receipt["reference"]?.string == "case-17")
        let hash = site.subjects.personHash(try #require(DataSubject(Self.jane)))
        #expect(receipt["person"]?.string == hash)
        #expect(receipt["destroyed"]?["dataKeys"] == .integer(1))
        #expect(receipt["events"]?["isComplete"] == .boolean(true))
        let text = receipt.text
        for word in ["\"marketing\"", "\"officer\"", "\"secret\"", "shop-derived"] {
            #expect(text.contains(word), "\(word)")
        }
        #expect(!text.contains("example.org") && !text.contains("SMCANARY"))
        guard case .array(let items)? = receipt["recipients"]?["items"] else {
            throw Unexpected()
        }
        let marketing = try #require(items.first { $0["client"]?.string == "marketing" })
        #expect(marketing["fields"] == .array([.string("person"), .string("secret")]))
        #expect(marketing["events"] == .integer(1))
        #expect(marketing["purposes"] == .array([.integer(1), .integer(2)]))
        guard case .array(let entries)? = receipt["audit"]?["entries"] else { throw Unexpected() }
        #expect(
            entries.compactMap { $0["act"]?.string } == ["erasureRequested", "erasureCompleted"])
    }

    @Test("the audit log holds the hash of the receipt, and no person")
    func record() async throws {
        let site = try Site()
        await site.stores(Visit())
        let answer = try await site.erases(Self.jane, now: true)
        let bytes = try #require(try await site.subjects.receipt(of: answer.erasure.id))
        let entry = try #require(try site.entries(.erasureReceiptIssued).first)
        let detail = try #require(entry["detail"] as? [String: Any])
        #expect(detail["sha256"] as? String == HexText.text(SHA256.hash(data: bytes)))
        #expect(detail["erasure"] as? String == answer.erasure.id)
        #expect(!(try site.auditText()).contains("example.org"))
    }

    @Test("asking again gives the same erasure and receipt; new events are a new one")
    func again() async throws {
        let site = try Site()
        await site.stores(Visit(mark: "a"))
        let first = try await site.erases(Self.jane, reference: "one", now: true)
        let receipt = try await site.subjects.receipt(of: first.erasure.id)
        let second = try await site.erases(Self.jane, reference: "two", now: true)
        #expect(second.isRepeated)
        #expect(second.erasure.id == first.erasure.id)
        #expect(try await site.subjects.receipt(of: second.erasure.id) == receipt)
        let repeated = try site.entries(.erasureRepeated)
        #expect(repeated.count == 1)
        #expect((repeated.first?["detail"] as? [String: String])?["reference"] == "two")

        await site.stores(Visit(mark: "b"))
        #expect(try await site.accesses(Self.jane).marks == ["b"])
        let third = try await site.erases(Self.jane, now: true)
        #expect(!third.isRepeated)
        #expect(third.erasure.id != first.erasure.id)
        #expect(try await site.accesses(Self.jane).flatMap(\.events).isEmpty)
    }

    @Test("two requests for one person at the same time become one erasure")
    func atTheSameTime() async throws {
        let site = try Site()
        await site.stores(Visit(), Visit(person: Self.joe, session: "s2", mark: "b"))
        let subjects = site.subjects
        let answers = try await withThrowingTaskGroup(of: ErasureAnswer.self) { group in
            for number in 0..<8 {
                group.addTask {
                    var request = ErasureRequest()
                    request.isNow = number % 2 == 0
                    return try await subjects.erase(
                        try #require(DataSubject(Self.jane)), request, by: Site.officer)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(answers.map(\.erasure.id)).count == 1)
        #expect(answers.filter { !$0.isRepeated }.count == 1)
        #expect(site.vault.erasures.count == 1)
        #expect(try site.entries(.erasureReceiptIssued).count == 1)
        #expect(try await site.accesses(Self.joe).marks == ["b"])
    }

    @Test("a request is of when it came in, however long it waits for others")
    func requestedAt() async throws {
        let files = SiteFiles()
        let hold = Hold()
        let clock = files.clock
        let site = try Site(
            files,
            before: { step throws(VaultError) in
                guard step == .appendRequested, let turn = hold.turn.withLock({ $0 }) else {
                    return
                }
                hold.turn.withLock { $0 = nil }
                while turn.waitingCount == 0 { sched_yield() }
                clock.advances(by: 60_000)
            })
        let subjects = site.subjects
        hold.turn.withLock { $0 = subjects.requests }
        let times = try await withThrowingTaskGroup(of: Milliseconds.self) { group in
            for person in [Self.jane, Self.joe] {
                group.addTask {
                    let subject = try #require(DataSubject(person))
                    return try await subjects.erase(subject, ErasureRequest(), by: Site.officer)
                        .erasure.requestedAt
                }
            }
            return try await group.reduce(into: [Milliseconds]()) { $0.append($1) }
        }
        #expect(times == [Site.start, Site.start])
    }

    @Test("somebody of whom nothing is known gets a receipt too, once")
    func unknown() async throws {
        let site = try Site()
        let first = try await site.erases("nobody@example.org", now: true)
        let second = try await site.erases("nobody@example.org", now: true)
        #expect(first.erasure.linkCount == 0)
        #expect(second.erasure.id == first.erasure.id)
        let receipt = try await site.receipt(of: first)
        #expect(receipt["destroyed"]?["dataKeys"] == .integer(0))
        #expect(receipt["recipients"]?["isKnown"] == .boolean(true))
    }

    @Test("the receipt names who had what keys sealed that were gone before the request")
    func goneBefore() async throws {
        let site = try Site()
        let ann = "ann@example.org"
        await site.stores(
            Visit(mark: "a"), Visit(person: Self.joe, mark: "b"),
            Visit(person: ann, session: "s9", mark: "c"))
        _ = try await site.reads([1, 2], as: "marketing")
        // Erased with somebody else of the same sequence; expired.
        _ = try await site.erases(Self.jane, now: true)
        site.clock.advances(by: 10 * Site.day)
        #expect(try site.vault.destroyExpiredEpochs(now: site.clock.now).count == 1)
        for person in [Self.joe, ann] {
            let answer = try await site.erases(person, now: true)
            #expect(!answer.isRepeated)
            let receipt = try await site.receipt(of: answer)
            #expect(receipt["destroyed"]?["dataKeys"] == .integer(0))
            #expect(receipt["destroyed"]?["goneBefore"] == .integer(1))
            #expect(receipt["recipients"]?["isKnown"] == .boolean(true))
            guard case .array(let items)? = receipt["recipients"]?["items"] else {
                throw Unexpected()
            }
            #expect(items.contains { $0["client"]?.string == "marketing" })
            #expect(receipt.text.contains("released-keys") == false)
            #expect(try await site.erases(person, now: true).isRepeated)
            let asked = try await site.subjects.recipients(
                of: try #require(DataSubject(person)), RecipientsQuestion(), by: Site.officer)
            #expect(asked.answer.recipients.contains { $0.client == "marketing" })
        }
    }

    @Test("only the streams that are named are erased")
    func someStreams() async throws {
        let site = try Site()
        await site.stores(Visit(mark: "shop"))
        await site.stores([Visit(mark: "app")], in: 1)
        _ = try await site.erases(Self.jane, streams: ["shop"], now: true)
        #expect(try await site.accesses(Self.jane).marks == ["app"])
        let rest = try await site.erases(Self.jane, now: true)
        #expect(!rest.isRepeated)
        await #expect(throws: SubjectError.unknownStream) {
            try await site.erases(Self.jane, streams: ["nowhere"])
        }
    }

    @Test("a batch destroys what has waited, and writes the receipts")
    func batch() async throws {
        let site = try Site()
        await site.stores(Visit(), Visit(person: Self.joe, session: "s2"))
        let one = try await site.erases(Self.jane)
        #expect(site.subjects.dueAt(one.erasure) == Site.start + 3_600_000)
        try await site.subjects.tick(now: site.clock.now)
        #expect(try site.subjects.erasure(id: one.erasure.id).state == .requested)
        site.clock.advances(by: 30 * 60_000)
        let two = try await site.erases(Self.joe)
        site.clock.advances(by: 28 * 60_000)
        try await site.subjects.tick(now: site.clock.now)
        for erasure in [one, two] {
            #expect(try site.subjects.erasure(id: erasure.erasure.id).state == .destroyed)
            #expect(try await site.subjects.receipt(of: erasure.erasure.id) != nil)
        }
    }

    @Test("a receipt that was not written before the process died is written after the start")
    func reconcile() async throws {
        let files = SiteFiles()
        let id = try await destroyedWithoutReceipt(files)
        let site = try Site(files)
        try site.vault.recoverErasures(now: site.clock.now)
        #expect(try await site.subjects.receipt(of: id) == nil)
        try await site.subjects.tick(now: site.clock.now)
        let bytes = try #require(try await site.subjects.receipt(of: id))
        try await site.subjects.tick(now: site.clock.now)
        #expect(try site.entries(.erasureReceiptIssued).count == 1)
        #expect(try await site.subjects.receipt(of: id) == bytes)
    }

    @Test("keys that expire between the request and the receipt leave no recipient out of it")
    func expiredBeforeReceipt() async throws {
        let site = try Site()
        await site.stores(Visit())
        _ = try await site.reads([1, 2], as: "marketing")
        let answer = try await site.erases(Self.jane)
        site.clock.advances(by: 10 * Site.day)
        #expect(try site.vault.destroyExpiredEpochs(now: site.clock.now).count == 1)
        try await site.subjects.tick(now: site.clock.now)
        let recipients = try #require(try await site.receipt(of: answer)["recipients"])
        #expect(recipients["isKnown"] == .boolean(true))
        #expect(recipients["isPartial"] == .boolean(false))
        #expect(recipients.text.contains("\"marketing\""))
    }

    private func destroyedWithoutReceipt(_ files: SiteFiles) async throws -> String {
        let site = try Site(files)
        await site.stores(Visit())
        let id = try await site.erases(Self.jane).erasure.id
        _ = try site.vault.destroyErased(now: site.clock.now)
        return id
    }

    @Test("with a fence later events of the person are refused until it is lifted")
    func fence() async throws {
        let site = try Site()
        await site.stores(Visit())
        let answer = try await site.erases(Self.jane, fence: true)
        #expect(answer.erasure.hasFence)
        let subject = try #require(DataSubject(Self.jane))
        #expect(site.isFenced(Self.jane) == ["shop", "app"])
        #expect(try await site.erases(Self.jane, fence: true).isRepeated)
        let lifted = try await site.subjects.liftFence(of: subject, by: Site.officer)
        #expect(lifted == ["shop", "app"])
        #expect(try await site.subjects.liftFence(of: subject, by: Site.officer) == [])
        #expect(try site.entries(.fenceLifted).count == 2)
        // Asking for it anew is more than what was there.
        #expect(!(try await site.erases(Self.jane, fence: true)).isRepeated)
    }

    @Test("events of people in the same sequence are counted as unreadable too")
    func shared() async throws {
        let site = try Site()
        await site.stores(Visit(mark: "a"), Visit(person: Self.joe, mark: "b"))
        let answer = try await site.erases(Self.jane, now: true)
        let receipt = try await site.receipt(of: answer)
        #expect(receipt["destroyed"]?["sharedDataKeys"] == .integer(1))
        #expect(receipt.text.contains("\"shared-keys\""))
        guard case .array(let streams)? = receipt["events"]?["streams"] else {
            throw Unexpected()
        }
        #expect(streams.first?["events"] == .integer(2))
    }

    @Test(
        "a reference that might name a person is refused",
        arguments: ["jane@example.org", "Jane Doe", "", "-x", String(repeating: "a", count: 65)])
    func references(reference: String) async throws {
        let site = try Site()
        await #expect(throws: SubjectError.self) {
            try await site.erases(Self.jane, reference: reference)
        }
        #expect(site.vault.erasures.isEmpty)
    }
}

struct Unexpected: Error {}

/// A turn in which the second must stand before the first goes on.
private final class Hold: Sendable {
    let turn = Mutex<Turn?>(nil)
}

extension Site {
    @discardableResult
    func erases(
        _ person: String, streams: [String]? = nil, fence: Bool = false, reference: String? = nil,
        now: Bool = false
    ) async throws -> ErasureAnswer {
        var request = ErasureRequest()
        request.streams = streams
        request.fence = fence
        request.reference = reference
        request.isNow = now
        return try await subjects.erase(
            try #require(DataSubject(person)), request, by: Self.officer)
    }

    /// Verified by the key that the audit log tells to verifiers.
    func receipt(of answer: ErasureAnswer) async throws -> CanonicalJSON {
        let bytes = try #require(try await subjects.receipt(of: answer.erasure.id))
        let log = try VerifierKey(audit.verifierKey)
        let key = try VerifierKey(
            name: SubjectService.receiptKeyName, publicKey: log.publicKey)
        return try SignedDocument.verify(bytes, named: "receipt", keys: [key]).value
    }

    func isFenced(_ person: String) -> [String] {
        let fenced = Array(person.utf8).withUnsafeBytes {
            vault.fencedStreams(of: $0, streams: streams.map(\.id))
        }
        return streams.filter { fenced.contains($0.id) }.map(\.name)
    }
}
