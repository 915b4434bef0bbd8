import Glibc

/// Zeroises memory that held personal data; a call that the compiler may not leave out.
func wipe(_ memory: UnsafeMutableRawBufferPointer) {
    guard let start = memory.baseAddress, !memory.isEmpty else { return }
    explicit_bzero(start, memory.count)
}
