import Store

/// The 256 key-encryption keys of one epoch and one retention class.
///
/// A bucket's key is replaced when a person is erased whose data keys it wraps. Until the survivors
/// of the bucket are wrapped by its successor both are here; then the old one is left out. Each has
/// a generation: 0 for the first, after that the number in the erasure ledger of the destruction
/// that made it, so that no generation ever names two keys, not even if an old keyring comes back.
struct BucketKeys: Sendable {
    /// Keys that take the place of others, in memory of all 256; only those named are made.
    struct Successors: Sendable {
        let memory: LockedMemory
        let buckets: Set<UInt8>
        let generation: UInt32
    }

    static let count = 256
    static let byteCount = count * Cryptography.keyBytes
    /// A key seals for at most this long, so the last event of a day's keys is a day late.
    static let keyLife: Milliseconds = 24 * 3_600_000

    let day: UTCDay
    /// `byteCount` bytes, never changed after they are made.
    let memory: LockedMemory
    /// Generations of the keys in `memory`; a bucket that is not named has 0.
    var generations: [UInt8: UInt32] = [:]
    var successors: Successors?

    init(day: UTCDay, memory: LockedMemory) {
        self.day = day
        self.memory = memory
    }

    /// What new records of a bucket are wrapped with.
    func newestGeneration(_ bucket: UInt8) -> UInt32 {
        if let successors, successors.buckets.contains(bucket) { return successors.generation }
        return generations[bucket] ?? 0
    }

    /// True if the key of that generation is here.
    func holds(_ generation: UInt32, of bucket: UInt8) -> Bool {
        withKey(bucket, generation) { _ in } != nil
    }

    /// Lends the key of a bucket; nil if that generation is not here (any more).
    func withKey<R>(_ bucket: UInt8, _ generation: UInt32, _ body: (UnsafeRawPointer) -> R) -> R? {
        let memory: LockedMemory
        if let successors, successors.generation == generation,
            successors.buckets.contains(bucket)
        {
            memory = successors.memory
        } else if (generations[bucket] ?? 0) == generation {
            memory = self.memory
        } else {
            return nil
        }
        return memory.withBytes { bytes in
            guard let start = bytes.baseAddress else { preconditionFailure("no bucket keys") }
            return body(start + Int(bucket) * Cryptography.keyBytes)
        }
    }

    /// The same with a successor for each of these buckets. There are none yet.
    func withSuccessors(
        for buckets: Set<UInt8>, generation: UInt32
    ) throws(VaultError) -> BucketKeys {
        precondition(successors == nil, "successors of successors")
        let memory = try LockedMemory(byteCount: Self.byteCount)
        memory.withMutableBytes { bytes in
            for bucket in buckets {
                let start = Int(bucket) * Cryptography.keyBytes
                Cryptography.fillRandomly(
                    UnsafeMutableRawBufferPointer(
                        rebasing: bytes[start..<start + Cryptography.keyBytes]))
            }
        }
        var keys = self
        keys.successors = Successors(memory: memory, buckets: buckets, generation: generation)
        return keys
    }

    /// The same without the keys that have successors, which take their place.
    func withoutSucceeded() throws(VaultError) -> BucketKeys {
        guard let successors else { return self }
        let memory = try LockedMemory(byteCount: Self.byteCount)
        memory.withMutableBytes { target in
            self.memory.withBytes { target.copyMemory(from: $0) }
            successors.memory.withBytes { source in
                for bucket in successors.buckets {
                    let range =
                        Int(bucket) * Cryptography.keyBytes..<(Int(bucket) + 1)
                        * Cryptography.keyBytes
                    UnsafeMutableRawBufferPointer(rebasing: target[range])
                        .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[range]))
                }
            }
        }
        var keys = BucketKeys(day: day, memory: memory)
        keys.generations = generations
        for bucket in successors.buckets { keys.generations[bucket] = successors.generation }
        return keys
    }

    /// When the last event that can need these keys has expired: the day's end, the life of a data
    /// key made in its last millisecond, and the retention.
    static func termEnd(day: UTCDay, retention: RetentionClass) -> Milliseconds {
        day.end + keyLife + retention.milliseconds
    }
}
