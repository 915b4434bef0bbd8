import Glibc

/// A master key in a file, and how another one takes its place.
///
/// | name | what |
/// |---|---|
/// | `NAME` | the master key |
/// | `NAME.next` | the next one: the keyring is written under it before it takes the place |
/// | `NAME.old` | the one before, waiting to be overwritten |
///
/// The keyring is sealed under the one or the other of `NAME` and `NAME.next`, whenever the process
/// dies; so neither is taken away before the keyring is known to be under the other.
struct MasterKeyFile: Sendable {
    private let directory: FileDirectory
    private let name: String
    private var next: String { name + ".next" }
    private var old: String { name + ".old" }
    private static let bytesMax = 64

    init(path: String) throws(VaultError) {
        name = Self.name(of: path)
        directory = try FileDirectory(path: Self.parent(of: path), makes: false) { .masterKey($0) }
    }

    /// Behind the last slash.
    static func name(of path: String) -> String {
        let slash = path.lastIndex(of: "/")
        return slash.map { String(path[path.index(after: $0)...]) } ?? path
    }

    static func parent(of path: String) -> String {
        let slash = path.lastIndex(of: "/")
        return slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    }

    /// True if the file lies in that directory.
    static func lies(path: String, in directory: String) -> Bool {
        var one = stat()
        var two = stat()
        return stat(parent(of: path), &one) == 0 && stat(directory, &two) == 0
            && one.st_dev == two.st_dev && one.st_ino == two.st_ino
    }

    /// True if the directory lets files be made.
    static func isWritable(path: String) -> Bool {
        access(parent(of: path), R_OK | W_OK | X_OK) == 0
    }

    /// True if another file can take the place of this one, which is tried: it is ours, a file of
    /// this file system, and may have a second name. A file that is mounted cannot be replaced, nor
    /// one on a file system without hard links.
    static func canBeRenewed(path: String) -> Bool {
        var facts = stat()
        var above = stat()
        guard isWritable(path: path), lstat(path, &facts) == 0,
            facts.st_mode & S_IFMT == S_IFREG, facts.st_uid == geteuid(),
            stat(parent(of: path), &above) == 0, facts.st_dev == above.st_dev
        else { return false }
        do throws(VaultError) {
            let file = try MasterKeyFile(path: path)
            // What `finish` begins with; if the process dies here `removeOld` takes it away.
            try file.removeOld()
            try file.directory.link(file.name, to: file.old)
            try file.removeOld()
            return true
        } catch {
            return false
        }
    }

    /// Reads the master key of a keyring. If it is a file, what a process that died in a renewal
    /// left is finished or taken away, as far as that can be done, unless `isReadOnly`.
    /// - Parameter hasEscrow: then nothing is finished: the old key stays until the escrow is known to
    ///   have followed (`Vault.finishLeftRenewal`).
    static func read(
        _ source: MasterKeySource, of keyring: KeyringDirectory, commandSeconds: Int,
        isReadOnly: Bool = false, hasEscrow: Bool = false
    ) throws(VaultError) -> LockedMemory {
        let key = try MasterKey.read(source, commandSeconds: commandSeconds)
        guard case .file(let path) = source, keyring.hasKeyring,
            let file = try? MasterKeyFile(path: path)
        else { return key }
        let bytes = try keyring.read()
        if KeyringFile.isSealed(bytes, under: key) {
            // What cannot be taken away stays, and is of no use: the next renewal takes it over.
            if !isReadOnly { try? file.tidy() }
            return key
        }
        guard let next = try? file.readNext(), KeyringFile.isSealed(bytes, under: next) else {
            return key
        }
        // If that fails the next start finds the key where this one did.
        if !isReadOnly, !hasEscrow { try? file.finish(before: { _ in }) }
        return next
    }

    /// Makes the next key. Durable on return.
    /// - Throws: `.masterKey` too if there is one: the keyring may be under it, so that it is none that
    ///   is new, and it must not be lost.
    func prepare() throws(VaultError) -> LockedMemory {
        guard try readNext() == nil else {
            throw .masterKey("its renewal has not ended, so there is no new key yet")
        }
        try directory.remove(next)
        var key = [UInt8](repeating: 0, count: MasterKey.byteCount)
        key.withUnsafeMutableBytes { Cryptography.fillRandomly($0) }
        defer { MasterKey.wipe(&key) }
        var text = Base64Text.encode(key) + [UInt8(ascii: "\n")]
        defer { MasterKey.wipe(&text) }
        try directory.create(next, text)
        try directory.syncNames()
        return try key.withUnsafeBytes {
            Result { [bytes = $0] () throws(VaultError) in try LockedMemory(copying: bytes) }
        }.get()
    }

    /// nil: there is none, or it is not whole and so was never used.
    func readNext() throws(VaultError) -> LockedMemory? {
        guard var bytes = try directory.read(next, bytesMax: Self.bytesMax) else { return nil }
        defer { MasterKey.wipe(&bytes) }
        guard var key = MasterKey.decode(bytes) else { return nil }
        defer { MasterKey.wipe(&key) }
        return try key.withUnsafeBytes {
            Result { [bytes = $0] () throws(VaultError) in try LockedMemory(copying: bytes) }
        }.get()
    }

    /// The keyring is under the next key: it takes its place, and the old one is overwritten. Does
    /// nothing if that is done.
    func finish(before step: ErasureStep.Hook) throws(VaultError) {
        try step(.renameMasterKey)
        if directory.exists(next) {
            try removeOld()
            do throws(VaultError) {
                try directory.link(name, to: old)
            } catch {
                // Where no file may have two names the old one cannot be found again after the
                // rename: it goes without being overwritten.
            }
            try directory.rename(next, to: name)
            try directory.syncNames()
        }
        try step(.overwriteMasterKey)
        try removeOld()
    }

    /// The keyring is under the key of this name: what a process that died left is taken away.
    func tidy() throws(VaultError) {
        if directory.exists(next) {
            try directory.overwrite(next)
            try directory.remove(next)
            try directory.syncNames()
        }
        try removeOld()
    }

    private func removeOld() throws(VaultError) {
        guard directory.exists(old) else { return }
        // Died between link and rename: then it is the key itself.
        if try !directory.areSame(old, name) {
            // The rename must be on disk before the old one goes.
            try directory.syncNames()
            try directory.overwrite(old)
        }
        try directory.remove(old)
        try directory.syncNames()
    }
}
