import Audit
import AuditProof
import Foundation
import Store
import Synchronization
import Testing
import Vault

@testable import Subjects

@Suite("Receipts of erasures")
struct ReceiptTests {
    static let jane = ErasureTests.jane
    static let joe = ErasureTests.joe

    private final class Fault: Sendable {
        let isOn = Mutex(false)
    }

    /// Two people whose keys are destroyed, and who have no receipt.
    private func destroyed(_ site: Site) async throws -> [ErasureAnswer] {
        await site.stores(Visit(), Visit(person: Self.joe, session: "s2"))
        let answers = [try await site.erases(Self.jane), try await site.erases(Self.joe)]
        #expect(try site.vault.destroyErased(now: site.clock.now)?.erasures.count == 2)
        return answers
    }

    @Test("a destruction that fails keeps nobody from a receipt, and is told")
    func failingDestruction() async throws {
        let fault = Fault()
        let site = try Site(
            before: { step throws(VaultError) in
                let isOn = fault.isOn.withLock { $0 }
                if isOn && step == .appendStarted { throw .keyring("no space") }
            })
        let answers = try await destroyed(site)
        let waiting = try await site.erases("ann@example.org")
        site.clock.advances(by: 7_200_000)
        fault.isOn.withLock { $0 = true }
        await #expect(throws: SubjectError.unavailable(retryAfterSeconds: 5)) {
            try await site.subjects.tick(now: site.clock.now)
        }
        for answer in answers {
            #expect(try await site.subjects.receipt(of: answer.erasure.id) != nil)
        }
        fault.isOn.withLock { $0 = false }
        #expect(try await site.subjects.tick(now: site.clock.now) == false)
        #expect(try await site.subjects.receipt(of: waiting.erasure.id) != nil)
    }

    @Test("what becomes due while receipts are written is destroyed before the next of them")
    func dueMeanwhile() async throws {
        let site = try Site()
        let answers = try await destroyed(site)
        let waiting = try await site.erases("ann@example.org")
        // Not due when the round begins.
        let begun = site.clock.now
        site.clock.advances(by: 7_200_000)
        try await site.subjects.tick(now: begun)
        for answer in answers {
            #expect(try await site.subjects.receipt(of: answer.erasure.id) != nil)
        }
        #expect(try site.subjects.erasure(id: waiting.erasure.id).state == .destroyed)
    }

    @Test("a receipt that comes when some keys are forgotten names who had what the others sealed")
    func partial() async throws {
        let site = try Site(keepsLinks: false)
        await site.stores(Visit())
        site.clock.advances(by: 5 * Site.day)
        await site.stores(Visit(session: "s2"))
        _ = try await site.reads([1, 2], as: "sales")
        let answer = try await site.erases(Self.jane)
        #expect(try site.vault.destroyErased(now: site.clock.now)?.keysDestroyed == 2)
        // The first key's day has expired, the second's has not.
        site.clock.advances(by: 7 * Site.day)
        #expect(try site.vault.destroyExpiredEpochs(now: site.clock.now).count == 1)
        #expect(try site.subjects.erasure(id: answer.erasure.id).links.count == 1)
        try await site.subjects.tick(now: site.clock.now)
        let receipt = try await site.receipt(of: answer)
        let recipients = try #require(receipt["recipients"])
        #expect(recipients["isKnown"] == .boolean(true))
        #expect(recipients["isPartial"] == .boolean(true))
        #expect(recipients.text.contains("\"sales\""))
        #expect(receipt.text.contains("\"released-keys\""))
    }

    @Test("a receipt that cannot be written for weeks names all the same who had what was erased")
    func late() async throws {
        let site = try Site()
        await site.stores(Visit())
        _ = try await site.reads([1, 2], as: "sales")
        let answer = try await site.erases(Self.jane)
        #expect(try site.vault.destroyErased(now: site.clock.now)?.keysDestroyed == 1)
        site.clock.advances(by: 20 * Site.day)
        #expect(try site.vault.destroyExpiredEpochs(now: site.clock.now).count == 1)
        try await site.subjects.tick(now: site.clock.now)
        let recipients = try #require(try await site.receipt(of: answer)["recipients"])
        #expect(recipients["isKnown"] == .boolean(true))
        #expect(recipients["isPartial"] == .boolean(false))
        #expect(recipients.text.contains("\"sales\""))
    }

    @Test("a receipt names the entries in which kept refused events were shown")
    func rejectionsShown() async throws {
        let site = try Site()
        await site.stores(Visit())
        try await site.audit.append(
            AuditEntry(
                act: .rejectionShown, client: "officer", role: "dpo", stream: "shop", events: 1))
        let shown = try site.audit.entries(
            matching: AuditFilter(act: .rejectionShown), from: 0, limit: 10
        ).lines
        let number = Int64(clamping: try #require(shown.first).sequence)
        let receipt = try await site.receipt(of: try await site.erases(Self.jane, now: true))
        let recipients = try #require(receipt["recipients"])
        #expect(
            recipients["rejectionsShown"]
                == .array([.array([.integer(number), .integer(number)])]))
        #expect(recipients["rejectionsShownAreCut"] == .boolean(false))
    }
}
