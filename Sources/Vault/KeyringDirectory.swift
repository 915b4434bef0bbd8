import Glibc

/// The directory of the keyring and the way in which a generation replaces the one before.
///
/// | name | what |
/// |---|---|
/// | `keyring` | the current generation, always whole |
/// | `keyring.next` | a generation being written; without meaning after a crash |
/// | `keyring.old` | the generation before, waiting to be overwritten |
///
/// Overwriting in place destroys the old bytes on a disk that writes in place. On flash the
/// controller, and on a copy-on-write file system (btrfs, ZFS, snapshots) the file system, may keep
/// the old blocks for an unknown time. What makes destruction sound there is a master key that
/// lives elsewhere and is destroyed or changed; here it is the best that a file can do.
///
/// One process at a time: the directory is locked (`flock`) for the life of the object, because
/// recovery would take away the file that another process is writing.
final class KeyringDirectory: Sendable {
    typealias Hook = @Sendable (KeyringStep) throws(VaultError) -> Void

    private static let current = "keyring"
    private static let next = "keyring.next"
    private static let old = "keyring.old"

    let path: String
    /// Open and locked until deinit.
    private let directory: Int32
    /// Called before each step: a fault hook of the tests.
    private let before: Hook

    static let isInUse = "another process uses it, such as a server that runs on the same data"

    /// Opens, locks and recovers the directory.
    init(path: String, before: @escaping Hook = { _ in }) throws(VaultError) {
        let directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw Self.failure("cannot open its directory") }
        guard flock(directory, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            close(directory)
            throw reason == EWOULDBLOCK
                ? .keyring(Self.isInUse) : Self.failure("cannot lock", reason)
        }
        self.directory = directory
        self.path = path
        self.before = before
        try recover()
    }

    deinit {
        // Said aloud: a child between fork and exec holds a copy of the descriptor, and with it
        // the lock, a moment longer than this process.
        flock(directory, LOCK_UN)
        close(directory)
    }

    /// Makes the directory (0700) if it is missing.
    static func create(path: String) throws(VaultError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw failure("cannot make its directory")
        }
    }

    var hasKeyring: Bool { faccessat(directory, Self.current, F_OK, 0) == 0 }

    /// The current generation.
    func read() throws(VaultError) -> [UInt8] {
        let file = openat(directory, Self.current, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            throw errno == ENOENT
                ? .keyring("there is none; run `strm init`") : Self.failure("cannot open")
        }
        defer { close(file) }
        var information = stat()
        guard fstat(file, &information) == 0 else { throw Self.failure("cannot look at") }
        guard information.st_size <= KeyringFile.bytesMax else { throw .keyring("too large") }
        var bytes = [UInt8](repeating: 0, count: Int(information.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { room in
                Glibc.read(file, room.baseAddress.map { $0 + filled }, room.count - filled)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw Self.failure("cannot read") }
            filled += count
        }
        return bytes
    }

    /// Makes `bytes` the current generation. Durable on return, and the one before overwritten and
    /// gone. After an error either the one or the other is current and whole; the rest is tidied
    /// at the next call or the next start.
    func replace(with bytes: [UInt8]) throws(VaultError) {
        try recover()
        try writeNext(bytes)
        try before(.linkOld)
        let hasOld = linkat(directory, Self.current, directory, Self.old, 0) == 0
        guard hasOld || errno == ENOENT else { throw Self.failure("cannot keep the old one") }
        try before(.rename)
        guard renameat(directory, Self.next, directory, Self.current) == 0 else {
            throw Self.failure("cannot rename")
        }
        try before(.syncDirectory)
        try syncDirectory()
        guard hasOld else { return }
        try before(.overwriteOld)
        try overwrite(Self.old)
        try before(.unlinkOld)
        try remove(Self.old)
        try before(.syncDirectoryAgain)
        try syncDirectory()
    }

    private func writeNext(_ bytes: [UInt8]) throws(VaultError) {
        try before(.createNext)
        let file = openat(
            directory, Self.next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw Self.failure("cannot make a new one") }
        defer { close(file) }
        let half = bytes.count / 2
        try before(.writeFirstHalf)
        try Self.write(bytes[..<half], to: file)
        try before(.writeSecondHalf)
        try Self.write(bytes[half...], to: file)
        try before(.syncNext)
        guard fsync(file) == 0 else { throw Self.failure("cannot sync") }
    }

    /// Does what a process that died in `replace` left undone.
    private func recover() throws(VaultError) {
        if exists(Self.next) {
            // Never became the keyring, but may hold keys: the same care as for an old one.
            try overwrite(Self.next)
            try remove(Self.next)
            try syncDirectory()
        }
        if exists(Self.old) {
            // Died between link and rename: then the old name is the current file itself, and
            // overwriting it would destroy the keyring.
            if try !isSameFile(Self.old, Self.current) {
                // The rename may not have reached the disk yet: it must, before the old one goes.
                try syncDirectory()
                try overwrite(Self.old)
            }
            try remove(Self.old)
            try syncDirectory()
        }
    }

    private func exists(_ name: String) -> Bool {
        faccessat(directory, name, F_OK, 0) == 0
    }

    private func isSameFile(_ first: String, _ second: String) throws(VaultError) -> Bool {
        var one = stat()
        var other = stat()
        guard fstatat(directory, first, &one, AT_SYMLINK_NOFOLLOW) == 0,
            fstatat(directory, second, &other, AT_SYMLINK_NOFOLLOW) == 0
        else { throw Self.failure("cannot look at what a crash left") }
        return one.st_ino == other.st_ino && one.st_dev == other.st_dev
    }

    private func overwrite(_ name: String) throws(VaultError) {
        let file = openat(directory, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw Self.failure("cannot open the old one") }
        defer { close(file) }
        var information = stat()
        guard fstat(file, &information) == 0 else { throw Self.failure("cannot look at") }
        var noise = [UInt8](repeating: 0, count: 65_536)
        noise.withUnsafeMutableBytes { Cryptography.fillRandomly($0) }
        var left = Int(information.st_size)
        while left > 0 {
            let count = min(left, noise.count)
            try Self.write(noise[..<count], to: file)
            left -= count
        }
        guard fsync(file) == 0 else { throw Self.failure("cannot sync the overwritten one") }
    }

    private func remove(_ name: String) throws(VaultError) {
        guard unlinkat(directory, name, 0) == 0 || errno == ENOENT else {
            throw Self.failure("cannot remove the old one")
        }
    }

    private func syncDirectory() throws(VaultError) {
        guard fsync(directory) == 0 else { throw Self.failure("cannot sync its directory") }
    }

    private static func write(_ bytes: ArraySlice<UInt8>, to file: Int32) throws(VaultError) {
        var left = bytes
        while !left.isEmpty {
            let count = left.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure("cannot write") }
            left = left.dropFirst(count)
        }
    }

    private static func failure(_ what: String, _ reason: Int32 = errno) -> VaultError {
        .keyring("\(what): \(String(cString: strerror(reason)))")
    }
}
