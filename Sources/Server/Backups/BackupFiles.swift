import AuditProof
import Crypto
import Export
import Glibc
import Store

/// Files of backups: copied, hashed, synced. All of it blocks.
enum BackupFiles {
    private static let chunkBytes = 1 << 20

    /// Copies a file and syncs the copy (0600), which must not exist.
    /// - Returns: bytes and SHA-256 of what was read.
    static func copy(
        _ source: String, to target: String, isCancelled: () -> Bool
    ) throws(BackupFailure) -> (bytes: UInt64, sha256: String) {
        let output = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard output >= 0 else { throw failure("make", target) }
        defer { close(output) }
        let result = try read(source, isCancelled) { bytes throws(BackupFailure) in
            try write(bytes, to: output, target)
        }
        guard fsync(output) == 0 else { throw failure("sync", target) }
        // So that who reads it next reads the disk, and what is read often stays in memory.
        _ = posix_fadvise(output, 0, 0, POSIX_FADV_DONTNEED)
        return result
    }

    static func hash(
        _ path: String, isCancelled: () -> Bool
    ) throws(BackupFailure) -> (bytes: UInt64, sha256: String) {
        try read(path, isCancelled) { _ in }
    }

    /// A small file, whole.
    static func contents(_ path: String, bytesMax: Int) throws(BackupFailure) -> [UInt8] {
        var contents: [UInt8] = []
        _ = try read(path, { false }) { bytes throws(BackupFailure) in
            guard contents.count + bytes.count <= bytesMax else {
                throw .damaged("\(path) is too large")
            }
            contents += bytes
        }
        return contents
    }

    /// A new file (0600), synced.
    static func create(_ path: String, _ bytes: [UInt8]) throws(BackupFailure) {
        let output = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard output >= 0 else { throw failure("make", path) }
        defer { close(output) }
        let failed = bytes.withUnsafeBytes { bytes -> BackupFailure? in
            do throws(BackupFailure) {
                try write(bytes, to: output, path)
                return nil
            } catch {
                return error
            }
        }
        if let failed { throw failed }
        guard fsync(output) == 0 else { throw failure("sync", path) }
    }

    static func makeDirectory(_ path: String) throws(BackupFailure) {
        guard mkdir(path, 0o700) == 0 else { throw failure("make", path) }
    }

    static func rename(_ source: String, to target: String) throws(BackupFailure) {
        guard Glibc.rename(source, target) == 0 else { throw failure("rename", source) }
    }

    static func sync(directory path: String) throws(BackupFailure) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", path) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("sync", path) }
    }

    enum Kind { case file, directory, other, missing }

    /// Follows no link.
    static func kind(_ path: String) -> Kind {
        var facts = stat()
        guard lstat(path, &facts) == 0 else { return .missing }
        switch facts.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFDIR: return .directory
        default: return .other
        }
    }

    /// Names in a directory, sorted.
    static func names(_ path: String) throws(BackupFailure) -> [String] {
        guard let directory = opendir(path) else { throw failure("read", path) }
        defer { closedir(directory) }
        return DirectoryNames.rest(of: directory).sorted()
    }

    /// Removes a directory with all that is in it; links are removed, not followed. What is gone
    /// already is no failure: the start and the schedule may remove the same backup at once.
    static func removeTree(_ path: String) throws(BackupFailure) {
        guard let directory = opendir(path) else {
            if errno == ENOENT { return }
            throw failure("read", path)
        }
        let names = DirectoryNames.rest(of: directory)
        closedir(directory)
        for name in names {
            let inner = "\(path)/\(name)"
            if kind(inner) == .directory {
                try removeTree(inner)
            } else if unlink(inner) != 0, errno != ENOENT {
                throw failure("remove", inner)
            }
        }
        guard rmdir(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    static func freeBytes(_ path: String) -> UInt64? {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else { return nil }
        return UInt64(facts.f_bavail) * UInt64(facts.f_frsize)
    }

    private static func read(
        _ path: String, _ isCancelled: () -> Bool,
        _ visit: (UnsafeRawBufferPointer) throws(BackupFailure) -> Void
    ) throws(BackupFailure) -> (bytes: UInt64, sha256: String) {
        let input = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard input >= 0 else { throw failure("open", path) }
        defer { close(input) }
        _ = posix_fadvise(input, 0, 0, POSIX_FADV_SEQUENTIAL)
        let chunk = UnsafeMutableRawBufferPointer.allocate(
            byteCount: chunkBytes, alignment: 4_096)
        defer { chunk.deallocate() }
        var hasher = SHA256()
        var total: UInt64 = 0
        while true {
            if isCancelled() { throw .cancelled }
            let count = Glibc.read(input, chunk.baseAddress, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { break }
            let bytes = UnsafeRawBufferPointer(rebasing: chunk[..<count])
            hasher.update(bufferPointer: bytes)
            total += UInt64(count)
            try visit(bytes)
        }
        return (total, HexText.text(hasher.finalize()))
    }

    private static func write(
        _ bytes: UnsafeRawBufferPointer, to output: Int32, _ path: String
    ) throws(BackupFailure) {
        var done = 0
        while done < bytes.count {
            let count = Glibc.write(
                output, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw failure("write", path) }
            done += count
        }
    }

    private static func failure(_ what: String, _ path: String) -> BackupFailure {
        let reason = errno
        if reason == ENOSPC || reason == EDQUOT || reason == EFBIG { return .diskFull }
        return .io("cannot \(what) \(path): \(String(cString: strerror(reason)))")
    }
}
