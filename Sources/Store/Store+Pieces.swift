/// Long scans in pieces of bounded size: no view of the engine is held for longer than a piece, so
/// that neither a stop nor the engine's tidying up waits for the whole of it. All of it blocks.
extension Store {
    /// Visits up to `limit` records of data keys, ascending by link, from behind `link` on (nil: the
    /// first). What is committed meanwhile may or may not be seen. Leaves the block cache to others.
    /// - Returns: the last link visited, for the next piece; nil: the end was reached.
    package func visitKeys(
        after link: KeyLink?, limit: Int, visit: (KeyLink, UnsafeRawBufferPointer) -> Void
    ) throws(StoreError) -> KeyLink? {
        try withEngine { engine throws(StoreError) in
            let iterator = try engine.keys.iterator(.sweep)
            // With a zero byte more: the smallest key that is larger.
            iterator.seek(link.map { $0.bytes + [0] } ?? [])
            var visited = 0
            var last: KeyLink?
            while iterator.isValid {
                guard visited < limit else { return last }
                guard let link = KeyLink(bytes: iterator.key) else {
                    throw .corrupt("a key of the family keys")
                }
                visit(link, iterator.value)
                last = link
                visited += 1
                iterator.next()
            }
            try iterator.check()
            return nil
        }
    }

    /// Up to `limit` entries of subjects with the prefix, ascending, from behind the key `after` on
    /// (nil: the first).
    package func subjectEntries(
        prefix: [UInt8], after: [UInt8]?, limit: Int
    ) throws(StoreError) -> [(key: [UInt8], value: [UInt8])] {
        try withEngine { engine throws(StoreError) in
            let iterator = try engine.subjects.iterator()
            iterator.seek(after.map { $0 + [0] } ?? prefix)
            var entries: [(key: [UInt8], value: [UInt8])] = []
            while iterator.isValid, entries.count < limit, iterator.key.starts(with: prefix) {
                entries.append(([UInt8](iterator.key), [UInt8](iterator.value)))
                iterator.next()
            }
            if !iterator.isValid { try iterator.check() }
            return entries
        }
    }

    /// Returns when everything that was submitted before is synced. Blocks for a commit.
    /// - Throws: `.poisoned`, `.closed`: it may not be.
    package func waitForCommits() throws(StoreError) {
        try onCommitThread { _ throws(StoreError) in }
    }
}
