import Dispatch
import Foundation
import Store
import Synchronization
import Testing

@testable import Vault

/// A store where whoever brings a new key waits at a gate while it is shut.
private final class GatedStore: ErasableKeyStore {
    private let store: Store
    private let isShut = Atomic(true)
    private let gate = DispatchSemaphore(value: 0)
    private let arrival = DispatchSemaphore(value: 0)

    init(_ store: Store) { self.store = store }

    func waitsForArrival() { arrival.wait() }

    /// A moment later: a program that does not wait has gone on by then, and one that does waits for
    /// as long as it takes.
    func opensSoon() {
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(100)) { [self] in
            isShut.store(false, ordering: .releasing)
            gate.signal()
        }
    }

    func submit(
        _ mutations: [Mutation],
        completion: (@Sendable (Result<CommitReceipt, StoreError>) -> Void)?
    ) throws(StoreError) {
        let bringsKey = mutations.contains { if case .putKey = $0 { true } else { false } }
        if bringsKey, isShut.load(ordering: .acquiring) {
            arrival.signal()
            gate.wait()
        }
        try store.submit(mutations, completion: completion)
    }

    func readKey(_ link: KeyLink) throws(StoreError) -> [UInt8]? { try store.readKey(link) }
    func readIndex(_ key: [UInt8]) throws(StoreError) -> [UInt8]? { try store.readIndex(key) }
    func document(_ key: DocumentKey) -> Document? { store.document(key) }
    func waitForCommits() throws(StoreError) { try store.waitForCommits() }
    func visitKeys(
        after link: KeyLink?, limit: Int, visit: (KeyLink, UnsafeRawBufferPointer) -> Void
    ) throws(StoreError) -> KeyLink? {
        try store.visitKeys(after: link, limit: limit, visit: visit)
    }
    func subjectEntries(
        prefix: [UInt8], after: [UInt8]?, limit: Int
    ) throws(StoreError) -> [(key: [UInt8], value: [UInt8])] {
        try store.subjectEntries(prefix: prefix, after: after, limit: limit)
    }
}

@Suite struct ErasureRaceTests {
    /// Makes a key on a thread of its own, which stands at the gate when this returns.
    private func startsMaking(
        _ site: ErasureSite, _ gated: GatedStore, isSingleUse: Bool
    ) -> (group: DispatchGroup, made: Box) {
        let (group, made) = (DispatchGroup(), Box())
        site.vault.attach(store: gated)
        DispatchQueue.global().async(group: group) { [vault = site.vault, now = site.now] in
            do {
                let key =
                    isSingleUse
                    ? try vault.withSingleUseKey(stream: clicks, retention: .standard, now: now) {
                        LentKey($0)
                    } : try vault.key(of: "late", subject: "carl", at: now)
                made.key.withLock { $0 = key }
            } catch {
                Issue.record("\(error)")
            }
        }
        gated.waitsForArrival()
        return (group, made)
    }

    private final class Box: Sendable {
        let key = Mutex<LentKey?>(nil)
    }

    private final class Reference: Sendable {
        let vault = Mutex<Vault?>(nil)
        let hasEnded = Mutex(false)
    }

    /// True if `body` ends on a thread of its own. Whoever waits for the caller never does.
    private static func ends(_ body: @escaping @Sendable () throws -> Void) -> Bool {
        let group = DispatchGroup()
        DispatchQueue.global().async(group: group) {
            do {
                try body()
            } catch {
                Issue.record("\(error)")
            }
        }
        return group.wait(timeout: .now() + .seconds(30)) == .success
    }

    @Test(
        "what expires forgets what was erased without waiting for a destruction that is under way")
    func forgettingDoesNotWait() throws {
        let site = try ErasureSite()
        let reference = Reference()
        let now = site.now
        try site.opens(before: { step throws(VaultError) in
            guard step == .destroyBuckets, let vault = reference.vault.withLock({ $0 }) else {
                return
            }
            let hasEnded = Self.ends { try vault.forgetDestroyedErasures(now: now) }
            reference.hasEnded.withLock { $0 = hasEnded }
        })
        _ = try site.keys(3, of: "anna")
        try site.erases("anna")
        let vault = site.vault
        reference.vault.withLock { $0 = vault }
        // The hook keeps the reference, and the vault keeps the hook.
        defer { reference.vault.withLock { $0 = nil } }
        #expect(try vault.destroyErased(now: site.now)?.keysDestroyed == 3)
        #expect(reference.hasEnded.withLock { $0 })
    }

    @Test(
        "a key that was wrapped before the buckets were replaced and comes after is not lost",
        arguments: [false, true])
    func lateKey(isSingleUse: Bool) throws {
        let site = try ErasureSite()
        // Every bucket is touched, so the late one's too.
        _ = try site.keys(3_000, of: "anna")
        try site.erases("anna")
        let gated = GatedStore(site.store)
        let (group, made) = startsMaking(site, gated, isSingleUse: isSingleUse)
        gated.opensSoon()
        let batch = try #require(try site.vault.destroyErased(now: site.now))
        #expect(batch.buckets == 256)
        group.wait()
        let key = try #require(made.key.withLock { $0 })
        #expect(try site.openable([key]) == 1)
        try site.opens()
        #expect(try site.openable([key]) == 1)
    }

    @Test(
        "a key that is being made for the person when the request comes is erased with the others")
    func keyOnItsWay() throws {
        let site = try ErasureSite()
        let gated = GatedStore(site.store)
        let (group, made) = startsMaking(site, gated, isSingleUse: false)
        gated.opensSoon()
        let erasure = try site.erases("carl")
        group.wait()
        let key = try #require(made.key.withLock { $0 })
        #expect(erasure.links == [key.link])
        #expect(try site.openable([key]) == 0)
        #expect(site.vault.cachedKey(of: "late", subject: "carl", at: site.now) == nil)
    }
}
