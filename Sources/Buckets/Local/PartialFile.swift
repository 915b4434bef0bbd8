import Glibc

/// A file under a temporary name, `.NAME.partial`, which no object has: see ``LocalBucket``. What a
/// killed process left under it is replaced.
///
/// `@unchecked Sendable`: one upload has it, and calls it under its lock.
final class PartialFile: @unchecked Sendable {
    private let directory: Directory
    private let name: String
    /// Owned; -1 once it is closed.
    private var descriptor: Int32
    /// Of the parts that are written whole. What a failed write left behind it is written over.
    private var byteCount = 0
    /// Why it was not published: after a failed sync the kernel takes what it could not write for
    /// written, so that the next sync would succeed and mean nothing.
    private var failure: BucketError?

    private var partialName: String { ".\(name).partial" }

    init(_ directory: Directory, name: String) throws(BucketError) {
        self.directory = directory
        self.name = name
        descriptor = -1
        try directory.remove(partialName)
        descriptor = openat(
            directory.descriptor, partialName,
            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure.error("a file cannot be made") }
    }

    deinit { close() }

    /// Adds a part. May be called again with the same one after it failed.
    func append(_ part: [UInt8]) throws(BucketError) {
        try write(part)
        byteCount += part.count
    }

    /// Adds the last bytes, syncs the file, gives it its name, and syncs that. May be called again
    /// with the same bytes if a write failed; after a failed sync it fails for good.
    func publish(_ rest: [UInt8]) throws(BucketError) {
        if let failure { throw failure }
        try write(rest)
        guard ftruncate(descriptor, off_t(byteCount + rest.count)) == 0 else {
            throw FileFailure.error("a write failed")
        }
        do throws(BucketError) {
            guard fsync(descriptor) == 0 else { throw FileFailure.error("a sync failed") }
            // From here on readers see the object whole. If we die before the next line, it may be
            // there or not after a crash of the machine, and is written again.
            guard renameat(directory.descriptor, partialName, directory.descriptor, name) == 0
            else { throw FileFailure.error("a file cannot be renamed") }
            try directory.sync()
        } catch {
            failure = error
            throw error
        }
        close()
    }

    /// Removes the file unless it has its name.
    func discard() {
        close()
        // What is left is replaced when the name is used again.
        _ = unlinkat(directory.descriptor, partialName, 0)
    }

    private func write(_ bytes: [UInt8]) throws(BucketError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                pwrite(
                    descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written,
                    off_t(byteCount + written))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileFailure.error("a write failed") }
            written += count
        }
    }

    private func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}
