import CCompression

/// Expands what `LineCompressor` made, or any other gzip or zstd, piece by piece. Memory: some
/// 300 KiB, for zstd as much as its window, 128 MiB at most.
///
/// Confined to the task that makes it.
package final class ObjectExpander {
    /// Owned, freed in deinit.
    private let handle: OpaquePointer
    private static let roomBytes = 256 << 10

    /// - Parameter start: the first bytes of a file, four are enough.
    /// - Returns: nil if it is neither of gzip nor of zstd.
    package init?(startingWith start: some Collection<UInt8>) {
        let made: OpaquePointer?
        if start.starts(with: [0x1F, 0x8B, 0x08]) {
            made = strm_gunzip_new()
        } else if start.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) {
            made = strm_unzstd_new()
        } else {
            return nil
        }
        guard let made else { preconditionFailure("no memory for an expander") }
        handle = made
    }

    deinit { strm_expander_free(handle) }

    /// Gives what the bytes expand to, at most 256 KiB a call.
    /// - Returns: false if they are not of the format; nothing is called after that.
    package func expand(
        _ bytes: UnsafeRawBufferPointer, _ receive: (UnsafeRawBufferPointer) -> Void
    ) -> Bool {
        var taken = 0
        while true {
            var isFine = true
            var used = 0
            let room = [UInt8](unsafeUninitializedCapacity: Self.roomBytes) { room, count in
                isFine = strm_expand(
                    handle,
                    bytes.baseAddress.map { ($0 + taken).assumingMemoryBound(to: UInt8.self) },
                    bytes.count - taken, room.baseAddress, room.count, &used, &count)
            }
            taken += used
            if !room.isEmpty { room.withUnsafeBytes(receive) }
            guard isFine else { return false }
            // A full room may mean that more is waiting.
            if taken == bytes.count, room.count < Self.roomBytes { return true }
            // Neither taken nor given: it waits for what it cannot get.
            if used == 0, room.isEmpty { return false }
        }
    }
}
