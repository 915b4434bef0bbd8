import Glibc

/// The file with the watermark's two slots. Confined to one caller at a time by `WatermarkKeeper`.
struct WatermarkFile {
    enum Content: Equatable {
        case missing
        /// The file is there, but neither slot is valid.
        case damaged
        case valid(Watermark)
    }

    let path: String

    func read() throws(StoreError) -> Content {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 {
            guard errno == ENOENT else { throw SystemFailure.error("open", path) }
            return .missing
        }
        defer { close(descriptor) }
        var newest: Watermark?
        var buffer = [UInt8](repeating: 0, count: Watermark.slotStride)
        for slot in 0..<2 {
            let count = pread(
                descriptor, &buffer, Watermark.slotStride, slot * Watermark.slotStride)
            guard count >= 0 else { throw SystemFailure.error("read", path) }
            let found = buffer.withUnsafeBytes {
                Watermark(UnsafeRawBufferPointer(rebasing: $0[..<count]))
            }
            if let found, found.generation >= newest?.generation ?? 0 { newest = found }
        }
        return newest.map { .valid($0) } ?? .damaged
    }

    /// Durable on return. Writes the slot that does not hold the generation before.
    func write(_ watermark: Watermark) throws(StoreError) {
        var isNew = false
        var descriptor = open(path, O_WRONLY | O_CLOEXEC)
        if descriptor < 0, errno == ENOENT {
            isNew = true
            descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        }
        guard descriptor >= 0 else { throw SystemFailure.error("open", path) }
        defer { close(descriptor) }
        let bytes = watermark.bytes
        let place = Int(watermark.generation & 1) * Watermark.slotStride
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(
                    descriptor, $0.baseAddress.map { $0 + written }, bytes.count - written,
                    place + written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw SystemFailure.error("write", path) }
            written += count
        }
        guard fsync(descriptor) == 0 else { throw SystemFailure.error("sync", path) }
        if isNew { try Directories.sync(Directories.parent(path)) }
    }
}
