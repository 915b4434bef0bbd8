/// A reused array of plain data that is written through a raw pointer and zeroed when it is given
/// back.
///
/// Memory: doubles when it must, and keeps its largest size, which the event limits bound.
struct GrowingBuffer<Element: BitwiseCopyable>: ~Copyable {
    private(set) var base: UnsafeMutablePointer<Element>
    private(set) var capacity: Int
    var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 1)
        base = .allocate(capacity: self.capacity)
    }

    deinit {
        Self.release(base, capacity)
    }

    /// Makes room for `extra` elements behind `count`.
    @inline(__always)
    mutating func reserve(_ extra: Int) {
        if count + extra > capacity { grow(count + extra) }
    }

    @inline(__always)
    mutating func append(_ element: Element) {
        reserve(1)
        base[count] = element
        count += 1
    }

    mutating func append(contentsOf bytes: UnsafeRawBufferPointer) where Element == UInt8 {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        reserve(bytes.count)
        UnsafeMutableRawPointer(base + count).copyMemory(from: source, byteCount: bytes.count)
        count += bytes.count
    }

    @inline(never)
    private mutating func grow(_ wanted: Int) {
        var larger = capacity
        while larger < wanted { larger *= 2 }
        let moved = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        moved.update(from: base, count: count)
        Self.release(base, capacity)
        base = moved
        capacity = larger
    }

    private static func release(_ base: UnsafeMutablePointer<Element>, _ capacity: Int) {
        let bytes = UnsafeMutableRawBufferPointer(
            start: base, count: capacity * MemoryLayout<Element>.stride)
        SecureBytes.wipe(bytes)
        base.deallocate()
    }
}
