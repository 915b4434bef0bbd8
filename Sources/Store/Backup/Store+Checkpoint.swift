/// The online copy of the database.
extension Store {
    /// A memtable that is smaller is left to the commit thread: it is written in milliseconds.
    private static let smallMemtableBytes: UInt64 = 4 << 20

    /// Makes the directory `path`, which must not exist, with the database as it is between two
    /// commits: what was acknowledged before the call is in it, and it is a prefix of what is
    /// acknowledged later. Without keyring, watermark and lock. Durable on return.
    ///
    /// On the file system of the data directory table files are hard links: the copy costs no space
    /// until the engine merges them away, but a damaged block is then damaged in both. On another
    /// one they would be copied while no commit is made: put the checkpoint beside the data, and copy
    /// from there. Blocks for the writing of memtables; commits wait for the last part of it, see
    /// `StoreCheckpoint.stalledNanoseconds`.
    /// - Throws: `.diskFull`, `.io`: there is no directory then, or one without meaning, which the
    ///   caller removes; `.poisoned`, `.closed`.
    package func checkpoint(to path: String) throws(StoreError) -> StoreCheckpoint {
        // Large memtables first, beside the commits, as the engine does when one is full.
        try withEngine { engine throws(StoreError) in
            for family in engine.fixedFamilies + shared.table.allFamilies.map(\.family)
            where family.memtableBytes > Self.smallMemtableBytes {
                try family.flush()
            }
        }
        let checkpoint = try onCommitThread { committer throws(StoreError) in
            try committer.checkpoint(to: path)
        }
        try Directories.syncAll(path)
        return checkpoint
    }
}

extension Committer {
    func checkpoint(to path: String) throws(StoreError) -> StoreCheckpoint {
        let started = MonotonicClock.nanoseconds()
        try engine.database.checkpoint(to: path)
        var checkpoint = StoreCheckpoint(
            sequence: engine.database.sequence, audit: stage?.watermark() ?? [], heads: [:],
            stalledNanoseconds: MonotonicClock.nanoseconds() - started)
        for head in heads where !head.isDropped { checkpoint.heads[head.partition] = head.next }
        return checkpoint
    }
}
