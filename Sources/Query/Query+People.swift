package import Audit
package import Store
import Vault

/// Counting people without knowing them.
extension Query {
    /// Entries of the index of people that one count looks at: some ten seconds of a reader thread.
    package static let peopleEntriesMax = 20_000_000

    /// How many different people are on record for these sequences, by stream: a person's hash is
    /// another one in each stream. A sequence that several people share counts for all of them. A
    /// stream of which nobody is on record is left out.
    ///
    /// Blocks a reader thread for one scan of the streams' index of people.
    package func people(
        of links: Set<KeyLink>, in streams: [StreamID]
    ) async throws(QueryError) -> [StreamID: AuditCount] {
        guard !links.isEmpty else { return [:] }
        return try await onReaderThread { () throws(QueryError) in
            var counts: [StreamID: AuditCount] = [:]
            var left = Self.peopleEntriesMax
            for stream in Set(streams).sorted() {
                var people: Set<Vault.Mark> = []
                var isLowerBound = false
                try Self.readingStore {
                    try self.store.scanSubjects(prefix: Vault.subjectPrefix(stream)) { key in
                        guard left > 0 else {
                            isLowerBound = true
                            return false
                        }
                        left -= 1
                        if let (person, link) = Vault.subject(ofKey: key), links.contains(link) {
                            people.insert(person)
                        }
                        return true
                    }
                }
                if !people.isEmpty || isLowerBound {
                    counts[stream] = AuditCount(value: people.count, isLowerBound: isLowerBound)
                }
            }
            return counts
        }
    }
}
