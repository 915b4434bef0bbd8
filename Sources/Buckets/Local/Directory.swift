import Glibc

/// An open directory. Its members are reached by name from here, never by a path.
///
/// `@unchecked Sendable`: the descriptor is constant, and each call on it is atomic.
final class Directory: @unchecked Sendable {
    /// Owned, closed in deinit.
    let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    /// The operator's own directory, which may be reached by symbolic links.
    convenience init(root: String) throws(BucketError) {
        let descriptor = Glibc.open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure.error("the setting exports.directory") }
        self.init(descriptor: descriptor)
    }

    deinit { Glibc.close(descriptor) }

    /// Walks down by one name after the other.
    /// - Parameter makesMissing: makes directories that are not there, and syncs them; else nil is
    ///   given for a missing one.
    static func walk(
        root: String, _ names: some Sequence<String>, makesMissing: Bool
    ) throws(BucketError) -> Directory? {
        var directory = try Directory(root: root)
        for name in names {
            guard let next = try directory.member(name, makesMissing: makesMissing) else {
                return nil
            }
            directory = next
        }
        return directory
    }

    private func member(
        _ name: String, makesMissing: Bool
    ) throws(BucketError) -> Directory? {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var child = openat(descriptor, name, flags)
        if child < 0, errno == ENOENT {
            guard makesMissing else { return nil }
            // Another upload may make it at the same moment.
            guard mkdirat(descriptor, name, 0o700) == 0 || errno == EEXIST else {
                throw FileFailure.error("a directory cannot be made")
            }
            try sync()
            child = openat(descriptor, name, flags)
        }
        guard child >= 0 else { throw FileFailure.error("a directory cannot be opened") }
        return Directory(descriptor: child)
    }

    /// Removes a file; one that is not there is no error.
    func remove(_ name: String) throws(BucketError) {
        guard unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else {
            throw FileFailure.error("a file cannot be removed")
        }
    }

    /// Makes names that were made, changed or removed in it durable.
    func sync() throws(BucketError) {
        guard fsync(descriptor) == 0 else { throw FileFailure.error("a sync failed") }
    }
}

/// A file under a temporary name, `.NAME.partial`: a name that no object has, since none begins with
/// a dot. What a killed process left under it is replaced.
///
/// `@unchecked Sendable`: one upload has it, and calls it under its lock.
final class PartialFile: @unchecked Sendable {
    private let directory: Directory
    private let name: String
    /// Owned; -1 once it is closed.
    private var descriptor: Int32

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

    func write(_ bytes: [UInt8]) throws(BucketError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                Glibc.write(
                    descriptor, bytes.baseAddress.map { $0 + written }, bytes.count - written)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw FileFailure.error("a write failed") }
            written += count
        }
    }

    /// Syncs the file, gives it its name, and syncs that.
    func publish() throws(BucketError) {
        guard fsync(descriptor) == 0 else { throw FileFailure.error("a sync failed") }
        close()
        guard renameat(directory.descriptor, partialName, directory.descriptor, name) == 0 else {
            throw FileFailure.error("a file cannot be renamed")
        }
        try directory.sync()
    }

    func discard() {
        close()
        // What is left is replaced when the name is used again.
        _ = unlinkat(directory.descriptor, partialName, 0)
    }

    private func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }
}

enum FileFailure {
    /// The system's word for `errno`, without any path.
    static func error(_ what: String) -> BucketError {
        let code = errno
        let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
        return .file("\(what): \(reason)")
    }
}
