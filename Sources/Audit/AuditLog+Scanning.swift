package import AuditProof
import Store
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

/// Collects an answer, entry by entry, in the order of the log, on a thread that may block.
protocol AuditQuestion: Sendable {
    /// True if what lies beside entries is read for it.
    var readsDisclosures: Bool { get }

    /// False: an entry that disclosed this changes nothing in the answer, whatever else it says. It
    /// is then not read at all, which is what makes a question about one person fast.
    func concerns(_ told: DisclosureBytes) -> Bool

    /// - Parameter told: what the entry disclosed, as its hash says; nil if nothing is kept of it, or
    ///   nothing is read. Valid during the call.
    mutating func take(_ entry: AuditLeaf, _ told: DisclosureBytes?)
}

extension AuditQuestion {
    func concerns(_ told: DisclosureBytes) -> Bool { true }
}

extension AuditLog {
    /// Entries looked at in one slice; then others have their turn on the reader thread.
    package static let sliceEntriesMax = 5_000
    /// Bytes of entries that agree in one slice, and of what lies beside them. One more entry may
    /// begin below.
    static let sliceLeafBytesMax = 4 << 20
    static let sliceDisclosureBytesMax = 32 << 20

    /// Lets a question look at all entries that agree with the filter, up to the end of the log as
    /// it is now. Reads in slices on `store.readers`; memory is that of the question. The whole
    /// log is looked at, however long, but for what the filter's times exclude; cancelling the
    /// task ends it between two slices.
    ///
    /// - Throws: `.corrupt` if an entry cannot be read, or what it disclosed is not what its hash says;
    ///   `.overloaded`.
    func ask<Question: AuditQuestion>(
        _ question: Question, matching filter: AuditFilter
    ) async throws(StoreError) -> (Question, AuditBasis) {
        let (size, root) = tree
        let asking = Asking(question, AuditBasis(first: 0, end: 0, size: size, root: root))
        do {
            try await store.readers.run { [self] in
                let first = try firstIndex(notBefore: filter.from, in: 0..<size)
                let end = try filter.to.map { try firstIndex(notBefore: $0, in: first..<size) }
                asking.state.withLock { state in
                    state.basis.first = first
                    state.basis.end = first
                    state.end = end ?? size
                }
            }
            var isDone = false
            while !isDone {
                try Task.checkCancellation()
                isDone = try await store.readers.run { [self] in
                    try asking.state.withLock { state throws(StoreError) in
                        try take(&state.question, &state.basis, before: state.end, filter)
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
        /// `end`: entries from it on are of another time.
        let state: Mutex<(question: Question, basis: AuditBasis, end: UInt64)>

        init(_ question: Question, _ basis: AuditBasis) { state = Mutex((question, basis, 0)) }
    }

    /// The durable tree.
    package var tree: (size: UInt64, root: TreeHash) {
        state.withLock { ($0.durableSize, $0.durableRoot) }
    }

    /// Goes on where the slice before ended. True: that was the last.
    private func take(
        _ question: inout some AuditQuestion, _ basis: inout AuditBasis, before end: UInt64,
        _ filter: AuditFilter
    ) throws(StoreError) -> Bool {
        guard basis.end < end else { return true }
        var slice = try matches(filter, from: basis.end, before: end)
        if question.readsDisclosures, let first = slice.items.first {
            var bytes = 0
            var isFull = false
            try AuditRecovery.scan(store, from: AuditFamily.attachmentKey(first.number)) {
                key, value throws(StoreError) in
                guard let number = AuditFamily.attachmentIndex(key) else { return false }
                while let item = slice.next, item.number < number {
                    try slice.take(nil, for: &question)
                }
                guard let item = slice.next else { return false }
                guard item.number == number else { return true }
                try slice.take(value, for: &question)
                bytes += value.count
                isFull = bytes >= Self.sliceDisclosureBytesMax
                return !isFull && slice.next != nil
            }
            if isFull, let next = slice.next { slice.end = next.number }
        }
        while let item = slice.next, item.number < slice.end {
            try slice.take(nil, for: &question)
        }
        basis.matched += slice.taken
        basis.end = slice.end
        return slice.end >= end
    }

    private func matches(
        _ filter: AuditFilter, from start: UInt64, before end: UInt64
    ) throws(StoreError) -> ScanSlice {
        let matcher = LeafMatcher(filter)
        var slice = ScanSlice(end: start)
        try AuditRecovery.scan(store, from: AuditFamily.leafKey(start)) {
            key, value throws(StoreError) in
            guard slice.end < end else { return false }
            let leaf = try Self.leaf(key, value, expected: slice.end)
            if matcher.matches(leaf) { slice.add(leaf, number: slice.end) }
            slice.end += 1
            return slice.end - start < UInt64(Self.sliceEntriesMax)
                && slice.leafBytes < Self.sliceLeafBytesMax
        }
        guard slice.end > start else { throw .corrupt("audit entry \(start) is missing") }
        return slice
    }
}
