package import AuditProof
package import Store
import Synchronization

/// What an answer from the log rests on.
package struct AuditBasis: Sendable, Equatable {
    /// All entries from here to before `end` were looked at.
    package var first: UInt64
    package var end: UInt64
    /// The tree when the question was asked; entries that came later were not looked at.
    package var size: UInt64
    package var root: TreeHash
    /// Entries that agreed with the filter.
    package var matched = 0

    package var lookedAt: UInt64 { end - first }
}

/// Collects an answer, entry by entry, in the order of the log.
package protocol AuditQuestion: Sendable {
    /// Called on a thread that may block.
    mutating func take(_ entry: AuditLeaf, in log: AuditLog) throws(StoreError)
}

extension AuditLog {
    /// Entries looked at in one slice; then others have their turn on the reader thread.
    package static let sliceEntriesMax = 5_000
    /// Entries that agree in one slice, because each may have an attachment of a few hundred KiB.
    package static let sliceMatchesMax = 256

    /// Lets a question look at all entries that agree with the filter, up to the end of the log as
    /// it is now. Reads in slices on `store.readers`; memory is that of the question. The whole
    /// log is looked at, however long, but for what the filter's times exclude; cancelling the
    /// task ends it between two slices.
    ///
    /// - Throws: `.corrupt` if an entry cannot be read; what `take` throws; `.overloaded`.
    package func ask<Question: AuditQuestion>(
        _ question: Question, matching filter: AuditFilter
    ) async throws(StoreError) -> (Question, AuditBasis) {
        let (size, root) = tree
        let asking = Asking(question, AuditBasis(first: 0, end: 0, size: size, root: root))
        do {
            try await store.readers.run { [self] in
                let first = try firstIndex(notBefore: filter.from, in: 0..<size)
                asking.state.withLock { state in
                    state.basis.first = first
                    state.basis.end = first
                }
            }
            var isDone = false
            while !isDone {
                try Task.checkCancellation()
                isDone = try await store.readers.run { [self] in
                    try asking.state.withLock { state throws(StoreError) in
                        try take(&state.question, &state.basis, filter)
                    }
                }
            }
        } catch let error as StoreError {
            throw error
        } catch {
            // Cancelled: nobody waits for the answer.
            throw .overloaded(retryAfterSeconds: 1)
        }
        return asking.state.withLock { ($0.question, $0.basis) }
    }

    /// A question on its way from thread to thread: in one place, so that no slice copies what the
    /// ones before have collected.
    private final class Asking<Question: AuditQuestion>: Sendable {
        let state: Mutex<(question: Question, basis: AuditBasis)>

        init(_ question: Question, _ basis: AuditBasis) { state = Mutex((question, basis)) }
    }

    /// The durable tree.
    package var tree: (size: UInt64, root: TreeHash) {
        state.withLock { ($0.durableSize, $0.durableRoot) }
    }

    /// True: no entry behind it can agree.
    private func take(
        _ question: inout some AuditQuestion, _ basis: inout AuditBasis, _ filter: AuditFilter
    ) throws(StoreError) -> Bool {
        let matcher = LeafMatcher(filter)
        let (start, size) = (basis.end, basis.size)
        guard start < size else { return true }
        var next = start
        var isDone = false
        var found: [AuditLeaf] = []
        try AuditRecovery.scan(store, from: AuditFamily.leafKey(start)) {
            key, value throws(StoreError) in
            guard next < size else {
                isDone = true
                return false
            }
            let leaf = try Self.leaf(key, value, expected: next)
            guard Self.isBefore(filter.to, leaf) else {
                isDone = true
                return false
            }
            if matcher.matches(leaf) {
                guard let entry = AuditLeaf(leaf), entry.number == next else {
                    throw .corrupt("audit entry \(next) cannot be read")
                }
                found.append(entry)
            }
            next += 1
            return next - start < UInt64(Self.sliceEntriesMax)
                && found.count < Self.sliceMatchesMax
        }
        for entry in found { try question.take(entry, in: self) }
        basis.matched += found.count
        basis.end = next
        return isDone || next >= size
    }

    /// What an entry disclosed.
    /// - Returns: nil if it is not kept any more.
    /// - Throws: `.corrupt` if it is not what the entry's hash says.
    func disclosures(of entry: AuditLeaf) throws(StoreError) -> DisclosureBytes? {
        guard let hash = entry.disclosures,
            let bytes = try store.readAudit(AuditFamily.attachmentKey(entry.number))
        else { return nil }
        guard TreeHash(contentOf: bytes) == hash, let view = DisclosureBytes(bytes) else {
            throw .corrupt("what audit entry \(entry.number) disclosed is not what its hash says")
        }
        return view
    }
}
