import CPlatform
import Glibc
import Store

/// An open directory of small secret or precious files, and the ways in which they change. All
/// files are 0600. All of it blocks.
final class FileDirectory: Sendable {
    private let descriptor: Int32
    private let failure: @Sendable (String) -> VaultError

    /// Opens the directory; `makes` it (0700) if it is missing.
    /// - Parameter failure: makes an error of what happened.
    init(
        path: String, makes: Bool, failure: @escaping @Sendable (String) -> VaultError
    ) throws(VaultError) {
        if makes, mkdir(path, 0o700) != 0, errno != EEXIST {
            throw failure("cannot make its directory: \(Self.reason)")
        }
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        self.failure = failure
        guard descriptor >= 0 else { throw failure("cannot open its directory: \(Self.reason)") }
    }

    deinit { close(descriptor) }

    func exists(_ name: String) -> Bool {
        faccessat(descriptor, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0
    }

    /// The whole file; nil if there is none.
    func read(_ name: String, bytesMax: Int) throws(VaultError) -> [UInt8]? {
        let file = openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw error("cannot open", name)
        }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG else {
            throw failure("\(name) is no regular file")
        }
        guard facts.st_size <= bytesMax else { throw failure("\(name) is too large") }
        var bytes = [UInt8](repeating: 0, count: Int(facts.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { room in
                Glibc.read(file, room.baseAddress.map { $0 + filled }, room.count - filled)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw error("cannot read", name) }
            filled += count
        }
        return bytes
    }

    /// Cuts the file to `length` and appends. Not synced: `sync` does that.
    func append(_ bytes: [UInt8], to name: String, at length: Int) throws(VaultError) {
        let file = openat(descriptor, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw error("cannot open", name) }
        defer { close(file) }
        guard ftruncate(file, off_t(length)) == 0, lseek(file, 0, SEEK_END) == length else {
            throw error("cannot cut", name)
        }
        try write(bytes[...], to: file, name)
    }

    /// Appends to a file that is made if it is missing. Not synced: `sync` does that.
    func appendUnsynced(_ bytes: [UInt8], to name: String) throws(VaultError) {
        let flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW
        let file = openat(descriptor, name, flags, 0o600)
        guard file >= 0 else { throw error("cannot make", name) }
        defer { close(file) }
        try write(bytes[...], to: file, name)
    }

    /// Makes a file, which must not be there. Durable on return but for its name.
    func create(_ name: String, _ bytes: [UInt8]) throws(VaultError) {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW
        let file = openat(descriptor, name, flags, 0o600)
        guard file >= 0 else { throw error("cannot make", name) }
        defer { close(file) }
        try write(bytes[...], to: file, name)
        guard fsync(file) == 0 else { throw error("cannot sync", name) }
    }

    /// Makes what a file holds durable.
    func sync(_ name: String) throws(VaultError) {
        let file = openat(descriptor, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw error("cannot open", name) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw error("cannot sync", name) }
    }

    /// Puts `bytes` in the place of the file: whoever looks finds the one or the other, whole.
    /// Durable on return.
    func replace(_ name: String, with bytes: [UInt8]) throws(VaultError) {
        let next = name + ".next"
        try remove(next)
        try create(next, bytes)
        try rename(next, to: name)
        try syncNames()
    }

    func rename(_ name: String, to other: String) throws(VaultError) {
        guard renameat(descriptor, name, descriptor, other) == 0 else {
            throw error("cannot rename", name)
        }
    }

    /// Gives a file a second name, which must not be there.
    func link(_ name: String, to other: String) throws(VaultError) {
        guard linkat(descriptor, name, descriptor, other, 0) == 0 else {
            throw error("cannot keep", name)
        }
    }

    /// - Throws: also if one of them is not there: what is not known to be another file must not be
    ///   overwritten.
    func areSame(_ name: String, _ other: String) throws(VaultError) -> Bool {
        var one = stat()
        var two = stat()
        guard fstatat(descriptor, name, &one, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw error("cannot look at", name)
        }
        guard fstatat(descriptor, other, &two, AT_SYMLINK_NOFOLLOW) == 0 else {
            throw error("cannot look at", other)
        }
        return one.st_ino == two.st_ino && one.st_dev == two.st_dev
    }

    /// Keeps others out, processes and objects, until `unlock` or the end of the process.
    /// - Returns: false if somebody else has it.
    func lock() throws(VaultError) -> Bool {
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
        guard errno == EWOULDBLOCK else {
            throw failure("cannot lock its directory: \(Self.reason)")
        }
        return false
    }

    func unlock() { flock(descriptor, LOCK_UN) }

    /// Nothing happens if there is none.
    func remove(_ name: String) throws(VaultError) {
        guard unlinkat(descriptor, name, 0) == 0 || errno == ENOENT else {
            throw error("cannot remove", name)
        }
    }

    /// Writes noise over a file in its place, synced, as far as the disk and the file system do
    /// that; see KeyringDirectory.
    func overwrite(_ name: String) throws(VaultError) {
        // The mode may be 0400.
        _ = fchmodat(descriptor, name, 0o600, 0)
        let file = openat(descriptor, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw error("cannot open", name) }
        defer { close(file) }
        var facts = stat()
        guard fstat(file, &facts) == 0 else { throw error("cannot look at", name) }
        var noise = [UInt8](repeating: 0, count: 65_536)
        noise.withUnsafeMutableBytes { Cryptography.fillRandomly($0) }
        var left = Int(facts.st_size)
        while left > 0 {
            let count = min(left, noise.count)
            try write(noise[..<count], to: file, name)
            left -= count
        }
        guard fsync(file) == 0 else { throw error("cannot sync", name) }
    }

    func syncNames() throws(VaultError) {
        guard fsync(descriptor) == 0 else {
            throw failure("cannot sync its directory: \(Self.reason)")
        }
    }

    /// Names of the files, without an order.
    func names() throws(VaultError) -> [String] {
        // A position of its own: the descriptor's is shared by all that read it.
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let directory = fdopendir(copy) else {
            if copy >= 0 { close(copy) }
            throw failure("cannot list its directory: \(Self.reason)")
        }
        defer { closedir(directory) }
        return DirectoryNames.rest(of: directory)
    }

    private func write(
        _ bytes: ArraySlice<UInt8>, to file: Int32, _ name: String
    ) throws(VaultError) {
        var left = bytes
        while !left.isEmpty {
            let count = left.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw error("cannot write", name) }
            left = left.dropFirst(count)
        }
    }

    private func error(_ what: String, _ name: String) -> VaultError {
        failure("\(what) \(name): \(Self.reason)")
    }

    private static var reason: String { String(cString: strerror(errno)) }
}
