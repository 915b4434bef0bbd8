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
    /// Locked until deinit.
    private let directory: FileDirectory
    /// Called before each step: a fault hook of the tests.
    private let before: Hook

    static let isInUse = "another process uses it, such as a server that runs on the same data"

    /// Opens, locks and recovers the directory.
    init(path: String, before: @escaping Hook = { _ in }) throws(VaultError) {
        directory = try FileDirectory(path: path, makes: false) { .keyring($0) }
        guard try directory.lock() else { throw .keyring(Self.isInUse) }
        self.path = path
        self.before = before
        try recover()
    }

    deinit {
        // Said aloud: a child between fork and exec holds a copy of the descriptor, and with it
        // the lock, a moment longer than this process.
        directory.unlock()
    }

    /// Makes the directory (0700) if it is missing.
    static func create(path: String) throws(VaultError) {
        _ = try FileDirectory(path: path, makes: true) { .keyring($0) }
    }

    var hasKeyring: Bool { directory.exists(Self.current) }

    /// The current generation.
    func read() throws(VaultError) -> [UInt8] {
        guard let bytes = try directory.read(Self.current, bytesMax: KeyringFile.bytesMax) else {
            throw .keyring("there is none; run `strm init`")
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
        let hasOld = hasKeyring
        if hasOld { try directory.link(Self.current, to: Self.old) }
        try before(.rename)
        try directory.rename(Self.next, to: Self.current)
        try before(.syncDirectory)
        try directory.syncNames()
        guard hasOld else { return }
        try before(.overwriteOld)
        try directory.overwrite(Self.old)
        try before(.unlinkOld)
        try directory.remove(Self.old)
        try before(.syncDirectoryAgain)
        try directory.syncNames()
    }

    private func writeNext(_ bytes: [UInt8]) throws(VaultError) {
        try before(.createNext)
        try directory.create(Self.next, [])
        let half = bytes.count / 2
        try before(.writeFirstHalf)
        try directory.appendUnsynced(Array(bytes[..<half]), to: Self.next)
        try before(.writeSecondHalf)
        try directory.appendUnsynced(Array(bytes[half...]), to: Self.next)
        try before(.syncNext)
        try directory.sync(Self.next)
    }

    /// Does what a process that died in `replace` left undone.
    private func recover() throws(VaultError) {
        if directory.exists(Self.next) {
            // Never became the keyring, but may hold keys: the same care as for an old one.
            try directory.overwrite(Self.next)
            try directory.remove(Self.next)
            try directory.syncNames()
        }
        if directory.exists(Self.old) {
            // Died between link and rename: then the old name is the current file itself, and
            // overwriting it would destroy the keyring.
            if try !directory.areSame(Self.old, Self.current) {
                // The rename may not have reached the disk yet: it must, before the old one goes.
                try directory.syncNames()
                try directory.overwrite(Self.old)
            }
            try directory.remove(Self.old)
            try directory.syncNames()
        }
    }
}
