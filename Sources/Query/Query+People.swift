package import Audit
package import Store
import Vault

/// Counting people without knowing them.
extension Query {
    /// Entries of the index of people that one count looks at: some ten seconds of a reader thread.
    package static let peopleEntriesMax = 20_000_000

    /// People, and the sequences of which nobody is on record.
    package struct PeopleCount: Sendable, Equatable {
        /// A stream of which nobody is on record is left out.
        package var byStream: [StreamID: AuditCount] = [:]
        /// Their contract names no person, or the person was erased, or it is so long ago that the
        /// index does not know any more.
        package var unnamed = AuditCount(value: 0, isLowerBound: false)
    }

    /// How many different people are on record for these sequences, by stream: a person's hash is
    /// another one in each stream. A sequence that several people share counts for all of them.
    ///
    /// Blocks a reader thread for one scan of the streams' index of people.
    package func people(
        of links: Set<KeyLink>, in streams: [StreamID]
    ) async throws(QueryError) -> PeopleCount {
        guard !links.isEmpty else { return PeopleCount() }
        return try await onReaderThread { () throws(QueryError) in
            var count = PeopleCount()
            var unnamed = links
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
                            unnamed.remove(link)
                        }
                        return true
                    }
                }
                if !people.isEmpty || isLowerBound {
                    count.byStream[stream] = AuditCount(
                        value: people.count, isLowerBound: isLowerBound)
                }
            }
            // Those that the scan did not come to may have somebody.
            count.unnamed = AuditCount(value: left > 0 ? unnamed.count : 0, isLowerBound: left == 0)
            return count
        }
    }
}
