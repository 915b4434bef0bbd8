import Glibc

/// Nonces of 128 random bits, drawn from the system in stretches of 256 nonces: one system call for 16
/// of them. Confined to one thread; nothing is allocated after the first nonce.
///
/// A nonce is no secret once it is used. Two equal ones under one key would show whether two values
/// are equal, and nothing more: that is why the cipher below is SIV.
package struct RandomNonces: ~Copyable {
    /// Fills a buffer of at most 4 KiB; an argument, so that vectors can be checked.
    package typealias Fill = (UnsafeMutableRawBufferPointer) -> Void

    private static let count = 256
    private static let nonceBytes = 16
    /// The most that getentropy gives at once.
    private static let bytesOfCall = 256

    private let fill: Fill
    /// Owned; allocated when the first nonce is drawn, as most sealers never draw one.
    private var storage: UnsafeMutableRawBufferPointer?
    private var left = 0

    package init(_ fill: @escaping Fill = Self.fillFromSystem) {
        self.fill = fill
    }

    deinit {
        storage?.deallocate()
    }

    /// The next nonce, its first byte the highest.
    mutating func next() -> UInt128 {
        let bytes = storage ?? allocate()
        if left == 0 {
            fill(bytes)
            left = Self.count
        }
        left -= 1
        return UInt128(
            bigEndian: bytes.load(fromByteOffset: left * Self.nonceBytes, as: UInt128.self))
    }

    private mutating func allocate() -> UnsafeMutableRawBufferPointer {
        let bytes = UnsafeMutableRawBufferPointer.allocate(
            byteCount: Self.count * Self.nonceBytes, alignment: Self.nonceBytes)
        storage = bytes
        return bytes
    }

    /// getentropy(3), 256 bytes a call. Blocks only before the system has ever been seeded.
    package static func fillFromSystem(_ buffer: UnsafeMutableRawBufferPointer) {
        guard let start = buffer.baseAddress else { return }
        for place in stride(from: 0, to: buffer.count, by: bytesOfCall) {
            let isFilled = getentropy(start + place, min(bytesOfCall, buffer.count - place)) == 0
            // Going on would repeat nonces.
            precondition(isFilled, "the system has no random numbers")
        }
    }
}
