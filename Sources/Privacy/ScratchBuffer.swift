/// Raw memory that grows and is reused; wiped when it grows and at the end of its life.
struct ScratchBuffer: ~Copyable {
    private var storage: UnsafeMutableRawBufferPointer

    init(capacity: Int = 512) {
        storage = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        Self.release(storage)
    }

    /// Room for `count` bytes, valid until the next call. The contents are unspecified.
    @inline(__always)
    mutating func reserve(_ count: Int) -> UnsafeMutableRawPointer {
        if count > storage.count { grow(to: count) }
        guard let start = storage.baseAddress else { preconditionFailure("empty scratch buffer") }
        return start
    }

    private mutating func grow(to count: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(count, storage.count * 2), alignment: 16)
        Self.release(storage)
        storage = larger
    }

    private static func release(_ storage: UnsafeMutableRawBufferPointer) {
        if let start = storage.baseAddress {
            SecretMemory.zeroise(start, byteCount: storage.count)
        }
        storage.deallocate()
    }
}
