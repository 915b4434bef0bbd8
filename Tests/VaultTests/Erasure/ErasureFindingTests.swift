import Store
import Synchronization
import Testing

@testable import Vault

/// Counts the reads of keys' records.
private final class CountingStore: ErasableKeyStore {
    private let store: Store
    private let reads = Atomic(0)

    var readCount: Int { reads.load(ordering: .relaxed) }

    init(_ store: Store) { self.store = store }

    func readKey(_ link: KeyLink) throws(StoreError) -> [UInt8]? {
        reads.add(1, ordering: .relaxed)
        return try store.readKey(link)
    }

    func submit(
        _ mutations: [Mutation],
        completion: (@Sendable (Result<CommitReceipt, StoreError>) -> Void)?
    ) throws(StoreError) {
        try store.submit(mutations, completion: completion)
    }

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

@Suite struct ErasureFindingTests {
    private final class Counted: Sendable {
        let store = Mutex<CountingStore?>(nil)
        /// Reads before the ledger had it.
        let reads = Mutex<Int?>(nil)
    }

    private func entries(
        of person: String, _ site: ErasureSite
    ) throws -> [(key: [UInt8], value: [UInt8])] {
        try site.store.waitForCommits()
        let hash = Array(person.utf8).withUnsafeBytes {
            site.vault.hashes.hash($0, stream: clicks, purpose: .subject)
        }
        return try site.store.subjectEntries(
            prefix: IndexEntry.subjectPrefix(clicks, hash), after: nil, limit: 100)
    }

    @Test("a person's keys are unusable before a record of one is read")
    func noReads() throws {
        let site = try ErasureSite()
        let anna = try site.keys(30, of: "anna")
        // On record for a key that is in memory, and for one that is not.
        _ = try site.keys(2, of: "bert")
        let shared = try site.key(of: "bert-0", subject: "anna")
        let counted = Counted()
        try site.opens(before: { step throws(VaultError) in
            guard step == .appendRequested else { return }
            let reads = counted.store.withLock { $0?.readCount }
            counted.reads.withLock { $0 = reads }
        })
        let other = try site.key(of: "bert-1", subject: "anna")
        for entry in try entries(of: "anna", site) {
            #expect(SubjectEntry(entry.value).epoch?.epoch == site.vault.statistics.epoch)
        }
        let store = CountingStore(site.store)
        counted.store.withLock { $0 = store }
        site.vault.attach(store: store)
        let erasure = try site.erases("anna")
        #expect(counted.reads.withLock { $0 } == 0)
        #expect(erasure.links == (anna + [shared, other]).map(\.link).sorted())
        #expect(try site.openable(anna + [shared, other]) == 0)
    }

    @Test("entries of old lead to their keys' records, and these to what is erased")
    func old() throws {
        let site = try ErasureSite()
        let anna = try site.keys(3, of: "anna")
        let entries = try entries(of: "anna", site)
        #expect(entries.count == 3)
        let wait = CommitWait()
        try site.store.submit(
            [
                .putSubject(key: entries[0].key, value: []),
                .putSubject(key: entries[1].key, value: Array(entries[1].value.prefix(8))),
            ]) { wait.finish($0) }
        try wait.value()
        let erasure = try site.erases("anna")
        #expect(erasure.links == anna.map(\.link).sorted())
        #expect(erasure.gone.isEmpty)
        #expect(try site.links(of: "anna").isEmpty)
    }

    @Test("an entry tells what was written, and what is of old less")
    func format() throws {
        let retention = try #require(RetentionClass(days: 400))
        let entry = SubjectEntry(
            created: 0x0102_0304_0506_0708,
            epoch: EpochClass(epoch: 0x090A_0B0C, retention: retention))
        let bytes: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x01, 0x90]
        #expect(entry.value == bytes)
        #expect(SubjectEntry(entry.value) == entry)
        let older = SubjectEntry(Array(entry.value.prefix(8)))
        #expect(older.created == entry.created && older.epoch == nil)
        #expect(older.value == Array(bytes.prefix(8)))
        let oldest = SubjectEntry([])
        #expect(oldest.created == nil && oldest.epoch == nil && oldest.value == [])
    }
}
