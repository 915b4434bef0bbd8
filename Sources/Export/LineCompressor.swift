import CCompression

/// Compresses a stream of bytes as it comes. The same input gives the same output, however it is
/// cut. Memory: about 300 KiB for gzip, 4 MiB for zstd.
///
/// Confined to the task that makes it.
final class LineCompressor {
    /// Owned, freed in deinit; nil: bytes pass as they are.
    private let handle: OpaquePointer?
    private static let roomBytes = 256 << 10

    init(_ compression: ExporterDefinition.Compression) {
        switch compression {
        case .none: handle = nil
        case .gzip: handle = Self.checked(strm_gzip_new())
        case .zstd: handle = Self.checked(strm_zstd_new())
        }
    }

    deinit {
        if let handle { strm_compressor_free(handle) }
    }

    func append(_ bytes: [UInt8], into output: inout [UInt8]) {
        run(bytes, isLast: false, into: &output)
    }

    /// Ends the stream. Nothing is called after it.
    func finish(into output: inout [UInt8]) {
        run([], isLast: true, into: &output)
    }

    private func run(_ bytes: [UInt8], isLast: Bool, into output: inout [UInt8]) {
        guard let handle else { return output.append(contentsOf: bytes) }
        var taken = 0
        var isDone = false
        repeat {
            var made = 0
            let room = [UInt8](unsafeUninitializedCapacity: Self.roomBytes) { room, count in
                var used = 0
                let isFine = bytes.withUnsafeBufferPointer { input in
                    strm_compress(
                        handle, input.baseAddress.map { $0 + taken }, bytes.count - taken, isLast,
                        room.baseAddress, room.count, &used, &made, &isDone)
                }
                // Neither library fails on any input; only memory can run out.
                precondition(isFine, "a compressor failed")
                taken += used
                count = made
            }
            output.append(contentsOf: room)
            // A full room may mean that more is waiting.
            if made < Self.roomBytes, taken == bytes.count, !isLast { return }
        } while isLast ? !isDone : true
    }

    private static func checked(_ handle: OpaquePointer?) -> OpaquePointer {
        guard let handle else { preconditionFailure("no memory for a compressor") }
        return handle
    }
}
