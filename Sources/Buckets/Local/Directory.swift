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

    /// Walks down by one name after the other. Where directories are made, all the way down is on
    /// disk on return.
    /// - Parameter makesMissing: makes directories that are not there; else nil is given for a
    ///   missing one.
    static func walk(
        root: String, _ names: some Sequence<String>, makesMissing: Bool
    ) throws(BucketError) -> Directory? {
        var directory = try Directory(root: root)
        for name in names {
            guard let next = try directory.member(name, makesMissing: makesMissing) else {
                return nil
            }
            // Also what was there already: who made it may have died before it was on disk.
            if makesMissing { try directory.sync() }
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

enum FileFailure {
    /// The system's word for `errno`, without any path.
    static func error(_ what: String) -> BucketError {
        let code = errno
        let reason = strerror(code).map { String(cString: $0) } ?? "error \(code)"
        return .file("\(what): \(reason)")
    }
}
