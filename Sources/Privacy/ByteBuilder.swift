/// A growing output buffer for opened events. Its memory is wiped when it grows, is cleared to a
/// shorter length, and at the end of its life. Confined to one thread.
package struct ByteBuilder: ~Copyable {
    private var storage: UnsafeMutableRawBufferPointer
    /// Bytes written so far.
    package private(set) var count = 0

    package init(capacity: Int = 4_096) {
        storage = .allocate(byteCount: max(capacity, 64), alignment: 16)
    }

    deinit {
        Self.release(storage, used: count)
    }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return }
        reserve(bytes.count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    package mutating func append(byte: UInt8) {
        reserve(1).storeBytes(of: byte, as: UInt8.self)
        count += 1
    }

    /// Bytes written so far; the pointer dies with the closure.
    package func withBytes<R, E: Error>(
        _ body: (UnsafeRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try body(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(storage)[0..<count]))
    }

    /// A copy of the bytes written so far.
    package func toArray() -> [UInt8] {
        withBytes { Array($0) }
    }

    /// Forgets what was written and keeps the memory.
    package mutating func removeAll() {
        truncate(to: 0)
    }

    /// Forgets and wipes what was written behind `shorterCount`.
    mutating func truncate(to shorterCount: Int) {
        guard shorterCount < count, let start = storage.baseAddress else { return }
        SecretMemory.zeroise(start + shorterCount, byteCount: count - shorterCount)
        count = shorterCount
    }

    /// Room for `extra` bytes behind what is written; `advance` makes them part of it.
    @inline(__always)
    mutating func reserve(_ extra: Int) -> UnsafeMutableRawPointer {
        if storage.count - count < extra { grow(extra) }
        guard let start = storage.baseAddress else { preconditionFailure("empty buffer") }
        return start + count
    }

    @inline(__always)
    mutating func advance(_ extra: Int) {
        precondition(extra >= 0 && count + extra <= storage.count, "advanced beyond the room")
        count += extra
    }

    private mutating func grow(_ extra: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(storage.count * 2, count + extra), alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: storage[0..<count]))
        Self.release(storage, used: count)
        storage = larger
    }

    private static func release(_ storage: UnsafeMutableRawBufferPointer, used: Int) {
        if let start = storage.baseAddress {
            SecretMemory.zeroise(start, byteCount: used)
        }
        storage.deallocate()
    }
}
